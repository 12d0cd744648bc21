"""Into the picture and back, into the crop and back: nothing moves."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skelvid.datatypes.frames import Camera
from skelvid.geometry.boxes import apply_affine, crop_affine, cut, inverse_affine, iou
from skelvid.geometry.camera import project, unproject

CAMERAS = st.builds(
    Camera,
    st.floats(50.0, 1e4),
    st.tuples(st.floats(-500.0, 5000.0), st.floats(-500.0, 5000.0)),
    st.just((1080, 1920)),
)
POINTS_PX = arrays(float, (4, 2), elements=st.floats(-1e4, 1e4))
DEPTHS_M = arrays(float, 4, elements=st.floats(0.1, 100.0))
CORNERS = st.tuples(*[st.floats(-500.0, 5000.0)] * 2, *[st.floats(1.0, 3000.0)] * 2)
BOXES = CORNERS.map(lambda v: np.array([v[0], v[1], v[0] + v[2], v[1] + v[3]]))
SIZES = st.sampled_from([(256, 256), (256, 192), (192, 256), (640, 480)])


@given(CAMERAS, POINTS_PX, DEPTHS_M)
def test_project_undoes_unproject(camera, xy, depth_m):
    points = unproject(xy, depth_m, camera)
    np.testing.assert_allclose(points[:, 2], depth_m)
    np.testing.assert_allclose(project(points, camera), xy, rtol=1e-9, atol=1e-7)


@given(BOXES, SIZES, st.floats(0.0, 1.0), POINTS_PX)
def test_uncrop_undoes_crop(box, size_hw, share, xy):
    to_crop = crop_affine(box, size_hw, share=share)
    back = apply_affine(inverse_affine(to_crop), apply_affine(to_crop, xy))
    np.testing.assert_allclose(back, xy, rtol=1e-9, atol=1e-7)


@given(BOXES, SIZES, st.floats(0.0, 1.0))
def test_crop_holds_the_box_and_keeps_its_shape(box, size_hw, share):
    to_crop = crop_affine(box, size_hw, share=share)
    corners = apply_affine(to_crop, box.reshape(2, 2))
    assert (corners >= -1e-6).all()
    assert (corners <= np.array(size_hw[::-1]) + 1e-6).all()
    assert to_crop[0, 0] == to_crop[1, 1] > 0
    assert to_crop[0, 1] == to_crop[1, 0] == 0


@given(BOXES)
def test_cut_covers_the_box_within_the_image_and_no_more(box):
    pixels = cut(box, (1080, 1920))
    inside = np.array([*np.maximum(box[:2], 0), *np.minimum(box[2:], (1920, 1080))])
    assert (pixels is None) == bool((inside[:2] >= inside[2:]).any())
    if pixels is not None:
        rows, columns = pixels
        low, high = np.array([columns.start, rows.start]), np.array([columns.stop, rows.stop])
        assert ((low <= inside[:2]) & (inside[:2] < low + 1)).all()
        assert ((high >= inside[2:]) & (inside[2:] > high - 1)).all()


@given(BOXES, BOXES)
def test_iou_is_a_symmetric_share(a, b):
    one, other = iou(a[None], b[None]), iou(b[None], a[None])
    np.testing.assert_allclose(one, other)
    assert 0 <= one <= 1
    np.testing.assert_allclose(iou(a[None], a[None]), 1)
