"""An open stand-in for SMPL: one of our bodies in, a file that `smplx` loads as SMPL out; and motions for it.

`python -m train.body.stand_in --out DIR` writes DIR/smpl/SMPL_{NEUTRAL,FEMALE,MALE}.pkl. It has SMPL's numbers of
vertices, faces, joints and betas, so whatever works on SMPL works on it; it is not SMPL: its vertices are in no
meaningful order, its betas are mixtures of ours. The rig is another than SKEL's, as SMPL's is: 24 ball joints in the
middle of the skin between two parts, a spine of three, no forearm that turns, no shoulder blade that slides, no pose
correctives.
"""

import argparse
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fast_simplification
import numpy as np
import scipy.sparse
import torch
from jaxtyping import Float, Int, Integer
from numpy import ndarray
from scipy.spatial.transform import Rotation

from skelvid.body.assets import SkelAssets, dense_weights
from skelvid.body.dofs import JOINT_INDEX
from skelvid.body.load import load_body_assets
from skelvid.body.model import SkelBody
from skelvid.body.transfer import nearest_on_skin
from skelvid.datatypes.skel import N_BETAS, SkelParams
from skelvid.weights import SEXES
from train.body.regroup import smoothstep
from train.command import run

N_VERTICES, N_FACES = 6890, 13776
SEED = 7
# SMPL's joints in its order, with their parents. L and R are the body's own left and right.
JOINTS: dict[str, str | None] = {
    "pelvis": None, "hip_l": "pelvis", "hip_r": "pelvis", "spine1": "pelvis", "knee_l": "hip_l", "knee_r": "hip_r",
    "spine2": "spine1", "ankle_l": "knee_l", "ankle_r": "knee_r", "spine3": "spine2", "foot_l": "ankle_l",
    "foot_r": "ankle_r", "neck": "spine3", "collar_l": "spine3", "collar_r": "spine3", "head": "neck",
    "shoulder_l": "collar_l", "shoulder_r": "collar_r", "elbow_l": "shoulder_l", "elbow_r": "shoulder_r",
    "wrist_l": "elbow_l", "wrist_r": "elbow_r", "hand_l": "wrist_l", "hand_r": "wrist_r",
}  # fmt: skip
NAMES = tuple(JOINTS)
PARENTS = tuple(-1 if parent is None else NAMES.index(parent) for parent in JOINTS.values())
# The SKEL parts that each joint moves as a whole; trunk, neck and hands are cut by place.
_WHOLE = {
    "pelvis": ("pelvis",), "hip": ("femur",), "knee": ("tibia",), "ankle": ("talus", "calcn"), "foot": ("toes",),
    "collar": ("scapula",), "shoulder": ("humerus",), "elbow": ("ulna", "radius"),
}  # fmt: skip
# How a joint turns, of two SKEL bones: share 0 as the first, 1 as the second.
_TURNS = {
    "pelvis": ("pelvis", "pelvis", 0.0), "hip": ("femur", "femur", 0.0), "knee": ("tibia", "tibia", 0.0),
    "ankle": ("calcn", "calcn", 0.0), "foot": ("toes", "toes", 0.0), "spine1": ("pelvis", "lumbar_body", 0.6),
    "spine2": ("lumbar_body", "thorax", 0.3), "spine3": ("thorax", "thorax", 0.0), "neck": ("thorax", "head", 0.5),
    "head": ("head", "head", 0.0), "collar": ("scapula", "scapula", 0.0), "shoulder": ("humerus", "humerus", 0.0),
    "elbow": ("ulna", "radius", 0.5), "wrist": ("hand", "hand", 0.0), "hand": ("hand", "hand", 0.0),
}  # fmt: skip
# Ball joints in fits of SMPL also turn where knees and elbows do not: SD of a constant turn about any axis.
LOOSE = ("knee_l", "knee_r", "elbow_l", "elbow_r")


@dataclass(frozen=True)
class StandIn:
    """The file's content, and which points of our body its vertices are.

    Attributes:
        arrays: What an SMPL file holds.
        vertex, weight: `6890 3` each vertex as a weighted sum of our skin vertices.
        mixing: `10 10` our betas = mixing @ its betas.
    """

    arrays: Mapping[str, Any]
    vertex: Int[ndarray, "v 3"]
    weight: Float[ndarray, "v 3"]
    mixing: Float[ndarray, "10 10"]


def make_stand_in(assets: SkelAssets, *, seed: int = SEED) -> StandIn:
    """Make the stand-in of one body, on other vertices than the body's."""
    return on_vertices(assets, *_resample(assets, np.random.default_rng(seed)), seed=seed)


def on_vertices(
    assets: SkelAssets,
    vertex: Int[ndarray, "v 3"],
    weight: Float[ndarray, "v 3"],
    faces: Integer[ndarray, "f 3"],
    *,
    seed: int = SEED,
) -> StandIn:
    """Make a stand-in whose vertices are given weighted sums of the body's."""
    template = np.einsum("vk,vkc->vc", weight, assets.skin_template_m[vertex].astype(float))
    skin = dense_weights(assets.skin_weight_joint, assets.exact_skin_weight)
    weights = _smpl_weights(assets, np.einsum("vk,vkj->vj", weight, skin[vertex]), template)
    mixing = np.linalg.qr(np.random.default_rng(seed).standard_normal((N_BETAS, N_BETAS)))[0]
    regressor = _regressor(weights)
    arrays = {
        "v_template": template,
        "shapedirs": np.einsum("vk,vkcb->vcb", weight, assets.shapedirs_m[vertex].astype(float)) @ mixing,
        "posedirs": np.zeros((len(template), 3, 9 * (len(NAMES) - 1))),
        "J_regressor": scipy.sparse.csc_matrix(regressor),
        "J": regressor @ template,
        "weights": weights,
        "kintree_table": np.array([[p % 2**32 for p in PARENTS], range(len(NAMES))], dtype=np.uint32),
        "f": faces.astype(np.uint32),
        "bs_style": "lbs",
        "bs_type": "lrotmin",
    }
    return StandIn(arrays, vertex, weight, mixing)


def _resample(assets: SkelAssets, rng: np.random.Generator) -> tuple[ndarray, ndarray, ndarray]:
    """Return other vertices on the same skin, in random order, and faces between them."""
    points, faces, *_ = fast_simplification.simplify(assets.skin_template_m, assets.skin_faces, target_count=N_FACES)
    if (len(points), len(faces)) != (N_VERTICES, N_FACES):
        raise ValueError(f"the thinned mesh must have {N_VERTICES} vertices and {N_FACES} faces, got {len(points)}")
    order = rng.permutation(N_VERTICES)
    place = np.argsort(order)
    vertex, weight = nearest_on_skin(assets, points[order].astype(float))
    return vertex, weight, place[faces][rng.permutation(N_FACES)]


def _smpl_weights(
    assets: SkelAssets, skel: Float[ndarray, "v 24"], template: Float[ndarray, "v 3"]
) -> Float[ndarray, "v 24"]:
    """Hand the weights of SKEL's parts to SMPL's joints."""
    out, joints = np.zeros((len(skel), len(NAMES))), assets.joints_m
    for i, name in enumerate(NAMES):
        part, _, side = name.partition("_")
        for bone in _WHOLE.get(part, ()):
            out[:, i] += skel[:, JOINT_INDEX[f"{bone}_{side}" if side else bone]]
    lumbar, thorax, head = (JOINT_INDEX[n] for n in ("lumbar_body", "thorax", "head"))
    height, low, high = template[:, 1], joints[0, 1], joints[thorax, 1]
    cuts = low + (high - low) * np.array([0.4, 0.75])
    above = np.stack([smoothstep((height - cut) / 0.1 + 0.5) for cut in cuts])
    trunk = (skel[:, lumbar] + skel[:, thorax])[:, None] * np.stack([1 - above[0], above[0] - above[1], above[1]], 1)
    out[:, [NAMES.index(f"spine{i}") for i in (1, 2, 3)]] = trunk
    skull = smoothstep((height - joints[head, 1]) / 0.04 + 0.5)
    out[:, NAMES.index("neck")], out[:, NAMES.index("head")] = skel[:, head] * (1 - skull), skel[:, head] * skull
    for side in "lr":
        hand = JOINT_INDEX[f"hand_{side}"]
        beyond = smoothstep((np.abs(template[:, 0]) - abs(joints[hand, 0]) - 0.08) / 0.03 + 0.5)
        out[:, NAMES.index(f"wrist_{side}")] = skel[:, hand] * (1 - beyond)
        out[:, NAMES.index(f"hand_{side}")] = skel[:, hand] * beyond
    return out / out.sum(1, keepdims=True)


def _regressor(weights: Float[ndarray, "v 24"]) -> Float[ndarray, "24 v"]:
    """Place each joint in the middle of the skin that it shares with its parent, as SMPL's were begun."""
    pairs = [(weights[:, i], weights[:, max(parent, 0)]) for i, parent in enumerate(PARENTS)]
    rows = np.stack([mine * above + 1e-9 * (mine + above) for mine, above in pairs])  # where none is shared: between
    hips = [NAMES.index(f"hip_{side}") for side in "lr"]
    rows[0] = rows[hips].sum(0)
    return rows / rows.sum(1, keepdims=True)


def write(stand_in: StandIn, path: Path) -> None:
    """Write the file as SMPL's are written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        pickle.dump(dict(stand_in.arrays), file, protocol=2)


def smpl_pose(
    body: SkelBody, stand_in: StandIn, params: SkelParams, *, loose_deg: float = 0.0, seed: int = SEED
) -> tuple[Float[ndarray, "t 72"], Float[ndarray, "10"], Float[ndarray, "t 3"]]:
    """Return pose (rotation vectors), betas and translation with which the stand-in moves as our body does.

    Args:
        body: The body whose stand-in it is.
        stand_in: The stand-in.
        params: A clip of one shape.
        loose_deg: Standard deviation of a constant turn of each of `LOOSE` about any axis, which SKEL cannot follow.
        seed: Of these turns.
    """
    with torch.no_grad():
        at = body.skeleton(params.to_torch()).to_numpy()
        rest = body.bone_orientation(torch.as_tensor(params.betas).reshape(1, N_BETAS))[0].numpy()
    turned = at.joint_rot @ rest.transpose(0, 2, 1)
    rng = np.random.default_rng(seed)
    whole = np.stack([_turn(turned, *name.partition("_")[::2]) for name in NAMES], axis=1)
    local = np.concatenate([whole[:, :1], whole[:, PARENTS[1:]].swapaxes(2, 3) @ whole[:, 1:]], axis=1)
    for name in LOOSE:
        local[:, NAMES.index(name)] @= Rotation.from_rotvec(np.radians(loose_deg) * rng.standard_normal(3)).as_matrix()
    pose = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_rotvec().reshape(len(local), -1)
    betas = stand_in.mixing.T @ np.asarray(params.betas, dtype=float).reshape(N_BETAS)
    arrays, assets = stand_in.arrays, body.assets
    # SMPL turns about its pelvis joint, which is another point of the pelvis than SKEL's: laid where SKEL takes it.
    pelvis = (arrays["J_regressor"] @ (arrays["v_template"] + arrays["shapedirs"] @ betas))[0]
    root = assets.joints_m[0] + assets.joint_dirs_m[0] @ np.asarray(params.betas, dtype=float).reshape(N_BETAS)
    return pose, betas, at.joints_m[:, 0] + turned[:, 0] @ (pelvis - root) - pelvis


def _turn(turned: Float[ndarray, "t 24 3 3"], part: str, side: str) -> Float[ndarray, "t 3 3"]:
    first, second, share = _TURNS[part]
    a, b = (turned[:, JOINT_INDEX[f"{bone}_{side}" if side else bone]] for bone in (first, second))
    between = Rotation.from_matrix(a.swapaxes(1, 2) @ b).as_rotvec() * share
    return a @ Rotation.from_rotvec(between).as_matrix()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of models, as smplx expects it")
    folder = parser.parse_args().out / "smpl"
    for sex in SEXES:
        write(make_stand_in(load_body_assets(f"open-{sex}")), folder / f"SMPL_{sex.upper()}.pkl")


if __name__ == "__main__":
    run(main)
