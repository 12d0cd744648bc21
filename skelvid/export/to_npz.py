"""A motion in, its arrays in one `.npz` file out, and back."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from skelvid.datatypes.frames import Camera
from skelvid.datatypes.motion import Motion
from skelvid.datatypes.result import Result
from skelvid.datatypes.skel import SkelParams
from skelvid.errors import AssetError
from skelvid.files import whole_file

FORMAT = "skelvid-motion/1"
_OPTIONAL = ("q_sigma_rad", "contact", "up")


class MotionArrays:
    """The smoothed motion, all of it, to go on computing with."""

    file_name = "motion.npz"

    def __call__(self, result: Result, path: Path) -> None:
        """Write the motion."""
        save_motion(result.motion, path)


def save_motion(motion: Motion, path: Path) -> None:
    """Write a motion; `load_motion` gives it back, equal to the bit."""
    params, camera = motion.params.to_numpy(), motion.camera
    arrays: dict[str, object] = {
        "format": FORMAT,
        "person_id": motion.person_id,
        "time_s": motion.time_s,
        "q": params.q,
        "betas": params.betas,
        "trans_m": params.trans_m,
        "visible": motion.visible,
        **{name: getattr(motion, name) for name in _OPTIONAL if getattr(motion, name) is not None},
    }
    if camera is not None:
        arrays |= {"focal_px": camera.focal_px, "center_px": camera.center_px, "size_hw": camera.size_hw}
    with whole_file(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)  # pyright: ignore[reportArgumentType]


def load_motion(path: Path) -> Motion:
    """Read a motion.

    Raises:
        AssetError: The file is missing, damaged, or holds something else.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if str(arrays["format"]) != FORMAT:
            raise AssetError(f"{path} has the format {arrays['format']}, wanted {FORMAT}")
        camera = None
        if "focal_px" in arrays:
            (x, y), (height, width) = arrays["center_px"].tolist(), arrays["size_hw"].tolist()
            camera = Camera(float(arrays["focal_px"]), (x, y), (height, width))
        return Motion(
            int(arrays["person_id"]),
            arrays["time_s"],
            SkelParams(arrays["q"], arrays["betas"], arrays["trans_m"]),
            arrays["visible"],
            camera,
            **{name: arrays.get(name) for name in _OPTIONAL},
        )
    except (OSError, BadZipFile, KeyError, ValueError) as error:
        raise AssetError(f"{path} is not a motion file of skelvid ({error})") from error
