"""Skin and skeleton meshes of a posed body, as few large matrix products."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from skelvid.body.assets import N_JOINTS, SkelAssets, dense_weights
from skelvid.body.dofs import JOINT_INDEX
from skelvid.body.skeleton import Placement
from skelvid.datatypes.skel import N_BETAS


@dataclass(frozen=True)
class SkinMesh:
    """Skin constants, vertices last so that every pass runs over contiguous memory; dense weights."""

    template_m: Float[Tensor, "3 v"]
    shapedirs_m: Float[Tensor, "10 3*v"]
    posedirs_m: Float[Tensor, "207 3*v"] | None
    weight: Float[Tensor, "24 v"]


@dataclass(frozen=True)
class BoneSkin:
    """Skeleton constants: bone-local vertices, owning joint, dense soft weights and the end points that set size."""

    template_m: Float[Tensor, "p 3"]
    joint: Tensor
    weight: Float[Tensor, "24 p"]
    size_start: Float[Tensor, "24 3 3"]  # per joint and bone axis: two ends whose distance sets the scale at betas 0
    size_end: Float[Tensor, "24 3 3"]
    size_start_dirs: Float[Tensor, "24 3 3 10"]
    size_end_dirs: Float[Tensor, "24 3 3 10"]


def compile_skin(assets: SkelAssets, *, dtype: torch.dtype, device: torch.device | str) -> SkinMesh:
    """Turn the skin of a body into tensors."""

    def tensor(value: np.ndarray) -> Tensor:
        return torch.as_tensor(value, dtype=dtype, device=device).contiguous()

    posedirs = assets.posedirs_m
    return SkinMesh(
        template_m=tensor(assets.skin_template_m.T),
        shapedirs_m=tensor(assets.shapedirs_m.T.reshape(N_BETAS, -1)),
        posedirs_m=None if posedirs is None else tensor(posedirs.T.reshape(posedirs.shape[-1], -1)),
        weight=tensor(dense_weights(assets.skin_weight_joint, assets.exact_skin_weight).T),
    )


def place_skin(
    skin: SkinMesh,
    betas: Float[Tensor, "s 10"],
    placement: Placement,
    trans_m: Float[Tensor, "b 3"],
    pose_features: Float[Tensor, "b 207"] | None,
) -> Float[Tensor, "b v 3"]:
    """Pose the skin by linear blend skinning."""
    rest = skin.template_m + (betas @ skin.shapedirs_m).unflatten(-1, (3, -1))
    if skin.posedirs_m is not None and pose_features is not None:
        rest = rest + (pose_features @ skin.posedirs_m).unflatten(-1, (3, -1))
    return _skin(rest, skin.weight, placement, trans_m)


def _skin(
    rest: Float[Tensor, "_ 3 v"], weight: Float[Tensor, "24 v"], placement: Placement, trans_m: Float[Tensor, "b 3"]
) -> Float[Tensor, "b v 3"]:
    joints = placement.shape.joints_m.movedim(-1, 0)
    origin = placement.joints_m - (placement.rot @ joints[..., None])[..., 0] + trans_m[:, None]
    transform = torch.cat([placement.rot, origin[..., None]], dim=-1)  # b 24 3 4
    blended = (transform.transpose(1, 3).flatten(1, 2) @ weight).unflatten(1, (4, 3))
    out = blended[:, 3]
    for axis in range(3):
        out = torch.addcmul(out, blended[:, axis], rest[:, axis, None])
    return out.mT


def compile_bones(assets: SkelAssets, *, dtype: torch.dtype, device: torch.device | str) -> BoneSkin | None:
    """Turn the skeleton mesh of a body into tensors, or return None when it has none."""
    bones = assets.bones
    if bones is None:
        return None
    start, end = _size_points(assets)

    def place(points: np.ndarray) -> tuple[Tensor, Tensor]:
        homogeneous = np.concatenate([assets.skin_template_m[..., None], assets.shapedirs_m], axis=-1)
        values = np.einsum("jav,vce->jace", points, homogeneous)
        tensor = torch.as_tensor(values, dtype=dtype, device=device)
        return tensor[..., 0], tensor[..., 1:]

    size_start, size_start_dirs = place(start)
    size_end, size_end_dirs = place(end)
    return BoneSkin(
        template_m=torch.as_tensor(bones.template_m, dtype=dtype, device=device),
        joint=torch.as_tensor(bones.joint, dtype=torch.long, device=device),
        weight=torch.as_tensor(dense_weights(bones.weight_joint, bones.weight).T, dtype=dtype, device=device),
        size_start=size_start,
        size_end=size_end,
        size_start_dirs=size_start_dirs,
        size_end_dirs=size_end_dirs,
    )


def place_bones(
    bones: BoneSkin, betas: Float[Tensor, "s 10"], placement: Placement, trans_m: Float[Tensor, "b 3"]
) -> Float[Tensor, "b p 3"]:
    """Pose the skeleton: bones scaled by the shape in their own frames, then skinned."""
    sized = placement.shape.bone_rot.movedim(-1, 0) * bone_scale(bones, betas)[:, :, None]
    joint = placement.shape.joints_m.movedim(-1, 0)[:, bones.joint]
    rest = (sized[:, bones.joint] * bones.template_m[:, None]).sum(-1) + joint
    return _skin(rest.mT, bones.weight, placement, trans_m)


def bone_scale(bones: BoneSkin, betas: Float[Tensor, "s 10"]) -> Float[Tensor, "s 24 3"]:
    """Return how much larger each bone is than the template's, along its x (depth), y (length) and z (width).

    Bones do not grow with fat: depth follows the skin only where a thin body leaves less room.
    """
    rest = torch.linalg.vector_norm(bones.size_end - bones.size_start, dim=-1)
    dirs = torch.einsum("jacb,sb->sjac", bones.size_end_dirs - bones.size_start_dirs, betas)
    scale = torch.linalg.vector_norm(bones.size_end - bones.size_start + dirs, dim=-1) / rest
    return torch.cat([scale[..., :2].amin(-1, keepdim=True), scale[..., 1:]], dim=-1)


def _size_points(assets: SkelAssets) -> tuple[Float[np.ndarray, "24 3 v"], Float[np.ndarray, "24 3 v"]]:
    """Choose for every bone axis two points, as weights over skin vertices, whose distance tells the bone's size.

    Joint centres where two of them span the bone; for head, hands and toes the joint and the skin vertex of that
    part that lies farthest from it. Pelvis and thorax take their width from the hips and the shoulders, their depth
    from the skin in the midline.
    """
    n = len(assets.skin_template_m)
    regressor = dense_weights(assets.joint_weight_vertex, assets.joint_weight, n)
    main_joint = assets.main_joint

    def tip(joint: str) -> np.ndarray:
        return np.eye(1, n, assets.tip_vertex(JOINT_INDEX[joint]))[0]

    def midline(joint: str) -> tuple[int, int]:
        skin = assets.skin_template_m
        own = (main_joint == JOINT_INDEX[joint]) & (np.abs(skin[:, 0]) < 0.02)
        front = int(np.where(own, skin[:, 2], -np.inf).argmax())
        level = np.abs(skin[:, 1] - skin[front, 1]) < 0.02
        return front, int(np.where(own & level, skin[:, 2], np.inf).argmin())

    start, end = np.zeros((N_JOINTS, 3, n)), np.zeros((N_JOINTS, 3, n))
    for bone, (first, second) in _size_joints().items():
        start[JOINT_INDEX[bone]] = regressor[JOINT_INDEX[first]]
        end[JOINT_INDEX[bone]] = tip(first) if second is None else regressor[JOINT_INDEX[second]]
    thorax = JOINT_INDEX["thorax"]
    for part in ("pelvis", "thorax"):
        front, back = midline(part)
        if assets.skin_template_m[front, 2] - assets.skin_template_m[back, 2] > 0.05:  # else too coarse a mesh
            start[JOINT_INDEX[part], 0], end[JOINT_INDEX[part], 0] = np.eye(1, n, front), np.eye(1, n, back)
    start[thorax, 2], end[thorax, 2] = regressor[JOINT_INDEX["scapula_l"]], regressor[JOINT_INDEX["scapula_r"]]
    return start, end


def _size_joints() -> dict[str, tuple[str, str | None]]:
    """Return the two joints that span each bone; None stands for the far tip of the part."""
    spans: dict[str, tuple[str, str | None]] = {
        "pelvis": ("femur_l", "femur_r"),
        "lumbar_body": ("lumbar_body", "thorax"),
        "thorax": ("lumbar_body", "thorax"),
        "head": ("head", None),
    }
    for s in ("r", "l"):
        spans |= {
            f"femur_{s}": (f"femur_{s}", f"tibia_{s}"),
            f"tibia_{s}": (f"tibia_{s}", f"talus_{s}"),
            f"talus_{s}": (f"calcn_{s}", f"toes_{s}"),
            f"calcn_{s}": (f"calcn_{s}", f"toes_{s}"),
            f"toes_{s}": (f"toes_{s}", None),
            f"scapula_{s}": ("thorax", f"humerus_{s}"),
            f"humerus_{s}": (f"humerus_{s}", f"ulna_{s}"),
            f"ulna_{s}": (f"ulna_{s}", f"hand_{s}"),
            f"radius_{s}": (f"ulna_{s}", f"hand_{s}"),
            f"hand_{s}": (f"hand_{s}", None),
        }
    return spans
