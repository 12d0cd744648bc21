"""The lifter's training: windows of motion, what cameras and keypoint networks make of them, losses, one whole step."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from skelvid.body.dofs import DOF_INDEX
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.skel import SkelParams
from skelvid.motion.lift import Lifter
from skelvid.motion.lift_input import SLOTS
from skelvid.motion.lift_network import PLAIN_DOFS, Lifted, LiftNetwork
from train.lift.cameras import draw_views
from train.lift.export import calibrate, export, load_run
from train.lift.fit import Trainer, measure, set_statistics, step_size, train
from train.lift.library import Library, draw_windows, load_library
from train.lift.losses import errors_rad, loss_terms
from train.lift.noise import SOURCES, observe, source_slots
from train.lift.scene import Scenes, Target, joint_rotation

KNEE = DOF_INDEX["knee_angle_r"]


@pytest.fixture(scope="module")
def body() -> SkelBody:
    return load_body("neutral")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A library of two squatting people, one to train on and one held out."""
    rows = []
    (tmp_path / "library" / "clips").mkdir(parents=True)
    for name, split in (("one", "train"), ("two", "val")):
        q = np.zeros((240, 46), np.float32)
        bend = 0.5 - 0.5 * np.cos(np.arange(240) / 20)
        for dof, size in (("hip_flexion_r", 1.4), ("hip_flexion_l", 1.4), ("knee_angle_r", 1.5), ("knee_angle_l", 1.5)):
            q[:, DOF_INDEX[dof]] = size * bend
        trans = np.stack([0 * bend, 0.95 - 0.3 * bend, 0 * bend], 1).astype(np.float32)
        file = f"clips/{name}.npz"
        np.savez(tmp_path / "library" / file, q=q, trans_m=trans, betas=np.zeros(10, np.float32))
        rows.append(
            {
                "name": name,
                "file": file,
                "split": split,
                "frames": 240,
                "seconds": 4.0,
                "fps": 60.0,
                "source": "somebody",
            }
        )
    (tmp_path / "library" / "index.json").write_text(json.dumps({"clips": rows}))
    return tmp_path / "library"


@pytest.fixture
def library(folder: Path) -> Library:
    return load_library([folder], split="train", shares=[1.0])


def no_offsets(source: str, names: tuple[str, ...]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return torch.zeros(len(names), 3), torch.zeros(len(names), 3), torch.zeros(len(names), dtype=torch.long)


def truth(target: Target) -> Lifted:
    return Lifted(
        target.ball_rot, target.q[..., PLAIN_DOFS], torch.zeros_like(target.q), 20 * target.contact - 10, target.up,
        target.betas,
    )  # fmt: skip


class TestWindows:
    def test_what_is_drawn_is_in_the_clip(self, library: Library) -> None:
        window = draw_windows(library, batch=64, frames=20, generator=torch.Generator().manual_seed(0), vary=False)
        knee = window.q[..., KNEE]
        assert knee.min() > -0.01
        assert knee.max() < 1.51
        assert (torch.diff(window.time_s, dim=1) > 0).all()

    def test_a_tilted_pelvis_leaves_thighs_and_chest_where_they_were(self, body: SkelBody, library: Library) -> None:
        one, two = (
            draw_windows(library, batch=1, frames=5, generator=torch.Generator().manual_seed(seed), vary=False)
            for seed in (1, 2)
        )
        turn = []
        for window in (one, two):
            turn.append(window.q[..., 0] + window.q[..., DOF_INDEX["hip_flexion_r"]] - window.q[..., KNEE] * 1.4 / 1.5)
            spine = sum(window.q[..., DOF_INDEX[d]] for d in ("lumbar_extension", "thorax_extension"))
            assert torch.allclose(window.q[..., 0] + spine, torch.zeros(1), atol=1e-5)
        assert torch.allclose(turn[0], torch.zeros(1), atol=1e-4)
        assert torch.allclose(turn[1], torch.zeros(1), atol=1e-4)

    def test_poses_are_bent_only_within_their_limits(self, library: Library) -> None:
        window = draw_windows(library, batch=64, frames=8, generator=torch.Generator().manual_seed(0), vary=True)
        assert window.q[..., KNEE].min() >= -0.27


class TestViews:
    def test_cameras_see_the_person_and_stand_where_phones_do(self) -> None:
        pelvis = torch.tensor([0.0, 0.95, 0.0]).expand(500, 4, 3)
        facing = torch.tensor([0.0, 0.0, 1.0]).expand(500, 3)
        views = draw_views(pelvis, facing, torch.Generator().manual_seed(0))
        assert torch.allclose(torch.linalg.det(views.rot), torch.ones(500, 4), atol=1e-5)
        there = torch.einsum("btij,btj->bti", views.rot, pelvis - views.position_m)
        assert (there[..., 2] > 1.0).all()
        assert (there[..., 2] < 10.0).all()
        assert (there[..., :2].abs() < 1.2 * there[..., 2:]).all()
        assert ((views.position_m[..., 1] >= 0.15) & (views.position_m[..., 1] <= 3.0)).all()
        upright = views.rot[..., 1, 1]
        assert (upright < 0).all()  # y points down in the picture
        in_front = (views.position_m[:, 0, 2] > 0).float().mean()
        assert 0.6 < in_front < 0.9


class TestNoise:
    def test_sources_fill_their_slots(self) -> None:
        assert {name: int(source_slots(name).sum()) for name in SOURCES} == {"mediapipe": 33, "coco": 17, "halpe": 26}

    def test_points_are_off_by_centimetres_and_scores_tell_part_of_it(self) -> None:
        g = torch.Generator().manual_seed(0)
        points = torch.randn(1, 1, len(SLOTS), 3, generator=g) * 0.3 + torch.tensor([0.0, 0.0, 3.0])
        points = points.expand(400, 30, -1, 3)
        time = torch.arange(30.0).expand(400, 30) / 30
        rays, score = observe(points, time, torch.ones(400, len(SLOTS), dtype=torch.bool), g)
        off = (rays - points[..., :2] / points[..., 2:]).norm(dim=-1) * points[..., 2]
        there = score > 0
        assert 0.012 < off[there].median() < 0.03
        assert 0.8 < there.float().mean() < 0.97
        assert -0.9 < np.corrcoef(off[there], score[there])[0, 1] < -0.1
        assert (score <= 1).all()

    def test_errors_are_slow(self) -> None:
        g = torch.Generator().manual_seed(0)
        points = torch.tensor([0.0, 0.0, 3.0]).expand(300, 30, len(SLOTS), 3)
        time = torch.arange(30.0).expand(300, 30) / 30
        rays, score = observe(points, time, torch.ones(300, len(SLOTS), dtype=torch.bool), g)
        both = (score[:, 1:] > 0.7) & (score[:, :-1] > 0.7)
        jump = torch.diff(rays, dim=1).norm(dim=-1)[both].median()
        assert jump < 0.5 * rays[:, 1:].norm(dim=-1)[both].median()


class TestScene:
    def test_the_truth_about_the_pelvis_is_that_of_the_body(self, body: SkelBody) -> None:
        q = torch.randn(5, 46) * 0.4
        rot = body.skeleton(SkelParams(q, torch.zeros(1, 10), torch.zeros(1, 3))).joint_rot
        rest = body.skeleton(SkelParams(torch.zeros(1, 46), torch.zeros(1, 10), torch.zeros(1, 3))).joint_rot
        frame = Scenes.pelvis_frame(body)
        turned = frame @ joint_rotation(q, "pelvis") @ frame.mT
        assert torch.allclose(turned, rot[:, 0] @ rest[:, 0].mT, atol=1e-5)

    def test_the_loss_of_the_truth_is_nothing(self, body: SkelBody, library: Library) -> None:
        scenes = Scenes(body, library, no_offsets, vary=True)
        _, target = scenes.draw(8, 16, torch.Generator().manual_seed(0))
        terms = loss_terms(body, truth(target), target)
        terms.pop("sigma")
        assert sum(float(v) for v in terms.values()) < 0.06  # the soft norms do not quite reach zero
        assert errors_rad(truth(target), target).abs().max() < 2e-3

    def test_an_error_of_ten_degrees_is_reported_as_such(self, body: SkelBody, library: Library) -> None:
        _, target = Scenes(body, library, no_offsets, vary=True).draw(4, 8, torch.Generator().manual_seed(0))
        tilted = target.q.clone()
        tilted[..., 0] += 0.1745
        tilted[..., KNEE] -= 0.1745
        frame = Scenes.pelvis_frame(body)
        step = frame @ joint_rotation(target.q, "pelvis").mT @ joint_rotation(tilted, "pelvis") @ frame.mT
        balls = target.ball_rot.clone()
        balls[:, :, 0] = balls[:, :, 0] @ step
        error = errors_rad(Lifted(balls, tilted[..., PLAIN_DOFS], **_rest(target)), target)
        assert torch.allclose(error[..., 0], torch.tensor(0.1745), atol=2e-3)
        assert torch.allclose(error[..., KNEE], torch.tensor(-0.1745), atol=1e-4)
        assert error[..., 1:3].abs().max() < 3e-3


def _rest(target: Target) -> dict[str, torch.Tensor]:
    return {"log_sigma": torch.zeros_like(target.q), "contact": target.contact, "up": target.up, "betas": target.betas}


class TestTraining:
    def test_the_step_size_rises_and_falls(self) -> None:
        assert step_size(0.0, peak=1.0) == 0.0
        assert step_size(0.02, peak=1.0) == pytest.approx(1.0)
        assert step_size(1.0, peak=1.0) == pytest.approx(0.02)

    def test_one_batch_can_be_learnt_by_heart(self, body: SkelBody, library: Library) -> None:
        torch.manual_seed(0)
        scenes = Scenes(body, library, no_offsets, vary=False)
        given, target = scenes.draw(4, 12, torch.Generator().manual_seed(0))
        network = LiftNetwork(width=48, depth=2, heads=2)
        set_statistics(network, library)
        optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
        losses = []
        for _ in range(120):
            loss = torch.stack(list(loss_terms(body, network(given), target).values())).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < 0.2 * losses[0]

    def test_a_training_goes_on_where_it_stopped_and_is_exported(
        self, body: SkelBody, folder: Path, library: Library, tmp_path: Path
    ) -> None:
        scenes = Scenes(body, library, no_offsets, vary=True)
        held_out = Scenes(body, load_library([folder], split="val", shares=[1.0]), no_offsets, vary=False)

        def fresh() -> Trainer:
            torch.manual_seed(0)
            return Trainer(LiftNetwork(width=24, depth=1, heads=2), tmp_path, peak=1e-3, seed=0)

        whole = fresh()
        straight = [whole.learn(scenes, batch=2, done=0.5)["loss"] for _ in range(4)]
        first = fresh()
        for _ in range(2):
            first.learn(scenes, batch=2, done=0.5)
        first.save()
        second = fresh()
        assert second.resume()
        again = [second.learn(scenes, batch=2, done=0.5)["loss"] for _ in range(2)]
        assert again == pytest.approx(straight[2:], rel=1e-4)
        train(second, scenes, held_out, minutes=second.spent_s / 60 + 1e-4, batch=2, every=1)
        network, saved = load_run(tmp_path)
        assert saved["step"] >= 5
        assert "legs_deg" in measure(network, held_out, batches=1)
        scale = calibrate(network, held_out, batches=1)
        export(network, scale, tmp_path / "lifter.safetensors", about={})
        assert Lifter.load(tmp_path / "lifter.safetensors").network.settings == network.settings
