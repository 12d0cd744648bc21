"""Body files in, the pictures of `docs/img` out; run it again whenever the bodies change.

python docs/make_figures.py [joints poses shapes] [--bodies open-{sex}] [--out docs/img]
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from skelvid.body.dofs import DOF_INDEX, DOFS, JOINT_INDEX, JOINT_NAMES, joint_dofs
from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.mesh import Mesh, Rgb
from skelvid.datatypes.skel import SkelParams
from skelvid.draw.raster import render
from skelvid.draw.scene import View, look_at
from skelvid.draw.sheet import contact_sheet

Picture = UInt8[np.ndarray, "h w 3"]
Direction = tuple[float, float, float]
Degrees = Mapping[str, float]
GLASS = (0.55, 0.68, 0.85)
SKIN, BONE, MOVED, ARROW = (0.93, 0.74, 0.64), (0.93, 0.89, 0.80), (0.98, 0.62, 0.28), (0.80, 0.10, 0.12)
REST, REST_BONE = (0.62, 0.66, 0.72), (0.75, 0.75, 0.75)
STEP_RAD = np.radians(30)
RIGHT, FRONT, BACK, ABOVE = (-1.0, 0.1, 0.25), (-0.2, 0.1, 1.0), (-0.3, 0.2, -1.0), (-0.2, 1.3, 0.55)
HANGING: dict[str, float] = {"shoulder_r_x": 80.0, "shoulder_l_x": -80.0}
SPINE_REACH = {"lumbar": 0.75, "thorax": 0.5, "head": 0.4}

# Degree of freedom: the direction to look from, the pose it starts in, and how far around its joint to look.
SCENES: dict[str, tuple[Direction, Degrees, float]] = {
    "pelvis_tilt": (RIGHT, HANGING, 2.0),
    "pelvis_list": (FRONT, HANGING, 2.0),
    "pelvis_rotation": (ABOVE, HANGING, 2.0),
    "hip_flexion_r": (RIGHT, {}, 2.0),
    "hip_adduction_r": (FRONT, {}, 2.0),
    "hip_rotation_r": (FRONT, {"knee_angle_r": 90.0, "hip_flexion_r": 90.0}, 2.0),
    "knee_angle_r": (RIGHT, {}, 2.0),
    "ankle_angle_r": (RIGHT, {}, 2.0),
    "subtalar_angle_r": ((0.0, 0.25, 1.0), {}, 2.0),
    "mtp_angle_r": (RIGHT, {}, 2.0),
    "scapula_abduction_r": (ABOVE, HANGING, 0.3),
    "scapula_elevation_r": (BACK, HANGING, 0.3),
    "scapula_upward_rot_r": (BACK, {}, 0.3),
    "shoulder_r_x": (FRONT, {}, 2.0),
    "shoulder_r_y": (RIGHT, {"elbow_flexion_r": 90.0}, 2.0),
    "shoulder_r_z": (ABOVE, {}, 2.0),
    "elbow_flexion_r": (ABOVE, {}, 2.0),
    "pro_sup_r": ((-1.0, 0.2, 0.5), {}, 2.0),
    "wrist_flexion_r": (FRONT, {}, 2.0),
    "wrist_deviation_r": (ABOVE, {}, 2.0),
    **{f"{part}_bending": (FRONT, HANGING, reach) for part, reach in SPINE_REACH.items()},
    **{f"{part}_extension": (RIGHT, HANGING, reach) for part, reach in SPINE_REACH.items()},
    **{f"{part}_twist": (ABOVE, HANGING, reach) for part, reach in SPINE_REACH.items()},
}


def spine(way: str, lumbar: float, thorax: float, head: float) -> dict[str, float]:
    """Return one movement of the three joints of the spine."""
    return {f"lumbar_{way}": lumbar, f"thorax_{way}": thorax, f"head_{way}": head}


# Name: the pose, the direction to look from, and for a close-up its joint and the height of the picture, m.
POSES: dict[str, tuple[Degrees, Direction, tuple[str, float] | None]] = {
    "T-pose, q = 0": ({}, FRONT, None),
    "arms 80 down": (HANGING, FRONT, None),
    "arms 80 up": ({"shoulder_r_x": -80, "shoulder_l_x": 80}, FRONT, None),
    "arms 110 forward": ({"shoulder_r_z": 110, "shoulder_l_z": 110}, ABOVE, ("thorax", 1.1)),
    "upper arms turned in 70": ({"shoulder_r_y": 70, "shoulder_l_y": -70}, FRONT, None),
    "elbows 120": ({"elbow_flexion_r": 120, "elbow_flexion_l": 120}, ABOVE, ("ulna_r", 0.8)),
    "pronation 80": ({"pro_sup_r": 80, "pro_sup_l": 80}, FRONT, ("ulna_r", 0.75)),
    "supination 80": ({"pro_sup_r": -80, "pro_sup_l": -80}, FRONT, ("ulna_r", 0.75)),
    "hip 90, knee 90": ({"hip_flexion_r": 90, "knee_angle_r": 90}, RIGHT, None),
    "knee 110, hip 60": ({"knee_angle_r": 110, "hip_flexion_r": 60}, RIGHT, ("tibia_r", 1.0)),
    "hips abducted 40": ({"hip_adduction_r": -40, "hip_adduction_l": -40}, FRONT, None),
    "ankle down 30, toes up 30": ({"ankle_angle_r": -30, "mtp_angle_r": -30}, RIGHT, ("calcn_r", 0.5)),
    "spine flexed 35, 35, 30": (HANGING | spine("extension", -35, -35, -30), RIGHT, None),
    "spine extended 25, 25, 25": (HANGING | spine("extension", 25, 25, 25), RIGHT, None),
    "bent right 25, 25, 25": (HANGING | spine("bending", 25, 25, 25), FRONT, None),
    "twisted left 35, 35, 50": (HANGING | spine("twist", 35, 35, 50), FRONT, None),
}  # fmt: skip


def pose(degrees: Degrees) -> Float[np.ndarray, "46"]:
    """Return q for degrees of freedom given by name, degrees."""
    return np.array([np.radians(degrees.get(dof.name, 0.0)) for dof in DOFS])


def mesh_pair(
    body: SkelBody, q: Float[np.ndarray, "46"], betas: Float[np.ndarray, "10"]
) -> tuple[np.ndarray, np.ndarray]:
    """Return skin and skeleton vertices of one pose."""
    assert body.assets.bones is not None
    posed = body(SkelParams(q, betas, np.zeros(3)).to_torch(dtype=body.dtype), bones=True).to_numpy()
    assert posed.skin_m is not None
    assert posed.bones_m is not None
    return posed.skin_m, posed.bones_m


def joints_m(body: SkelBody, q: Float[np.ndarray, "46"]) -> Float[np.ndarray, "24 3"]:
    """Return the joint centres of one pose."""
    params = SkelParams(q, np.zeros(10), np.zeros(3)).to_torch(dtype=body.dtype)
    return body.skeleton(params).to_numpy().joints_m


def solid_and_see_through(
    body: SkelBody, q: Float[np.ndarray, "46"], betas: Float[np.ndarray, "10"]
) -> tuple[list[Mesh], list[Mesh]]:
    """Return what to draw for the skin alone, and for bones inside a translucent skin."""
    skin, bones = mesh_pair(body, q, betas)
    assert body.assets.bones is not None
    solid = Mesh(skin, body.assets.skin_faces, SKIN)
    glass = Mesh(skin, body.assets.skin_faces, GLASS, alpha=0.2, rim=0.6)
    return [solid], [Mesh(bones, body.assets.bones.faces, BONE), glass]


def arrow(path_m: Float[np.ndarray, "t 3"], radius_m: float) -> Mesh:
    """Sweep a tube along a path and end it in a cone."""
    sides = 12
    along = np.gradient(path_m, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across = np.cross(along, np.cross(path_m[-1] - path_m[0], along[0] - along[-1] + 1e-6))
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    other = np.cross(along, across)
    tip = path_m[-1] + along[-1] * 5 * radius_m
    rings = [*zip(path_m, across, other, np.full(len(path_m), radius_m), strict=True)]
    rings += [(path_m[-1], across[-1], other[-1], 2.4 * radius_m), (tip, across[-1], other[-1], 1e-6)]
    around = np.arange(sides) * 2 * np.pi / sides
    vertices = np.concatenate(
        [c + r * (np.cos(around)[:, None] * u + np.sin(around)[:, None] * v) for c, u, v, r in rings]
    )
    index = np.arange(len(vertices)).reshape(-1, sides)
    here, right = index[:-1].ravel(), np.roll(index, -1, 1)[:-1].ravel()
    faces = np.concatenate(
        [np.stack([here, right, here + sides], 1), np.stack([right, right + sides, here + sides], 1)]
    )
    return Mesh(vertices, faces, ARROW)


def framed(
    points_m: Float[np.ndarray, "n 3"], direction: Direction, size_hw: tuple[int, int], height_m: float = 0.0
) -> View:
    """Look at points so that they fill the picture, or are in the middle of one `height_m` high."""
    axes = look_at((0, 0, 0), direction, height_m=1.0, size_hw=size_hw).rotation
    low, high = (points_m @ axes.T).min(0), (points_m @ axes.T).max(0)
    height_m = height_m or 1.25 * max(*(high - low)[:2], 0.22)
    target = axes.T @ ((low + high) / 2)
    return look_at(target, direction, height_m=height_m, size_hw=size_hw, distance_m=5 * height_m)


def dof_picture(body: SkelBody, name: str, size_hw: tuple[int, int]) -> Picture:
    """Draw a degree of freedom at its start (pale) and 30 deg further, and the way of the fastest point."""
    direction, start, reach_m = SCENES[name]
    turn = np.linspace(0, STEP_RAD, 13)[:, None] * np.eye(46)[DOF_INDEX[name]]
    frames = [mesh_pair(body, q, np.zeros(10)) for q in pose(start) + turn]
    (ghost, still), (skin, bones) = frames[0], frames[-1]
    assert body.assets.bones is not None
    joint = joints_m(body, pose(start))[JOINT_INDEX[DOFS[DOF_INDEX[name]].joint]]
    travel = np.linalg.norm(skin - ghost, axis=1)
    near = np.linalg.norm(ghost - joint, axis=1) < reach_m
    path = np.stack([frame[0][(near * travel).argmax()] for frame in frames])
    meshes = [
        Mesh(ghost, body.assets.skin_faces, REST, alpha=0.18, rim=0.45),
        Mesh(skin, body.assets.skin_faces, by_travel(travel, REST, MOVED), alpha=0.42, rim=0.5),
        Mesh(bones, body.assets.bones.faces, by_travel(np.linalg.norm(bones - still, axis=1), REST_BONE, BONE)),
    ]
    shown = near & (travel > 0.3 * travel[near].max())
    points = np.concatenate([ghost[shown], skin[shown], path, joint[None]])
    view = framed(points, direction, size_hw)
    pixel_m = view.to_camera(path)[:, 2].mean() / view.focal_px
    return render([arrow(path, 2.2 * pixel_m)], view, background=render(meshes, view))  # the arrow over everything


def by_travel(travel_m: Float[np.ndarray, "v"], rest: Rgb, moved: Rgb) -> Float[np.ndarray, "v 3"]:
    """Colour vertices by whether they moved, softly up to 1 cm."""
    share = np.clip(travel_m / 0.01, 0, 1)[:, None]
    return (1 - share) * rest + share * np.array(moved)


def draw_joints(body: SkelBody, out: Path) -> None:
    """Write one strip per joint (the right one of a pair): a panel for each degree of freedom."""
    for joint in JOINT_NAMES:
        if joint.endswith("_l"):
            continue
        dofs = [DOFS[index] for index in joint_dofs(joint)]
        labels = [f"{dof.name} +30\n{dof.positive}" for dof in dofs]
        pictures = [dof_picture(body, dof.name, (260, 260)) for dof in dofs]
        sheet = contact_sheet(pictures, columns=len(dofs), labels=labels)
        save(sheet, out / f"joint_{joint.removesuffix('_r')}.webp")


def draw_poses(body: SkelBody, out: Path) -> None:
    """Write the poses in which a body model shows its faults, skin and skeleton side by side."""
    pictures, labels = [], []
    for name, (degrees, direction, close_up) in POSES.items():
        q = pose(degrees)
        if close_up is None:
            view = framed(mesh_pair(body, q, np.zeros(10))[0], direction, (300, 290), 2.1)
        else:
            center = joints_m(body, q)[[JOINT_INDEX[close_up[0]]]]
            view = framed(center, direction, (300, 290), close_up[1])
        pictures += [render(meshes, view) for meshes in solid_and_see_through(body, q, np.zeros(10))]
        labels += [name, ""]
    save(contact_sheet(pictures, columns=8, labels=labels, gap_px=2), out / "body_poses.webp")


def draw_shapes(bodies: Mapping[str, SkelBody], out: Path) -> None:
    """Write ten random shapes of each body, skin above skeleton, all at one scale."""
    rng = np.random.default_rng(10)
    pictures, labels = [], []
    for sex, body in bodies.items():
        rows: tuple[list[Picture], list[Picture]] = ([], [])
        for betas in np.clip(rng.normal(0, 1, (10, 10)), -2, 2):
            q = pose(HANGING)
            lowest = mesh_pair(body, q, betas)[0][:, 1].min()
            view = look_at((0, lowest + 0.97, 0), FRONT, height_m=2.04, size_hw=(380, 175), distance_m=8.0)
            for row, meshes in zip(rows, solid_and_see_through(body, q, betas), strict=True):
                row.append(render(meshes, view))
        pictures += [*rows[0], *rows[1]]
        labels += [f"{sex} {number}" for number in range(10)] * 2
    save(contact_sheet(pictures, columns=10, labels=labels, gap_px=0), out / "body_shapes.webp")


def save(image: Picture, path: Path) -> None:
    """Write a WebP and say how large it is."""
    Image.fromarray(image).save(path, quality=82, method=6)
    print(f"{path}  {image.shape[1]} x {image.shape[0]}  {path.stat().st_size / 1e3:.0f} kB")


def main() -> None:
    """Draw what was asked for, everything by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["joints", "poses", "shapes"])
    parser.add_argument("--bodies", default="open-{sex}", help="name or path of a body, {sex} to be filled in")
    parser.add_argument("--out", type=Path, default=Path("docs/img"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    sexes = ("female", "male", "neutral")
    bodies = {sex: load_body(options.bodies.format(sex=sex)) for sex in sexes}
    if "joints" in options.what:
        draw_joints(bodies["neutral"], options.out)
    if "poses" in options.what:
        draw_poses(bodies["neutral"], options.out)
    if "shapes" in options.what:
        draw_shapes(bodies, options.out)


if __name__ == "__main__":
    main()
