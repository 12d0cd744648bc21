"""Joint angles live, in a page of code: what `skelvid webcam` is made of.

python demo/02_webcam.py [SOURCE] [--seconds 20]

SOURCE is a camera's number or a video file, which then plays as if it were a camera; without one it is the clip of
demo/01_run_video.py, if that was run before, else camera 0. Prints the right knee twice a second.
"""

import argparse
from pathlib import Path

import numpy as np
from rich.console import Console

import skelvid
from skelvid.video.webcam import Webcam, camera_address

CLIP = Path(__file__).parents[1] / ".cache" / "sports2d_demo.mp4"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", default=str(CLIP) if CLIP.is_file() else "0")
    parser.add_argument("--seconds", type=float, default=20.0)
    args = parser.parse_args()
    console, shown_s = Console(), -1.0
    config = skelvid.load_config("webcam")
    if Path(args.source).is_file():
        camera = Webcam(args.source, kind=None, max_side_px=config.video.max_side_px, paced=True)
    else:
        kind, device = camera_address(int(args.source))
        camera = Webcam(device, kind=kind, max_side_px=config.video.max_side_px)

    with camera:
        for moment in skelvid.stream(camera, config):
            time_s = moment.frame.time_s
            if time_s >= args.seconds:
                break
            if time_s < shown_s + 0.5:
                continue
            shown_s = time_s
            if moment.angles is None:
                console.print(f"{time_s:6.2f} s  nobody in view")
                continue
            knee_deg = np.degrees(moment.angles["knee_angle_r"][0])
            late_ms = 1000.0 * camera.age_s(moment.frame.index)
            console.print(
                f"{time_s:6.2f} s  right knee {knee_deg:4.0f} degrees  ({late_ms:.0f} ms after the picture came)"
            )


if __name__ == "__main__":
    main()
