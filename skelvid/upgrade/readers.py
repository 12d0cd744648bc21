"""Files of SMPL motion: what each holds, and its sequences one by one.

Adding a new kind of file: (1) write a `Reader` with its two functions, (2) append it to `READERS`, (3) add a file of
that kind, made in code, to `tests/upgrade/smpl_files.py`: the contract in `tests/upgrade/test_readers.py` covers it.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float

from skelvid.body.unpickle import read_pickle
from skelvid.errors import VideoError
from skelvid.upgrade.models import N_JOINTS, Kind
from skelvid.upgrade.read_hmr import LICENCE as HMR_LICENCE
from skelvid.upgrade.read_hmr import hmr_entries, read_hmr
from skelvid.upgrade.sample import verdict_bit
from skelvid.upgrade.sequence import Z_UP, Entry, SmplSequence, body_rotations, clean_name, named_after

T = TypeVar("T")
PLAIN_FORMAT = "skelvid-smpl/1"
_SEXES = {"m": "male", "f": "female", "n": "neutral"}
_PW3D_RATE_HZ = BEDLAM_RATE_HZ = 30.0


@dataclass(frozen=True)
class Reader:
    """One kind of file.

    Attributes:
        source: What its motion is called in the training format.
        licence: What its owners allow.
        suffix: Of its files.
        keys: What a file of this kind must hold, where others have the same suffix.
        entries: File to the sequences in it.
        read: File and the name of a sequence to that sequence.
    """

    source: str
    licence: str
    suffix: str
    keys: frozenset[str]
    entries: Callable[[Path], list[Entry]]
    read: Callable[[Path, str], SmplSequence]


def reader_of(path: Path) -> Reader:
    """Return what reads a file.

    Raises:
        VideoError: The file is damaged, or of no known kind.
    """
    keys = _keys(path)
    for reader in READERS:
        if path.suffix == reader.suffix and reader.keys <= keys:
            return reader
    kinds = "; ".join(
        f"{r.suffix} of {r.source}" + (f" ({', '.join(sorted(r.keys))})" if r.keys else "") for r in READERS
    )
    raise VideoError(f"{path} holds no SMPL motion that is known: {kinds}")


def entries(path: Path) -> list[Entry]:
    """Say what a file holds.

    Raises:
        VideoError: The file is damaged, or of no known kind.
    """
    return _told(path, lambda: reader_of(path).entries(path))


def read_sequence(path: Path, name: str) -> SmplSequence:
    """Read one sequence of a file.

    Raises:
        VideoError: The file or the sequence is damaged.
    """
    return _told(path, lambda: reader_of(path).read(path, name))


def _told(path: Path, work: Callable[[], T]) -> T:
    """Do it; say of any damage which file has it."""
    try:
        return work()
    except VideoError:
        raise
    # A damaged pickle can fail in almost any way, see the documentation of pickle.UnpicklingError.
    except Exception as error:
        raise VideoError(f"{path} is damaged: {error}") from error


def _keys(path: Path) -> frozenset[str]:
    """Return the names of what a file holds at its top."""
    if path.suffix == ".npz":
        return _told(path, lambda: _names(path))
    if path.suffix == ".pkl":
        return _told(path, lambda: frozenset(read_pickle(path)))
    return frozenset()


@contextmanager
def _open(path: Path) -> Generator[Any]:
    # NumPy leaves a file open that turns out to be damaged.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        yield archive


def _names(path: Path) -> frozenset[str]:
    with _open(path) as archive:
        return frozenset(archive.files)


def _text(value: Any) -> str:
    """Return a text that may have been kept as bytes, or in an array."""
    value = value.item() if isinstance(value, np.ndarray) and value.shape == () else value
    return value.decode() if isinstance(value, bytes) else str(value)


def _sex(value: Any) -> str:
    text = _text(value).lower()
    return _SEXES.get(text[:1], "neutral")


def _kind_of(width: int) -> Kind:
    """Tell SMPL, SMPL-H and SMPL-X apart by the length of a pose."""
    for kind, joints in N_JOINTS.items():
        if width == 3 * joints:
            return kind
    return "smplx" if width > 3 * N_JOINTS["smplx"] else "smpl"


def _amass_entries(path: Path) -> list[Entry]:
    with _open(path) as data:
        t, width = data["poses"].shape
        return [Entry(named_after(path), t, _kind_of(width), _sex(data["gender"]), _rate(data))]


def _rate(data: Mapping[str, Any]) -> float:
    return float(data["mocap_framerate"] if "mocap_framerate" in data else data["mocap_frame_rate"])


def _read_amass(path: Path, name: str) -> SmplSequence:
    with _open(path) as data:
        poses = data["poses"]
        return SmplSequence(
            name,
            _kind_of(poses.shape[1]),
            _sex(data["gender"]),
            rotvec=body_rotations(poses),
            betas=np.asarray(data["betas"], dtype=float).reshape(-1),
            trans_m=np.asarray(data["trans"], dtype=float),
            time_s=np.arange(len(poses)) / _rate(data),
            axes="world",
            to_axes=Z_UP[None],
            # AMASS has a folder for each person.
            identity=f"{path.parent.parent.name}-{path.parent.name}",
            frame=np.arange(len(poses)),
            labels={"up": np.tile([0.0, 1.0, 0.0], (len(poses), 1))},
        )


def _pw3d_entries(path: Path) -> list[Entry]:
    data = read_pickle(path)
    sexes = [_sex(value) for value in data["genders"]]
    return [
        Entry(f"{named_after(path)}-{i}", len(data["poses"][i]), "smpl", sex, _PW3D_RATE_HZ)
        for i, sex in enumerate(sexes)
    ]


def _read_pw3d(path: Path, name: str) -> SmplSequence:
    data, person = read_pickle(path), int(name.rpartition("-")[2])
    poses = np.asarray(data["poses"][person], dtype=float)
    t, camera = len(poses), np.asarray(data["cam_poses"], dtype=float)[: len(poses)]
    seen = np.asarray(data["campose_valid"][person], dtype=bool)[:t]
    matrix = np.asarray(data["cam_intrinsics"], dtype=float)
    film = _text(data.get("sequence", path.stem))
    return SmplSequence(
        name,
        "smpl",
        _sex(data["genders"][person]),
        rotvec=body_rotations(poses),
        betas=np.asarray(data["betas"][person], dtype=float).reshape(-1)[:10],
        trans_m=np.asarray(data["trans"][person], dtype=float),
        time_s=np.arange(t) / _PW3D_RATE_HZ,
        axes="camera",
        to_axes=camera[:, :3, :3],
        place_m=camera[:, :3, 3],
        identity=None,  # the same people act in several films under other numbers
        frame=np.arange(t),
        labels={"verdict": np.where(seen, 0, verdict_bit("source"))},
        view=_pinhole(matrix),
        picture_files=tuple(f"{film}/image_{i:05d}.jpg" for i in range(t)),
    )


def _pinhole(matrix: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "1 3"]:
    """Return focal length and centre; where pixels are not quite square, their mean."""
    # Their pixel centres lie at whole numbers, ours half a pixel further.
    return np.array([[np.sqrt(matrix[0, 0] * matrix[1, 1]), *(matrix[:2, 2] + 0.5)]])


@lru_cache(maxsize=1)
def _bedlam(path: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the arrays of a file, and which rows are each person's in each film, in their order."""
    wanted = ("imgname", "sub", "pose_cam", "shape", "trans_cam", "cam_ext", "cam_int", "gender")
    with _open(path) as archive:
        data = {name: archive[name] for name in wanted if name in archive.files}
    number = np.array([int(_digits(_text(name))) for name in data["imgname"]])
    film = [Path(_text(name)).parent.name for name in data["imgname"]]
    groups: dict[str, list[int]] = {}
    for row in np.lexsort((np.arange(len(number)), number)):
        groups.setdefault(clean_name(f"{named_after(path)}-{film[row]}-{_text(data['sub'][row])}"), []).append(int(row))
    data["number"] = number
    return data, {name: np.array(rows) for name, rows in groups.items()}


def _digits(name: str) -> str:
    return Path(name).stem.rpartition("_")[2]


def _bedlam_entries(path: Path) -> list[Entry]:
    data, groups = _bedlam(path)
    return [
        Entry(name, len(rows), "smplx", _bedlam_sex(data, rows), BEDLAM_RATE_HZ)
        for name, rows in sorted(groups.items())
    ]


def _bedlam_sex(data: Mapping[str, np.ndarray], rows: np.ndarray) -> str:
    return _sex(data["gender"][rows[0]]) if "gender" in data else "neutral"


def _read_bedlam(path: Path, name: str) -> SmplSequence:
    data, groups = _bedlam(path)
    rows = groups[name]
    number = data["number"][rows]
    return SmplSequence(
        name,
        "smplx",
        _bedlam_sex(data, rows),
        rotvec=body_rotations(data["pose_cam"][rows]),
        betas=data["shape"][rows[0]].astype(float),
        trans_m=data["trans_cam"][rows].astype(float),
        time_s=number / BEDLAM_RATE_HZ,
        axes="camera",
        place_m=data["cam_ext"][rows, :3, 3].astype(float),
        identity=clean_name(_text(data["sub"][rows[0]])),
        frame=number,
        view=_pinhole(data["cam_int"][rows[0]].astype(float)) if "cam_int" in data else None,
        picture_files=tuple(_text(image) for image in data["imgname"][rows]),
    )


def _plain_entries(path: Path) -> list[Entry]:
    with _open(path) as data:
        rate = 1.0 / float(np.median(np.diff(data["time_s"]))) if len(data["poses"]) > 1 else None
        return [Entry(named_after(path), len(data["poses"]), _known_kind(data), _text(data["sex"]), rate)]


def _known_kind(data: Mapping[str, Any]) -> Kind:
    return next(kind for kind in N_JOINTS if kind == _text(data["kind"]))


def _read_plain(path: Path, name: str) -> SmplSequence:
    with _open(path) as data:
        if _text(data["format"]) != PLAIN_FORMAT:
            raise ValueError(f"format must be {PLAIN_FORMAT}, got {_text(data['format'])}")
        sex, axes = (_text(data[key]) for key in ("sex", "axes"))
        turn = {"y_up": np.eye(3), "z_up": Z_UP, "camera": np.eye(3)}
        if sex not in _SEXES.values() or axes not in turn:
            raise ValueError(f"sex or axes is not known: {sex}, {axes}")
        t = len(data["poses"])
        labels = {} if axes == "camera" else {"up": np.tile([0.0, 1.0, 0.0], (t, 1))}
        return SmplSequence(
            name,
            _known_kind(data),
            sex,
            rotvec=body_rotations(data["poses"]),
            betas=data["betas"].astype(float),
            trans_m=data["trans_m"].astype(float) if "trans_m" in data else None,
            time_s=data["time_s"].astype(float),
            axes="camera" if axes == "camera" else "world",
            to_axes=turn[axes][None],
            identity=_text(data["identity"]) if "identity" in data else None,
            frame=np.arange(t),
            labels=labels,
        )


_RESEARCH = "non-commercial research only, by its owners; what is derived from it too"
READERS: tuple[Reader, ...] = (
    Reader("AMASS", f"AMASS: {_RESEARCH}; see amass.is.tue.mpg.de", ".npz",
           frozenset({"poses", "trans", "gender", "betas"}), _amass_entries, _read_amass),
    Reader("3DPW", f"3DPW: {_RESEARCH}; see virtualhumans.mpi-inf.mpg.de/3DPW", ".pkl",
           frozenset({"poses", "genders", "cam_poses", "campose_valid"}), _pw3d_entries, _read_pw3d),
    Reader("BEDLAM", f"BEDLAM: {_RESEARCH}; see bedlam.is.tue.mpg.de", ".npz",
           frozenset({"imgname", "pose_cam", "shape", "trans_cam", "sub"}), _bedlam_entries, _read_bedlam),
    Reader("HMR", HMR_LICENCE, ".tar", frozenset(), hmr_entries, read_hmr),
    Reader("SMPL", "as its maker says", ".npz", frozenset({"format", "kind", "sex", "axes", "poses"}),
           _plain_entries, _read_plain),
)  # fmt: skip
