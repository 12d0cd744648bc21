"""Fetches panoramas to film people in: `python -m train.synth.panoramas OUT`.

In: the npm package `@pmndrs/assets` (CC0-1.0; its panoramas are Poly Haven's, CC0), fetched and compared with a known
SHA-256. Out: its 18 panoramas as `OUT/<name>.hdr`, 512 x 256, linear light.
"""

import argparse
import base64
import hashlib
import io
import logging
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePath

import av
import cv2
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from skelvid.errors import WeightsError
from train.command import run

log = logging.getLogger(__name__)
PACKAGE = "@pmndrs/assets@1.7.0"
SHA256 = "152bd218a3390703f184f0c6ce16e73c8f0a87f32d38530d418a09d33d8208dc"
_ENDS, _DATA = ".exr.js", b"base64,"
_TIMEOUT_S = 300.0


def panoramas(package: bytes) -> Iterator[tuple[str, Float[ndarray, "h w 3"]]]:
    """Yield name and linear red, green and blue of every panorama in a package, float32.

    Args:
        package: The .tgz. Its pictures are OpenEXR files, written out as JavaScript in base64.
    """
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for entry in archive:
            file = archive.extractfile(entry) if entry.name.endswith(_ENDS) else None
            if file:
                text = file.read()
                start = text.index(_DATA) + len(_DATA)
                yield (
                    PurePath(entry.name).name.removesuffix(_ENDS),
                    decode(base64.b64decode(text[start:].split(b"'")[0])),
                )


def decode(exr: bytes) -> Float[ndarray, "h w 3"]:
    """Return the linear red, green and blue of an OpenEXR file of half floats, as float32."""
    (frame,) = av.CodecContext.create("exr", "r").decode(av.Packet(exr))
    green, blue, red = (
        np.frombuffer(bytes(plane), np.float16).reshape(plane.height, -1)[:, : plane.width] for plane in frame.planes
    )
    return np.stack([red, green, blue], -1).astype(np.float32)


def fetch(name: str, folder: Path) -> Path:
    """Return the .tgz of a package, which npm puts into a folder.

    Raises:
        WeightsError: npm is not installed, or cannot have it.
    """
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), name]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise WeightsError(f"npm cannot fetch {name}; where it is here already, give --package") from error
    (package,) = folder.glob("*.tgz")
    return package


def verified(package: Path, sha256: str = SHA256) -> bytes:
    """Return a file that is what it was.

    Raises:
        WeightsError: It is something else.
    """
    data = package.read_bytes()
    if (found := hashlib.sha256(data).hexdigest()) != sha256:
        raise WeightsError(f"{package} is not what it was: its SHA-256 is {found[:12]}..., not {sha256[:12]}...")
    return data


def main() -> None:
    """Fetch and write what is not there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--package", type=Path, help="the .tgz, where it is here already")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        data = verified(args.package or fetch(PACKAGE, Path(folder)))
    for name, image in panoramas(data):
        _, file = cv2.imencode(".hdr", np.ascontiguousarray(image[..., ::-1]))
        (args.out / f"{name}.hdr").write_bytes(file.tobytes())
        log.info(
            "%s: %d x %d, %.1f times as bright as its mean at most",
            name,
            *image.shape[1::-1],
            image.max() / image.mean(),
        )


if __name__ == "__main__":
    run(main)
