"""Are the labels true, and is everything there? `python -m train.synth.check --pictures 1000 ... > table.md`.

In: the sources of a world. Out, on the screen: how far labelled points lie from the surface that was drawn, and tables
of what the pictures cover: degrees of freedom, views, bodies, skins, clothes, places.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from skelvid.body.dofs import DOFS, JOINT_NAMES
from skelvid.datatypes.skel import SkelParams
from train.command import run
from train.synth.labels import VISIBLE, label, seen_from
from train.synth.options import add_sources, make_world, sources_of
from train.synth.render import Rendered, Renderer
from train.synth.scenes import Take, World
from train.synth.shots import SUBJECT
from train.synth.stream import BATCH, TROUPE

_BARS = " .:-=+*#%@"
_SEEN_FROM = ("yaw", "pitch", "roll", "distance")
_FINGERS = ("tip_", "mcp_")
_NEAR_M = 0.04  # a drawn surface further from the point than this is another part, or cloth over it


def label_errors_px(take: Take, labels: Mapping[str, Any], drawn: Rendered, number: int) -> Float[np.ndarray, "l"]:
    """Return how far landmarks lie from where the naked skin was drawn, px: whether camera and renderer agree.

    The landmarks come from the labels alone: the open body in the labelled pose, shape and place, put into the picture
    by the labelled focal length. What was drawn comes from the renderer alone: the place in space that the fine pixels
    around the landmark show. Landmarks that are hidden, or under clothes, are left out.
    """
    body, view = take.body, take.shot.view
    params = SkelParams(*(torch.as_tensor(labels[k]) for k in ("q", "betas", "trans_m")))
    at = body.skeleton(params).landmarks_m
    px = at[:, :2] / at[:, 2:] * float(labels["focal_px"]) + torch.as_tensor(labels["center_px"])
    state = torch.as_tensor(labels["landmark_state"][len(JOINT_NAMES) : len(JOINT_NAMES) + len(at)])
    cover = drawn.cover[number]
    fine = cover.shape[0] / view.size_hw[0]
    corner = (px * fine - 0.5).floor().long()
    limit = torch.tensor([cover.shape[1] - 2, cover.shape[0] - 2])
    good = torch.nonzero((state == VISIBLE) & (corner >= 0).all(1) & (corner <= limit).all(1))[:, 0]
    corner, part = corner[good], (px[good] * fine - 0.5) - corner[good]
    kinds = iter(thing.surface.kind for thing in take.shot.things)
    naked = torch.tensor([p == number and next(kinds) in ("skin", "eye") for p in drawn.pack.picture.tolist()])
    naked &= drawn.pack.owner == SUBJECT
    shown = torch.zeros((len(good), 3))
    skin = torch.ones(len(good), dtype=torch.bool)
    for right, below in ((0, 0), (1, 0), (0, 1), (1, 1)):
        hit = cover[corner[:, 1] + below, corner[:, 0] + right]
        surface = drawn.pack.surface[drawn.seen.face[hit.clamp_min(0)]]
        skin &= (hit >= 0) & naked[surface]
        share = (part[:, 0] if right else 1 - part[:, 0]) * (part[:, 1] if below else 1 - part[:, 1])
        shown += share[:, None] * view.to_camera(drawn.point_m[hit.clamp_min(0)])
    off = shown - at[good]
    skin &= off.norm(dim=1) < _NEAR_M
    look = torch.nn.functional.normalize(at[good], dim=1)
    across = off - (off * look).sum(1, keepdim=True) * look
    return (across.norm(dim=1) / at[good, 2] * float(labels["focal_px"]))[skin].numpy()


def pose_errors_px(take: Take, labels: Mapping[str, Any]) -> Float[np.ndarray, "l"]:
    """Return how far landmarks of the labelled pose lie from their places on the drawn skin: px, at their depth.

    The former are of the open body in the labelled pose, shape and place, the latter the labelled points. Fingers are
    left out: drawn hands bend them, q does not.
    """
    at = take.body.skeleton(SkelParams(*(torch.as_tensor(labels[k]) for k in ("q", "betas", "trans_m")))).landmarks_m
    rigid = [i for i, name in enumerate(take.body.landmark_names) if not any(part in name for part in _FINGERS)]
    off = at - torch.as_tensor(labels["landmarks_m"])[len(JOINT_NAMES) : len(JOINT_NAMES) + len(at)]
    return (off.norm(dim=1) / at[:, 2].clamp_min(_NEAR_M) * float(labels["focal_px"]))[rigid].numpy()


def histogram(values: Sequence[float], low: float, high: float, bins: int = 24) -> str:
    """Draw a histogram as one line of text: from blank to @, by the logarithm of the count."""
    counts, _ = np.histogram(np.clip(values, low, high), bins, (low, high))
    level = np.log1p(counts) / max(float(np.log1p(counts).max()), 1e-9)
    return "".join(_BARS[int(np.ceil(v * (len(_BARS) - 1)))] for v in level)


def shares(values: Iterable[Any]) -> str:
    """Return how often each value occurs, in percent, the most frequent first."""
    counts = Counter(values)
    total = sum(counts.values())
    return ", ".join(f"{name} {100 * n / total:.0f}" for name, n in counts.most_common())


def look(world: World, *, pictures: int, drawn: int, seed: int) -> dict[str, Any]:
    """Make up pictures, draw the first of them, and note what is in them."""
    found: dict[str, Any] = {
        name: [] for name in ("error", "pose", "state", "q", "looks", "place", "height", *_SEEN_FROM)
    }
    renderer, troupe = Renderer(), world
    for start in range(0, pictures, BATCH):
        if start % (BATCH * 8) == 0:
            troupe = world.troupe((seed, start), TROUPE)
        takes = [troupe.crop((seed, i)) for i in range(start, start + BATCH)]
        for take in takes:
            seen = seen_from(take.root, take.shot.view)
            values = {
                "q": take.person.params.q.numpy(),
                "looks": take.person.looks,
                "place": take.place,
                "height": float(take.shot.view.position_m[1]),
                **{name: seen[name] for name in _SEEN_FROM},
            }
            for name, value in values.items():
                found[name].append(value)
        if start < drawn:
            picture = renderer([take.shot for take in takes])
            for i, take in enumerate(takes):
                labels = label(take.person, take.body, take.root, take.shot.view, picture, i, frame=take.frame)
                found["error"].append(label_errors_px(take, labels, picture, i))
                found["pose"].append(pose_errors_px(take, labels))
                found["state"] += labels["landmark_state"].tolist()
    return found


def report(found: Mapping[str, Any]) -> str:
    """Return the tables as markdown."""
    error, pose = (np.concatenate(found[name]) for name in ("error", "pose"))
    q = np.degrees(np.stack(found["q"]))
    lines = [
        f"Landmarks against the drawn skin: {len(error)} on {len(found['error'])} pictures, median "
        f"{np.median(error):.3f} px, 95 % {np.percentile(error, 95):.3f}, 99 % {np.percentile(error, 99):.3f}, "
        f"largest {error.max():.2f}; within 0.5 px {100 * (error < 0.5).mean():.2f} %.",
        "",
        f"The body of the labels against the skin's own places, fingers left out: {len(pose)} landmarks, median "
        f"{np.median(pose):.4f} px, 99 % {np.percentile(pose, 99):.4f}, largest {pose.max():.3f}.",
        "",
        "| degree of freedom | limits, deg | 1 %, 50 %, 99 %, deg | from limit to limit |",
        "| --- | --- | --- | --- |",
    ]
    for i, dof in enumerate(DOFS):
        low, high = (float(np.degrees(v).clip(-180, 180)) for v in (dof.lower_rad, dof.upper_rad))
        a, b, c = np.percentile(q[:, i], [1, 50, 99])
        lines.append(f"| `{dof.name}` | {low:.0f} .. {high:.0f} | {a:.0f}, {b:.0f}, {c:.0f} | "
                     f"`{histogram(q[:, i].tolist(), low, high)}` |")  # fmt: skip
    lines += ["", "| | range | spread |", "| --- | --- | --- |"]
    for name, low, high in (
        ("yaw", -180, 180),
        ("pitch", -90, 60),
        ("roll", -30, 30),
        ("distance", 1, 13),
        ("height", 0, 3),
    ):
        lines.append(f"| {name} | {low} .. {high} | `{histogram(found[name], low, high)}` |")
    looks = found["looks"]
    for name, low, high in (("bmi", 15, 43), ("age_years", 18, 90), ("stature_m", 1.4, 2.05), ("monk_tone", 0.5, 10.5)):
        lines.append(f"| {name} | {low} .. {high} | `{histogram([getattr(v, name) for v in looks], low, high)}` |")
    lines += ["", f"Clothes, %: {shares(c for v in looks for c in v.clothes)}", "",
              f"Places, %: {shares(found['place'])}", "",
              f"Points, % (1 seen, 2 hidden, 3 outside): {shares(found['state'])}", ""]  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    """Draw, measure, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--drawn", type=int, help="of these, so many are drawn and measured; default all")
    parser.add_argument("--seed", type=int, default=1)
    add_sources(parser)
    args = parser.parse_args()
    torch.set_num_threads(1)
    world, drawn = make_world(sources_of(args), "train"), args.pictures if args.drawn is None else args.drawn
    found = look(world, pictures=args.pictures, drawn=drawn, seed=args.seed)
    sys.stdout.write(report(found))


if __name__ == "__main__":
    run(main)
