import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from train.body import build, motions
from train.body.source import Rig

CAPTURE = (
    "root", "lowerback", "upperback", "thorax", "lowerneck", "upperneck", "head",
    *(f"{s}_{n}" for s in "lr" for n in ("hip", "knee", "ankle", "toe_base", "shoulder", "elbow", "hand")),
)  # fmt: skip
LIMBS = (
    "pelvis", "upperleg01", "lowerleg01", "foot", "toe2-1",
    "clavicle", "upperarm01", "lowerarm01", "lowerarm02", "wrist",
)  # fmt: skip


@pytest.fixture
def rig():
    names = [*motions.AXIAL, *(f"{n}.{s}" for s in "LR" for n in LIMBS)]
    axial = len(motions.AXIAL)
    parents = [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8]
    for side in range(2):
        first = axial + side * len(LIMBS)
        parents += [0, first, first + 1, first + 2, first + 3, 5, first + 5, first + 6, first + 7, first + 8]
    none = np.zeros(len(names), int)
    return Rig(none, np.zeros((0, 3), int), tuple(names), tuple(parents), np.eye(len(names)), none)


def capture_of(turns):
    frames = np.tile(np.eye(3), (1, len(CAPTURE), 1, 1))
    for name, rotvec in turns.items():
        frames[0, CAPTURE.index(name)] = Rotation.from_rotvec(rotvec).as_matrix()
    return frames


def test_closing_the_legs_of_the_capture_is_the_t_pose(rig):
    close = {f"{s}_{n}": (0, 0, -sign * motions.LEG_SPREAD_RAD) for s, sign in (("l", 1), ("r", -1))
             for n in ("hip", "knee", "ankle", "toe_base")}  # fmt: skip
    out = motions.retarget(rig, CAPTURE, capture_of(close))
    np.testing.assert_allclose(out, np.tile(np.eye(3), (*out.shape[:2], 1, 1)), atol=1e-9)


def test_trunk_bends_all_along(rig):
    bend = np.array([0.8, 0.0, 0.0])
    out = motions.retarget(rig, CAPTURE, capture_of({n: bend for n in ("thorax", "lowerneck", "upperneck", "head")}))
    angles = [Rotation.from_matrix(out[0, rig.bone(n)]).magnitude() for n in ("spine05", "spine03", "spine01", "head")]
    np.testing.assert_allclose(angles, [0.08, 0.48, 0.8, 0.8], atol=1e-9)


def test_forearm_shares_the_twist_of_the_hand(rig):
    out = motions.retarget(rig, CAPTURE, capture_of({"l_hand": (0.6, 0, 0)}))
    turns = [
        Rotation.from_matrix(out[0, rig.bone(f"{n}.L")]).as_rotvec()[0] for n in ("lowerarm01", "lowerarm02", "wrist")
    ]
    np.testing.assert_allclose(turns, [0.15, 0.48, 0.6], atol=1e-9)


def test_held_out_clips_are_kept_apart(tmp_path):
    def turned(angle):
        quaternion = Rotation.from_rotvec([0, 0, angle]).as_quat()
        frames = np.tile([0, 0, 0, 1.0], (3, 2, 1))
        frames[:, 1] = quaternion
        return np.round(frames * 32767).astype(np.int16)

    path = tmp_path / "capture.npz"
    names = np.array(["root", "hip"])
    np.savez(path, names=names, walk_1__quat_xyzw=turned(0.5), walk_1_test__quat_xyzw=turned(1.5))
    np.savez(tmp_path / "markers.npz", names=np.array(["a"]), walk__joints_mm=np.zeros((1, 1, 3)))
    files = build.motion_files(tmp_path)
    assert files == [path]
    for held_out, angle in ((False, 0.5), (True, 1.5)):
        found, rotations = motions.load_rotations(files, held_out=held_out, count=2, seed=0)
        assert found == ("root", "hip")
        np.testing.assert_allclose(Rotation.from_matrix(rotations[:, 1]).magnitude(), angle, atol=1e-3)


def test_capture_limits_hold_axis_by_axis():
    rng = np.random.default_rng(2)
    base, wild = (Rotation.random(30, rng=rng).as_matrix() for _ in range(2))
    kept = motions._limited(base, wild, (40.0, 0.0, 20.0))
    turn = np.rad2deg(Rotation.from_matrix(np.swapaxes(base, 1, 2) @ kept).as_rotvec())
    assert (np.abs(turn) <= np.array([40, 0, 20]) + 1e-6).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_elbows_become_hinges_that_bend_to_the_front(sign):
    rng = np.random.default_rng(3)
    base, wild = (Rotation.random(30, rng=rng).as_matrix() for _ in range(2))
    along = np.array([sign, 0.0, 0.0])
    upper, fore = motions._hinged(base, wild, along)
    np.testing.assert_allclose(upper @ along, base @ along, atol=1e-9)
    np.testing.assert_allclose(fore @ along, wild @ along, atol=1e-9)
    bend = Rotation.from_matrix(np.swapaxes(upper, 1, 2) @ fore).as_rotvec()
    bent = np.linalg.norm(np.cross(base @ along, wild @ along), axis=1) > motions.STRAIGHT_ELBOW_SINE
    np.testing.assert_allclose(bend[bent][:, [0, 2]], 0, atol=1e-6)
    # From along x to z, the front.
    assert (bend[bent, 1] * sign < 0).all()
