"""Fit skull, spine, rib cage and pelvis to a subject; left and midline bones, metres, template axes."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.interpolate import PchipInterpolator

from train.body.bones import pelvis, ribs, skull, spine
from train.body.bones.mesh import Mesh
from train.body.bones.place import MM, warp
from train.body.bones.skin import fill_slits, settle
from train.body.bones.subject import Subject

SCALP_M, FACE_M = 0.006, 0.006
_ISCHIUM_OUTWARD = {"female": 8.0, "neutral": 3.0, "male": -2.0}
_SACRUM_BEFORE_PSIS = 60.0  # sacral plate in front of the back spines, millimetres


def fit_head(subject: Subject, vertices: dict[str, int]) -> dict[str, Mesh]:
    """Fit skull and jaw inside the skin of the head.

    Height goes by chin, eyes and vertex, length by brow and back of the head, breadth by the skin over the ears.
    """
    head = _head_skin(subject)
    drawn = {
        "skull": skull.draw_skull(vertices["skull"]),
        "jaw": skull.draw_jaw(vertices["jaw"]),
        "teeth_upper": skull.draw_teeth(True, vertices["teeth_upper"]),
        "teeth_lower": skull.draw_teeth(False, vertices["teeth_lower"]),
    }
    height = _head_heights(head, subject)
    brow_y, vault_y = height(40), height(62)
    brow = head[(np.abs(head[:, 1] - brow_y) < 0.012) & (np.abs(head[:, 0]) < 0.03)]
    vault = head[np.abs(head[:, 1] - vault_y) < 0.012]
    front, back = brow[:, 2].max() - FACE_M, vault[:, 2].min() + SCALP_M
    deep = (front - back) / (skull.BROW - skull.BACK)
    broad = (np.abs(vault[:, 0]).max() - SCALP_M) / skull.HALF_BREADTH
    solid = fill_slits(subject.skin.shell, head.min(0), head.max(0))
    bones = {}
    for name, mesh in drawn.items():
        x, y, z = mesh.vertices.T
        placed = mesh.moved(np.stack([x * broad, height(y), front + (z - skull.BROW) * deep], 1))
        bones[name] = settle(placed, solid, 0.004, reach_m=0.03)
    return bones


def _head_heights(head: Float[ndarray, "n 3"], subject: Subject) -> PchipInterpolator:
    """Return the map from drawn heights of the skull (millimetres) to heights on the subject."""
    knots = [(skull.CHIN, _chin(head, subject)), (skull.VERTEX, head[:, 1].max() - SCALP_M)]
    if "eye_l" in subject.landmarks:
        knots.insert(1, (skull.ORBIT_Y, subject.landmarks["eye_l"][1]))
    return PchipInterpolator(*np.array(knots).T, extrapolate=True)


def _head_skin(subject: Subject) -> Float[ndarray, "n 3"]:
    """Return the skin of the head down to the throat, without shoulders."""
    low = subject.landmarks["chin"][1] - 0.05 if "chin" in subject.landmarks else subject.joints[13, 1] - 0.09
    skin = subject.skin.vertices
    return skin[(skin[:, 1] > low) & (np.abs(skin[:, 0]) < 0.11)]


def _chin(head: Float[ndarray, "n 3"], subject: Subject) -> float:
    """Return the height of the bony chin: a little over where the midline of the face turns back to the neck."""
    if "chin" in subject.landmarks:
        return float(subject.landmarks["chin"][1]) + 0.006
    face = head[np.abs(head[:, 0]) < 0.02]
    nose = face[face[:, 2].argmax()]
    drop = (nose[1] - face[:, 1]) / subject.size
    below = face[(drop > 0.05) & (drop < 0.1)]
    return float(below[below[:, 2] > below[:, 2].max() - 0.016, 1].min()) + 0.006


def fit_pelvis(subject: Subject, vertices: dict[str, int]) -> tuple[dict[str, Mesh], Float[ndarray, "3"]]:
    """Fit the left hip bone and the sacrum; return them and the middle of the sacral plate.

    Hip joint, front and back spines are given; the rest of the bone follows a thin-plate spline.
    """
    size, hip = subject.size * MM, subject.joints[6]
    drawn = np.array(
        [
            (0, 0, 0),
            pelvis.ASIS,
            pelvis.PSIS,
            pelvis.SYMPHYSIS,
            (-37, -80, -24),
            (44, 122, -12),
            (3, -26, 0),
            (3, 26, 0),
            (3, 0, 26),
            (3, 0, -26),
        ]
    )
    wanted = hip + size * drawn
    front, back = _spines_depth(subject, wanted)
    wanted[1, 2], wanted[2, 2] = front, back
    wanted[3] = (0.0005 + 0.0015 * subject.size, wanted[3, 1], front - 4 * size)
    wanted[4, 0] += _ISCHIUM_OUTWARD[subject.sex] * size  # the pubic arch of women is wider
    wanted[5, 2] = front + (back - front) * 0.42
    mesh = warp(pelvis.draw_hip_bone(vertices["hip"]), drawn, wanted)
    mesh = settle(mesh, subject.skin.shell, 0.006)
    plate = np.array([0, hip[1] + pelvis.SACRUM_TOP[1] * size, wanted[2, 2] + _SACRUM_BEFORE_PSIS * size])
    sacrum = pelvis.draw_sacrum(vertices["sacrum"])
    width = np.array([hip[0] / (pelvis.HALF_HIPS * size), 1, 1]) * size
    sacrum = settle(sacrum.moved(plate + sacrum.vertices * width), subject.skin.shell, 0.005)
    return {"hip_l": mesh, "sacrum": sacrum}, plate


def _spines_depth(subject: Subject, wanted: Float[ndarray, "k 3"]) -> tuple[float, float]:
    """Return z of the bony front and back spines: as deep as a pelvis is, centred in the flesh that the skin leaves."""
    rings = [subject.skin.section(np.array([0, point[1], 0]), np.array([0, 1.0, 0]))[0].points for point in wanted[1:3]]
    near = [ring[np.abs(ring[:, 0] - point[0]) < 0.012, 2] for ring, point in zip(rings, wanted[1:3], strict=True)]
    front = subject.landmarks["asis_l"][2] if "asis_l" in subject.landmarks else near[0].max()
    back = subject.landmarks["psis_l"][2] if "psis_l" in subject.landmarks else near[1].min()
    depth = min((pelvis.ASIS - pelvis.PSIS)[2] * MM * subject.size, front - back - 0.018)
    # the belly lies over the front spines more than the buttocks over the back ones
    front_cover = 0.58 * (front - back - depth)
    return float(front - front_cover), float(front - front_cover - depth)


def fit_column(subject: Subject, plate: ndarray, skull_mesh: Mesh) -> spine.Column:
    """Lay the column between sacrum and skull, as far under the skin of the back as spinous processes are long."""
    size, torso = subject.size, subject.torso
    base = skull_mesh.vertices
    under = base[:, 1].min() + 0.010
    top = np.array([0, under, _condyle_z(base)])
    share = np.array([0.2, 0.36, 0.5, 0.64, 0.76, 0.87])
    inset = np.array([78, 71, 66, 68, 66, 50]) * MM * size  # from the skin to the middle of the bodies
    y = plate[1] + share * (top[1] - plate[1])
    z = torso.back_at(y) + inset
    return spine.string_column(plate, top, np.stack([np.zeros(6), y, z], 1), size)


def _condyle_z(base: ndarray) -> float:
    """Return where along the skull the column stands, between back and brow as on the drawn skull."""
    share = (skull.C1[2] - skull.BACK) / (skull.BROW - skull.BACK)
    return float(base[:, 2].min() + share * (base[:, 2].max() - 0.006 - base[:, 2].min()))


def fit_trunk(
    subject: Subject,
    column: spine.Column,
    acromion: Float[ndarray, "3"],
    vertices: dict[str, int],
    per_kind: dict[str, int],
) -> dict[str, Mesh]:
    """Fit vertebrae, ribs, breastbone and the collar bone, which ends at the acromion."""
    size = subject.size
    bones = spine.draw_column(column, size, per_kind)
    first, last = (column.centre[spine.NAMES.index(name)] for name in ("t1", "t12"))
    notch = 0.55 * column.centre[spine.NAMES.index("t2")][1] + 0.45 * column.centre[spine.NAMES.index("t3")][1]
    cage = ribs.Cage(subject.torso, column, float(notch), float(first[1]), float(last[1]), size)
    bones |= {f"{name}_l": mesh for name, mesh in ribs.draw_ribs(cage).items()}
    bones |= {"sternum": ribs.draw_sternum(cage, vertices["sternum"]), "clavicle_l": ribs.draw_clavicle(cage, acromion)}
    return {name: settle(mesh, subject.skin.shell, 0.005) for name, mesh in bones.items()}
