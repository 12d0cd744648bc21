"""Forward kinematics of SKEL in torch: q and a shape go in, joint rotations and centres come out.

Equations (Keller et al. 2023; notation of the code): joint i turns by R_i = K_i M_i K_i^T in template axes, with
M_i = A_i^T Rp_i(q) A_i and K_i = S_i C_i the rest orientation of its bone: C_i is learned, S_i is the shortest rotation
from the learned bone direction to the shaped one. G_i = G_parent R_i and O_i = O_parent + G_parent t_i place the joint.

Three ideas make it fast. M_i is a polynomial in the sines and cosines of at most three angles, so one table of
coefficients turns all 46 angles into 24 rotations in one product. The tree is composed by pointer jumping: three
rounds over all joints instead of one step per joint. And inside this file the batch is the LAST dimension, so that
every elementwise operation runs over contiguous frames; `Placement` gives batch-first views.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from skelvid.body.assets import N_JOINTS, SkelAssets
from skelvid.body.dofs import (
    DOF_JOINTS,
    DOFS,
    FIRST_CHILD,
    JOINT_INDEX,
    JOINT_NAMES,
    JOINT_PARENTS,
    JOINTS,
    joint_dofs,
)
from skelvid.datatypes.skel import N_DOFS

_Array = TypeVar("_Array", np.ndarray, Tensor)

# Joints whose bone keeps its learned orientation: leaves and those whose bone vector is not meaningful.
FIXED_JOINTS = tuple(JOINT_INDEX[n] for n in ("pelvis", "toes_r", "toes_l", "head", "hand_r", "hand_l"))
# Joints that also translate with their own angles, in the order of all `shift` arrays.
SHIFTED = tuple(i for kind in ("spine_arc", "scapula") for i, joint in enumerate(JOINTS) if joint.kind == kind)
N_ARCS = 3
SHIFT_DOFS = tuple(joint_dofs(JOINT_NAMES[i])[:2] for i in SHIFTED)
# Lengths that the shifts are proportional to: three arcs, thorax width, thorax height.
WIDTH_JOINTS = (JOINT_INDEX["scapula_l"], JOINT_INDEX["scapula_r"])
HEIGHT_JOINTS = (JOINT_INDEX["thorax"], JOINT_INDEX["lumbar_body"])
PARENTS = np.maximum(JOINT_PARENTS, 0)


@dataclass(frozen=True)
class Skeleton:
    """Constants of one body's kinematics, as tensors of one dtype on one device.

    Attributes:
        joint_template_m, joint_dirs_m: rest joint centres and their change per unit of each beta.
        bone_template_m, bone_dirs_m: the same for the vector along each bone (see `bone_vectors`).
        learned_rot: C. learned_bone: unit direction of the learned bone in template axes.
        rotation_table: coefficients of M in the features of `_angle_features`.
        axis_table: the same for the three rotation axes, as columns in the turned bone's frame.
        feature_index, jump: see `_feature_index`, `_jump_table`.
        is_ancestor: [i, j] = 1 when joint j is i or above it.
    """

    joint_template_m: Float[Tensor, "24 3"]
    joint_dirs_m: Float[Tensor, "24 3 10"]
    bone_template_m: Float[Tensor, "24 3"]
    bone_dirs_m: Float[Tensor, "24 3 10"]
    learned_rot: Float[Tensor, "24 3 3"]
    learned_bone: Float[Tensor, "24 3"]
    rotation_table: Float[Tensor, "24 9 27"]
    axis_table: Float[Tensor, "24 9 27"]
    feature_index: Int[Tensor, "216"]
    parent: Int[Tensor, "24"]
    jump: Int[Tensor, "3 25"]
    dof_joint: Int[Tensor, "46"]
    dof_slot: Int[Tensor, "46"]
    shifted: Int[Tensor, "5"]
    free_bone: Float[Tensor, "24"]
    is_ancestor: Float[Tensor, "24 24"]


@dataclass(frozen=True)
class Shape:
    """What a shape fixes before any pose; batch last, `s` is 1 (shared) or the batch.

    Attributes:
        joints_m: rest joint centres.
        step_m: joint relative to its parent (the root: to the origin).
        bone_m: vector along each bone.
        bone_rot: K, template <- bone frame.
        lengths_m: spine arcs (3), thorax width and height.
    """

    joints_m: Float[Tensor, "24 3 s"]
    step_m: Float[Tensor, "24 3 s"]
    bone_m: Float[Tensor, "24 3 s"]
    bone_rot: Float[Tensor, "24 3 3 s"]
    lengths_m: Float[Tensor, "5 s"]


@dataclass(frozen=True)
class Placement:
    """Posed skeletons before `trans_m` is added; batch last, with batch-first views.

    Attributes:
        transform: [G | O], rotation of each bone away from the template and its joint centre.
        step_m: O_i - O_parent in template axes of the parent (t_i).
        features: trigonometric features of `_angle_features`.
        shape: the shape that was posed.
    """

    transform: Float[Tensor, "24 3 4 b"]
    step_m: Float[Tensor, "24 3 b"]
    features: Float[Tensor, "24 27 b"]
    shape: Shape

    @cached_property
    def rot(self) -> Float[Tensor, "b 24 3 3"]:
        """G, batch first."""
        return self.transform[:, :, :3].movedim(-1, 0).contiguous()

    @cached_property
    def joints_m(self) -> Float[Tensor, "b 24 3"]:
        """O, batch first."""
        return self.transform[:, :, 3].movedim(-1, 0).contiguous()

    @cached_property
    def bone_rot(self) -> Float[Tensor, "b 24 3 3"]:
        """G K, orientation of the OpenSim body frames, batch first."""
        return _multiply(self.transform[:, :, :3], self.shape.bone_rot).movedim(-1, 0)


def make_skeleton(assets: SkelAssets, *, dtype: torch.dtype, device: torch.device | str) -> Skeleton:
    """Precompute the kinematic constants of a body."""
    joint_template, joint_dirs = assets.joints_m.astype(np.float64), assets.joint_dirs_m
    rotation_table, axis_table = _trigonometric_tables(_orthonormal(assets.apose_rel_transfo[:, :3, :3]))
    learned_rot = _orthonormal(assets.per_joint_rot)
    learned_bone = bone_vectors(assets.apose_rel_transfo[:, :3, 3].astype(np.float64), learned=True)
    learned_bone = np.einsum("jab,jb->ja", learned_rot, learned_bone)
    values = {
        "joint_template_m": joint_template,
        "joint_dirs_m": joint_dirs,
        "bone_template_m": bone_vectors(steps(joint_template)),
        "bone_dirs_m": bone_vectors(steps(joint_dirs)),
        "learned_rot": learned_rot,
        "learned_bone": learned_bone / np.maximum(np.linalg.norm(learned_bone, axis=-1, keepdims=True), 1e-12),
        "rotation_table": rotation_table,
        "axis_table": axis_table,
        "feature_index": _feature_index(),
        "parent": PARENTS,
        "jump": _jump_table(),
        "dof_joint": np.array(DOF_JOINTS),
        "dof_slot": np.array([3 * DOF_JOINTS[d] + joint_dofs(DOFS[d].joint).index(d) for d in range(N_DOFS)]),
        "shifted": np.array(SHIFTED),
        "free_bone": np.array([float(i not in FIXED_JOINTS) for i in range(N_JOINTS)]),
        "is_ancestor": _ancestor_mask(),
    }
    return Skeleton(**{k: _constant(v, dtype=dtype, device=device) for k, v in values.items()})


def make_shape(skeleton: Skeleton, betas: Float[Tensor, "s 10"]) -> Shape:
    """Compute rest joints and bone orientations of shapes."""

    def shaped(template: Tensor, dirs: Tensor) -> Float[Tensor, "24 3 s"]:
        return (template[..., None] + dirs @ betas.mT).contiguous()

    joints = shaped(skeleton.joint_template_m, skeleton.joint_dirs_m)
    bone = shaped(skeleton.bone_template_m, skeleton.bone_dirs_m)
    step = torch.cat([joints[:1], joints[1:] - joints[skeleton.parent[1:]]])
    turn = _shortest_rotation(skeleton.learned_bone[..., None], bone, skeleton.free_bone[:, None])
    width, height = (joints[a] - joints[b] for a, b in (WIDTH_JOINTS, HEIGHT_JOINTS))
    spans = torch.stack([width, height]).square().sum(1).sqrt()
    return Shape(
        joints_m=joints,
        step_m=step,
        bone_m=bone,
        bone_rot=_multiply(turn, skeleton.learned_rot[..., None]),
        lengths_m=torch.cat([step[skeleton.shifted[:N_ARCS], 1].abs(), spans]),
    )


def pose_skeleton(skeleton: Skeleton, shape: Shape, q: Float[Tensor, "b 46"]) -> Placement:
    """Place the 24 joints for every row of q."""
    features = _angle_features(skeleton, q.mT)
    turn = torch.bmm(skeleton.rotation_table, features).view(N_JOINTS, 3, 3, -1)
    local = _multiply(_multiply(shape.bone_rot, turn), shape.bone_rot.transpose(1, 2))
    shift = (shift_factors(q) * shape.lengths_m[:, None]).sum(1)
    step = shape.step_m.expand(-1, -1, len(q)).index_add(0, skeleton.shifted, shift)
    world = _compose_tree(torch.cat([local, step[:, :, None]], dim=2), skeleton.jump)
    return Placement(transform=world, step_m=step, features=features, shape=shape)


def shift_factors(q: Float[Tensor, "b 46"]) -> Float[Tensor, "5 5 3 b"]:
    """Return how far the shifted joints move, in template axes, per unit of each of `Shape.lengths_m`.

    The spine segment bends as a circular arc; the scapula slides on the thorax ellipsoid with radii width/4 and
    height/2. Rows: `SHIFTED`; columns: lengths.
    """
    first, second = (q[:, [pair[i] for pair in SHIFT_DOFS]].mT for i in (0, 1))
    side, down = _arc_end(torch.stack([first[:N_ARCS], second[:N_ARCS]]))
    out = torch.zeros((5, 5, 3, len(q)), dtype=q.dtype, device=q.device)
    arc = range(N_ARCS)
    out[arc, arc] = torch.stack([-side[0], down[0] + down[1], -side[1]], dim=1)
    sign = torch.tensor([[1.0], [-1.0]], dtype=q.dtype, device=q.device)
    turn, tilt = sign * first[N_ARCS:], sign * second[N_ARCS:] - np.pi / 4
    rest = float(np.cos(np.pi / 4))
    out[(3, 4), (3, 3), 0] = sign * (rest - torch.cos(tilt) * torch.cos(turn)) / 4
    out[(3, 4), (3, 3), 2] = torch.sin(turn) / 4
    out[(3, 4), (4, 4), 1] = -(torch.sin(tilt) + rest) / 2
    return out


def _arc_end(angle: Tensor) -> tuple[Tensor, Tensor]:
    """Return the end of an arc of unit length minus its place at rest: (1 - cos x)/x and sin x/x - 1."""
    half = torch.sinc(angle / (2 * np.pi))
    return 0.5 * angle * half * half, torch.sinc(angle / np.pi) - 1


def axes_world(skeleton: Skeleton, placement: Placement) -> Float[Tensor, "b 46 3"]:
    """Return the world axis about which each degree of freedom turns everything below it."""
    in_bone = torch.bmm(skeleton.axis_table, placement.features).view(N_JOINTS, 3, 3, -1)
    frame = _multiply(placement.transform[:, :, :3], placement.shape.bone_rot)
    return _multiply(frame, in_bone).permute(3, 0, 2, 1).flatten(1, 2)[:, skeleton.dof_slot]


def _angle_features(skeleton: Skeleton, angles: Float[Tensor, "46 b"]) -> Float[Tensor, "24 27 b"]:
    """Return products of (1, sin, cos) over the up to three angles of each joint."""
    values = torch.cat([torch.ones_like(angles[:1]), torch.sin(angles), torch.cos(angles)])
    slots = values.index_select(0, skeleton.feature_index).view(N_JOINTS, 3, 3, -1)
    first = slots[:, 0, :, None] * slots[:, 1, None, :]
    return (first[:, :, :, None] * slots[:, 2, None, None]).view(N_JOINTS, 27, -1)


def _multiply(left: Float[Tensor, "#n 3 3 #b"], right: Float[Tensor, "#n 3 c #b"]) -> Float[Tensor, "_ 3 c _"]:
    """Matrix product over the middle dimensions; three fused passes beat a batched product of 3x3 matrices."""
    out = left[:, :, 0, None] * right[:, None, 0]
    out = torch.addcmul(out, left[:, :, 1, None], right[:, None, 1])
    return torch.addcmul(out, left[:, :, 2, None], right[:, None, 2])


def _compose_tree(local: Float[Tensor, "24 3 4 b"], jump: Int[Tensor, "3 25"]) -> Float[Tensor, "24 3 4 b"]:
    """Multiply each local transform by those of all its ancestors: after round k, 2^k of them are in."""
    still = torch.eye(3, 4, dtype=local.dtype, device=local.device)[None, ..., None]
    last = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=local.dtype, device=local.device)[:, None]
    world = torch.cat([local, still.expand(1, -1, -1, local.shape[-1])])
    for ancestor in jump:
        above = world.index_select(0, ancestor)
        world = torch.addcmul(_multiply(above[:, :, :3], world), above[:, :, 3:], last)
    return world[:N_JOINTS]


def steps(joints: _Array) -> _Array:
    """Return each joint relative to its parent along the first dimension; the root stays as it is."""
    out = joints - joints[PARENTS]
    out[0] = joints[0]
    return out


def bone_vectors(step: _Array, *, learned: bool = False) -> _Array:
    """Return for each joint the vector to its first child, with SKEL's two exceptions.

    The ulna's runs over the radius to the hand. The thorax's is the segment below it (lumbar to thorax), but only on
    the shaped side: the learned side keeps thorax to head.
    """
    vectors = step[list(FIRST_CHILD)]
    for side in ("r", "l"):
        ulna, radius, hand = (JOINT_INDEX[f"{n}_{side}"] for n in ("ulna", "radius", "hand"))
        vectors[ulna] = step[radius] + step[hand]
    if not learned:
        vectors[JOINT_INDEX["thorax"]] = step[JOINT_INDEX["thorax"]]
    return vectors


def _shortest_rotation(
    start: Float[Tensor, "24 3 1"], bone: Float[Tensor, "24 3 s"], free: Float[Tensor, "24 1"]
) -> Float[Tensor, "24 3 3 s"]:
    """Return c + [x]x + x x^T / (1 + c) with x = start x bone direction and c their cosine; 1 where not free."""
    end = bone / (bone * bone).sum(1, keepdim=True).sqrt().clamp_min(1e-12)
    axis = torch.linalg.cross(start.expand_as(end), end, dim=1) * free[:, None]
    cosine = (start * end).sum(1) * free + (1 - free)
    outer = axis[:, :, None] * (axis / (1 + cosine).clamp_min(1e-9)[:, None])[:, None]
    eye = torch.eye(3, dtype=end.dtype, device=end.device)[..., None]
    return outer + cross_matrix(axis.movedim(1, -1)).movedim(1, -1) + eye * cosine[:, None, None]


def cross_matrix(vectors: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3 3"]:
    """Return [v]x with [v]x u = v x u."""
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))


def _constant(value: np.ndarray, *, dtype: torch.dtype, device: torch.device | str) -> Tensor:
    return torch.as_tensor(value, dtype=dtype if value.dtype.kind == "f" else torch.long, device=device).contiguous()


def _trigonometric_tables(align: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expand A^T Rp A, and the rotation axes in the turned frame, in products of (1, sin, cos).

    One turn about unit axis a is a a^T * 1 + [a]x * sin + (I - a a^T) * cos (Rodrigues).
    """
    rotation, axes = np.zeros((N_JOINTS, 3, 3, 3, 3, 3)), np.zeros((N_JOINTS, 3, 3, 3, 3, 3))
    for i, name in enumerate(JOINT_NAMES):
        dofs = joint_dofs(name)
        turn = np.zeros((3, 3, 3, 3))
        turn[:, 0] = np.eye(3)
        for slot, d in enumerate(dofs):
            x, y, z = axis = np.array(DOFS[d].axis)
            outer = np.outer(axis, axis)
            turn[slot] = outer, [[0, -z, y], [z, 0, -x], [-y, x, 0]], np.eye(3) - outer
        product = np.einsum("cxy,byz,azw->abcxw", turn[2], turn[1], turn[0])
        rotation[i] = align[i].T @ product @ align[i]
        back = turn[0].swapaxes(-1, -2)  # R0^T
        for slot, d in enumerate(dofs):
            axis = np.array(DOFS[d].axis)
            if slot == 0:
                axes[i, 0, 0, 0, 0] = align[i].T @ axis
            elif slot == 1:
                axes[i, :, 0, 0, 1] = back @ axis @ align[i]
            else:
                inner = np.einsum("axy,byz,z->abx", back, turn[1].swapaxes(-1, -2), axis)
                axes[i, :, :, 0, 2] = inner @ align[i]
    axes = axes.swapaxes(-1, -2)  # axes become columns
    return rotation.reshape(N_JOINTS, 27, 9).swapaxes(1, 2), axes.reshape(N_JOINTS, 27, 9).swapaxes(1, 2)


def _orthonormal(rot: np.ndarray) -> Float[np.ndarray, "n 3 3"]:
    """Return the nearest rotations in float64: files hold float32, whose rounding would leak into the Jacobian."""
    left, _, right = np.linalg.svd(rot.astype(np.float64))
    return left @ right


def _feature_index() -> np.ndarray:
    """Say where (1, sin, cos) of each joint's three slots lie in (1, sin q, cos q); empty slots point at 1."""
    index = np.zeros((N_JOINTS, 3, 3), dtype=np.int64)
    for i, name in enumerate(JOINT_NAMES):
        for slot, d in enumerate(joint_dofs(name)):
            index[i, slot] = 0, 1 + d, 1 + N_DOFS + d
    return index.reshape(-1)


def _jump_table() -> np.ndarray:
    """Return the ancestors 1, 2 and 4 steps up; row 24 stands for "none" and is its own ancestor."""
    up = np.append(np.where(np.array(JOINT_PARENTS) < 0, N_JOINTS, JOINT_PARENTS), N_JOINTS)
    return np.stack([up, up[up], up[up][up[up]]])


def _ancestor_mask() -> np.ndarray:
    mask = np.eye(N_JOINTS)
    for i, parent in enumerate(JOINT_PARENTS):
        if parent >= 0:
            mask[i] = np.maximum(mask[i], mask[parent])
    return mask
