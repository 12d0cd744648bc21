"""Pictures of people go in; batches of crops as the network gets them, with what it should say of each, come out."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from skelvid.datatypes.skel import N_BETAS, N_DOFS, SkelParams
from skelvid.geometry.boxes import Affine, crop_affine
from skelvid.regress.crop import MARGIN, CropCamera
from train.regress.pictures import OUTSIDE, Picture

NO_PART = 255


@dataclass(frozen=True)
class Wobble:
    """How crops of the training differ from those of the box alone, as standard deviations.

    Attributes:
        shift: Of the middle, in box sizes. log_scale: Of the size.
        turn_deg: About the optical axis.
    """

    shift: float = 0.05
    log_scale: float = 0.1
    turn_deg: float = 8.0


@dataclass(frozen=True)
class Batch:
    """Crops, or what the first blocks of a backbone say of them, and the truth about each.

    Attributes:
        images: `b 3 h w`; empty where there is what a backbone has `begun` to say of them (`train.regress.halfway`).
        image_to_crop, focal_px, center_px, size_hw: See `CropCamera`.
        q, betas, trans_m: SKEL's parameters in the camera's axes; zero where not `posed`.
        points_px: `b k 2` px of the crop; state: `b k` as `LANDMARK_STATES` counts, absent where unknown.
        parts: `b n` body part of each patch, `NO_PART` where unknown.
        begun_blocks: So many blocks have spoken.
    """

    images: UInt8[Tensor, "b 3 h w"]
    begun: Float[Tensor, "b m c"] | None
    image_to_crop: Float[Tensor, "b 2 3"]
    focal_px: Float[Tensor, "b"]
    center_px: Float[Tensor, "b 2"]
    size_hw: tuple[int, int]
    q: Float[Tensor, "b 46"]
    betas: Float[Tensor, "b 10"]
    trans_m: Float[Tensor, "b 3"]
    posed: Bool[Tensor, "b"]
    points_px: Float[Tensor, "b k 2"]
    state: Int[Tensor, "b k"]
    parts: Int[Tensor, "b n"]
    begun_blocks: int = 0

    def __len__(self) -> int:
        return len(self.q)

    @property
    def crop(self) -> CropCamera:
        """The cameras of the crops."""
        return CropCamera(self.image_to_crop, self.focal_px, self.center_px, self.size_hw)

    @property
    def params(self) -> SkelParams:
        """The true parameters."""
        return SkelParams(self.q, self.betas, self.trans_m)

    def tensors(self) -> dict[str, Tensor]:
        """Return all tensors by their names."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in named.items() if isinstance(value, Tensor)}

    def to(self, device: Any) -> "Batch":
        """Return it on a device; Lightning asks for this."""
        return replace(self, **{name: value.to(device) for name, value in self.tensors().items()})

    def pick(self, rows: Any) -> "Batch":
        """Return some of its rows."""
        return replace(self, **{name: value[rows] for name, value in self.tensors().items()})


def crop_of(
    picture: Picture, size_hw: tuple[int, int], *, wobble: Wobble | None, rng: np.random.Generator
) -> tuple[UInt8[np.ndarray, "h w 3"], Affine]:
    """Return the crop around a person, beyond the picture black, and where it lies."""
    affine = crop_affine(picture.xyxy.astype(float), size_hw, share=MARGIN)
    if wobble is not None:
        size = size_hw[0] * wobble.shift
        shift, scale = rng.normal(size=2) * size, np.exp(rng.normal() * wobble.log_scale)
        turn = np.radians(rng.normal() * wobble.turn_deg)
        middle = np.array(size_hw[::-1]) / 2
        about = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        affine = np.column_stack([about @ affine[:, :2], about @ (affine[:, 2] - middle) + middle + shift])
    return warp(picture.image, affine, size_hw), affine


def warp(image: np.ndarray, affine: Affine, size_hw: tuple[int, int], *, nearest: bool = False) -> np.ndarray:
    """Return a similar view of a picture, smoothed as far as it is made smaller, unless `nearest`."""
    scale = float(np.sqrt(np.linalg.det(affine[:, :2])))
    step = 1
    if not nearest and scale < 0.7:
        step = round(1 / scale)
        image = cv2.resize(image, (max(1, image.shape[1] // step), max(1, image.shape[0] // step)),
                           interpolation=cv2.INTER_AREA)  # fmt: skip
    # OpenCV counts from the middle of the first pixel, we from its corner.
    linear = affine[:, :2] * step
    shift = affine[:, 2] + linear @ [0.5, 0.5] - 0.5
    flags = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    return cv2.warpAffine(image, np.column_stack([linear, shift]), size_hw[::-1], flags=flags)


def collate(
    pictures: Sequence[Picture],
    size_hw: tuple[int, int],
    grid: tuple[int, int],
    *,
    wobble: Wobble | None = None,
    rng: np.random.Generator | None = None,
) -> Batch:
    """Return a batch of crops.

    Args:
        pictures: One for each crop.
        size_hw: Height and width of the crops, px.
        grid: Rows and columns of patches.
        wobble: How they shall vary, or None.
        rng: What they vary by.
    """
    rng = rng or np.random.default_rng(0)
    crops = [crop_of(picture, size_hw, wobble=wobble, rng=rng) for picture in pictures]
    points, state = zip(*(_points(p, affine, size_hw) for p, (_, affine) in zip(pictures, crops, strict=True)),
                        strict=True)  # fmt: skip
    parts = [_parts(p, affine, size_hw, grid) for p, (_, affine) in zip(pictures, crops, strict=True)]

    def known(name: str, size: int) -> Tensor:
        values = [getattr(picture, name) for picture in pictures]
        return torch.as_tensor(np.stack([np.zeros(size, np.float32) if v is None else v for v in values])).float()

    return Batch(
        torch.as_tensor(np.stack([image for image, _ in crops])).movedim(3, 1).contiguous(),
        None,
        torch.as_tensor(np.stack([affine for _, affine in crops])).float(),
        torch.tensor([picture.focal_px for picture in pictures], dtype=torch.float32),
        torch.as_tensor(np.stack([picture.center_px for picture in pictures])).float(),
        size_hw,
        known("q", N_DOFS),
        known("betas", N_BETAS),
        known("trans_m", 3),
        torch.tensor([picture.q is not None for picture in pictures]),
        torch.as_tensor(np.stack(points)).float(),
        torch.as_tensor(np.stack(state)).long(),
        torch.as_tensor(np.stack(parts)).long(),
    )


def _points(picture: Picture, affine: Affine, size_hw: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return where points lie in the crop, zero where unknown, and their state there."""
    at = picture.points_px @ affine[:, :2].T + affine[:, 2]
    at = np.where(np.any(np.isnan(at), axis=1, keepdims=True), 0.0, at)
    inside = np.all((at >= 0) & (at < np.array(size_hw[::-1])), axis=1)
    return at, np.where(inside | (picture.state == 0), picture.state, OUTSIDE)


def _parts(picture: Picture, affine: Affine, size_hw: tuple[int, int], grid: tuple[int, int]) -> np.ndarray:
    """Return the body part in the middle of each patch, row by row."""
    if picture.parts is None:
        return np.full(grid[0] * grid[1], NO_PART)
    size = np.array([grid[1] / size_hw[1], grid[0] / size_hw[0]])
    return warp(picture.parts, affine * size[:, None], grid, nearest=True).flatten()
