"""What was seen of the people in one frame, and what is in doubt about who they are."""

from dataclasses import dataclass

from skelvid.datatypes.people import Boxes, Keypoints2D


@dataclass(frozen=True)
class Doubt:
    """Something a user should look at.

    Attributes:
        time_s: When.
        person_ids: Whom it is about.
        what: What is said of them.
    """

    time_s: float
    person_ids: tuple[int, ...]
    what: str

    @property
    def sentence(self) -> str:
        """What, with their numbers and without the time."""
        who = " and ".join(map(str, self.person_ids))
        return f"person{'s' if len(self.person_ids) > 1 else ''} {who} {self.what}"


@dataclass(frozen=True)
class Sighting:
    """The people in one frame.

    Attributes:
        index: Number of the frame.
        time_s: Its time.
        size_hw: Its height and width, px.
        boxes: `n` people, image px, always with `person_id`; those that are not followed where they are thought to be.
        keypoints: `n k`, missing where a person is not followed or was not seen.
        doubts: What came up in this frame.
    """

    index: int
    time_s: float
    size_hw: tuple[int, int]
    boxes: Boxes
    keypoints: Keypoints2D
    doubts: tuple[Doubt, ...] = ()

    def __post_init__(self) -> None:
        if self.boxes.person_id is None or self.keypoints.score.shape[:-1] != (len(self.boxes),):
            raise ValueError("boxes must have a person_id and keypoints one row for each of them")
