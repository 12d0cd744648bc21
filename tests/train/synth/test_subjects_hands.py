import numpy as np

from tests.train.synth.toy_people import toy_cast
from train.synth.subjects_hands import HANDS, draw_hand, shape_hand


def _bent(side: str, clench: float) -> tuple[np.ndarray, np.ndarray]:
    pack = toy_cast().common.pack
    points = pack.base.template_m.copy()
    return points, shape_hand(pack.base, points, pack.heads_m[0].astype(float), side, np.full(5, clench), 0.0)


def test_only_the_fingers_of_that_hand_move():
    points, bent = _bent("L", 1.0)
    moved = np.linalg.norm(bent - points, axis=1) > 1e-9
    base = toy_cast().common.pack.base
    column = [i for i, name in enumerate(base.bone_names) if name.endswith("L")]
    assert moved.any()
    assert not moved[base.bone_weight[:, column].sum(1) == 0].any()


def test_clenching_turns_fingers_to_the_palm():
    points, bent = _bent("R", 1.0)
    moved = np.linalg.norm(bent - points, axis=1) > 0.01
    assert (bent - points)[moved, 1].mean() < -0.005  # palms look down in the T-pose


def test_hands_of_both_sides_are_mirror_images():
    points, left = _bent("L", 0.7)
    _, right = _bent("R", 0.7)
    moved_l, moved_r = left - points, right - points
    low_l, low_r = moved_l[:, 1].min(), moved_r[:, 1].min()
    assert abs(low_l - low_r) < 2e-3


def test_drawn_hands_differ_and_stay_hands(rng):
    drawn = np.array([draw_hand(rng)[0] for _ in range(200)])
    assert drawn.min() >= 0
    assert drawn.max() <= 1.05
    assert drawn.std(axis=0).min() > 0.2
    assert set(HANDS) >= {"flat", "relaxed", "fist", "grip"}
