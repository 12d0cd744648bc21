"""Items made ahead: the same, in order, with their errors, and no thread left behind."""

import threading
import time
from contextlib import closing

import pytest

from skelvid.video.ahead import Ahead


def threads():
    return [t for t in threading.enumerate() if t.name.startswith("ahead")]


@pytest.fixture
def counted():
    """An endless iterator, and what it has made so far."""
    made = []

    def count():
        while True:
            made.append(len(made))
            yield made[-1]

    return count(), made


def comes_to(made, count):
    """Wait for as many as are to be made ahead, then long enough for one more to show."""
    end_s = time.monotonic() + 30
    while len(made) < count:
        assert time.monotonic() < end_s
        time.sleep(0.01)
    time.sleep(0.1)
    return len(made) == count


@pytest.mark.parametrize("until", [None, lambda item: item == 40])
def test_same_items_in_order(until):
    with closing(Ahead(range(100), depth=3, until=until)) as items:
        assert list(items) == list(range(100))
        assert list(items) == []
    assert threads() == []


def test_nothing_is_nothing():
    with closing(Ahead([])) as items:
        assert list(items) == []


def test_error_comes_at_its_place():
    def broken():
        yield 1
        yield 2
        raise ValueError("no more")

    items = Ahead(broken())
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(ValueError, match="no more"):
        next(items)
    items.close()
    assert threads() == []


def test_runs_ahead_unasked_but_only_so_far(counted):
    items = Ahead(counted[0], depth=4)
    assert comes_to(counted[1], 4)
    assert next(items) == 0
    assert comes_to(counted[1], 5)
    items.close()
    assert threads() == []
    assert len(counted[1]) == 5


def test_beyond_a_point_only_what_is_asked_for(counted):
    with closing(Ahead(counted[0], depth=20, until=lambda item: item >= 6)) as items:
        assert comes_to(counted[1], 7)
        assert [next(items) for _ in range(9)] == list(range(9))
        assert comes_to(counted[1], 9)


def test_closing_closes_the_iterator(counted):
    items = Ahead(counted[0])
    items.close()
    with pytest.raises(StopIteration):
        next(counted[0])
