"""A pack of people and a wardrobe made from the open body alone: no Anny, no MakeHuman files."""

import functools
import tempfile
from pathlib import Path

import numpy as np

from skelvid.body.assets import SkelAssets
from skelvid.body.load import load_body_assets
from train.body.source import PHENOTYPES
from train.synth.dress_outfits import PROXIES
from train.synth.hair import PROXY_STYLES
from train.synth.people import Cast
from train.synth.subjects import fingerprint
from train.synth.subjects_mesh import BaseMesh, Binding, Group, base_ids, vertex_normals

N_BASE = 19158
# How far garments of the toy wardrobe stand off, m.
PROXY_OFFSET_M = 0.012


@functools.cache
def toy_cast() -> Cast:
    """Return a cast of four people, made once for all tests."""
    with tempfile.TemporaryDirectory() as name:
        pack, wardrobe = Path(name) / "pack", Path(name) / "wardrobe"
        for folder, write in ((pack, write_pack), (wardrobe, write_wardrobe)):
            folder.mkdir()
            write(folder)
        return Cast(pack, wardrobe)


def make_base(assets: SkelAssets) -> BaseMesh:
    """The open body's skin at its places in the base mesh; all other vertices hang on its first triangle."""
    own, template = base_ids(assets), assets.skin_template_m.astype(float)
    points = np.zeros((N_BASE, 3))
    others = np.setdiff1d(np.arange(N_BASE), own)
    points[own] = template
    points[others] = template[assets.skin_faces[0, 0]]
    faces = own[assets.skin_faces].astype(np.int32)
    sides = np.where(template[:, 2] > 0, 0.25, 0.75)
    uv = np.stack([sides + 0.2 * template[:, 0], 0.5 + 0.4 * template[:, 1]], 1).astype(np.float32)
    skin = Group(own.astype(np.int32), uv, assets.skin_faces.astype(np.int32))
    eyes = dict(zip(assets.landmark_names, assets.landmarks_m, strict=True))
    centre = template[assets.skin_faces].mean(1)
    socket = np.min([np.linalg.norm(centre - eyes[f"eye_{s}"], axis=1) for s in "rl"], axis=0) < 0.02
    legs = (centre[:, 1] < -0.05) & (centre[:, 1] > -0.6) & (np.abs(centre[:, 0]) < 0.25)
    groups = {"skin": skin, "eye": _part(skin, socket), "skirt": _part(skin, legs)}
    names = tuple(f"finger{f}-{i}.{s}" for s in "LR" for f in range(1, 6) for i in (1, 2, 3))
    weight = np.zeros((N_BASE, len(names)), np.float32)
    tips = np.argsort(-np.abs(template[:, 0]))[:600]
    weight[own[tips], [names.index(f"finger3-1.{'L' if template[t, 0] > 0 else 'R'}") for t in tips]] = 1
    corner = np.tile(assets.skin_faces[0], (len(others), 1)).astype(int)
    binding = Binding(corner, np.tile([1.0, 0, 0], (len(others), 1)))
    return BaseMesh(points, points, faces, groups, names, weight, others, binding)


def _part(skin: Group, chosen: np.ndarray) -> Group:
    used, faces = np.unique(skin.faces[chosen], return_inverse=True)
    return Group(skin.base[used], skin.uv[used], faces.reshape(-1, 3))


def write_pack(folder: Path, count: int = 4) -> None:
    """Write a pack that `load_pack` reads: shapes of the open body, women first."""
    assets, rng = load_body_assets("neutral"), np.random.default_rng(0)
    base = make_base(assets)
    base.save(folder / "base.npz")
    betas = rng.normal(size=(count, 10)).clip(-1.5, 1.5)
    vertices = np.repeat(base.template_m[None], count, 0)
    vertices[:, base_ids(assets)] += np.einsum("vck,nk->nvc", assets.shapedirs_m, betas)
    # What betas do not say: everybody's belly stands out, where no landmark is near.
    belly = np.linalg.norm(base.template_m - [0.09, 0.02, 0.12], axis=1) < 0.03
    vertices[:, belly, 2] += 0.01
    heads = np.zeros((count, len(base.bone_names), 3))
    for i, name in enumerate(base.bone_names):
        sign = 1 if name.endswith("L") else -1
        finger, bone = int(name[6]), int(name[8])
        heads[:, i] = [sign * (0.74 + 0.03 * bone), 0.43, 0.03 * (3 - finger)]
    phenotypes = np.full((count, len(PHENOTYPES)), 0.5)
    phenotypes[:, PHENOTYPES.index("gender")] = np.arange(count) < count // 2
    np.savez(
        folder / "people.npz",
        body=fingerprint(assets),
        vertices_m=vertices.astype(np.float32),
        betas=betas.astype(np.float32),
        heads_m=heads.astype(np.float32),
        phenotypes=phenotypes.astype(np.float32),
        stature_m=np.full(count, 1.7, np.float32),
        bmi=np.linspace(17, 40, count).astype(np.float32),
    )


def write_wardrobe(folder: Path) -> None:
    """Write every proxy that outfits and styles name, each a shell around some part of the body."""
    assets = load_body_assets("neutral")
    own, template = base_ids(assets), assets.skin_template_m
    normal = vertex_normals(template.astype(float), assets.skin_faces)
    height = template[assets.skin_faces][..., 1].mean(1)
    for names, chosen in ((PROXIES["shoes"], height < -0.93), (PROXY_STYLES, height > 0.62)):
        for name in names:
            _write_shell(folder / f"{name}.npz", own, template, normal, assets.skin_faces[chosen])
    for name in (*PROXIES["female"], *PROXIES["male"]):
        _write_shell(folder / f"{name}.npz", own, template, normal, assets.skin_faces[(height < 0.3) & (height > -0.8)])


def _write_shell(path: Path, own: np.ndarray, template: np.ndarray, normal: np.ndarray, faces: np.ndarray) -> None:
    used, index = np.unique(faces, return_inverse=True)
    scale = {}
    for axis, name in enumerate("xyz"):
        low, high = (int(f(template[:, axis])) for f in (np.argmin, np.argmax))
        length = template[high, axis] - template[low, axis]
        scale[f"scale_{name}"] = np.array([own[low], own[high], length], np.float32)
    np.savez(
        path,
        base_vertices=np.repeat(own[used][:, None], 3, 1),
        base_weights=np.tile([1.0, 0, 0], (len(used), 1)),
        offsets=PROXY_OFFSET_M * normal[used],
        hidden_base_vertices=own[used],
        uv=np.random.default_rng(1).random((len(used), 2)).astype(np.float32),
        faces=index.reshape(-1, 3),
        uv_faces=index.reshape(-1, 3),
        **scale,
    )
