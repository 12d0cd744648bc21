"""The lifter around its network: geometry there and back, mirror, live use, gaps, files."""

import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.spatial.transform import Rotation

from skelvid.body.dofs import DOF_INDEX, joint_dofs, mirror_index_and_sign
from skelvid.body.keypoints import BLAZEPOSE_33, COCO_17, HALPE_26, keypoint_points
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.frames import Camera
from skelvid.datatypes.people import Keypoints2D, KeypointTrack
from skelvid.datatypes.skel import SkelParams
from skelvid.errors import AssetError, VideoError, WeightsError
from skelvid.geometry.camera import project
from skelvid.motion.lift import FORMAT, Lifter, _flickers_filled, to_slots
from skelvid.motion.lift_input import MIRROR_SLOT, SLOTS, LiftInput, make_input
from skelvid.motion.lift_network import PLAIN_DOFS, Lifted, LiftNetwork

CAMERA = Camera(1000.0, (640.0, 360.0), (720, 1280))
RATE_HZ = 30.0
UP = np.array([0.05, -0.99, 0.12])


@pytest.fixture(scope="module")
def body() -> SkelBody:
    return load_body("neutral")


@pytest.fixture(scope="module")
def lifter(body: SkelBody) -> Lifter:
    torch.manual_seed(3)
    network = LiftNetwork(width=24, depth=2, heads=2)
    return Lifter(network, body, sigma_scale=torch.ones(46))


def make_params(frames: int) -> SkelParams:
    """A person 3.5 m away, upright in the picture, who squats and swings an arm."""
    time = np.arange(frames) / RATE_HZ
    q = np.zeros((frames, 46))
    q[:, 0:3] = (np.pi - 0.1, 0.03, 0.4)  # turned half over: the camera's y points down
    bend = 0.5 - 0.5 * np.cos(2 * time)
    for name, size in (("hip_flexion_r", 1.2), ("hip_flexion_l", 1.1), ("knee_angle_r", 1.4), ("knee_angle_l", 1.3),
                       ("ankle_angle_r", 0.3), ("hip_adduction_l", -0.2), ("shoulder_r_x", 1.0), ("shoulder_l_x", -1.2),
                       ("shoulder_l_z", 1.4), ("lumbar_extension", -0.3)):  # fmt: skip
        q[:, DOF_INDEX[name]] = size * bend
    trans = np.stack([0.1 * time, 0.05 * bend, 3.5 + 0.1 * time], 1)
    return SkelParams(q, np.full((1, 10), 0.3), trans)


def make_track(body: SkelBody, params: SkelParams, names: tuple[str, ...] = BLAZEPOSE_33) -> KeypointTrack:
    points = body.skin_points(params.to_torch(), keypoint_points(body, names)).numpy().astype(np.float64)
    xy = project(points, CAMERA)
    return KeypointTrack(4, np.arange(len(xy)) / RATE_HZ, Keypoints2D(xy, np.full(xy.shape[:-1], 0.9), names))


def without(track: KeypointTrack, rows: slice) -> KeypointTrack:
    xy, score = track.keypoints.xy.copy(), track.keypoints.score.copy()
    xy[rows], score[rows] = np.nan, 0.0
    return KeypointTrack(track.person_id, track.time_s, Keypoints2D(xy, score, track.keypoints.names))


class Oracle(LiftNetwork):
    """Says the truth about a clip of one window, in the terms of the network."""

    def __init__(self, body: SkelBody, params: SkelParams) -> None:
        super().__init__(width=24, depth=1, heads=2)
        self.params = params.to_torch()
        self.root = torch.as_tensor(body.skeleton(self.params).joint_rot[:, 0])
        rest = body.skeleton(SkelParams(*(torch.zeros(1, n) for n in (46, 10, 3)))).joint_rot[:, 0]
        self.root = self.root @ rest.mT

    def forward(self, window: LiftInput) -> Lifted:
        q = self.params.q
        arms = [_turned(q[:, list(joint_dofs(f"humerus_{side}"))]) for side in "rl"]
        view = window.view_rot[0]
        b, t = window.time_s.shape
        assert (b, t) == (1, len(q))
        return Lifted(
            torch.stack([view @ self.root, *arms], 1)[None],
            q[None, :, list(PLAIN_DOFS)],
            torch.zeros(1, t, 46),
            torch.zeros(1, t, 4),
            (view @ torch.as_tensor(UP).float())[None],
            self.params.betas,
        )


def _turned(angles: torch.Tensor) -> torch.Tensor:
    """Rotations about fixed x, y, z; SKEL's axes of the upper arms are the coordinate axes on both sides."""
    return torch.as_tensor(Rotation.from_euler("xyz", angles.numpy()).as_matrix()).float()


class TestGeometry:
    def test_what_the_network_knows_comes_back_as_a_motion_in_the_camera(self, body: SkelBody) -> None:
        params = make_params(40)
        lifter = Lifter(Oracle(body, params), body, sigma_scale=torch.ones(46), mirror=False)
        motion = lifter(make_track(body, params), CAMERA)
        true = body.skeleton(params.to_torch()).joints_m.numpy()
        found = body.skeleton(motion.params.to_torch()).joints_m.numpy()
        assert np.abs(found - true).max() < 1e-3  # float32, and the depth of a person is known to a part in 10^4
        assert np.abs(motion.params.q[:, 3:] - params.q[:, 3:]).max() < 1e-4
        assert motion.up is not None
        assert np.abs(motion.up - UP / np.linalg.norm(UP)).max() < 1e-5
        assert motion.person_id == 4
        assert motion.camera == CAMERA

    def test_a_wild_point_does_not_move_the_body(self, body: SkelBody) -> None:
        params = make_params(20)
        track = make_track(body, params)
        track.keypoints.xy[:, BLAZEPOSE_33.index("left_wrist")] += 300.0
        lifter = Lifter(Oracle(body, params), body, sigma_scale=torch.ones(46), mirror=False)
        motion = lifter(track, CAMERA)
        # The oracle's root is told in a virtual camera that the wrist does not steer: only the place could move.
        assert np.abs(motion.params.trans_m - params.trans_m).max() < 0.01

    def test_views_are_level_and_look_at_the_trunk(self) -> None:
        rays = torch.randn(2, 5, len(SLOTS), 2) * 0.1 + torch.tensor([0.3, -0.2])
        given = make_input(rays, torch.ones(2, 5, len(SLOTS)), torch.arange(5.0).expand(2, 5) / 30)
        assert torch.allclose(given.view_rot @ given.view_rot.mT, torch.eye(3), atol=1e-6)
        assert torch.allclose(torch.linalg.det(given.view_rot), torch.ones(2, 5), atol=1e-6)
        assert given.view_rot[..., 0, 1].abs().max() < 1e-7  # x of the virtual camera stays level

    def test_features_do_not_depend_on_how_large_the_person_appears(self) -> None:
        rays = torch.randn(1, 5, len(SLOTS), 2) * 0.02
        time = torch.arange(5.0)[None] / 30
        near, far = (make_input(rays * scale, torch.ones(1, 5, len(SLOTS)), time).features for scale in (1.0, 0.5))
        points = 2 * len(SLOTS)
        assert torch.allclose(near[..., :points], far[..., :points], atol=0.02)


class TestMirror:
    def test_slots_mirror_left_to_right(self) -> None:
        for slot, other in enumerate(MIRROR_SLOT):
            assert MIRROR_SLOT[other] == slot
            assert SLOTS[other] == SLOTS[slot].replace("left", "#").replace("right", "left").replace("#", "right")

    def test_a_mirrored_film_gives_the_mirrored_motion(self, body: SkelBody, lifter: Lifter) -> None:
        track = make_track(body, make_params(60))
        swapped = [BLAZEPOSE_33.index(SLOTS[MIRROR_SLOT[i]]) for i in range(33)]
        xy = track.keypoints.xy[:, swapped].copy()
        xy[..., 0] = CAMERA.size_hw[1] - xy[..., 0]
        flipped = KeypointTrack(4, track.time_s, Keypoints2D(xy, track.keypoints.score[:, swapped], BLAZEPOSE_33))
        one, two = lifter(track, CAMERA), lifter(flipped, CAMERA)
        index, sign = mirror_index_and_sign()
        back = np.abs(one.params.q[:, 3:] - (two.params.q[:, index] * sign)[:, 3:])
        assert np.minimum(back, 2 * np.pi - back).max() < 1e-3
        assert one.up is not None
        assert two.up is not None
        assert np.abs(one.up * [-1, 1, 1] - two.up).max() < 1e-4
        assert np.abs(one.params.trans_m * [-1, 1, 1] - two.params.trans_m).max() < 1e-3


class TestTime:
    def test_live_is_the_causal_film(self, body: SkelBody, lifter: Lifter) -> None:
        track = make_track(body, make_params(70))
        film = lifter(track, CAMERA, causal=True)
        for end in (1, 20, 70):
            past = KeypointTrack(4, track.time_s[:end], track.keypoints[:end])
            live = lifter.last(past, CAMERA)
            assert np.allclose(live.params.q[0, 3:], film.params.q[end - 1, 3:], atol=1e-4)
            assert np.allclose(live.params.trans_m[0], film.params.trans_m[end - 1], atol=1e-2)

    def test_every_frame_of_a_fast_film_is_lifted(self, body: SkelBody, lifter: Lifter) -> None:
        track = make_track(body, make_params(50))
        times = np.arange(200) / (4 * RATE_HZ)
        row = np.repeat(np.arange(50), 4)
        fast = KeypointTrack(4, times, track.keypoints[row])
        slow = lifter(track, CAMERA)
        motion = lifter(fast, CAMERA)
        assert motion.visible.all()
        assert np.abs(motion.params.q[::4, 3:] - slow.params.q[:, 3:]).max() < 0.05

    @pytest.mark.parametrize(("missing", "bridged"), [(10, True), (20, False)])
    def test_short_gaps_are_told_by_the_neighbours_and_long_ones_stay(
        self, body: SkelBody, lifter: Lifter, missing: int, bridged: bool
    ) -> None:
        gone = slice(20, 20 + missing)
        motion = lifter(without(make_track(body, make_params(60)), gone), CAMERA)
        assert motion.visible[gone].all() == bridged
        assert motion.visible[gone].any() == bridged
        assert motion.visible[:20].all()
        assert np.isfinite(motion.params.q).all()

    def test_nobody_at_either_end_is_a_gap_however_short(self, body: SkelBody, lifter: Lifter) -> None:
        motion = lifter(without(make_track(body, make_params(60)), slice(0, 3)), CAMERA)
        assert motion.visible.tolist() == [False] * 3 + [True] * 57

    def test_one_frame_is_enough(self, body: SkelBody, lifter: Lifter) -> None:
        assert lifter(make_track(body, make_params(1)), CAMERA).visible.tolist() == [True]

    def test_nobody_at_all_is_an_error(self, body: SkelBody, lifter: Lifter) -> None:
        with pytest.raises(VideoError, match="no frame"):
            lifter(without(make_track(body, make_params(5)), slice(None)), CAMERA)


def test_points_that_are_missing_for_a_moment_are_filled_in_a_line_and_others_are_not() -> None:
    time_s = np.arange(40) / RATE_HZ
    rays = torch.as_tensor(np.stack([time_s, 2 - time_s], 1))[:, None].repeat(1, 3, 1).float()
    score = torch.ones(40, 3)
    for point, gap in ((0, slice(10, 12)), (1, slice(10, 20)), (2, slice(0, 2))):
        rays[gap, point], score[gap, point] = 0.0, 0.0
    score[12:, 0] = 0.4
    filled, filled_score = _flickers_filled(rays, score, time_s)
    torch.testing.assert_close(filled[:, 0, 0], torch.as_tensor(time_s).float())
    torch.testing.assert_close(filled_score[9:13, 0], torch.tensor([1.0, 0.8, 0.6, 0.4]))
    assert torch.equal(filled[:, 1:], rays[:, 1:])
    assert torch.equal(filled_score[:, 1:], score[:, 1:])


class TestSources:
    @pytest.mark.parametrize("names", [COCO_17, HALPE_26, BLAZEPOSE_33])
    def test_every_set_finds_its_slots(self, body: SkelBody, names: tuple[str, ...]) -> None:
        _, score = to_slots(make_track(body, make_params(2), names).keypoints, CAMERA)
        assert (score > 0).sum(1).tolist() == [len(names)] * 2


class TestFile:
    def _write(self, path: object, change: Callable[[dict, dict], None]) -> None:
        network = LiftNetwork(width=24, depth=1, heads=2)
        state = dict(network.state_dict()) | {"sigma_scale": torch.ones(46)}
        about = {"format": FORMAT, "settings": json.dumps(network.settings)}
        change(state, about)
        save_file(state, str(path), metadata=about)

    def test_sound_weights_load(self, tmp_path: object) -> None:
        path = f"{tmp_path}/a.safetensors"
        self._write(path, lambda state, about: None)
        assert Lifter.load(path).network.settings["width"] == 24

    @pytest.mark.parametrize("change", [
        lambda state, about: about.update(format="other"),
        lambda state, about: state.pop("enter.bias"),
        lambda state, about: state.update(more=torch.ones(1)),
        lambda state, about: state.pop("sigma_scale"),
        lambda state, about: about.pop("settings"),
    ])  # fmt: skip
    def test_other_weights_are_refused(self, tmp_path: object, change: Callable[[dict, dict], None]) -> None:
        path = f"{tmp_path}/a.safetensors"
        self._write(path, change)
        with pytest.raises(WeightsError, match=r"a\.safetensors"):
            Lifter.load(path)

    def test_no_file_and_no_weights(self, tmp_path: object) -> None:
        with pytest.raises(AssetError, match="no weights"):
            Lifter.load(f"{tmp_path}/none.safetensors")
        path = f"{tmp_path}/b.safetensors"
        with open(path, "w") as file:
            file.write("nothing of the kind")
        with pytest.raises(WeightsError):
            Lifter.load(path)
