"""How far joints stray inside people who move: SMPL's, and those of SKEL upgraded from SMPL, beside the true centres.

`python -m train.body.in_place --motion DIR` poses new people of the source model by its own rig, about anatomical
centres, with free motion; fits the open stand-in for SMPL to these meshes, as data sets of SMPL are made; upgrades it
as `skelvid upgrade` does; and compares. A joint in its place stays at one point of the bone that it hangs from.
Prints the table of docs/upgrade.md; `--picture FILE` draws the poses in which SMPL's joints stray farthest.
"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from PIL import Image
from scipy.spatial.transform import Rotation
from torch import Tensor

from skelvid.body.dofs import JOINT_INDEX, JOINT_NAMES
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.mesh import Mesh
from skelvid.draw.raster import render
from skelvid.draw.scene import look_at
from skelvid.upgrade.convert import Tools, make_tools, upgrade_sequence
from skelvid.upgrade.fit_clip import UpgradeOptions
from skelvid.upgrade.models import N_BODY_JOINTS, SmplModel, load_model
from skelvid.upgrade.sequence import SmplSequence
from train.body import motions, quality, subjects, tpose
from train.body.stand_in import NAMES, on_vertices, write
from train.body.subjects import CENTRES, Bodies, Source
from train.command import run

CLIPS, FRAMES, STEP = 10, 30, 10  # of 60 Hz
PEOPLE_SEED, EACH = 5, 3
STEPS, SAMPLED = 80, 500
BONE_POINTS = 40
COLOURS = ((0.1, 0.6, 0.2), (0.2, 0.35, 0.9), (0.95, 0.5, 0.1))  # true, SMPL's, SKEL's
# SKEL's joint, and SMPL's that is meant for it.
PAIRS = {"femur": "hip", "tibia": "knee", "talus": "ankle", "humerus": "shoulder", "ulna": "elbow", "hand": "wrist"}


@dataclass(frozen=True)
class Clip:
    """A person in motion.

    Attributes:
        rest_m: `v 3` T-pose; mesh_m: `f v 3`.
        joints_m: `f k 3` true centres of the joints of `PAIRS`, right then left.
        bone_rot: `f k 3 3` turns of the bones above.
    """

    rest_m: Float[ndarray, "v 3"]
    mesh_m: Float[ndarray, "f v 3"]
    joints_m: Float[ndarray, "f k 3"]
    bone_rot: Float[ndarray, "f k 3 3"]


def make_clips(source: Source, body: SkelBody, folder: Path) -> Iterator[Clip]:
    """Pose people whom no body was learned from."""
    drawn = [subjects.draw(source, sex, EACH, PEOPLE_SEED)[1] for sex in ("female", "male")]
    people, _ = subjects.settle(source, subjects.merge(*drawn), _regressor(body))
    captured = list(_captures(folder))
    for i in range(CLIPS):
        names, rotation = captured[round(i * (len(captured) - 1) / (CLIPS - 1))]
        yield _posed(source, people, i % (2 * EACH), motions.retarget(source.rig, names, rotation))


def _regressor(body: SkelBody) -> Float[ndarray, "24 v"]:
    """Return the joints of a body as weighted sums of its vertices."""
    assets = body.assets
    out = np.zeros((len(JOINT_NAMES), len(assets.skin_template_m)))
    np.put_along_axis(out, assets.joint_weight_vertex.astype(int), assets.joint_weight.astype(float), axis=1)
    return out


def _captures(folder: Path) -> Iterator[tuple[tuple[str, ...], Float[ndarray, "f j 3 3"]]]:
    """Give the middle of each captured clip that is long enough, as global rotations."""
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as archive:
            names = tuple(map(str, archive["names"]))
            for key in sorted(key for key in archive.files if key.endswith("__quat_xyzw")):
                quaternion = archive[key][::STEP]
                if (more := len(quaternion) - FRAMES) >= 0:
                    some = quaternion[more // 2 :][:FRAMES].astype(float)
                    matrix = Rotation.from_quat(some.reshape(-1, 4)).as_matrix()
                    yield names, matrix.reshape(*some.shape[:2], 3, 3)


def _posed(source: Source, people: Bodies, person: int, rotation: Float[ndarray, "f b 3 3"]) -> Clip:
    """Pose one person about the anatomical centres of the limbs' joints."""
    rig, heads = source.rig, people.heads[person].copy()
    bones = [(f"{CENTRES[joint][0]}.{side}", f"{joint}_{side.lower()}") for side in "RL" for joint in PAIRS]
    for bone, joint in bones:
        heads[rig.bone(bone)] = people.targets[person, JOINT_INDEX[joint]]
    pose = tpose.forward(rig, rotation, np.tile(heads, (len(rotation), 1, 1)))
    index = [rig.bone(bone) for bone, _ in bones]
    mesh = pose.apply(rig, np.tile(people.points[person], (len(rotation), 1, 1)))
    above = rotation[:, [rig.bone_parents[i] for i in index]]
    return Clip(people.points[person], mesh, pose.posed[:, index], above)


def fit_smpl(model: SmplModel, clip: Clip, *, steps: int = STEPS) -> SmplSequence:
    """Fit the stand-in to a person's meshes, whose vertices are its own: shape to the T-pose, then each pose."""
    n = len(clip.rest_m)
    shapes = np.concatenate([model.shapedirs_m.reshape(3 * n, -1), np.tile(np.eye(3), (n, 1))], axis=1)
    betas = np.linalg.lstsq(shapes, (clip.rest_m - model.template_m).ravel())[0][:-3]
    rest = model.shaped(betas)
    rotvec, place = _first_guess(model, rest, clip.mesh_m)
    some = np.linspace(0, n - 1, SAMPLED).astype(int)
    target = torch.as_tensor(clip.mesh_m[:, some]).float()
    pose, trans = (torch.as_tensor(v).float().requires_grad_() for v in (rotvec, place))
    joints = model.regressor.astype(float) @ rest
    optimizer = torch.optim.LBFGS([pose, trans], max_iter=steps, history_size=30, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        skin = _skinned(model, rest[some], joints, model.weights[some], pose)
        cm2 = 1e4 * (skin + trans[:, None] - target).square().sum(-1).mean(1).sum()
        cm2.backward()
        return cm2

    optimizer.step(loss)
    time_s = np.arange(len(clip.mesh_m)) * STEP / 60
    rotvec, place = (v.detach().double().numpy() for v in (pose[:, :N_BODY_JOINTS], trans))
    return SmplSequence(
        "clip", "smpl", "neutral", rotvec=rotvec, betas=betas, trans_m=place, time_s=time_s, axes="world"
    )


def _skinned(model: SmplModel, rest: ndarray, joints: ndarray, weights: ndarray, rotvec: Tensor) -> Tensor:
    """Pose some vertices; `smplx.lbs` would need all of them to find the joints."""
    import smplx.lbs

    lbs: Any = smplx.lbs
    t, j, _ = rotvec.shape
    rot = lbs.batch_rodrigues(rotvec.reshape(-1, 3)).reshape(t, j, 3, 3)
    at = torch.as_tensor(joints).float().expand(t, -1, -1)
    _, moved = lbs.batch_rigid_transform(rot, at, torch.as_tensor(model.parents))
    blended = torch.einsum("vj,tjab->tvab", torch.as_tensor(weights), moved)
    return (blended[..., :3, :3] @ torch.as_tensor(rest).float()[..., None])[..., 0] + blended[..., :3, 3]


def _first_guess(
    model: SmplModel, rest: Float[ndarray, "v 3"], mesh: Float[ndarray, "f v 3"]
) -> tuple[ndarray, ndarray]:
    """Lay each part's skin on the mesh (Kabsch 1976); return rotation vectors and translation."""
    whole = np.empty((len(mesh), len(NAMES), 3, 3))
    for j in range(len(NAMES)):
        mine = np.flatnonzero(model.weights[:, j] > 0.5 * model.weights[:, j].max())
        if not len(mine):  # it moves no skin
            whole[:, j] = whole[:, model.parents[j]]
            continue
        a, b = rest[mine] - rest[mine].mean(0), mesh[:, mine] - mesh[:, mine].mean(1, keepdims=True)
        u, _, vt = np.linalg.svd(np.einsum("fva,vb->fab", b, a))
        sign = np.linalg.det(u @ vt)
        whole[:, j] = u @ (np.stack([np.ones_like(sign), np.ones_like(sign), sign], 1)[..., None] * vt)
    local = whole.copy()
    local[:, 1:] = whole[:, model.parents[1:]].swapaxes(2, 3) @ whole[:, 1:]
    pelvis = np.flatnonzero(model.weights[:, 0] > 0.5)
    root = (model.regressor[0] @ rest).astype(float)
    turned = np.einsum("fab,b->fa", whole[:, 0], rest[pelvis].mean(0) - root)
    rotvec = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_rotvec().reshape(len(mesh), len(NAMES), 3)
    return rotvec, mesh[:, pelvis].mean(1) - turned - root


@dataclass(frozen=True)
class Seen:
    """What came of a clip: joints of `PAIRS` as SMPL and as SKEL have them, `f k 3`; shares inside the true mesh."""

    smpl_m: Float[ndarray, "f k 3"]
    skel_m: Float[ndarray, "f k 3"]
    residual_mm: tuple[float, float]
    inside: Mapping[str, float]


def look(clip: Clip, tools: Tools, rng: np.random.Generator) -> Seen:
    """Fit SMPL, upgrade it, and look where the joints and bones are."""
    sequence = fit_smpl(tools.model, clip)
    assert sequence.trans_m is not None
    skin, joints = tools.model.pose(sequence.betas[None], sequence.rotvec)
    off = (skin.numpy() + sequence.trans_m[:, None] - clip.mesh_m).astype(float)
    upgraded = upgrade_sequence(sequence, tools, options=UpgradeOptions())
    with torch.no_grad():
        ours = tools.body(upgraded.params.to_torch(), bones=True).to_numpy()
    smpl = joints.numpy() + sequence.trans_m[:, None]
    bones = np.asarray(ours.bones_m)
    chosen = rng.choice(bones.shape[1], BONE_POINTS, replace=False)
    points = np.concatenate([bones[:, chosen], ours.joints_m, smpl], axis=1).astype(np.float32)
    faces = tools.body.assets.skin_faces
    inside = np.stack([
        quality.winding_inside(p, skin.astype(np.float32), faces) for p, skin in zip(points, clip.mesh_m, strict=True)
    ])  # fmt: skip
    ends = np.cumsum([BONE_POINTS, len(JOINT_NAMES)])
    parts = np.split(inside, ends, axis=1)
    shares = {
        name: float(p.mean()) for name, p in zip(("SKEL's bones", "SKEL's joints", "SMPL's joints"), parts, strict=True)
    }
    theirs = [NAMES.index(f"{name}_{side}") for side in "rl" for name in PAIRS.values()]
    mine = [JOINT_INDEX[f"{name}_{side}"] for side in "rl" for name in PAIRS]
    return Seen(smpl[:, theirs], ours.joints_m[:, mine], (float(np.linalg.norm(off, axis=-1).mean() * 1e3),
                float(upgraded.residual_mm.mean())), shares)  # fmt: skip


def strayed_mm(found: Float[ndarray, "f k 3"], clip: Clip) -> tuple[Float[ndarray, "f k"], Float[ndarray, "f k"]]:
    """Return how far joints are from the true centres, and how far from their own mean place in the bone above, mm."""
    off = np.einsum("fkji,fkj->fki", clip.bone_rot, found - clip.joints_m)
    return 1e3 * np.linalg.norm(off, axis=-1), 1e3 * np.linalg.norm(off - off.mean(0), axis=-1)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--motion", type=Path, required=True, help="folder of CMU motion (.npz) with global rotations")
    parser.add_argument("--picture", type=Path)
    args = parser.parse_args()
    body, rng = load_body("open-neutral"), np.random.default_rng(0)
    n = len(body.assets.skin_template_m)
    same = np.arange(n)[:, None].repeat(3, 1), np.eye(3)[np.zeros(n, int)]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "SMPL_NEUTRAL.pkl"
        write(on_vertices(body.assets, *same, body.assets.skin_faces), file)
        tools = make_tools(body, load_model(file, "smpl", "neutral"))
    clips = list(make_clips(subjects.open_source(), body, args.motion))
    seen = [look(clip, tools, rng) for clip in clips]
    print(*table(clips, seen), sep="\n")
    if args.picture:
        Image.fromarray(draw(clips, seen, body.assets.skin_faces)).save(args.picture)


def table(clips: list[Clip], seen: list[Seen]) -> Iterator[str]:
    """Give the lines of what docs/upgrade.md shows."""
    yield "| joint | SMPL: off | SMPL: strays | SKEL: off | SKEL: strays |"
    yield "| --- | --- | --- | --- | --- |"
    strays = [[strayed_mm(x, c) for x, c in zip(found, clips, strict=True)]
              for found in ([s.smpl_m for s in seen], [s.skel_m for s in seen])]  # fmt: skip
    for k, name in enumerate(PAIRS.values()):
        rows = [k, k + len(PAIRS)]
        cells = []
        for model in strays:
            off, drift = (np.concatenate([part[i][:, rows].ravel() for part in model]) for i in range(2))
            cells += [f"{off.mean():.0f}", f"{np.sqrt((drift**2).mean()):.1f}, 95 % {np.percentile(drift, 95):.0f}"]
        yield f"| {name} | {' | '.join(cells)} |"
    yield f"\nframes {sum(len(c.mesh_m) for c in clips)}; inside the true skin: " + ", ".join(
        f"{name} {100 * np.mean([s.inside[name] for s in seen]):.1f} %" for name in seen[0].inside
    )
    fits = np.mean([s.residual_mm for s in seen], axis=0)
    yield f"SMPL's skin off by {fits[0]:.1f} mm, SKEL's from SMPL's by {fits[1]:.1f} mm"


def draw(clips: list[Clip], seen: list[Seen], faces: ndarray, *, count: int = 4) -> ndarray:
    """Draw people in whose poses SMPL's joints stray farthest, one of a clip: true joints, SMPL's, SKEL's."""
    strays = [strayed_mm(s.smpl_m, c)[1].mean(1) for c, s in zip(clips, seen, strict=True)]
    tiles = []
    for i in sorted(range(len(clips)), key=lambda i: -strays[i].max())[:count]:
        row = int(strays[i].argmax())
        mesh, size = clips[i].mesh_m[row].astype(float), 1.1 * float(np.ptp(clips[i].mesh_m[row], axis=0).max())
        view = look_at(mesh.mean(0), (0.6, 0.15, 1.0), height_m=size, size_hw=(520, 400))
        skin = Mesh(mesh, faces, (0.85, 0.75, 0.7), 0.3)
        marks = zip((clips[i].joints_m, seen[i].smpl_m, seen[i].skel_m), COLOURS, (0.012, 0.014, 0.014), strict=True)
        balls = [_ball(at, size, colour) for joints, colour, size in marks for at in joints[row]]
        tiles.append(np.asarray(render([*balls, skin], view))[..., :3])
    return np.concatenate(tiles, axis=1)


def _ball(middle_m: Float[ndarray, "3"], radius_m: float, colour: tuple[float, float, float]) -> Mesh:
    """Return an octahedron."""
    corners = np.concatenate([np.eye(3), -np.eye(3)]) * radius_m + middle_m
    sides = np.array([[0, 1, 2], [1, 3, 2], [3, 4, 2], [4, 0, 2], [1, 0, 5], [3, 1, 5], [4, 3, 5], [0, 4, 5]])
    return Mesh(corners, sides, colour)


if __name__ == "__main__":
    run(main)
