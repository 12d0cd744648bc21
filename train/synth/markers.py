"""What laboratories and clinics put on people: reflective markers, sensors with straps, tape, braces, caps, masks."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray

from train.synth.dress import COTTON, LYCRA, PLASTIC, Garment, Naked, make_layer, sew
from train.synth.garments import FAR, Cut, Places, band, patch
from train.synth.garments_fabric import draw_colour, draw_fabric, finish
from train.synth.pose import Layer
from train.synth.skin_atlas import scalp_share
from train.synth.subjects_mesh import unit
from train.synth.world import Material

# Light comes back from the tape of markers whatever side it falls on.
GLOW = Material(roughness=0.9, specular=0.04, sheen=1.0)
_RADII_M = (0.0048, 0.0063, 0.007, 0.0095, 0.0125)
# Where a full set sits: landmarks of the open body (both sides where there are two).
_LEGS = ("asis", "psis", "greater_trochanter", "knee_lat", "knee_med", "ankle_lat", "ankle_med", "heel", "mtp1", "mtp5")
_FULL_SET = (
    *_LEGS, "c7", "t10", "sternal_notch", "xiphoid", "l1", "acromion", "shoulder", "tibial_tuberosity", "elbow_lat",
    "elbow_med", "wrist_rad", "wrist_uln", "index_mcp", "pinky_mcp",
)  # fmt: skip
_TAPED = (
    "patella_r", "patella_l", "shoulder_r", "shoulder_l", "l1", "t10", "xiphoid", "knee_lat_l", "elbow_lat_r",
    "tibial_tuberosity_r", "ankle_lat_l", "waist_r",
)  # fmt: skip
# Rigid plates of four on a segment: joint it starts at, joint it ends at.
_CLUSTERS = (("femur", "tibia"), ("tibia", "talus"), ("humerus", "ulna"), ("ulna", "hand"))
_SENSOR_M = (0.017, 0.025, 0.008)


def draw_extras(naked: Naked, clothes: list[str], rng: np.random.Generator) -> tuple[Naked, list[str]]:
    """Draw what somebody wears besides clothes; returns its classes, too."""
    scanty = clothes[0] in ("bare_torso", "sports_bra", "tight_suit", "tank_top")
    chance = {
        "ankle_brace": 0.03, "knee_brace": 0.06, "wrist_brace": 0.03, "belt": 0.03, "watch": 0.12, "mask": 0.05,
        "swim_cap": 0.03, "cap": 0.06, "tape": 0.07, "sensors": 0.16, "markers": 0.45 if scanty else 0.15,
    }  # fmt: skip
    worn = [name for name, share in chance.items() if rng.random() < share]
    if "swim_cap" in worn and "cap" in worn:
        worn.remove("cap")
    for name in worn:
        naked = _MAKERS[name](naked, rng)
    return naked, worn


def _markers(naked: Naked, rng: np.random.Generator) -> Naked:
    names = list(_FULL_SET if rng.random() < 0.6 else _LEGS)
    if rng.random() < 0.5:
        names = [name for name in names if rng.random() < 0.8]
    marks = naked.places.marks
    places = [marks[n] for name in names for n in (name, f"{name}_r", f"{name}_l") if n in marks]
    if rng.random() < 0.5:
        places += _cluster_places(naked.places, rng)
    if rng.random() < 0.3:
        places += [
            marks["head_top"] + [x, -0.04, z] for x, z in ((0.06, 0.06), (-0.06, 0.06), (0.05, -0.06), (-0.05, -0.06))
        ]
    at = nearest_skin(naked, np.array(places) + 0.008 * rng.standard_normal((len(places), 3)))
    radius = float(rng.choice(_RADII_M))
    ball, faces = _ball()
    stand = radius + rng.uniform(0.0, 0.006)
    centre = surface(naked, at) + stand * naked.normals[at]
    rest = (centre[:, None] + radius * ball).reshape(-1, 3)
    grey = rng.uniform(0.55, 0.95)
    texture = finish(np.full((4, 4, 3), grey) * rng.uniform(0.95, 1.0, 3))
    layer = _rigid(rest, naked.weight[at], faces, len(ball), texture, GLOW)
    return naked.wearing(layer)


def _cluster_places(p: Places, rng: np.random.Generator) -> list[Float[ndarray, "3"]]:
    out = []
    for start, end in _CLUSTERS[: int(rng.choice([2, 4]))]:
        for side in "rl":
            a, b = p.joints[f"{start}_{side}"], p.joints[f"{end}_{side}"]
            middle, along = a + rng.uniform(0.4, 0.6) * (b - a), unit(b - a)
            out_way = np.array([np.sign(a[0]), 0, 0]) if start in ("femur", "tibia") else np.array([0, 1.0, 0])
            across = np.cross(along, out_way)
            out += [middle + 0.09 * out_way + u * 0.035 * along + v * 0.025 * across for u in (-1, 1) for v in (-1, 1)]
    return out


def _sensors(naked: Naked, rng: np.random.Generator) -> Naked:
    """Boxes strapped to limbs and pelvis (inertial), or stuck on muscles (EMG)."""
    p = naked.places
    strapped, colour = rng.random() < 0.6, draw_colour(rng, vivid=0.3)
    strap = finish(np.broadcast_to(draw_colour(rng, vivid=0.25), (8, 8, 3)))
    texture = finish(np.broadcast_to(colour, (8, 8, 3)))
    for start, end in (("femur", "tibia"), ("tibia", "talus"), ("humerus", "ulna"), ("ulna", "hand")):
        if rng.random() < 0.35:
            continue
        share = rng.uniform(0.3, 0.7) if start != "ulna" else 0.85
        for side in "rl":
            a, b = p.joints[f"{start}_{side}"], p.joints[f"{end}_{side}"]
            middle = a + share * (b - a)
            limb = start in ("femur", "tibia")
            outward = np.array([np.sign(a[0]), 0, 0.3]) if limb else np.array([0, 1.0, 0])
            at = nearest_skin(naked, (middle + 0.1 * unit(outward))[None])
            if strapped:
                naked = sew(naked, _strap(p, middle, limb, side, strap, rng.uniform(0.012, 0.03)))
            naked = naked.wearing(_box(naked, at, b - a, texture))
    if rng.random() < 0.5:
        low = p.trunk(0.45)
        naked = sew(naked, _flat(band(p.y, low, low + 0.04, p.arm < 0.3), strap))
        at = nearest_skin(naked, np.array([[0.0, low + 0.02, -0.2]]))
        naked = naked.wearing(_box(naked, at, np.array([1.0, 0, 0]), texture))
    return naked


def _strap(p: Places, middle: ndarray, leg: bool, side: str, texture: torch.Tensor, half_m: float) -> Garment:
    sign = 1 if side == "l" else -1
    along = p.y if leg else p.x * sign
    place = float(middle[1]) if leg else float(middle[0]) * sign
    where = (p.x * sign > 0) & ((p.arm < 0.3) if leg else (p.arm > 0.6))
    return _flat(band(along, place - half_m, place + half_m, where), texture)


def _flat(cut: Cut, texture: torch.Tensor, *, gap_m: float = 0.003, smoothing: int = 3) -> Garment:
    return Garment(
        cut, texture, LYCRA, gap_m=gap_m, ease_m=gap_m, smoothing=smoothing, slack=0.0, wrinkle=0.03, folding=0.15,
        hide_m=0.012, kind="gear",
    )  # fmt: skip


def _box(naked: Naked, at: Int[ndarray, "1"], along: Float[ndarray, "3"], texture: torch.Tensor) -> Layer:
    up = naked.normals[at[0]]
    y = unit(along - (along @ up) * up)
    frame = np.stack([np.cross(y, up), y, up], 1)
    corner, faces = _cube()
    rest = surface(naked, at)[0] + (corner * _SENSOR_M + [0, 0, _SENSOR_M[2] * 0.8]) @ frame.T
    return _rigid(rest, naked.weight[at], faces, len(corner), texture, PLASTIC, smooth=False)


def _rigid(
    rest: Float[ndarray, "v 3"],
    weight: Float[ndarray, "n 24"],
    faces: Int[ndarray, "f 3"],
    size: int,
    texture: torch.Tensor,
    material: Material,
    *,
    smooth: bool = True,
) -> Layer:
    """Copies of one little mesh, each moved with one place of the skin."""
    count = len(rest) // size
    everyone = (faces[None] + size * np.arange(count)[:, None, None]).reshape(-1, 3)
    shares = np.repeat(weight, size, axis=0)
    if not smooth:  # sharp edges: every face has its own corners
        rest, shares, everyone = (
            rest[everyone.ravel()],
            shares[everyone.ravel()],
            np.arange(everyone.size).reshape(-1, 3),
        )
    return make_layer(rest, shares, everyone, np.full((len(rest), 2), 0.5), texture, material, kind="gear")


def _tape(naked: Naked, rng: np.random.Generator) -> Naked:
    """Strips and dots of tape, and labels with numbers that look like patches from afar."""
    template = naked.base.template_m.astype(float)
    for _ in range(int(rng.integers(1, 6))):
        name = str(rng.choice(_TAPED))
        radii = np.array([rng.uniform(0.01, 0.022), rng.uniform(0.01, 0.06), 0.05])
        cloth = finish(np.broadcast_to(draw_colour(rng, vivid=0.6), (8, 8, 3)))
        naked = sew(naked, _flat(patch(template, naked.places.marks[name], radii), cloth, gap_m=0.0012))
    return naked


def _side(naked: Naked, rng: np.random.Generator) -> tuple[ndarray, int]:
    sign = int(rng.choice([-1, 1]))
    return naked.places.x * sign > 0.0, sign


def _knee_brace(naked: Naked, rng: np.random.Generator) -> Naked:
    p = naked.places
    own, _ = _side(naked, rng)
    own = own | (rng.random() < 0.15)
    cut = band(p.y, p.leg(rng.uniform(1.12, 1.3)), p.leg(rng.uniform(0.75, 0.88)), own & (p.arm < 0.3))
    return sew(naked, replace(_flat(cut, draw_fabric(rng, vivid=0.2, plain=True), gap_m=0.005), folding=0.5))


def _ankle_brace(naked: Naked, rng: np.random.Generator) -> Naked:
    """A shell behind the shank and under the foot, or a soft sleeve."""
    p = naked.places
    own, _ = _side(naked, rng)
    if rng.random() < 0.5:
        cut = band(p.y, p.leg(2.0) - 0.06, p.leg(rng.uniform(1.7, 1.85)), own & (p.z < p.joints["toes_l"][2] - 0.05))
        garment = replace(_flat(cut, draw_fabric(rng, vivid=0.2, plain=True), gap_m=0.004), folding=0.4)
    else:
        ankle = p.joints["talus_l"]
        shank = np.minimum(p.leg(rng.uniform(1.2, 1.4)) - p.y, ankle[2] - 0.005 - p.z)
        sole = p.leg(2.0) - 0.06 - p.y
        cut = np.where(own, np.maximum(shank, sole), -FAR)
        plastic = finish(np.broadcast_to(np.array([0.88, 0.88, 0.86]) * rng.uniform(0.6, 1.05), (8, 8, 3)))
        garment = replace(_flat(cut, plastic, gap_m=0.006, smoothing=10), material=PLASTIC)
    return sew(naked, garment)


def _wrist_brace(naked: Naked, rng: np.random.Generator) -> Naked:
    p = naked.places
    _, sign = _side(naked, rng)
    cut = band(p.x * sign, p.reach(rng.uniform(1.45, 1.7)), p.reach(rng.uniform(2.1, 2.35)), p.arm > 0.5)
    return sew(naked, _flat(cut, draw_fabric(rng, vivid=0.2, plain=True), gap_m=0.004))


def _watch(naked: Naked, rng: np.random.Generator) -> Naked:
    p = naked.places
    _, sign = _side(naked, rng)
    at = p.reach(1.93)
    colour = finish(np.broadcast_to(draw_colour(rng, vivid=0.2), (8, 8, 3)))
    naked = sew(naked, _flat(band(p.x * sign, at - 0.009, at + 0.009, p.arm > 0.5), colour))
    place = nearest_skin(naked, np.array([[sign * at, p.joints["hand_l"][1] + 0.1, p.joints["hand_l"][2]]]))
    return naked.wearing(_box(naked, place, np.array([0, 0, 1.0]), colour))


def _belt(naked: Naked, rng: np.random.Generator) -> Naked:
    p = naked.places
    cut = band(p.y, p.trunk(rng.uniform(0.35, 0.7)), p.trunk(rng.uniform(0.9, 1.25)), p.arm < 0.3)
    garment = _flat(cut, draw_fabric(rng, vivid=0.25, plain=True), gap_m=0.006, smoothing=15)
    return sew(naked, garment)


def _swim_cap(naked: Naked, rng: np.random.Generator) -> Naked:
    cut = (scalp_share(naked.places, naked.base.template_m.astype(float)) - 0.5) * 0.03
    cloth = finish(np.broadcast_to(draw_colour(rng, vivid=0.7), (8, 8, 3)))
    return sew(naked, _flat(cut, cloth, gap_m=0.004, smoothing=8))


def _cap(naked: Naked, rng: np.random.Generator) -> Naked:
    """A crown down to a line around the head, and a visor in front of it (or behind)."""
    p, cloth = naked.places, draw_fabric(rng, plain=rng.random() < 0.8, vivid=0.5)
    eye, ear = p.marks["eye_l"], p.marks["ear_l"]
    line = eye[1] + rng.uniform(0.045, 0.06)
    cut = np.minimum(p.y - line + 0.15 * (eye[2] - p.z) * 0.3, FAR)
    crown = Garment(
        cut, cloth, COTTON, gap_m=0.008, ease_m=0.012, smoothing=20, slack=0.0, wrinkle=0.1, folding=0.0, kind="gear"
    )
    naked = sew(naked, crown)
    hem = naked.worn[-1].layer.rest_m.numpy().astype(float)
    way = -1.0 if rng.random() < 0.1 else 1.0
    middle = np.array([0.0, hem[:, 1].min() + 0.012, hem[:, 2].mean()])
    width, depth = np.ptp(hem[:, 0]) / 2, np.ptp(hem[:, 2]) / 2
    angle, out = np.linspace(-0.95, 0.95, 17), np.linspace(0, 1, 5)
    a, r = (v.ravel() for v in np.meshgrid(angle, out, indexing="ij"))
    reach = r * 0.075 * np.cos(a * 1.4)
    visor = middle + np.stack(
        [np.sin(a) * (width + 0.3 * reach), -0.35 * reach - 0.02 * (np.abs(a)) * r, way * (np.cos(a) * depth + reach)],
        1,
    )
    grid = np.arange(len(a)).reshape(len(angle), len(out))
    quads = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], -1).reshape(-1, 4)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    weight = naked.weight[nearest_skin(naked, np.array([[0.0, line + 0.05, ear[2]]]))]
    brim = make_layer(visor, np.repeat(weight, len(visor), 0), faces, visor[:, [0, 2]] * 2, cloth, COTTON, kind="gear")
    return naked.wearing(brim)


def _mask(naked: Naked, rng: np.random.Generator) -> Naked:
    """A surgical mask over nose and mouth, or the rubber one of a gas analysis."""
    p, m = naked.places, naked.places.marks
    gas = rng.random() < 0.4
    low, high = m["chin"][1] - 0.01, m["nose"][1] + (0.025 if not gas else 0.03)
    side = 0.055 if not gas else 0.04
    cut = np.minimum.reduce(
        [p.y - low, high - 0.12 * np.abs(p.x) - p.y, side - np.abs(p.x), (p.z - m["ear_l"][2] - 0.02)]
    )
    colour = np.array([0.25, 0.35, 0.5] if gas else [0.62, 0.78, 0.86]) * rng.uniform(0.6, 1.2, 3)
    cloth = finish(np.broadcast_to(np.clip(colour, 0, 1), (8, 8, 3)))
    garment = _flat(cut, cloth, gap_m=0.004, smoothing=40)
    return sew(naked, replace(garment, ease_m=0.02 if gas else 0.01, material=PLASTIC if gas else COTTON))


def nearest_skin(naked: Naked, places: Float[ndarray, "n 3"]) -> Int[ndarray, "n"]:
    """Return the skin vertices nearest to places on the template."""
    skin = np.unique(naked.base.groups["skin"].base)
    template = naked.base.template_m[skin]
    return skin[[int(((template - place) ** 2).sum(1).argmin()) for place in places]]


def surface(naked: Naked, at: Int[ndarray, "n"]) -> Float[ndarray, "n 3"]:
    """Return where the outermost cloth is above skin vertices."""
    return naked.points[at] + naked.lift_m[at, None] * naked.normals[at]


def _ball() -> tuple[Float[ndarray, "42 3"], Int[ndarray, "80 3"]]:
    """An icosahedron with every face cut in four."""
    g = (1 + 5**0.5) / 2
    corner = unit(np.array([[0, s, t * g] for s in (-1, 1) for t in (-1, 1)]))
    points = np.concatenate([np.roll(corner, k, axis=1) for k in range(3)])
    near = np.linalg.norm(points[:, None] - points, axis=-1)
    triples = [
        (i, j, k)
        for i in range(12)
        for j in range(i)
        for k in range(j)
        if max(near[i, j], near[j, k], near[i, k]) < 1.1
    ]
    faces, index, extra = [], {}, list(points)
    for a, b, c in triples:
        if np.dot(np.cross(points[b] - points[a], points[c] - points[a]), points[a]) < 0:
            b, c = c, b
        mids = []
        for u, v in ((a, b), (b, c), (c, a)):
            key = (min(u, v), max(u, v))
            if key not in index:
                index[key] = len(extra)
                extra.append(unit(points[u] + points[v]))
            mids.append(index[key])
        ab, bc, ca = mids
        faces += [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
    return np.array(extra), np.array(faces)


def _cube() -> tuple[Float[ndarray, "8 3"], Int[ndarray, "12 3"]]:
    corner = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    quads = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
    return corner, np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


_Maker = Callable[[Naked, np.random.Generator], Naked]
_MAKERS: dict[str, _Maker] = {
    "markers": _markers, "sensors": _sensors, "tape": _tape, "knee_brace": _knee_brace, "ankle_brace": _ankle_brace,
    "wrist_brace": _wrist_brace, "belt": _belt, "watch": _watch, "cap": _cap, "swim_cap": _swim_cap, "mask": _mask,
}  # fmt: skip
