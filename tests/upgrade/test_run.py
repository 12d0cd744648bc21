# pyright: reportOperatorIssue=false
import hashlib
import os
import pickle
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch

from skelvid.body.load import load_body
from skelvid.datatypes.skel import SkelParams
from skelvid.errors import AssetError, ConfigError
from skelvid.upgrade.fit_clip import UpgradeOptions
from skelvid.upgrade.library import write_library
from skelvid.upgrade.run import Settings, do_job, find_jobs, upgrade
from skelvid.upgrade.shards import check_dataset, read_manifest, read_samples
from tests.upgrade import smpl_files
from tests.upgrade.smpl_files import FRAMES, make_models
from train.lift.library import load_library


@pytest.fixture
def world(tmp_path, toy_assets):
    """Three motions, and a model and body for them."""
    make_models(tmp_path, toy_assets)
    for seed, name in enumerate(("walk", "kick", "bow")):
        smpl_files.plain(tmp_path / "in" / f"{name}.npz", seed=seed, frames=FRAMES + 8 * seed)
    return tmp_path


@pytest.fixture
def settings(world):
    return Settings(models=world, out=world / "out", body=str(world / "body.npz"))


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*"))}


def test_motions_become_a_sound_data_set(world, settings):
    jobs, broken = find_jobs([world / "in"])
    outcomes = upgrade(jobs, settings)
    assert not broken
    assert all(outcome.problem is None for outcome in outcomes)
    assert all(finding.ok for finding in check_dataset(settings.out))
    samples = {sample.key: sample for sample in read_samples(settings.out)}
    assert list(samples) == ["in-bow", "in-kick", "in-walk"]
    bow = samples["in-bow"]
    assert bow.frames == FRAMES + 16
    assert str(bow.labels["identity"]) == "person2"
    assert str(bow.labels["source"]) == "SMPL"
    assert read_manifest(settings.out)["units"]["in-bow"]["residual_mm"] == pytest.approx(
        float(bow.labels["residual_mm"].mean()), abs=0.01
    )
    body = load_body(world / "body.npz")
    params = SkelParams(*(bow.labels[name] for name in ("q", "betas", "trans_m"))).to_torch()
    walked = body.skeleton(replace(params, betas=params.betas[None])).joints_m[:, 0]
    np.testing.assert_allclose(walked[-1] - walked[0], [1.0, 0.0, 0.5], atol=0.15)


def test_run_that_was_cut_off_goes_on_to_the_same_bytes(world, settings):
    jobs, _ = find_jobs([world / "in"])
    upgrade(jobs, settings)
    whole = digests(settings.out)
    other = replace(settings, out=world / "other")

    def dies_at_walk(job, where):
        if job.unit == "in-walk":
            raise KeyboardInterrupt
        return do_job(job, where)

    with pytest.raises(KeyboardInterrupt):
        upgrade(jobs, other, work=dies_at_walk)
    skipped = []
    outcomes = upgrade(jobs, other, skip=skipped.append)
    assert skipped == ["in-bow", "in-kick"]
    assert [outcome.unit for outcome in outcomes] == ["in-walk"]
    assert digests(other.out) == whole


def test_damaged_files_are_told_and_left_out(world, settings):
    (world / "in" / "broken.npz").write_bytes(b"PK no more")
    smpl_files.plain(world / "in" / "nan.npz", seed=7, poses=np.full((FRAMES, 72), np.nan))
    jobs, broken = find_jobs([world / "in"])
    outcomes = upgrade(jobs, settings)
    assert "broken.npz" in broken[0].problem
    assert [o.unit for o in outcomes if o.problem] == ["in-nan"]
    assert "rotations are not finite" in outcomes[2].problem
    assert read_manifest(settings.out)["samples"] == 3


def test_pictures_give_a_sample_each(world, settings):
    smpl_files.hmr(world / "tars" / "0.tar")
    jobs, _ = find_jobs([world / "tars"])
    upgrade(jobs, settings)
    samples = list(read_samples(settings.out))
    assert [sample.key for sample in samples] == [f"tars-0-000000-{i:06d}" for i in range(3)]
    assert all(sample.files["jpg"][:2] == b"\xff\xd8" for sample in samples)
    assert [int(sample.labels["verdict"]) & 8 for sample in samples] == [0, 8, 8]
    assert ["trans_m" in sample.labels for sample in samples] == [True, False, True]
    seen = samples[0].labels
    assert seen["size_hw"].tolist() == [30, 40]
    assert (seen["focal_px"], *seen["center_px"]) == (28.0, 20.0, 15.0)
    assert seen["trans_m"][2] > 1.0


def test_other_settings_in_the_same_folder_are_refused(world, settings):
    jobs, _ = find_jobs([world / "in"])
    upgrade(jobs, settings)
    with pytest.raises(ConfigError, match="another recipe"):
        upgrade(jobs, replace(settings, options=UpgradeOptions(fixed_root=True)))


def test_manifest_tells_the_model_and_another_in_its_place_is_refused(world, settings):
    jobs, _ = find_jobs([world / "in"])
    upgrade(jobs[:1], settings)
    model = world / "smpl" / "SMPL_NEUTRAL.pkl"
    manifest = read_manifest(settings.out)
    assert manifest["models"] == {"smpl-neutral": hashlib.sha256(model.read_bytes()).hexdigest()}
    assert list(manifest["bodies"].values()) == [hashlib.sha256((world / "body.npz").read_bytes()).hexdigest()]
    data = pickle.loads(model.read_bytes())
    data["v_template"] = 1.001 * data["v_template"]
    model.write_bytes(pickle.dumps(data, protocol=2))
    before = digests(settings.out)
    with pytest.raises(ConfigError, match="another file of an SMPL model: choose another folder"):
        upgrade(jobs, settings)
    assert digests(settings.out) == before


def test_missing_model_is_told_before_anything_is_written(world, settings):
    smpl_files.amass(world / "in" / "amass.npz")
    jobs, _ = find_jobs([world / "in"])
    with pytest.raises(AssetError, match="no smplh model for female bodies"):
        upgrade(jobs, settings)
    assert not settings.out.exists()


def test_two_sequences_of_one_name_are_refused(world):
    smpl_files.plain(world / "more" / "in" / "walk.npz")
    with pytest.raises(ConfigError, match="sequences of one name, in-walk"):
        find_jobs([world / "in", world / "more"])
    with pytest.raises(ConfigError, match="no SMPL motion at"):
        find_jobs([world / "nowhere"])


def test_good_runs_become_a_library_that_training_reads(world, settings, monkeypatch):
    jobs, _ = find_jobs([world / "in"])
    upgrade(jobs, replace(settings, options=UpgradeOptions(max_residual_mm=1000.0, max_beyond_limits_deg=1000.0)))
    clips, frames = write_library(settings.out, world / "library")
    assert (clips, frames) == (2, 2 * FRAMES + 24)  # the shortest is too short
    with pytest.raises(ConfigError, match="upgrade it with --body open-neutral"):
        load_library([world / "library"], split="train", shares=[1.0])
    monkeypatch.setattr("train.lift.library._BODIES", (settings.body,))
    parts = [load_library([world / "library"], split=split, shares=[1.0]) for split in ("train", "val")]
    assert sum(int(part.frames.sum()) for part in parts) == frames
    assert all(torch.isfinite(part.q).all() for part in parts)


def kill_once(job, settings):
    """Kill the process that does this job for the first time."""
    mark = settings.out.parent / "killed"
    if job.unit == "in-kick" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return do_job(job, settings)


@pytest.mark.slow
def test_worker_of_this_machine_that_is_killed_changes_nothing(world, settings):
    jobs, _ = find_jobs([world / "in"])
    upgrade(jobs, settings)
    other = replace(settings, out=world / "other")
    outcomes = upgrade(jobs, other, workers=2, work=kill_once)
    assert (world / "killed").exists()
    assert sorted(outcome.unit for outcome in outcomes) == ["in-bow", "in-kick", "in-walk"]
    assert digests(other.out) == digests(settings.out)


@pytest.mark.slow
def test_worker_of_a_ray_cluster_that_is_killed_changes_nothing(world, settings):
    pytest.importorskip("ray", reason="the extra skelvid[ray] is not installed")
    jobs, _ = find_jobs([world / "in"])
    upgrade(jobs, settings)
    other = replace(settings, out=world / "other")
    outcomes = upgrade(jobs, other, engine="ray", work=kill_once)
    assert (world / "killed").exists()
    assert sorted(outcome.unit for outcome in outcomes) == ["in-bow", "in-kick", "in-walk"]
    assert digests(other.out) == digests(settings.out)
