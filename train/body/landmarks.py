"""Named skin landmarks as weighted base-mesh vertices; read off renderings of the mean body, left side, then mirrored.

Bony points that the source mesh does not model (ASIS, PSIS, trochanter, acromion, C7, T10) were placed by the heights
and widths of the survey in anthropometry.py, so they cannot serve to test those measures.
"""

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

MIDLINE: dict[str, tuple[tuple[int, float], ...]] = {
    "nose": ((5054, 1.0),),
    "chin": ((5162, 1.0),),
    "head_top": ((881, 0.64), (879, 0.36)),
    "c7": ((857, 0.59), (858, 0.41)),
    "sternal_notch": ((1524, 0.61), (1522, 0.39)),
    "xiphoid": ((1893, 1.0),),
    "t3": ((1595, 1.0),),
    "t10": ((3974, 1.0),),
    "l1": ((4148, 0.5), (4045, 0.5)),
}
LEFT: dict[str, tuple[tuple[int, float], ...]] = {
    "ear": ((12210, 1.0),),
    "acromion": ((8280, 0.55), (8279, 0.36), (8276, 0.09)),
    "asis": ((10947, 0.5), (10950, 0.38), (10952, 0.12)),
    "psis": ((10832, 0.1), (10831, 0.46), (11010, 0.44)),
    "waist": ((10786, 1.0),),
    "greater_trochanter": ((10926, 1.0),),
    "knee_lat": ((11266, 0.09), (11267, 0.56), (11248, 0.35)),
    "knee_med": ((13003, 1.0),),
    "patella": ((11261, 0.32), (11268, 0.01), (11242, 0.67)),
    "tibial_tuberosity": ((11299, 0.02), (11306, 0.2), (11280, 0.78)),
    "ankle_lat": ((12836, 1.0),),
    "ankle_med": ((12938, 0.09), (12939, 0.09), (12940, 0.82)),
    "heel": ((12925, 0.49), (12453, 0.37), (12464, 0.14)),
    "elbow_lat": ((10056, 0.06), (10055, 0.5), (10039, 0.44)),
    "elbow_med": ((10078, 0.21), (10079, 0.36), (10062, 0.43)),
    "wrist_rad": ((10438, 1.0),),
    "wrist_uln": ((10233, 0.29), (10472, 0.29), (10555, 0.42)),
    "index_mcp": ((9829, 1.0),),
    "pinky_mcp": ((9822, 1.0),),
    "eye_inner": ((11486, 1.0),),
    "eye_outer": ((6802, 1.0),),
    "mouth": ((7138, 1.0),),
    "shoulder": ((8342, 0.68), (8341, 0.12), (8290, 0.2)),
    "heel_sole": ((13050, 0.41), (13061, 0.36), (13054, 0.23)),
    "foot_sole_mid": ((12888, 0.27), (12887, 0.24), (11412, 0.49)),
    "mtp1": ((12849, 1.0),),
    "mtp5": ((12809, 0.17), (12793, 0.78), (12865, 0.05)),
    "big_toe": ((11551, 1.0),),
    "small_toe": ((13280, 1.0),),
    "thumb_mcp": ((9904, 1.0),),
    "thumb_tip": ((9428, 1.0),),
    "index_tip": ((8598, 1.0),),
    "middle_tip": ((8787, 1.0),),
    "pinky_tip": ((9283, 1.0),),
    "eye": ((13352, 0.5), (7787, 0.5)),
}


def landmark_vertices() -> Int[ndarray, "k"]:
    """Base-mesh ids of all vertices that landmarks of the left side and the midline use."""
    entries = [*MIDLINE.values(), *LEFT.values()]
    return np.unique([vertex for entry in entries for vertex, _ in entry])


def resolve(base_vertex: Int[ndarray, "v"], mirror: Int[ndarray, "v"]) -> dict[str, tuple[ndarray, ndarray]]:
    """Turn the tables into name -> (three skin vertices, three weights), both sides, for a skin with these base ids."""
    index = {int(base): i for i, base in enumerate(base_vertex)}
    out: dict[str, tuple[ndarray, ndarray]] = {}
    for name, entry in MIDLINE.items():
        out[name] = _pad([index[v] for v, _ in entry], [w for _, w in entry])
    for name, entry in LEFT.items():
        vertex, weight = _pad([index[v] for v, _ in entry], [w for _, w in entry])
        out[f"{name}_r"] = mirror[vertex], weight
        out[f"{name}_l"] = vertex, weight
    return out


def _pad(vertex: list[int], weight: list[float]) -> tuple[ndarray, ndarray]:
    missing = 3 - len(vertex)
    return np.array(vertex + vertex[:1] * missing), np.array(weight + [0.0] * missing) / sum(weight)


def locate(points: Float[ndarray, "n v 3"], landmark: tuple[ndarray, ndarray]) -> Float[ndarray, "n 3"]:
    """Position of one landmark on many bodies."""
    vertex, weight = landmark
    return np.einsum("nkc,k->nc", points[:, vertex], weight)
