"""Where things lie on the picture of the skin: the template body in, masks of lips, palms, beard and so on out.

Everything is found by place on the template, so it lies where it should on all bodies; it is made once.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from scipy.ndimage import distance_transform_edt, map_coordinates

from train.synth.garments import Places
from train.synth.raster import rasterise
from train.synth.subjects_mesh import Group

SIDE = 512
# Wavelengths of unevenness, m, and how many fields of each a person's own is mixed from.
SCALES_M = {"broad": 0.10, "soft": 0.06, "fine": 0.012, "spot": 0.007, "strand": 0.0035, "pore": 0.003}
_FIELDS = 3


@dataclass(frozen=True)
class Atlas:
    """Masks, 0 to 1, and noise of SD about 1, by name, for each texel."""

    masks: dict[str, Float[ndarray, "h w"]]
    fields: dict[str, Float[ndarray, "n h w"]]

    @cached_property
    def around(self) -> dict[str, tuple[slice, slice]]:
        """Return the rows and columns that hold each mask."""
        return {name: (_extent(mask, 1), _extent(mask, 0)) for name, mask in self.masks.items()}

    def noise(self, name: str, rng: np.random.Generator) -> Float[ndarray, "h w"]:
        """Return a person's own unevenness of one wavelength of `SCALES_M`."""
        share = rng.standard_normal(_FIELDS)
        return np.tensordot((share / np.linalg.norm(share)).astype(np.float32), self.fields[name], 1)


def _extent(mask: Float[ndarray, "h w"], along: int) -> slice:
    at = np.flatnonzero(mask.any(along))
    return slice(int(at[0]), int(at[-1]) + 1) if len(at) else slice(0)


def make_atlas(skin: Group, points: Float[ndarray, "b 3"], normals: Float[ndarray, "b 3"], places: Places) -> Atlas:
    """Draw the template into its own picture and find everything on it."""
    known = _drawn(skin, np.concatenate([points, normals, places.arm[:, None]], axis=1))
    at, normal, arm = known[..., :3], known[..., 3:6], known[..., 6]
    masks = _body(places, at, normal, arm) | _face(places, at) | _hair(places, at, normal)
    rng = np.random.default_rng(0)
    fields = {name: np.stack([_noise(rng, at, scale) for _ in range(_FIELDS)]) for name, scale in SCALES_M.items()}
    return Atlas({name: mask.astype(np.float32) for name, mask in masks.items()}, fields)


def _drawn(skin: Group, values: Float[ndarray, "b c"]) -> Float[ndarray, "h w c"]:
    """Spread values at base vertices over the picture; texels outside take what is nearest."""
    uv = torch.as_tensor(skin.uv)
    screen = torch.stack([uv[:, 0] * SIDE, (1 - uv[:, 1]) * SIDE, torch.ones(len(uv))], 1)
    faces = torch.as_tensor(skin.faces.astype(np.int64))
    seen = rasterise(screen, faces, torch.zeros(len(faces), dtype=torch.long), size=(1, SIDE, SIDE))
    corners = skin.base[skin.faces[seen.face.numpy()]]
    inside = (values[corners] * seen.weight.numpy()[..., None]).sum(1)
    filled, empty = np.zeros((SIDE * SIDE, values.shape[1]), np.float32), np.ones(SIDE * SIDE, bool)
    filled[seen.pixel.numpy()], empty[seen.pixel.numpy()] = inside, False
    nearest = distance_transform_edt(empty.reshape(SIDE, SIDE), return_distances=False, return_indices=True)
    return filled.reshape(SIDE, SIDE, -1)[tuple(np.asarray(nearest))]


def _noise(rng: np.random.Generator, at: Float[ndarray, "h w 3"], scale_m: float) -> Float[ndarray, "h w"]:
    grid = rng.standard_normal((24, 24, 24)).astype(np.float32)
    place = np.moveaxis(at / np.float32(scale_m), -1, 0)
    return 1.6 * map_coordinates(grid, place, order=1, mode="grid-wrap", output=np.float32)


def rise(value: ndarray, width: float) -> ndarray:
    """Go from 0 to 1 as a value goes from 0 to `width`."""
    return np.clip(value / width, 0, 1)


def near(at: Float[ndarray, "*b 3"], place: Float[ndarray, "3"], radii: tuple[float, float, float]) -> ndarray:
    """Fall smoothly from 1 at a place and its mirror image to 0 at about twice the radii."""
    fold = np.array([1, 0, 0], bool)
    offset = (np.where(fold, np.abs(at), at) - np.where(fold, np.abs(place), place)) / radii
    return np.exp(-(offset**2).sum(-1))


def _body(p: Places, at: ndarray, normal: ndarray, arm: ndarray) -> dict[str, ndarray]:
    x, y = np.abs(at[..., 0]), at[..., 1]
    m, j = p.marks, p.joints
    cheek = (m["eye_l"] + m["mouth_l"]) / 2 + [0.012, 0, 0]
    flushed = [(cheek, 0.02), (m["nose"], 0.012), (m["ear_l"], 0.03), (m["patella_l"], 0.05), (m["heel_l"], 0.04)]
    flushed += [(j["ulna_l"] + [0, 0.0, -0.04], 0.04), (m["index_mcp_l"], 0.03), (m["pinky_mcp_l"], 0.03)]
    palm = rise(x - p.reach(2.0), 0.02) * rise(-normal[..., 1] - 0.05, 0.6)
    sole = rise(p.leg(2.75) - y, 0.01) * rise(-normal[..., 1] - 0.2, 0.6)
    sun = np.maximum(rise(x - p.reach(0.45), 0.02) * arm, rise(y - p.trunk(2.85), 0.02))
    nipple = np.hypot(x - 0.105, y - p.trunk(1.85))
    return {
        "flush": np.clip(sum(near(at, place, (r, r, r)) for place, r in flushed), 0, 1),
        "bare": np.maximum(palm, sole),
        "sun": np.maximum(sun, rise(p.leg(0.8) - y, 0.02) * (arm < 0.3)),
        "nipple": rise(0.017 - nipple, 0.006) * (at[..., 2] > j["humerus_l"][2] + 0.03),
    }


def _hair(p: Places, at: ndarray, normal: ndarray) -> dict[str, ndarray]:
    x, y, z = np.abs(at[..., 0]), at[..., 1], at[..., 2]
    m = p.marks
    lip, ear = m["mouth_l"][1], m["ear_l"]
    jaw = rise(lip + 0.022 - y, 0.012) * rise(y - m["chin"][1] + 0.045, 0.02) * rise(z - ear[2] - 0.005, 0.02)
    side = rise(x - 0.045, 0.008) * rise(ear[1] - y, 0.02) * rise(y - lip, 0.01)
    side *= rise(0.05 - np.abs(z - ear[2] - 0.02), 0.02)
    lips = near(at, np.array([0, lip, m["nose"][2]]), (0.03, 0.008, 0.05))
    chest = near(at, np.array([0.05, p.trunk(1.9), 0.1]), (0.07, 0.09, 0.10))
    belly = near(at, np.array([0.0, p.trunk(0.8), 0.1]), (0.03, 0.12, 0.10))
    shins = rise(p.leg(0.5) - y, 0.15) * rise(y - p.leg(2.0), 0.05)
    arms = rise(x - p.reach(0.8), 0.06) * rise(p.reach(2.0) - x, 0.03) * (normal[..., 1] > -0.3)
    return {
        "beard": np.maximum(jaw, side) * (1 - lips) * (y > p.trunk(3.0)),
        "body_hair": np.clip(chest + belly + 0.5 * shins + 0.5 * arms, 0, 1),
        "scalp": scalp_share(p, at),
    }


def scalp_share(p: Places, at: Float[ndarray, "*b 3"]) -> Float[ndarray, "*b"]:
    """Where hair grows on the head, 0 to 1."""
    m = p.marks
    temple = 0.10 * rise(m["nose"][2] - at[..., 2] - 0.03, 0.10)
    front = rise(at[..., 1] - m["eye_l"][1] - 0.065 + temple, 0.008)
    back = rise(m["ear_l"][2] + 0.01 - at[..., 2], 0.01) * rise(at[..., 1] - m["chin"][1] - 0.005, 0.01)
    return np.maximum(front, back)


def _face(p: Places, at: ndarray) -> dict[str, ndarray]:
    m = p.marks
    x, y, depth = np.abs(at[..., 0]), at[..., 1], m["nose"][2]
    front = at[..., 2] > m["ear_l"][2] + 0.04
    high = np.abs(y - m["mouth_l"][1])
    lips = rise(1.15 - np.hypot(x / abs(m["mouth_l"][0]), high / 0.0115), 0.25) * front
    lips *= np.abs(at[..., 2] - depth + 0.01) < 0.05
    eye = m["eye_l"]
    arch = eye[1] + 0.021 + 0.004 * np.clip(1 - ((x - eye[0] - 0.006) / 0.02) ** 2, -1, 1)
    ring = np.abs(np.hypot((x - eye[0]) / 1.35, y - eye[1]) - 0.0105)
    return {
        "lips": lips,
        "lip_line": lips * (high < 0.0015),
        "brow": rise(0.0048 - np.abs(y - arch), 0.0025) * rise(0.024 - np.abs(x - eye[0]), 0.006) * front,
        "lid": near(at, eye, (0.018, 0.009, 0.03)) * front,
        "lash": rise(0.0025 - ring, 0.0015) * front * (y > eye[1] - 0.002),
        "nostril": near(at, np.array([0.008, m["nose"][1] - 0.014, depth - 0.012]), (0.005, 0.003, 0.008)),
    }
