"""An iterator goes in; the same items come out, made a few ahead by a thread of their own."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
_END = object()


def ahead(items: Iterable[T], *, depth: int = 4) -> Generator[T]:
    """Yield the items in their order, while up to `depth` of the next are made: decoding needs no Python lock.

    What the iterator raises is raised here, at its place. Closing the generator ends the thread after the item at hand.
    """
    iterator = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        coming = deque(pool.submit(next, iterator, _END) for _ in range(depth))
        try:
            while (item := coming.popleft().result()) is not _END:
                coming.append(pool.submit(next, iterator, _END))
                yield item  # pyright: ignore[reportReturnType]  # the end is no item
        finally:
            for future in coming:
                future.cancel()
