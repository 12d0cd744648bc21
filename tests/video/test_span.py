"""A part of a video: what lies in it, and how much that is."""

from fractions import Fraction

import pytest

from skelvid.datatypes.frames import VideoInfo
from skelvid.errors import ConfigError
from skelvid.video.span import Span


@pytest.mark.parametrize(("start_s", "end_s"), [(2.0, 1.0), (1.0, 1.0), (float("nan"), 1.0)])
def test_start_must_lie_before_the_end(start_s, end_s):
    with pytest.raises(ConfigError, match="the start must lie before the end"):
        Span(start_s, end_s)


def test_everything_by_default():
    assert -1e9 in Span()
    assert 1e9 in Span()
    assert Span().first_stamp(Fraction(1, 30)) is None
    assert not Span().is_over(1e9)


def test_last_digits_do_not_matter():
    assert 0.1 + 0.2 in Span(0.3, 0.4)
    assert 0.3 in Span(0.1 + 0.2)
    assert 0.3 not in Span(0.0, 0.1 + 0.2)
    assert Span(0.1 + 0.2).first_stamp(Fraction(1, 10)) == 3


@pytest.mark.parametrize(
    ("span", "count"),
    [
        (Span(), 300),
        (Span(2.0), 240),
        (Span(2.0, 3.0), 30),
        (Span(-5.0, 0.0), 0),
        (Span(99.0), 0),
        (Span(9.0, 99.0), 30),
    ],
)
def test_expected_frames(span, count):
    assert span.frames_of(VideoInfo((10, 10), 30.0, 300, 10.0)) == count
    assert span.frames_of(VideoInfo((10, 10), 30.0, 300)) == count
    assert span.frames_of(VideoInfo((10, 10), 30.0)) is None
