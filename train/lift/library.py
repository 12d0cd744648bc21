"""The motion library in memory: folders of clips in, random windows of SKEL motion with new bodies out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from skelvid.body.dofs import DOF_INDEX, joint_dofs, limits_rad, mirror_index_and_sign
from skelvid.datatypes.skel import N_BETAS
from skelvid.errors import ConfigError
from train.motion.vary import UPPER

# What moves in a library: the same body by two names.
_BODIES = ("open-neutral", "neutral")
_MIRROR_INDEX, _MIRROR_SIGN = mirror_index_and_sign()
_TILT = DOF_INDEX["pelvis_tilt"]
# What takes up a pelvis tilted by its owner's habit: all of it at the hips, and in the spine by these shares.
_HIPS = [DOF_INDEX["hip_flexion_r"], DOF_INDEX["hip_flexion_l"]]
_SPINE = {DOF_INDEX["lumbar_extension"]: 0.65, DOF_INDEX["thorax_extension"]: 0.35}
# What sources read wrong on average, deg: tilt of the pelvis (hips and spine take it up), extension of the trunk. The
# joints of CMU and DeepMimic tell no tilt: they come out at -7.5, upright, where UI-PRMD's markers say -1. Trunks come
# out 1 degree back; but the sternums of UI-PRMD lean back by 18.8, where ours at zero has 21.2, so: 3 forward.
_TILT_SHIFT_DEG = {"CMU": 6.0, "DeepMimic": 6.0}
_TRUNK_SHIFT_DEG = {"CMU": -4.0, "UI-PRMD": -4.0}
TILT_SPREAD_DEG = 4.5
# Trunk, head and arms: in some windows they are those of another clip, since few people do few things together.
_UPPER = torch.as_tensor(UPPER)
_BLENDED = 0.2
# Constant and slowly changing errors of a clip's pose, deg, by kind of joint: they widen what few people do.
_VARY_DEG = {
    "pelvis": 0.0, "femur": 4.0, "tibia": 4.0, "talus": 4.0, "calcn": 5.0, "toes": 6.0, "lumbar": 3.0, "thorax": 3.0,
    "head": 6.0, "scapula": 3.0, "humerus": 8.0, "ulna": 8.0, "radius": 15.0, "hand": 12.0,
}  # fmt: skip


@dataclass(frozen=True)
class Library:
    """Clips end to end.

    Attributes:
        q: `n 46`, rad; trans_m: `n 3`, y up.
        start, frames, fps: `c` first row, number of rows and rate of each clip; betas: `c 10` its body.
        weight: `c` how often each is drawn.
        shift_rad: `c 2` corrections of the pelvis's tilt and of the trunk's extension.
        names: Of the clips.
    """

    q: Float[Tensor, "n 46"]
    trans_m: Float[Tensor, "n 3"]
    start: Int[Tensor, "c"]
    frames: Int[Tensor, "c"]
    fps: Float[Tensor, "c"]
    betas: Float[Tensor, "c 10"]
    weight: Float[Tensor, "c"]
    shift_rad: Float[Tensor, "c 2"]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Window:
    """Windows of motion in the world, y up.

    Attributes:
        q: `b t 46`; trans_m: `b t 3`; betas: `b 10`; source_betas: `b 10` of the body the motion was made on.
        time_s: `b t`; inside: `b t` false past the end of the clip.
    """

    q: Float[Tensor, "b t 46"]
    trans_m: Float[Tensor, "b t 3"]
    betas: Float[Tensor, "b 10"]
    source_betas: Float[Tensor, "b 10"]
    time_s: Float[Tensor, "b t"]
    inside: Bool[Tensor, "b t"]


def load_library(folders: Sequence[Path], *, split: str, shares: Sequence[float]) -> Library:
    """Read the clips of a split.

    Args:
        folders: Libraries, each with an `index.json`.
        split: "train" or "val".
        shares: How often a window comes from each folder; within it, clips count by their length to the power 0.7.

    Raises:
        ConfigError: A library is of another body, or none has a clip of this split.
    """
    parts: list[dict] = []
    for folder, share in zip(folders, shares, strict=True):
        index = json.loads((folder / "index.json").read_text())
        if others := sorted({*index.get("bodies", ())} - {*_BODIES}):
            raise ConfigError(f"{folder} holds motion of the body {others[0]}: upgrade it with --body {_BODIES[0]}")
        rows = [r for r in index["clips"] if r["split"] == split]
        rows = [r for r in rows if r["frames"] > 8 and r.get("source_fastest_m_s", 0.0) < 18.0]
        weights = np.array([r["seconds"] ** 0.7 for r in rows])
        for row, weight in zip(rows, share * weights / max(weights.sum(), 1e-9), strict=True):
            with np.load(folder / row["file"], allow_pickle=False) as file:
                arrays = {key: file[key] for key in ("q", "trans_m", "betas")}
            shift = [table.get(row["source"], 0.0) for table in (_TILT_SHIFT_DEG, _TRUNK_SHIFT_DEG)]
            parts.append(arrays | {"name": row["name"], "fps": row["fps"], "weight": weight, "shift": shift})
    if not parts:
        raise ConfigError(f"no clip of {', '.join(map(str, folders))} is for {split}: add a library with more people")
    frames = np.array([len(p["q"]) for p in parts])
    return Library(
        torch.as_tensor(np.concatenate([p["q"] for p in parts]), dtype=torch.float32),
        torch.as_tensor(np.concatenate([p["trans_m"] for p in parts]), dtype=torch.float32),
        torch.as_tensor(np.cumsum(frames) - frames),
        torch.as_tensor(frames),
        torch.tensor([p["fps"] for p in parts], dtype=torch.float32),
        torch.as_tensor(np.stack([p["betas"].reshape(N_BETAS) for p in parts]), dtype=torch.float32),
        torch.tensor([p["weight"] for p in parts], dtype=torch.float32),
        torch.tensor([p["shift"] for p in parts], dtype=torch.float32) * torch.pi / 180,
        tuple(p["name"] for p in parts),
    )


def draw_windows(library: Library, *, batch: int, frames: int, generator: torch.Generator, vary: bool) -> Window:
    """Draw windows at random rates, tempos, sides, habits of the pelvis, and bodies.

    Args:
        library: What to draw from.
        batch: Windows.
        frames: Length of each.
        generator: Source of chance.
        vary: Also bend the poses themselves and mix those of legs and trunk, as for training.
    """
    g = generator
    clip = torch.multinomial(library.weight, batch, replacement=True, generator=g)
    rate_hz = _pick_rates(batch, g)
    tempo = torch.exp(0.22 * torch.randn(batch, generator=g)).clamp(0.6, 1.6)
    gaps = (1 + 0.1 * torch.randn((batch, frames), generator=g).clamp(-2, 2)) / rate_hz[:, None]
    gaps = torch.where(torch.rand((batch, 1), generator=g) < 0.3, gaps, 1 / rate_hz[:, None])  # uneven film
    time_s = torch.cumsum(gaps, 1)
    span = time_s[:, -1] * tempo * library.fps[clip]
    room = (library.frames[clip] - 1 - span).clamp_min(0)
    at = (torch.rand(batch, generator=g) * room)[:, None] + (time_s - time_s[:, :1]) * (tempo * library.fps[clip])[
        :, None
    ]
    last = (library.frames[clip] - 1)[:, None]
    inside = at <= last
    at = torch.minimum(at, last - 1e-3)
    row = library.start[clip][:, None] + at.long()
    part = at.frac()[..., None]
    q = library.q[row] * (1 - part) + library.q[row + 1] * part
    trans = library.trans_m[row] * (1 - part) + library.trans_m[row + 1] * part
    mirror = torch.rand(batch, generator=g) < 0.5
    q = torch.where(mirror[:, None, None], q[..., _MIRROR_INDEX] * torch.as_tensor(_MIRROR_SIGN, dtype=q.dtype), q)
    trans = torch.where(mirror[:, None, None], trans * trans.new_tensor([-1.0, 1.0, 1.0]), trans)
    tilt, extension = library.shift_rad[clip].unbind(1)
    habit = tilt + np.radians(TILT_SPREAD_DEG) * torch.randn(batch, generator=g)
    if vary:
        blended = torch.rand((batch, 1, 1), generator=g) < _BLENDED
        q = torch.where(blended & _UPPER, q.roll(1, 0), q)
    q = _bend_trunk(_tilt_pelvis(q, habit), extension)
    if vary:
        q = _vary(q, time_s, g)
    betas = torch.randn((batch, N_BETAS), generator=g).clamp(-2.5, 2.5)
    return Window(q, trans, betas, library.betas[clip], time_s, inside)


def _pick_rates(batch: int, g: torch.Generator) -> Tensor:
    """Return frame rates: mostly what the lifter thins films to, some slower."""
    usual = 24 + 9 * torch.rand(batch, generator=g)
    slow = 10 + 14 * torch.rand(batch, generator=g)
    return torch.where(torch.rand(batch, generator=g) < 0.85, usual, slow)


def _tilt_pelvis(q: Tensor, tilt_rad: Float[Tensor, "b"]) -> Tensor:
    q = q.clone()
    q[..., _TILT] += tilt_rad[:, None]
    for hip in _HIPS:
        q[..., hip] -= tilt_rad[:, None]
    return _bend_trunk(q, -tilt_rad)


def _bend_trunk(q: Tensor, extension_rad: Float[Tensor, "b"]) -> Tensor:
    q = q.clone()
    for dof, share in _SPINE.items():
        q[..., dof] += share * extension_rad[:, None]
    return q


@cache
def _vary_sigma() -> Tensor:
    sigma = torch.zeros(46)
    for kind, deg in _VARY_DEG.items():
        for side in ("", "_r", "_l"):
            sigma[list(joint_dofs(kind + side))] = np.radians(deg)
    return sigma


def _vary(q: Tensor, time_s: Tensor, g: torch.Generator) -> Tensor:
    """Add a constant and a slow wave to each degree of freedom of most windows; knees do not bend backwards by it."""
    b = len(q)
    much = torch.rand((b, 1), generator=g) * (torch.rand((b, 1), generator=g) < 0.7) * _vary_sigma()
    phase = 6.3 * torch.rand((b, 46), generator=g)
    wave = torch.sin(time_s[..., None] * (6.3 * (0.2 + 0.8 * torch.rand((b, 1, 46), generator=g))) + phase[:, None])
    moved = (
        q
        + (much * 1.3 * torch.randn((b, 46), generator=g))[:, None]
        + (0.8 * much * torch.randn((b, 46), generator=g))[:, None] * wave
    )
    lower, upper = (torch.as_tensor(v, dtype=q.dtype) for v in limits_rad())
    # A pose beyond the limits may stay, but is not pushed further.
    return moved.clamp(torch.minimum(q, lower), torch.maximum(q, upper))
