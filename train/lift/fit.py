"""Trains the lifter: `python -m train.lift.fit --library DIR[:SHARE] ... --out DIR --minutes 60`.

In: motion libraries (`train.motion`). Out: `last.pt`, from which it goes on when called again and from which
`train.lift.export` makes the file that ships, and `log.csv` with the errors on held-out people.
"""

import argparse
import csv
import math
import time
from pathlib import Path

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from skelvid.body.dofs import DOF_INDEX
from skelvid.body.load import load_body
from skelvid.motion.lift_network import PLAIN_DOFS, LiftNetwork
from train.command import run
from train.lift.library import Library, draw_windows, load_library
from train.lift.losses import LEG_ANGLES, errors_rad, loss_terms
from train.lift.offsets import offset_m
from train.lift.scene import Scenes

FRAMES = 48
EMA_KEEP = 0.999
_LEGS = [DOF_INDEX[name] for name in LEG_ANGLES]


def set_statistics(network: LiftNetwork, library: Library) -> None:
    """Give the network the mean and spread of the angles it will tell."""
    window = draw_windows(library, batch=512, frames=8, generator=torch.Generator().manual_seed(1), vary=True)
    angles = window.q[..., PLAIN_DOFS].flatten(0, 1)
    network.angle_mean.copy_(angles.median(0).values)
    network.angle_scale.copy_(angles.std(0).clamp_min(0.05))


def step_size(done: float, *, peak: float, warm: float = 0.02) -> float:
    """Return the learning rate after a share of the training: a rise, then half a cosine down to 2 % of the peak."""
    if done < warm:
        return peak * done / warm
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, (done - warm) / (1 - warm)))))


def measure(network: LiftNetwork, scenes: Scenes, *, batches: int = 12, seed: int = 7) -> dict[str, float]:
    """Return errors on a fixed set of held-out windows, deg."""
    g = torch.Generator().manual_seed(seed)
    errors, surprise, ups = [], [], []
    with torch.inference_mode():
        for _ in range(batches):
            given, target = scenes.draw(32, FRAMES, g)
            lifted = network(given)
            error, inside = errors_rad(lifted, target)[target.inside], target.inside
            errors.append(error)
            surprise.append(error / torch.exp(lifted.log_sigma[inside]))
            ups.append((lifted.up * target.up).sum(-1)[inside].clamp(-1, 1).acos())
    error, z, up = torch.cat(errors), torch.cat(surprise), torch.cat(ups)
    degrees = torch.rad2deg(error.abs().mean(0))
    report = {"legs_deg": float(degrees[_LEGS].mean()), "up_deg": float(torch.rad2deg(up).mean())}
    for name in ("pelvis_tilt", "pelvis_list", "pelvis_rotation", "hip_flexion_r", "hip_adduction_r", "hip_rotation_r",
                 "knee_angle_r", "ankle_angle_r", "lumbar_extension", "elbow_flexion_r"):  # fmt: skip
        report[f"{name}_deg"] = float(degrees[DOF_INDEX[name]])
    return report | {"within_1_sigma": float((z[:, _LEGS].abs() < 1).float().mean()),
                     "within_2_sigma": float((z[:, _LEGS].abs() < 2).float().mean())}  # fmt: skip


class Trainer:
    """Network, averaged network, optimiser and clock, resumable."""

    def __init__(self, network: LiftNetwork, out: Path, *, peak: float, seed: int) -> None:
        self.network, self.out, self.peak, self.seed = network, out, peak, seed
        self.averaged = LiftNetwork(**network.settings)
        self.averaged.load_state_dict(network.state_dict())
        decayed = [p for p in network.parameters() if p.ndim > 1]
        plain = [p for p in network.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}],
            lr=peak,
            betas=(0.9, 0.98),
        )
        self.step, self.spent_s = 0, 0.0

    def resume(self) -> bool:
        """Go on from `last.pt` when it is there."""
        path = self.out / "last.pt"
        if not path.is_file():
            return False
        saved = torch.load(path, weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.averaged.load_state_dict(saved["averaged"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.spent_s = saved["step"], saved["spent_s"]
        return True

    def save(self) -> None:
        """Write where the training stands."""
        state = {
            "network": self.network.state_dict(), "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(), "step": self.step, "spent_s": self.spent_s,
            "settings": self.network.settings,
        }  # fmt: skip
        part = self.out / "last.part"
        torch.save(state, part)
        part.replace(self.out / "last.pt")

    def learn(self, scenes: Scenes, *, batch: int, done: float) -> dict[str, float]:
        """Take one step."""
        for group in self.optimizer.param_groups:
            group["lr"] = step_size(done, peak=self.peak)
        g = torch.Generator().manual_seed(self.seed * 1_000_003 + self.step)
        given, target = scenes.draw(batch, FRAMES, g)
        terms = loss_terms(scenes.body, self.network(given), target)
        loss = torch.stack(list(terms.values())).sum()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        if bool(torch.isfinite(norm)):
            self.optimizer.step()
        self.step += 1
        keep = min(EMA_KEEP, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mine, theirs in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
                mine.lerp_(theirs, 1 - keep)
        return {name: value.item() for name, value in terms.items()} | {"loss": loss.item()}


def train(trainer: Trainer, scenes: Scenes, held_out: Scenes, *, minutes: float, batch: int, every: int) -> None:
    """Train until the time is spent, measuring and saving now and then."""
    log = trainer.out / "log.csv"
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    sums: dict[str, float] = {}
    with Progress(*columns) as progress:
        task = progress.add_task("training", total=minutes * 60, completed=int(trainer.spent_s))
        while trainer.spent_s < minutes * 60:
            begin = time.monotonic()
            terms = trainer.learn(scenes, batch=batch, done=trainer.spent_s / (minutes * 60))
            sums = {name: sums.get(name, value) * 0.98 + 0.02 * value for name, value in terms.items()}
            trainer.spent_s += time.monotonic() - begin
            progress.update(task, completed=trainer.spent_s, description=f"step {trainer.step} loss {sums['loss']:.3f}")
            if trainer.step % every == 0 or trainer.spent_s >= minutes * 60:
                trainer.averaged.eval()
                row = {"step": trainer.step, "minutes": round(trainer.spent_s / 60, 2), **sums}
                row |= measure(trainer.averaged, held_out)
                _append(log, row)
                trainer.save()
                progress.console.print(" ".join(f"{k} {v:.3g}" for k, v in row.items()))


def _append(path: Path, row: dict[str, float]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow({name: f"{value:.6g}" for name, value in row.items()})


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--library", nargs="+", required=True, help="folders of motion, with :SHARE to weigh them")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--peak", type=float, default=1.2e-3, help="highest learning rate")
    parser.add_argument("--every", type=int, default=500, help="steps between measurements")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--depth", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    named = [(Path(folder), float(share or 1.0)) for folder, _, share in (text.partition(":") for text in args.library)]
    folders, shares = [f for f, _ in named], [s for _, s in named]
    body = load_body("open-neutral")
    library = load_library(folders, split="train", shares=shares)
    scenes = Scenes(body, library, offset_m, vary=True)
    held_out = Scenes(body, load_library(folders, split="val", shares=shares), offset_m, vary=False)
    args.out.mkdir(parents=True, exist_ok=True)
    network = LiftNetwork(width=args.width, depth=args.depth)
    set_statistics(network, library)
    trainer = Trainer(network, args.out, peak=args.peak, seed=args.seed)
    trainer.resume()
    train(trainer, scenes, held_out, minutes=args.minutes, batch=args.batch, every=args.every)


if __name__ == "__main__":
    run(main)
