"""Crops of people go in, poses come out: a ViT of timm, and a decoder whose queries ask its patches.

The decoder lets patches ask each other first: which limb is the left one is written in head and feet, not in the limb.
"""

from collections.abc import Mapping
from typing import Any

import timm
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import dropout, interpolate, layer_norm, scaled_dot_product_attention

from skelvid.body.ball_rotation import ball_rotation, six_of_rotation
from skelvid.body.dofs import DOF_INDEX, DOFS, JOINT_INDEX, JOINT_NAMES, joint_dofs
from skelvid.datatypes.skel import N_BETAS, N_DOFS
from skelvid.regress.output import BALLS, BIN_PX, N_YAWS, PLAIN_DOFS, POINTS, VISIBILITIES, Output

DEFAULT_BACKBONE = "vit_small_patch14_dinov2"
# Hanging arms, to start from.
_START_RAD = {"shoulder_r_x": 1.2, "shoulder_l_x": -1.2}
# Upright and facing the camera: the template's x and y axes in the camera's.
_START_ROOT = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
_START_LOG_SIGMA = -1.5


class Backbone(nn.Module):
    """A ViT of timm without its head.

    Args:
        name: As timm calls it; its weights are not fetched.
        size_hw: Height and width of crops, px, multiples of the patch.
        layers: Blocks whose output is used, from 0; those after the last are not made.
        options: Of timm's model, e.g. `{"embed_dim": 32, "num_heads": 2}`.
    """

    mean: Tensor
    sd: Tensor

    def __init__(
        self,
        name: str = DEFAULT_BACKBONE,
        *,
        size_hw: tuple[int, int] = (224, 168),
        layers: tuple[int, ...] = (8, 11),
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.size_hw, self.layers = size_hw, layers
        given: dict[str, Any] = {"depth": max(layers) + 1, **(options or {})}
        self.vit: Any = timm.create_model(name, num_classes=0, img_size=size_hw, **given)
        self.grid: tuple[int, int] = self.vit.patch_embed.grid_size
        self.channels: int = self.vit.num_features * len(layers)
        for key, buffer in (("mean", "mean"), ("std", "sd")):
            value = torch.tensor(self.vit.pretrained_cfg[key]).reshape(3, 1, 1)
            self.register_buffer(buffer, value, persistent=False)

    def forward(self, image: Float[Tensor, "b 3 h w"] | UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b n c"]:
        """Return what the blocks say of each patch, row by row, side by side.

        Args:
            image: Red, green and blue, sRGB: 0 to 255 if they are bytes, else 0 to 1.

        Raises:
            ValueError: The crops have another size.
        """
        kept = self.vit.forward_intermediates(
            self.prepared(image),
            indices=list(self.layers),
            norm=True,
            output_fmt="NLC",
            intermediates_only=True,
        )
        return torch.cat(kept, dim=2)

    def prepared(self, image: Float[Tensor, "b 3 h w"] | UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Return crops as the ViT was made to see them."""
        if tuple(image.shape[-2:]) != self.size_hw:
            raise ValueError(f"crops must be {self.size_hw} px high and wide, got {tuple(image.shape[-2:])}")
        if image.dtype == torch.uint8:
            image = image.to(self.mean.dtype) / 255
        return (image - self.mean) / self.sd


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.query, self.key_value, self.join = (nn.Linear(width, n * width) for n in (1, 2, 1))

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        here = self.before(x)
        query, key, value = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in (self.query(here), *self.key_value(here if context is None else context).chunk(2, dim=2))
        )
        return x + self.join(scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))


class _Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inside = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inside(x)


class Decoder(nn.Module):
    """From patches to poses.

    Args:
        channels: Of a patch; grid: rows and columns of patches; size_hw: height and width of crops, px.
        points: Names of the points to tell, of `skelvid.body.keypoints`.
        parts: How many body parts to tell patches apart by; 0 once it is trained.
        width: Channels inside; a multiple of `heads`.
        mixing: Layers in which patches ask each other.
        depth: Layers in which queries ask the patches.
        heads: Attention heads.
        forget: Share of a patch's channels that are left out while training.
    """

    def __init__(
        self,
        channels: int,
        grid: tuple[int, int],
        *,
        size_hw: tuple[int, int],
        points: tuple[str, ...] = POINTS,
        parts: int = 0,
        width: int = 192,
        mixing: int = 2,
        depth: int = 3,
        heads: int = 6,
        forget: float = 0.1,
    ) -> None:
        super().__init__()
        self.points, self.forget = points, forget
        self.enter = nn.Linear(channels, width)
        self.camera = nn.Linear(3, width)
        self.place = nn.Parameter(0.02 * torch.randn(grid[0] * grid[1], width))
        self.mix = nn.ModuleList(nn.Sequential(_Attention(width, heads), _Mlp(width)) for _ in range(mixing))
        self.seen = nn.LayerNorm(width)
        # One for the person, one for each joint, one for each point.
        self.queries = nn.Parameter(0.02 * torch.randn(1 + len(JOINT_NAMES) + len(points), width))
        self.ask = nn.ModuleList(
            nn.ModuleList([_Attention(width, heads), _Attention(width, heads), _Mlp(width)]) for _ in range(depth)
        )
        self.leave = nn.LayerNorm(width)
        self.person_widths = (N_YAWS, 6 * N_YAWS, N_BETAS, 3)
        self.tell_person = nn.Linear(width, sum(self.person_widths))
        self.tell_joint = nn.Parameter(0.02 * torch.randn(len(JOINT_NAMES), width, 9))
        self.joint_start = nn.Parameter(_joint_start())
        self.point_widths = (size_hw[1] // BIN_PX, size_hw[0] // BIN_PX, 1, len(VISIBILITIES))
        self.tell_point = nn.Linear(width, sum(self.point_widths))
        # Patches say themselves which points they hold: what a query tells of a place only makes that finer.
        self.tell_patch = nn.Linear(width, len(points))
        self.grid = grid
        self.tell_part = nn.Linear(width, parts) if parts else None
        with torch.no_grad():
            self.tell_patch.weight.zero_()
            self.tell_person.weight.mul_(0.3)
            self.tell_person.bias.zero_()
            self.tell_person.bias[N_YAWS : 7 * N_YAWS] = torch.tensor(_START_ROOT * N_YAWS)
            self.tell_person.bias[-3] = -0.8  # a crop is about 2.2 m high

    def forward(self, tokens: Float[Tensor, "b n c"], camera: Float[Tensor, "b 3"]) -> Output:
        """Tell poses from patches.

        Args:
            tokens: What the backbone says of the patches.
            camera: `CropCamera.features`.
        """
        tokens = dropout(layer_norm(tokens, tokens.shape[2:]), self.forget, self.training)
        view = self.camera(camera)[:, None]
        x = self.enter(tokens) + self.place + view
        for layer in self.mix:
            x = layer(x)
        x = self.seen(x)
        told = self.queries + view
        for ask_each_other, ask_patches, think in self.ask:  # type: ignore[misc]
            told = think(ask_patches(ask_each_other(told), x))
        told = self.leave(told)
        n_joints = len(JOINT_NAMES)
        person = self.tell_person(told[:, 0]).float().split(self.person_widths, dim=1)
        joint = torch.einsum("bjw,jwo->bjo", told[:, 1 : 1 + n_joints], self.tell_joint).float() + self.joint_start
        point = self.tell_point(told[:, 1 + n_joints :]).float().split(self.point_widths, dim=2)
        held = self.tell_patch(x).float().transpose(1, 2).unflatten(2, self.grid)
        return Output(
            yaw_logits=person[0],
            root_six=person[1].unflatten(1, (N_YAWS, 6)),
            ball_six=joint[:, [JOINT_INDEX[name] for name in BALLS], :6],
            circle=joint[:, :, :6].flatten(1)[:, _CIRCLE].unflatten(1, (-1, 2)),
            log_sigma=joint[:, :, 6:].flatten(1)[:, _SIGMA].clamp(-5.0, 2.0),
            betas=person[2],
            place=person[3],
            x_logits=point[0] + _along(held.logsumexp(2), point[0]),
            y_logits=point[1] + _along(held.logsumexp(3), point[1]),
            point_log_sigma=point[2][..., 0] - 4.0,
            visibility_logits=point[3],
            part_logits=None if self.tell_part is None else self.tell_part(x).float(),
        )


def _along(held: Float[Tensor, "b k m"], bins: Float[Tensor, "b k n"]) -> Float[Tensor, "b k n"]:
    """Return what rows or columns of patches say, for each bin."""
    return interpolate(held, bins.shape[2], mode="linear", align_corners=False)


# Where a degree of freedom's numbers stand among its joint's nine: two for each angle, or six for a rotation, then
# three for their doubt.
_SLOT = [3 * JOINT_INDEX[dof.joint] + joint_dofs(dof.joint).index(d) for d, dof in enumerate(DOFS)]
_CIRCLE = [2 * _SLOT[d] + i for d in PLAIN_DOFS for i in (0, 1)]
_SIGMA = _SLOT


def _joint_start() -> Float[Tensor, "24 9"]:
    """Return what is told of joints to begin with: hanging arms, else the T-pose."""
    q = torch.zeros(N_DOFS)
    for name, angle in _START_RAD.items():
        q[DOF_INDEX[name]] = angle
    start = torch.zeros(len(JOINT_NAMES), 9)
    start[:, 1:6:2] = 1.0
    for name in BALLS:
        start[JOINT_INDEX[name], :6] = six_of_rotation(ball_rotation(q[list(joint_dofs(name))], name))
    start[:, 6:] = _START_LOG_SIGMA
    return start


class RegressNetwork(nn.Module):
    """Backbone and decoder, which can be used one after the other.

    Args:
        backbone: Name of a ViT of timm, see `Backbone`.
        size_hw, layers, options: See `Backbone`.
        decoder: Arguments of `Decoder`, if other than its own.
    """

    def __init__(
        self,
        backbone: str = DEFAULT_BACKBONE,
        *,
        size_hw: tuple[int, int] = (224, 168),
        layers: tuple[int, ...] = (8, 11),
        options: Mapping[str, Any] | None = None,
        decoder: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {
            "backbone": backbone, "size_hw": size_hw, "layers": layers,
            "options": dict(options or {}), "decoder": dict(decoder or {}),
        }  # fmt: skip
        self.backbone = Backbone(backbone, size_hw=size_hw, layers=layers, options=options)
        self.decoder = Decoder(self.backbone.channels, self.backbone.grid, size_hw=size_hw, **(decoder or {}))

    def forward(
        self, image: Float[Tensor, "b 3 h w"] | UInt8[Tensor, "b 3 h w"], camera: Float[Tensor, "b 3"]
    ) -> Output:
        """Tell poses from crops; see `Backbone.forward` and `Decoder.forward`."""
        return self.decoder(self.backbone(image), camera)
