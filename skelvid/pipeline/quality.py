"""What a run saw goes in; sentences come out about what its numbers cannot be trusted with."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float

from skelvid.datatypes.frames import Camera, VideoInfo
from skelvid.datatypes.motion import JointAngles
from skelvid.datatypes.people import KeypointTrack
from skelvid.video.scene import Scene

_FOOT_PARTS = ("ankle", "heel", "foot_index", "big_toe")
# A point that its source trusts less than this is a guess.
_MIN_SCORE = 0.3
_MAX_FEET_AWAY = 0.1
_MIN_HEIGHT_PX = 150.0
_MIN_LUMA = 45.0
_MIN_DURATION_S = 1.0
_MIN_RATE_HZ = 20.0
_MIN_SEEN = 0.8
# Who is seen at other times for a smaller share of the person's is no part of the movement.
_MIN_OTHER = 0.2
# Beyond this an angle says hardly more than what people's joints usually do.
_MAX_SIGMA_RAD = np.radians(12.0)


def film_warnings(info: VideoInfo, scene: Scene, *, read: Sequence[str] = ()) -> Iterator[str]:
    """Say what is wrong with the film.

    Args:
        info: What its container says.
        scene: Its light and its camera.
        read: What went wrong in reading, as `ReadReport.sentences` says.
    """
    yield from (f"the video is damaged: {sentence}" for sentence in read)
    if len(scene.luma) and scene.luma.mean() < _MIN_LUMA:
        yield f"the video is dark (mean brightness {scene.luma.mean():.0f} of 255): keypoints are less sure"
    if scene.moving:
        yield "the camera moves: pelvis angles, gravity and places in space mix with its movement; use a tripod"
    if info.rate_hz < _MIN_RATE_HZ:
        yield f"only {info.rate_hz:.3g} pictures per second: fast movements are cut off; record at 30 or more"


def track_warnings(track: KeypointTrack, size_hw: tuple[int, int]) -> Iterator[str]:
    """Say what is wrong with how a person was seen."""
    score, xy = track.keypoints.score, track.keypoints.xy
    seen = (score > 0.0).any(1)
    duration_s = float(track.time_s[seen][-1] - track.time_s[seen][0]) if seen.any() else 0.0
    if duration_s < _MIN_DURATION_S:
        yield f"the person is seen for {duration_s:.2f} s only: too short for the lifter to know the movement"
    if seen.mean() < _MIN_SEEN:
        yield f"the person is seen in {100 * seen.mean():.0f} % of the frames; the others are blank"
    height_px = np.median(np.nanmax(xy[seen, :, 1], 1) - np.nanmin(xy[seen, :, 1], 1)) if seen.any() else np.inf
    if height_px < _MIN_HEIGHT_PX:
        yield f"the person is small (about {height_px:.0f} px from head to feet): go closer, or record larger pictures"
    away = _feet_away(track, size_hw)[seen].mean() if seen.any() else 0.0
    if away > _MAX_FEET_AWAY:
        yield (
            f"feet are outside the picture or hidden in {100 * away:.0f} % of the frames: ankle and foot angles there "
            "are guesses"
        )


def other_warnings(track: KeypointTrack, everybody: Sequence[KeypointTrack]) -> Iterator[str]:
    """Say who was followed only while a person was away: after a cut, or a while outside, nobody is known again."""
    seen = (track.keypoints.score > 0.0).any(1)
    frames = {other.person_id: (other.keypoints.score > 0.0).any(1) for other in everybody if other is not track}
    others = [who for who, at in frames.items() if not (at & seen).any() and at.sum() > _MIN_OTHER * seen.sum()]
    if others:
        who = f"person{'s' if len(others) > 1 else ''} {', '.join(map(str, others))}"
        yield (
            f"while person {track.person_id} is away, {who} can be seen: whoever is away for over 2 s, or beyond a cut "
            "of the film, comes back under another number; --person NUMBER or --person all gives those parts"
        )


def angle_warnings(angles: JointAngles) -> Iterator[str]:
    """Say which angles this view cannot tell."""
    if angles.sigma_rad is None:
        return
    known = np.isfinite(angles.sigma_rad).any(0)
    sigma = np.full(len(angles.names), np.nan)
    sigma[known] = np.nanmedian(angles.sigma_rad[:, known], 0)
    unsure = [name for name, value in zip(angles.names, sigma, strict=True) if value > _MAX_SIGMA_RAD]
    if unsure:
        limit_deg = np.degrees(_MAX_SIGMA_RAD)
        yield f"this view hardly shows (standard deviation over {limit_deg:.0f} deg): {', '.join(both_sides(unsure))}"


def both_sides(names: Sequence[str]) -> list[str]:
    """Return names, those of which both sides are there as one.

    >>> both_sides(["knee_angle_r", "arm_add_l", "knee_angle_l", "head_bending"])
    ['knee_angle_r/l', 'arm_add_l', 'head_bending']
    """
    pairs = {name[:-2] for name in names if name.endswith("_r") and f"{name[:-2]}_l" in names}
    joined = (f"{name[:-2]}_r/l" if name[:-2] in pairs else name for name in names)
    return list(dict.fromkeys(joined))


def setting_warnings(camera: Camera, *, assumed_focal: bool, height_m: float | None) -> Iterator[str]:
    """Say what was assumed because nobody gave it."""
    if assumed_focal:
        share = camera.focal_px / max(camera.size_hw)
        focal = f"{share:.2g} of the longer side, {camera.focal_px:.0f} px"
        yield f"the focal length is assumed ({focal}): give --focal if you know it"
    if height_m is None:
        yield "lengths are not scaled: give --height; angles do not need it"


def _feet_away(track: KeypointTrack, size_hw: tuple[int, int]) -> Bool[np.ndarray, "t"]:
    """Return whether a foot is out of the picture, missing or doubtful; no frame where the source knows no feet."""
    names = track.keypoints.names
    away = np.zeros(len(track), bool)
    for side in ("left", "right"):
        columns = [i for i, n in enumerate(names) if n.startswith(side) and n.removeprefix(f"{side}_") in _FOOT_PARTS]
        if columns:
            # The furthest point counts: an ankle inside does not help a foot outside.
            away |= _away(track.keypoints.xy[:, columns], track.keypoints.score[:, columns], size_hw).any(1)
    return away


def _away(xy: Float[np.ndarray, "t k 2"], score: Float[np.ndarray, "t k"], size_hw: tuple[int, int]) -> np.ndarray:
    inside = ((xy >= 0.0) & (xy <= np.array(size_hw[::-1]))).all(-1)
    return ~inside | (score < _MIN_SCORE)
