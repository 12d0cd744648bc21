import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from skelvid.datatypes.frames import Frame
from skelvid.video.scene import SceneWatch, background_shift, thumbnail


@pytest.fixture
def wall(rng):
    """A wide textured wall, brightness 60 to 180."""
    soft = gaussian_filter(rng.normal(size=(240, 640)), 3)
    return np.interp(soft, (soft.min(), soft.max()), (60, 180)).astype(np.uint8)


def film(wall, places, *, walker=False):
    """Views of the wall, 180 by 320, one every 0.25 s, at (right, down); a walker is a bright block that crosses."""
    for number, (right, down) in enumerate(places):
        image = np.repeat(wall[down : down + 180, right : right + 320, None], 3, axis=2)
        if walker:
            image[40:170, number * 6 : number * 6 + 60] = 230
        yield Frame(np.ascontiguousarray(image), number, number / 4)


def watch(frames):
    scene = SceneWatch()
    for frame in frames:
        scene.look(frame)
    return scene.scene()


def test_shift_is_told_to_the_pixel_of_the_thumbnail(wall):
    first, second = (thumbnail(f) for f in film(wall, [(100, 20), (92, 30)]))
    assert first.shape == (90, 160)
    assert background_shift(first, second) == pytest.approx((4 / 160, -5 / 160))


def test_still_camera_and_somebody_who_walks_by(wall):
    scene = watch(film(wall, [(100, 20)] * 40, walker=True))
    assert not scene.moving
    assert scene.luma == pytest.approx(np.full(40, scene.luma.mean()), abs=3)


@pytest.mark.parametrize("px_per_look", [1, 2, 8])
def test_turning_camera(wall, px_per_look):
    assert watch(film(wall, [(10 + px_per_look * i, 20) for i in range(38)])).moving


def test_shaking_camera(wall, rng):
    assert watch(film(wall, rng.integers(20, 40, (40, 2)).tolist())).moving


def test_light_is_told(wall):
    assert watch(film(wall // 8, [(0, 0)])).luma[0] == pytest.approx(wall[:180, :320].mean() / 8, abs=1)


def test_frames_between_looks_cost_nothing(wall):
    frames = [Frame(f.image, i, i / 100) for i, f in enumerate(film(wall, [(0, 0)] * 60))]
    assert watch(frames).time_s.tolist() == [0.0, 0.25, 0.5]


@pytest.mark.parametrize("image", [np.zeros((90, 160, 3), np.uint8), np.full((1, 1, 3), 9, np.uint8)])
def test_nothing_to_see_is_not_a_moving_camera(image):
    scene = watch([Frame(image, i, float(i)) for i in range(5)])
    assert np.isnan(scene.shift).all()
    assert not scene.moving


def test_no_frames():
    assert not watch([]).moving
