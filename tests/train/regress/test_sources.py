"""What the training is given of data sets: pictures that can be learnt from, also those that `skelvid upgrade` made."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from skelvid.errors import ConfigError
from skelvid.upgrade.run import Settings, find_jobs, upgrade
from skelvid.upgrade.sample import Sample
from skelvid.upgrade.shards import About, begin, finish, write_unit
from tests.train.regress.toy_people import GRID, TOY, body, names, toy_sample, write_toy
from train.body.smpl_data import write_pictures
from train.body.stand_in import on_vertices, write
from train.regress.crops import collate
from train.regress.losses import dof_errors_rad, loss_terms
from train.regress.module import Learning, Training
from train.regress.pictures import Picture, decoded, labelled
from train.regress.sources import Shards


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Toy pictures as a tar of 4D-Humans, upgraded."""
    folder, assets = tmp_path_factory.mktemp("upgraded"), body().assets
    n = len(assets.skin_template_m)
    stand_in = on_vertices(assets, np.arange(n)[:, None].repeat(3, 1), np.eye(3)[np.zeros(n, int)], assets.skin_faces)
    write(stand_in, folder / "smpl" / "SMPL_NEUTRAL.pkl")
    write_pictures((toy_sample(f"toy-{i}", i) for i in range(6)), folder / "tars" / "0.tar", body(), stand_in)
    jobs, _ = find_jobs([folder / "tars"])
    upgrade(jobs, Settings(models=folder, out=folder / "set", body="open-neutral"))
    return folder / "set"


def test_upgraded_pictures_show_the_people_that_are_in_them(upgraded: Path):
    shards = Shards(upgraded)
    assert len(shards) == 6
    batch = collate([shards[i] for i in range(6)], TOY.size_hw, GRID)
    truth = collate([_as_drawn(i) for i in range(6)], TOY.size_hw, GRID)
    anatomy = Training(TOY).anatomy
    off_deg = torch.rad2deg(dof_errors_rad(batch.params, truth.params, anatomy.pelvis).abs())
    assert off_deg[:, 3:].median() < 3.0  # SMPL's ball joints bend where a spine of two does not
    assert off_deg[:, :3].max() < 12.0
    assert (batch.trans_m[:, 2] / batch.focal_px).div(truth.trans_m[:, 2] / truth.focal_px).log().abs().max() < 0.1


def _as_drawn(seed: int) -> Picture:
    sample = toy_sample(f"toy-{seed}", seed)
    return labelled(decoded(sample.files["png"]), None, sample.labels, names(), body())


def test_regressor_learns_from_upgraded_pictures(upgraded: Path):
    torch.manual_seed(0)
    training = Training(TOY, Learning(blocks=-1))
    optimizer = torch.optim.Adam(training.parameters(), 3e-3)
    losses = []
    shards = Shards(upgraded)
    batch = collate([shards[i] for i in range(4)], TOY.size_hw, GRID)
    for _ in range(20):
        loss = torch.stack(list(loss_terms(training.anatomy, training(batch), batch).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-3:]) < 0.8 * losses[0]


def test_pictures_that_something_speaks_against_are_left_out(tmp_path: Path):
    begin(tmp_path, About("toy", {}, {"open-neutral": "0" * 64}, {"toy": "CC0"}))
    for unit, verdicts in (("good", (0, 0)), ("bad", (0, 1))):
        samples = [toy_sample(f"{unit}-{i}", i) for i in range(2)]
        said = [
            Sample(s.key, _bare(s) | {"verdict": v}, {"png": s.files["png"]})
            for s, v in zip(samples, verdicts, strict=True)
        ]
        write_unit(tmp_path, unit, said, notes={"flagged": {"residual": sum(verdicts)} if any(verdicts) else {}})
    for _ in range(2):  # while it is written, and when it is finished
        assert sorted(key for _, key, _ in Shards(tmp_path).places) == ["bad-0", "good-0", "good-1"]
        if (tmp_path / "units").is_dir():
            finish(tmp_path)


def _bare(sample: Sample):
    return {name: value for name, value in sample.labels.items() if not name.startswith("landmark")}


def test_sets_without_pictures_or_of_another_body_are_refused(tmp_path: Path):
    write_toy(tmp_path / "other", pictures=4)
    manifest = tmp_path / "other" / "manifest.json"
    changed = json.loads(manifest.read_text()) | {"bodies": {"official-male": "0" * 64}}
    manifest.write_text(json.dumps(changed))
    with pytest.raises(ConfigError, match="of the body official-male: upgrade it with --body open-neutral"):
        Shards(tmp_path / "other")
    begin(tmp_path / "motion", About("toy", {}, {"open-neutral": "0" * 64}, {"toy": "CC0"}))
    sequence = _bare(toy_sample("walk", 0)) | {"q": np.zeros((3, 46)), "trans_m": np.zeros((3, 3))}
    del sequence["box_xyxy"]
    write_unit(tmp_path / "motion", "walk", [Sample("walk", sequence)])
    finish(tmp_path / "motion")
    with pytest.raises(ConfigError, match="skelvid upgrade --npz"):
        Shards(tmp_path / "motion")
