"""The lifter that ships, from free motions, in one command: `python -m train.lift.recipe --data MOTION --out DIR`.

Retargets what was captured, composes what was not, trains, and exports `DIR/lifter.safetensors`. What is finished is
not made again, so a run that was cut off goes on. The commands that it runs are printed.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from train.command import run

COMPOSED_CLIPS, SEED = 1100, 31
CAPTURED_SHARE, COMPOSED_SHARE = 1.0, 0.6


def steps(data: Path, out: Path, *, minutes: float, workers: int, clips: int = COMPOSED_CLIPS) -> Iterator[list[str]]:
    """Yield the module and arguments of each step that is not finished."""
    captured, composed, run = out / "captured", out / "composed", out / "run"
    yield ["train.motion.build", "--data", str(data), "--out", str(captured), "--workers", str(workers)]
    if not (composed / "index.json").is_file():
        yield ["train.motion.make_composed", "--out", str(composed), "--clips", str(clips), "--seed", str(SEED),
               "--workers", str(workers)]  # fmt: skip
    yield ["train.lift.fit", "--library", f"{captured}:{CAPTURED_SHARE}", f"{composed}:{COMPOSED_SHARE}",
           "--out", str(run), "--minutes", str(minutes)]  # fmt: skip
    yield ["train.lift.export", "--run", str(run), "--library", str(captured), str(composed),
           "--out", str(out / "lifter.safetensors")]  # fmt: skip


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of free motions")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=180.0, help="of training")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    parser.add_argument("--clips", type=int, default=COMPOSED_CLIPS, help="composed clips")
    args = parser.parse_args()
    todo = steps(args.data, args.out, minutes=args.minutes, workers=args.workers, clips=args.clips)
    for module, *rest in todo:
        print("python -m", module, *rest, flush=True)
        if code := subprocess.call([sys.executable, "-m", module, *rest]):
            sys.exit(code)


if __name__ == "__main__":
    run(main)
