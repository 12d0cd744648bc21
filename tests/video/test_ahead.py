"""Items made ahead: the same, in order, with their errors, and no thread left behind."""

import threading
import time

import pytest

from skelvid.video.ahead import ahead


def threads():
    return [t for t in threading.enumerate() if t.name.startswith("ahead")]


def test_same_items_in_order():
    assert list(ahead(range(100), depth=3)) == list(range(100))
    assert threads() == []


def test_nothing_is_nothing():
    assert list(ahead([])) == []


def test_error_comes_at_its_place():
    def broken():
        yield 1
        yield 2
        raise ValueError("no more")

    items = ahead(broken())
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(ValueError, match="no more"):
        next(items)
    assert threads() == []


def test_runs_ahead_but_only_so_far():
    made = []

    def counting():
        for i in range(50):
            made.append(i)
            yield i

    items = ahead(counting(), depth=4)
    assert next(items) == 0
    time.sleep(0.3)
    assert 4 <= len(made) <= 7
    items.close()
    assert threads() == []
    assert len(made) < 10
