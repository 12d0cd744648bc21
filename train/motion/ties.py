"""What a source's points mean on our body: one table per kind of source.

An offset is where the source puts its point relative to ours, in template axes (x left, y up, z front) and fixed to
the joint (for landmarks, to the joint that carries most of them). Those here are starting values, read off the sources'
own skeletons laid on our template; each person's are then measured within `play_m` (see `people.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

Offset = tuple[float, float, float]
Anchor = str | dict[str, float]


@dataclass(frozen=True)
class Tie:
    """One point of a source and the point of the body it is fitted with.

    Attributes:
        source: name of the point in the capture.
        anchor: a joint, or skin landmarks with weights.
        offset_m: of the source's point from its anchor.
        sigma_m: how far it is expected to be off.
        play_m: how far the offset may be moved to suit a person.
        late: the offset says how the source's segment is turned against ours: unused until it has been measured.
        turns: name of a group whose points tell together how their segment is turned: their offsets move as one, since
            offsets that move each for themselves would take in a wrong turn and keep it.
    """

    source: str
    anchor: Anchor
    offset_m: Offset = (0.0, 0.0, 0.0)
    sigma_m: float = 0.015
    play_m: float = 0.02
    late: bool = False
    turns: str = ""


def _both(
    name: str,
    anchor: Anchor,
    offset_m: Offset = (0.0, 0.0, 0.0),
    sigma_m: float = 0.015,
    play_m: float = 0.02,
    turns: str = "",
) -> Iterator[Tie]:
    """Tie a point of each side; `{}` stands for the side, `{U}` for its capital, and x of an offset is outward."""
    for side, sign in (("l", 1.0), ("r", -1.0)):
        sides = {"U": side.upper()}
        fixed = (
            anchor.format(side, **sides)
            if isinstance(anchor, str)
            else {landmark.format(side): share for landmark, share in anchor.items()}
        )
        yield Tie(name.format(side, **sides), fixed, (sign * offset_m[0], *offset_m[1:]), sigma_m, play_m, turns=turns)


CMU: tuple[Tie, ...] = (
    Tie("root", "pelvis", (0.0, 0.03, -0.085), play_m=0.05, late=True),
    Tie("root_front", "pelvis", (0.0, 0.03, 0.015), play_m=0.07, late=True),
    *_both("{}_hip", "femur_{}", sigma_m=0.012),
    *_both("{}_knee", "tibia_{}", play_m=0.0),  # its offset is measured where the leg is straight: people.py
    # Little play: the two say how a foot is pitched, and on the floor they agree with ours within 2 degrees.
    *_both("{}_ankle", "talus_{}", sigma_m=0.012, play_m=0.005),
    *_both("{}_toe_base", "toes_{}", play_m=0.005),
    *_both("{}_toe_end", {"big_toe_{}": 0.5, "small_toe_{}": 0.5}, sigma_m=0.03),
    *_both("{}_foot_side", "calcn_{}", (0.097, 0.034, 0.029), sigma_m=0.04, play_m=0.03),
    Tie("upperback", "lumbar_body", (0.0, 0.004, 0.055), 0.03, 0.06),
    Tie("thorax", "thorax", (0.0, -0.185, 0.046), 0.03, 0.06),
    Tie("lowerneck", "thorax", (0.0, -0.068, 0.043), play_m=0.05),
    Tie("head", "head", (0.0, -0.006, 0.021), 0.02, 0.05),
    Tie("head_end", "head", (0.0, 0.09, 0.02), 0.02, 0.05),
    Tie("head_front", "head", (0.0, -0.006, 0.121), 0.025, 0.07, late=True),
    *_both("{}_shoulder", "humerus_{}", play_m=0.04),
    *_both("{}_elbow", "ulna_{}", sigma_m=0.012),
    *_both("{}_true_wrist", "hand_{}"),
    *_both("{}_finger_end", {"index_mcp_{}": 0.35, "pinky_mcp_{}": 0.35, "middle_tip_{}": 0.3}, sigma_m=0.025),
    *_both("{}_thumb_end", {"thumb_mcp_{}": 0.5, "thumb_tip_{}": 0.5}, sigma_m=0.02),
)

DEEPMIMIC: tuple[Tie, ...] = (
    Tie("root", "pelvis", (0.0, -0.072, -0.05)),
    Tie("root_up", "pelvis", (0.0, 0.028, -0.05)),
    Tie("root_front", "pelvis", (0.0, -0.072, 0.05)),
    *_both("{}_hip", "femur_{}"),
    *_both("{}_knee", "tibia_{}"),
    *_both("{}_ankle", "talus_{}", sigma_m=0.012),
    *_both("{}_toes", "toes_{}"),
    *_both("{}_foot_side", "calcn_{}", (0.097, 0.034, 0.029), sigma_m=0.025),
    Tie("chest", "thorax", (0.0, -0.261, 0.057), play_m=0.04),
    Tie("neck", "thorax", (0.0, -0.037, 0.057), play_m=0.04),
    Tie("head_top", "head", (0.0, 0.085, 0.019), 0.02, 0.04),
    Tie("head_front", "head", (0.0, -0.035, 0.139), 0.02, 0.04),
    *_both("{}_shoulder", "humerus_{}", play_m=0.04),
    *_both("{}_elbow", "ulna_{}", sigma_m=0.012),
    *_both("{}_wrist", "hand_{}"),
)

UIPRMD: tuple[Tie, ...] = (
    # Our hips lie further behind the skin of the pelvis than the source's behind the markers there: hips decide, since
    # the angles of the legs hang on them, and the markers give the turn.
    *_both("{U}ASI", {"asis_{}": 1.0}, (0.0, 0.0, -0.038), sigma_m=0.012, play_m=0.025, turns="pelvis"),
    *_both("{U}PSI", {"psis_{}": 1.0}, (0.0, 0.0, -0.038), sigma_m=0.012, play_m=0.025, turns="pelvis"),
    *_both("{}_hip", "femur_{}", sigma_m=0.012),
    *_both("{}_knee", "tibia_{}", play_m=0.025),
    *_both("{U}KNE", {"knee_lat_{}": 1.0}, (0.0, 0.03, 0.0), sigma_m=0.02, play_m=0.05),
    *_both("{}_ankle", "talus_{}", sigma_m=0.012),
    *_both("{U}ANK", {"ankle_lat_{}": 1.0}, sigma_m=0.012),
    # On a flat foot both markers are some 5 cm above the floor; our heel's landmark is at 3 cm, the toes' at 1.5.
    *_both("{U}HEE", {"heel_{}": 1.0}, (0.0, 0.02, -0.01), sigma_m=0.012),
    *_both("{U}TOE", {"mtp1_{}": 0.5, "mtp5_{}": 0.5}, (0.0, 0.033, 0.01)),
    Tie("C7", {"c7": 1.0}, sigma_m=0.012, play_m=0.025),
    Tie("T10", {"t10": 1.0}, play_m=0.025),
    Tie("CLAV", {"sternal_notch": 1.0}, sigma_m=0.012, play_m=0.025),
    Tie("STRN", {"xiphoid": 1.0}, play_m=0.03),
    *_both("{U}FHD", "head", (0.06, 0.1, 0.09), play_m=0.05),
    *_both("{U}BHD", "head", (0.06, 0.1, -0.065), play_m=0.05),
    # Over a raised arm the skin, and the marker with it, slides by centimetres; so does the joint centre made from it.
    *_both("{U}SHO", {"acromion_{}": 1.0}, sigma_m=0.04, play_m=0.03),
    *_both("{U}ELB", {"elbow_lat_{}": 1.0}, sigma_m=0.012),
    *_both("{}_elbow", "ulna_{}"),
    *_both("{U}WRA", {"wrist_rad_{}": 1.0}, sigma_m=0.012),
    *_both("{U}WRB", {"wrist_uln_{}": 1.0}, sigma_m=0.012),
    *_both("{U}FIN", {"index_mcp_{}": 0.5, "pinky_mcp_{}": 0.5}, play_m=0.025),
)

TIES: dict[str, tuple[Tie, ...]] = {"cmu": CMU, "deepmimic": DEEPMIMIC, "uiprmd": UIPRMD}
