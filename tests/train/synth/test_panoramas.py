"""Panoramas of a package come out as they went in, and another package is not taken."""

import base64
import io
import tarfile
from fractions import Fraction

import av
import numpy as np
import pytest

from skelvid.errors import WeightsError
from train.synth.panoramas import panoramas, verified


def exr(image):
    """Return a picture as an OpenEXR file of half floats."""
    frame = av.VideoFrame(image.shape[1], image.shape[0], "gbrpf32le")
    for plane, channel in zip(frame.planes, (1, 2, 0), strict=True):
        rows = np.zeros((plane.height, plane.line_size // 4), np.float32)
        rows[:, : plane.width] = image[..., channel]
        plane.update(rows.tobytes())
    encoder = av.CodecContext.create("exr", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = (
        frame.width,
        frame.height,
        "gbrpf32le",
        Fraction(1),
    )
    encoder.options = {"format": "half"}
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def test_pictures_come_out_as_they_went_in():
    rng = np.random.default_rng(0)
    images = {name: rng.lognormal(0, 2, (8, 14, 3)).astype(np.float32) for name in ("hall", "sky")}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, image in [*images.items(), ("notes", None)]:
            text = (
                b"export default 'data:application/exr;base64," + base64.b64encode(exr(image)) + b"'"
                if name != "notes"
                else b"-"
            )
            entry = tarfile.TarInfo(f"package/hdri/{name}.exr.js" if name != "notes" else "package/notes.txt")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    found = dict(panoramas(packed.getvalue()))
    assert found.keys() == images.keys()
    for name, image in images.items():
        np.testing.assert_allclose(found[name], image, rtol=2e-3)


def test_another_package_is_not_taken(tmp_path):
    (tmp_path / "a.tgz").write_bytes(b"else")
    with pytest.raises(WeightsError, match="is not what it was"):
        verified(tmp_path / "a.tgz")
