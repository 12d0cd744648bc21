"""A training learns one batch by heart, goes on where it was broken off, and ships what it has learnt."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from skelvid.errors import ConfigError
from skelvid.regress.output import POINTS
from skelvid.regress.regressor import load_weights
from tests.train.regress.test_pictures import picture
from tests.train.regress.toy_people import GRID, TOY, body, write_toy
from train.export import export, held_out, load_checkpoint, measure, shipped
from train.regress.average import Average
from train.regress.crops import Wobble, collate
from train.regress.data import Data, Endless, Mixture
from train.regress.features import Features, keep
from train.regress.fit import main
from train.regress.halfway import tokens_of
from train.regress.judge import summary
from train.regress.losses import Anatomy, loss_terms
from train.regress.module import Learning, Training
from train.regress.sources import Shards, Turn

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:lightning"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*"),
]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy(tmp_path_factory.mktemp("toy") / "set")


def test_one_batch_is_learnt_by_heart():
    torch.manual_seed(0)
    training = Training(TOY, Learning(peak=3e-3, blocks=-1))
    batch = collate([picture(i) for i in range(2)], TOY.size_hw, GRID)
    steps = 230
    optimizer = torch.optim.Adam([p for p in training.parameters() if p.requires_grad], 3e-3, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps, pct_start=0.1)
    for _ in range(steps):
        loss = torch.stack(list(loss_terms(training.anatomy, training(batch), batch).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(training.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    judged = training.eval().judged(batch)
    assert torch.rad2deg(judged.error_rad.abs()).mean() < 1.0
    assert judged.joints_mm.mean() < 2.0


def trainer(folder: Path, steps: int) -> lightning.Trainer:
    average = Average(keep=0.9)
    checkpoint = ModelCheckpoint(dirpath=folder, save_last=True, save_top_k=0, every_n_train_steps=2)
    return lightning.Trainer(
        max_steps=steps, max_epochs=1, accelerator="cpu", callbacks=[average, checkpoint], logger=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0, limit_val_batches=0,
        gradient_clip_val=1.0, accumulate_grad_batches=2,
    )  # fmt: skip


def fit(toy: Path, folder: Path, steps: int, resume: Path | None = None) -> dict[str, Any]:
    torch.manual_seed(1 if resume else 2)  # what is random after the start must not count
    data = Data(Mixture(shards={str(toy): 1.0}), batch=2, size_hw=TOY.size_hw, grid=GRID)
    training = Training(TOY, Learning(peak=1e-3, blocks=-1, warm=0.0))
    # The schedule is that of the whole training, however far it goes this time.
    run = trainer(folder, 4)
    if steps < 4:
        run.fit_loop.epoch_loop.max_steps = 4
        run.callbacks.append(_Stop(steps))  # pyright: ignore[reportAttributeAccessIssue]
    run.fit(training, data, ckpt_path=resume, weights_only=False)
    return torch.load(folder / "last.ckpt", weights_only=True)


class _Stop(lightning.Callback):
    def __init__(self, after: int) -> None:
        self.after = after

    def on_train_batch_end(self, trainer: lightning.Trainer, *args: Any, **kwargs: Any) -> None:
        if trainer.global_step >= self.after:
            trainer.should_stop = True


def test_a_training_that_was_broken_off_ends_as_if_it_had_not_been(toy: Path, tmp_path: Path):
    whole = fit(toy, tmp_path / "whole", 4)
    fit(toy, tmp_path / "part", 2)
    again = fit(toy, tmp_path / "again", 4, resume=tmp_path / "part" / "last.ckpt")
    assert whole["global_step"] == again["global_step"] == 4
    for name, value in whole["state_dict"].items():
        torch.testing.assert_close(again["state_dict"][name], value, rtol=0, atol=0)
    for name, value in whole["averaged"].items():
        torch.testing.assert_close(again["averaged"][name], value, rtol=0, atol=0)


def test_configured_training_runs_and_its_file_ships_what_it_measured(toy: Path, tmp_path: Path):
    config = tmp_path / "toy.yaml"
    config.write_text(f"""
model:
  design: {{backbone: vit_tiny_patch16_224, size_hw: [64, 48], layers: [0, 1], options: {{embed_dim: 32, num_heads: 2}},
           decoder: {{width: 48, heads: 4, mixing: 1, depth: 1}}}}
  learning: {{blocks: 1}}
data: {{mixture: {{shards: {{"{toy}": 1.0}}}}, batch: 3, size_hw: [64, 48], grid: [4, 3], val: "{toy}"}}
trainer: {{logger: false, callbacks: [{{class_path: train.regress.average.Average}}], fast_dev_run: 2,
          accelerator: cpu}}
""")
    base = Path(__file__).parents[3] / "configs" / "train" / "base.yaml"
    cli = main(["fit", "--config", str(base), "--config", str(config)])
    assert cli.trainer.global_step == 2
    assert float(cli.trainer.callback_metrics["val/pa_mpjpe_mm"]) > 0
    cli.trainer.save_checkpoint(tmp_path / "c.ckpt")
    network, _ = load_checkpoint(tmp_path / "c.ckpt")
    final, anatomy = shipped(network), Anatomy.of(body())
    judged = measure(final, held_out(toy, final, most=12), anatomy)
    export(final, judged, tmp_path / "r.safetensors", about={"steps": "2"})
    read = load_weights(tmp_path / "r.safetensors")
    assert summary(measure(read.network, held_out(toy, read.network, most=12), anatomy)) == summary(judged)
    inside = (judged.error_rad.abs() <= judged.sigma_rad * read.sigma_scale).float().mean()
    assert 0.6 < float(inside) < 0.8
    assert len(read.point_sigma_scale) == len(POINTS)


def test_average_is_the_mean_at_first_and_is_what_is_measured():
    training = Training(TOY, Learning(blocks=-1))
    average, weight = Average(keep=0.999), training.network.decoder.queries

    class Clock:
        global_step = 0

    clock: Any = Clock()
    average.on_train_start(clock, training)
    first = weight.detach().clone()
    for step in (1, 2):
        clock.global_step = step
        weight.data += 1.0
        average.on_train_batch_end(clock, training, None, None, 0)
        average.on_train_batch_end(clock, training, None, None, 1)  # of an accumulated step: counts once
    keeps = [2 / 11, 3 / 12]
    want = keeps[1] * (keeps[0] * first + (1 - keeps[0]) * (first + 1)) + (1 - keeps[1]) * (first + 2)
    average.on_validation_start(clock, training)
    torch.testing.assert_close(weight.detach(), want)
    average.on_validation_end(clock, training)
    torch.testing.assert_close(weight.detach(), first + 2)


def test_batches_depend_on_their_number_alone():
    def make(rng: np.random.Generator, turn: Turn) -> Any:
        return float(rng.random()), turn.worker, turn.number

    whole: Any = Endless(make, seed=3)
    part = Endless(make, seed=3, start=2)
    first = [value for value, _ in zip(iter(whole), range(5), strict=False)]
    assert [value for value, _ in zip(iter(part), range(3), strict=False)] == first[2:]
    ranks: list[Any] = [next(iter(Endless(make, seed=3, rank=r, ranks=2))) for r in range(2)]
    assert [r[0] for r in ranks] == [first[0][0], first[1][0]]
    assert [r[1] for r in ranks] == [0, 1]


def test_kept_features_are_what_the_backbone_says(toy: Path, tmp_path: Path):
    shards = Shards(toy)
    batch = collate([shards[5], shards[0]], TOY.size_hw, GRID)
    design = replace(TOY, layers=(0, 2))
    backbone = design.network().backbone.eval()
    with torch.inference_mode():
        want = backbone(batch.images)
    for learn in range(3):
        keep(shards, design, tmp_path / f"learn{learn}", times=1, learn=learn, varied=False)
        kept = Features(tmp_path / f"learn{learn}")[np.array([5, 0])]
        with torch.inference_mode():
            found = tokens_of(backbone, kept)
        assert (found - want).norm() / want.norm() < 0.02  # 16 bits
        torch.testing.assert_close(kept.points_px, batch.points_px)
        Training(design, Learning(blocks=learn))(kept)
        with pytest.raises(ConfigError, match="more blocks are to learn"):
            Training(design, Learning(blocks=learn + 1))(kept)
    keep(shards, TOY, tmp_path / "varied", times=2)
    one, two = (Features(tmp_path / "varied")[np.array([row])] for row in (0, 12))
    assert not torch.equal(one.image_to_crop, two.image_to_crop)
    assert Wobble().turn_deg > 0
