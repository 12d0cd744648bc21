"""An iterator goes in; the same items come out, made ahead by a thread of their own."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_END, _PAUSE = object(), object()


class Ahead(Generic[T]):
    """The items of an iterator in their order, of which up to `depth` are made before they are asked for.

    What the iterator raises is raised at its place.

    Args:
        items: What to iterate; closed with this if it can be.
        depth: How many to make ahead.
        until: Nothing is made ahead of being asked for after the first item for which this is true.
    """

    def __init__(self, items: Iterable[T], *, depth: int = 4, until: Callable[[T], bool] | None = None) -> None:
        self._iterator, self._until, self._paused = iter(items), until, False
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._coming = deque(self._pool.submit(self._make) for _ in range(depth))

    def _make(self) -> Any:
        if self._paused:
            return _PAUSE
        item: Any = next(self._iterator, _END)
        self._paused = item is _END or (self._until is not None and self._until(item))
        return item

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        while self._coming:
            item = self._coming.popleft().result()
            if item is not _PAUSE and item is not _END:
                if not self._paused:
                    self._coming.append(self._pool.submit(self._make))
                return item
        return next(self._iterator)

    def close(self) -> None:
        """End the thread after the item at hand."""
        self._coming.clear()
        self._pool.shutdown(cancel_futures=True)
        close = getattr(self._iterator, "close", None)
        if close:
            close()
