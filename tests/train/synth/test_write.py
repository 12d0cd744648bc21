import io
import sys

import numpy as np
import pytest
from PIL import Image

from skelvid.upgrade.shards import check_dataset, read_manifest, read_samples
from train.synth import stream, write
from train.synth.labels import VISIBLE


@pytest.fixture
def written(sources, tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "BATCH", 4)
    monkeypatch.setattr(write, "BLOCK", 4)
    folders = {"--motions": sources.motions, "--panoramas": sources.panoramas, "--photos": sources.photos,
               "--tiles": sources.tiles}  # fmt: skip
    args = ["write", str(tmp_path), "--crops", "4", "--clips", "1", "--frames", "2", "--clip-size", "64", "48"]
    for name, paths in folders.items():
        args += [name, *map(str, paths)]
    monkeypatch.setattr(sys, "argv", args)
    write.main()
    return tmp_path


def test_writes_the_training_format(written):
    assert all(finding.ok for finding in check_dataset(written))
    manifest = read_manifest(written)
    assert manifest["units"].keys() == {"crops-00000", "clip-00000"}
    names = manifest["landmarks"]
    samples = list(read_samples(written))
    crops = [s for s in samples if s.key.startswith("crops")]
    assert len(crops) == 4
    for sample in crops:
        image = np.asarray(Image.open(io.BytesIO(sample.files["jpg"])))
        parts = np.asarray(Image.open(io.BytesIO(sample.files["parts.png"])))
        assert image.shape == (256, 192, 3)
        assert parts.shape == (256, 192)
        # A thigh's joint that is seen lies on somebody's thigh or trunk, not on nothing.
        hip = names.index("joint_femur_r")
        if sample.labels["landmark_state"][hip] == VISIBLE:
            x, y = sample.labels["landmarks_px"][hip].astype(int)
            assert parts[max(0, y - 6) : y + 7, max(0, x - 6) : x + 7].any()
    clip = [s for s in samples if s.key.startswith("clip")]
    assert [int(s.labels["frame"]) for s in clip] == [1, 2]
    assert {s.labels["size_hw"].tolist()[0] for s in clip} == {64}
    assert len(manifest["units"]["crops-00000"]["looks"]) == len(crops)
