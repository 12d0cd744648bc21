"""The small film of a page, against the overlay it was cut from."""

import io

import numpy as np
import pytest
from PIL import Image

from skelvid.report import film as film_module
from skelvid.report.film import KEY_FRAMES, make_film
from skelvid.video.source import open_video
from skelvid.video.writer import VideoWriter

SIZE_HW = (360, 800)
TIMES_S = (0.0, 0.04, 0.1, 0.14, 0.2, 0.3, 0.34, 0.41)


@pytest.fixture
def overlay(tmp_path):
    """Return a film that gets brighter, with something blue to its right."""
    path = tmp_path / "overlay.mp4"
    with VideoWriter(path, threads=1) as film:
        for number, time_s in enumerate(TIMES_S):
            picture = np.full((SIZE_HW[0], SIZE_HW[1] + 200, 3), 30 + 25 * number, np.uint8)
            picture[:, SIZE_HW[1] :] = (0, 0, 255)
            film.write(picture, time_s)
    return path


def test_film_is_small_without_the_curves_and_keeps_its_times(overlay, tmp_path):
    made = make_film(overlay, SIZE_HW, TIMES_S[-1])
    assert made.mp4 is not None
    (tmp_path / "film.mp4").write_bytes(made.mp4)
    frames = list(open_video(tmp_path / "film.mp4"))
    assert [frame.time_s for frame in frames] == pytest.approx(TIMES_S)
    assert max(frames[0].size_hw) == film_module._SIDE_PX
    assert frames[0].size_hw[1] / frames[0].size_hw[0] == pytest.approx(SIZE_HW[1] / SIZE_HW[0], rel=0.01)
    for number, frame in enumerate(frames):
        # Shrinking mixes the last columns with their neighbours.
        np.testing.assert_allclose(frame.image[:, :-24], 30 + 25 * number, atol=6)


def test_key_frames_are_spread_over_the_film(overlay):
    keys = make_film(overlay, SIZE_HW, TIMES_S[-1]).key_frames
    assert len(keys) == KEY_FRAMES
    for (time_s, jpeg), wanted_s in zip(keys, (np.arange(KEY_FRAMES) + 0.5) * TIMES_S[-1] / KEY_FRAMES, strict=True):
        assert time_s == pytest.approx(min(t for t in TIMES_S if t >= wanted_s - 1e-6))
        grey = np.asarray(Image.open(io.BytesIO(jpeg))).mean()
        assert grey == pytest.approx(30 + 25 * TIMES_S.index(pytest.approx(time_s)), abs=6)


def test_a_long_film_gives_its_key_frames_only(overlay, monkeypatch):
    short = make_film(overlay, SIZE_HW, TIMES_S[-1])
    monkeypatch.setattr(film_module, "MAX_S", 0.3)
    long = make_film(overlay, SIZE_HW, TIMES_S[-1])
    assert long.mp4 is None
    assert long.key_frames == short.key_frames
