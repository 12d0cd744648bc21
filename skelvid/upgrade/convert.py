"""One SMPL sequence goes in; its SKEL motion, and samples of the training format made of it, come out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from skelvid.body.model import SkelBody
from skelvid.errors import VideoError
from skelvid.upgrade.fit_clip import Upgraded, UpgradeOptions, fit_clip, start_from_smpl
from skelvid.upgrade.models import SmplModel
from skelvid.upgrade.placed import boxes_of, stand_before
from skelvid.upgrade.register import vertex_mix
from skelvid.upgrade.sample import FIELDS, PICTURES, VERDICTS, Sample, verdict_bit
from skelvid.upgrade.sequence import SmplSequence
from skelvid.upgrade.surface import Surface, make_surface, vertex_areas


@dataclass(frozen=True)
class Tools:
    """What the people of one model and body need: both, and how the one lies on the other."""

    body: SkelBody
    model: SmplModel
    surface: Surface


def make_tools(body: SkelBody, model: SmplModel) -> Tools:
    """Lay a model on a body; the first time, for half a minute, their meshes are registered."""
    share = vertex_areas(model.template_m, model.faces)
    return Tools(body, model, make_surface(body, vertex_mix(body, model), share))


def upgrade_sequence(sequence: SmplSequence, tools: Tools, *, options: UpgradeOptions) -> Upgraded:
    """Fit the body to one sequence; `verdict` then also says what the file itself has against a frame."""
    betas = np.tile(sequence.betas, (len(sequence), 1)) if sequence.betas.ndim == 1 else sequence.betas
    vertices = _vertices(sequence, tools.model, betas)
    # Single precision has millimetres to give away far from the origin, but not here.
    middle = vertices.mean((0, 1))
    start = start_from_smpl(tools.body, sequence.rotvec, sequence.to_axes, consecutive=sequence.time_s is not None)
    fitted = fit_clip(tools.body, tools.surface, vertices - middle, start, time_s=sequence.time_s, options=options)
    verdict = fitted.verdict | np.asarray(sequence.labels.get("verdict", 0), dtype=np.uint8)
    verdict[np.abs(betas).max(1) > options.max_beta] |= verdict_bit("source")
    params, box = replace(fitted.params, trans_m=fitted.params.trans_m + middle.numpy()), None
    if sequence.view is not None:
        view = np.broadcast_to(sequence.view, (len(sequence), 3))
        if sequence.trans_m is None and sequence.keypoints_px is not None:
            place = stand_before(tools.body, params, sequence.keypoints_px, view)
            vertices = vertices + torch.as_tensor(place - params.trans_m)[:, None].to(vertices)
            params = replace(params, trans_m=place.astype(params.trans_m.dtype))
        box = boxes_of(vertices.numpy(), view)
        verdict[~np.isfinite(box).all(1)] |= verdict_bit("source")
    return replace(fitted, params=params, verdict=verdict, box_xyxy=box)


def _vertices(sequence: SmplSequence, model: SmplModel, betas: np.ndarray) -> torch.Tensor:
    """Pose the model in the sequence's axes."""
    vertices, _ = model.pose(betas, sequence.rotvec)
    if sequence.trans_m is not None:
        vertices = vertices + torch.as_tensor(sequence.trans_m[:, None], dtype=vertices.dtype)
    turn, place = (torch.as_tensor(value, dtype=vertices.dtype) for value in (sequence.to_axes, sequence.place_m))
    return vertices @ turn.mT + place[:, None]


def notes_of(upgraded: Upgraded) -> dict[str, Any]:
    """Return what the manifest says of a sequence: how well it fits, and how many frames are flagged for what."""
    flagged = {name: int((upgraded.verdict & verdict_bit(name) > 0).sum()) for name in VERDICTS}
    return {
        "residual_mm": round(float(upgraded.residual_mm.mean()), 2),
        "residual_max_mm": round(float(upgraded.residual_mm.max()), 2),
        "flagged": {name: count for name, count in flagged.items() if count},
    }


def make_samples(
    sequence: SmplSequence, upgraded: Upgraded, texts: Mapping[str, str], pictures: Path | None
) -> Iterator[Sample]:
    """Make samples of a sequence: one for each picture where there are pictures, else one of all frames.

    Args:
        sequence: Where the motion comes from.
        upgraded: What came of it.
        texts: body, source and licence.
        pictures: Folder of the pictures that the sequence names, or None.

    Raises:
        VideoError: A picture is missing or cannot be read.
    """
    labels: dict[str, Any] = {**texts, "motion": sequence.name, "axes": sequence.axes, **sequence.labels}
    labels |= {"q": upgraded.params.q, "residual_mm": upgraded.residual_mm}
    labels |= {"beyond_limits_deg": upgraded.beyond_limits_deg, "verdict": upgraded.verdict}
    known = {"identity": sequence.identity, "time_s": sequence.time_s, "frame": sequence.frame}
    placed = sequence.trans_m is not None or sequence.keypoints_px is not None
    known["trans_m"] = upgraded.params.trans_m if placed else None
    labels |= {name: value for name, value in known.items() if value is not None}
    betas = upgraded.params.betas
    if sequence.pictures is None and (pictures is None or sequence.picture_files is None):
        yield Sample(sequence.name, {**labels, **_view_labels(sequence, 0), "betas": betas[0]})
        return
    for row in range(len(sequence)):
        suffix, data = _picture(sequence, row, pictures)
        mine = {name: value[row] if FIELDS[name].per_frame else value for name, value in labels.items()}
        mine |= _view_labels(sequence, row) | {"size_hw": _size_hw(data), "betas": betas[row]}
        if upgraded.box_xyxy is not None and np.isfinite(upgraded.box_xyxy[row]).all():
            mine["box_xyxy"] = upgraded.box_xyxy[row]
        if placed and not np.isfinite(mine["trans_m"]).all():
            del mine["trans_m"]
        yield Sample(f"{sequence.name}-{row:06d}", mine, {suffix: data})


def _view_labels(sequence: SmplSequence, row: int) -> dict[str, Any]:
    """Return focal length and principal point of a picture, or those of all pictures."""
    if sequence.view is None:
        return {}
    view = sequence.view[row if len(sequence.view) > 1 else 0]
    return {"focal_px": view[0], "center_px": view[1:]}


def _picture(sequence: SmplSequence, row: int, folder: Path | None) -> tuple[str, bytes]:
    """Return a picture as it lies in the tar or the folder."""
    if sequence.pictures is not None:
        return sequence.pictures[row]
    path = (folder or Path()) / (sequence.picture_files or ())[row]
    suffix = path.suffix.lower().removeprefix(".").replace("jpeg", "jpg")
    if suffix not in PICTURES:
        raise VideoError(f"{path}: pictures must be of {' or '.join(PICTURES)}")
    try:
        return suffix, path.read_bytes()
    except OSError as error:
        raise VideoError(f"{path} cannot be read: {error.strerror}") from error


def _size_hw(data: bytes) -> tuple[int, int]:
    try:
        with Image.open(BytesIO(data)) as picture:
            return picture.height, picture.width
    except OSError as error:
        raise VideoError(f"a picture cannot be read: {error}") from error
