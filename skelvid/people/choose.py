"""Whose motion is wanted: tracks of everybody in, those of the chosen out."""

import re
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float

from skelvid.datatypes.people import KeypointTrack
from skelvid.errors import ConfigError
from skelvid.people.keypoints import extent

# What makes a box (n) in a frame of this size the wanted person's.
RULES: dict[str, Callable[[Float[np.ndarray, "n 4"], tuple[int, int]], Float[np.ndarray, "n"]]] = {
    "largest": lambda xyxy, size_hw: _heights(xyxy) / max(size_hw),
    "longest": lambda xyxy, size_hw: np.ones(len(xyxy)),
    "center": lambda xyxy, size_hw: (1.0 - np.abs(xyxy[:, [0, 2]].mean(-1) / size_hw[1] * 2.0 - 1.0)).clip(0.0, 1.0),
    "all": lambda xyxy, size_hw: _heights(xyxy) / max(size_hw),
}
DEFAULT_RULE = "largest"


def check_rule(rule: str) -> None:
    """Raise ConfigError unless a rule is one of `RULES` or a person's number."""
    if rule not in RULES and not re.fullmatch(r"\d+", rule):
        raise ConfigError(f"there is no choice of person '{rule}': use {', '.join(RULES)} or a person's number")


def weigh(rule: str, xyxy: Float[np.ndarray, "n 4"], size_hw: tuple[int, int]) -> Float[np.ndarray, "n"]:
    """Return how much boxes speak for being the wanted person in one frame; a number counts as the default rule."""
    return RULES.get(rule, RULES[DEFAULT_RULE])(xyxy, size_hw)


def choose(
    tracks: Sequence[KeypointTrack],
    rule: str,
    size_hw: tuple[int, int],
    *,
    at: tuple[float, float, float] | None = None,
) -> list[KeypointTrack]:
    """Return the tracks of the wanted people.

    Args:
        tracks: Everybody's.
        rule: `largest` is who is largest for longest, `longest` who is seen for longest, `center` who is nearest to
            the middle for longest, `all`, or a person's number.
        size_hw: Height and width of the frames, px.
        at: Point (x, y), px, and time, s, at which the wanted person is; overrules the rule.

    Raises:
        ConfigError: There is no such rule, no such person, or nobody at that place.
    """
    check_rule(rule)
    if at is not None:
        return [_at(tracks, *at)]
    if rule == "all" or not tracks:
        return list(tracks)
    if rule in RULES:
        return [max(tracks, key=lambda track: _total(track, rule, size_hw))]
    chosen = [track for track in tracks if track.person_id == int(rule)]
    if not chosen:
        known = ", ".join(str(track.person_id) for track in tracks)
        raise ConfigError(f"nobody has the number {rule}; there are {known}")
    return chosen


def inside(xyxy: Float[np.ndarray, "n 4"], x: float, y: float) -> Bool[np.ndarray, "n"]:
    """Return which boxes a point is in.

    >>> inside(np.array([[0.0, 0.0, 2.0, 2.0], [1.0, 0.0, 2.0, 2.0]]), 0.5, 1.0)
    array([ True, False])
    """
    return (xyxy[:, 0] <= x) & (x <= xyxy[:, 2]) & (xyxy[:, 1] <= y) & (y <= xyxy[:, 3])


def _at(tracks: Sequence[KeypointTrack], x: float, y: float, time_s: float) -> KeypointTrack:
    """Return who is at a point, or next to it by no more than half their height, at the nearest time."""
    near: list[tuple[float, KeypointTrack]] = []
    for track in tracks:
        box = extent(track.keypoints)[int(np.abs(track.time_s - time_s).argmin())]
        if not np.isnan(box).any():
            away = np.linalg.norm(np.maximum(np.maximum(box[:2] - (x, y), (x, y) - box[2:]), 0.0))
            # Among several whom the point is inside of, the one whose middle is nearest.
            middle = np.linalg.norm((box[:2] + box[2:]) / 2.0 - (x, y)) / np.linalg.norm(box[2:] - box[:2])
            near.append((float(away / (box[3] - box[1]) + 1e-3 * middle), track))
    if not near or min(near, key=lambda entry: entry[0])[0] > 0.5:
        raise ConfigError(f"nobody was seen near ({x:g}, {y:g}) px at {time_s:g} s")
    return min(near, key=lambda entry: entry[0])[1]


def _total(track: KeypointTrack, rule: str, size_hw: tuple[int, int]) -> float:
    """Return a rule's weight over all frames, each for as long as it lasts."""
    lasts_s = np.gradient(track.time_s) if len(track) > 1 else np.ones(len(track))
    boxes = extent(track.keypoints)
    seen = ~np.isnan(boxes).any(-1)
    return float(weigh(rule, boxes[seen], size_hw) @ lasts_s[seen])


def _heights(xyxy: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n"]:
    """Return longer sides, which change less than heights when people bend."""
    return (xyxy[:, 2:] - xyxy[:, :2]).max(-1)
