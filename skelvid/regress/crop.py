"""A picture and the box around a person go in; a crop comes out, and all that it takes to go back from it.

A crop is an affine view of the picture, but the person in it is told as a virtual camera would see them that looks
straight at the crop's middle, its x axis along the crop's rows: a person at the edge of the picture is seen from the
side, and would else be told to stand askew. Beyond the picture a crop is black.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor
from torch.nn.functional import normalize

from skelvid.datatypes.frames import Camera
from skelvid.geometry.boxes import Affine, crop_affine

# Around a box that goes around the whole person, on every side, in shares of its longer side.
MARGIN = 0.1
# Middle of `CropCamera.features`: a standing person, 3.5 m away.
_USUAL_LOG_SPAN = -0.5


@dataclass(frozen=True)
class CropCamera:
    """How crops were cut out of pictures, and the cameras that took those.

    Attributes:
        image_to_crop: `b 2 3` scale, turn about the optical axis and shift, px of the picture to px of the crop.
        focal_px: `b` of the picture; center_px: `b 2` its principal point, which may lie outside of it.
        size_hw: Height and width of the crops, px.
    """

    image_to_crop: Float[Tensor, "b 2 3"]
    focal_px: Float[Tensor, "b"]
    center_px: Float[Tensor, "b 2"]
    size_hw: tuple[int, int]

    def __len__(self) -> int:
        return len(self.focal_px)

    def __getitem__(self, index: Any) -> "CropCamera":
        """Return some of the crops."""
        return CropCamera(self.image_to_crop[index], self.focal_px[index], self.center_px[index], self.size_hw)

    def to(self, *args: Any) -> "CropCamera":
        """Return it on another device or in another type."""
        affine, focal_px, center_px = (v.to(*args) for v in (self.image_to_crop, self.focal_px, self.center_px))
        return CropCamera(affine, focal_px, center_px, self.size_hw)

    @property
    def focal_crop_px(self) -> Float[Tensor, "b"]:
        """The focal length in px of the crop."""
        return self.focal_px * torch.linalg.det(self.image_to_crop[:, :, :2]).sqrt()

    @property
    def features(self) -> Float[Tensor, "b 3"]:
        """What a network is told of the camera.

        Directions of the principal point from the crop's middle, right and down, rad; logarithm of the crop's height
        in focal lengths, about 0 for a person a few metres away.
        """
        log_span = (self.size_hw[0] / self.focal_crop_px).log() - _USUAL_LOG_SPAN
        return torch.cat([torch.atan(self._principal()), log_span[:, None]], dim=1)

    @property
    def view_rot(self) -> Float[Tensor, "b 3 3"]:
        """Turns directions of the real camera into the virtual camera that looks at the crop's middle."""
        x, y = (-self._principal()).unbind(1)
        forward = normalize(torch.stack([x, y, torch.ones_like(x)], dim=1), dim=1)
        right = normalize(torch.stack([forward[:, 2], torch.zeros_like(x), -forward[:, 0]], dim=1), dim=1)
        look = torch.stack([right, torch.linalg.cross(forward, right), forward], dim=1)
        turn = self.image_to_crop[:, :, :2] * (self.focal_px / self.focal_crop_px)[:, None, None]
        return torch.cat([look[:, :, :2] @ turn, look[:, :, 2:]], dim=2)

    def to_crop(self, image_px: Float[Tensor, "b *k 2"]) -> Float[Tensor, "b *k 2"]:
        """Return where points of the pictures lie in the crops, px."""
        linear, shift = self._affine(image_px.ndim)
        return (linear @ image_px[..., None])[..., 0] + shift

    def to_image(self, crop_px: Float[Tensor, "b *k 2"]) -> Float[Tensor, "b *k 2"]:
        """Return where points of the crops lie in the pictures, px."""
        linear, shift = self._affine(crop_px.ndim)
        return (torch.linalg.inv(linear) @ (crop_px - shift)[..., None])[..., 0]

    def mirrored(self) -> "CropCamera":
        """Return the camera of the crops seen in a mirror, pictures mirrored about their principal points."""
        flip = self.focal_px.new_tensor([-1.0, 1.0])
        linear = flip[:, None] * self.image_to_crop[:, :, :2] * flip
        corner = self.focal_px.new_tensor([self.size_hw[1], 0.0])
        # What lies at x in the picture lies at 2 c - x in the mirror.
        shift = flip * (self.to_crop(self.center_px) - corner) - (linear @ self.center_px[:, :, None])[..., 0]
        return CropCamera(torch.cat([linear, shift[..., None]], 2), self.focal_px, self.center_px, self.size_hw)

    def _principal(self) -> Float[Tensor, "b 2"]:
        """Return the principal point from the crop's middle, in focal lengths."""
        height, width = self.size_hw
        middle = self.focal_px.new_tensor([width / 2, height / 2])
        return (self.to_crop(self.center_px) - middle) / self.focal_crop_px[:, None]

    def _affine(self, dims: int) -> tuple[Tensor, Tensor]:
        shape = (len(self), *[1] * (dims - 2))
        return self.image_to_crop[:, :, :2].reshape(*shape, 2, 2), self.image_to_crop[:, :, 2].reshape(*shape, 2)


def crop_cameras(xyxy: Float[np.ndarray, "b 4"], camera: Camera, size_hw: tuple[int, int]) -> CropCamera:
    """Return how to crop the people in boxes, image px, out of pictures of one camera."""
    affine = [crop_affine(box, size_hw, share=MARGIN) for box in xyxy]
    b = len(xyxy)
    return CropCamera(
        torch.as_tensor(np.reshape(affine, (b, 2, 3))).float(),
        torch.full((b,), camera.focal_px),
        torch.tensor(camera.center_px).float().expand(b, 2),
        size_hw,
    )


def cut_out(image: UInt8[np.ndarray, "h w 3"], image_to_crop: Affine, size_hw: tuple[int, int]) -> np.ndarray:
    """Return a crop `h w 3` of a picture, uint8, smoothed as far as it is made smaller.

    Args:
        image: The picture.
        image_to_crop: Scale and shift alone.
        size_hw: Height and width of the crop, px.
    """
    scale = image_to_crop[0, 0]
    low = -image_to_crop[:, 2] / scale
    high = low + np.array(size_hw[::-1]) / scale
    left, top = np.floor(low).astype(int)
    right, bottom = np.ceil(high).astype(int)
    part = np.zeros((bottom - top, right - left, 3), np.uint8)
    height, width = image.shape[:2]
    rows, columns = slice(max(top, 0), min(bottom, height)), slice(max(left, 0), min(right, width))
    if rows.start < rows.stop and columns.start < columns.stop:
        part[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = image[rows, columns]
    box = (*(low - (left, top)).tolist(), *(high - (left, top)).tolist())
    return np.asarray(Image.fromarray(part).resize((size_hw[1], size_hw[0]), Image.Resampling.BILINEAR, box=box))
