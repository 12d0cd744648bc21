"""The machine goes in; a list of findings about everything skelvid needs of it comes out."""

import os
import platform
import re
import sys
from importlib import metadata

from skelvid import downloads
from skelvid.findings import Finding
from skelvid.weights import HOME_VARIABLE, list_assets, user_dir

_REINSTALL = "install both in one command, `pip install torch torchvision`"


def examine() -> list[Finding]:
    """Look at Python, torch, the device, video, keypoints, the assets, the user's folder and the optional packages."""
    return [_python(), *_torch(), _video(), *_keypoints(), *_assets(), _user_folder(), *_extras()]


def _python() -> Finding:
    return Finding("python", platform.python_version(), sys.version_info >= (3, 11))


def _torch() -> list[Finding]:
    try:
        import torch
    except (ImportError, OSError) as error:
        return [Finding("torch", f"cannot be imported ({error}): {_REINSTALL}", False)]
    try:
        import torchvision

        # The compiled operators load only when the two were built for each other.
        torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
        match = Finding("torchvision", f"{torchvision.__version__}, fits torch", True)
    except (ImportError, RuntimeError, OSError) as error:
        match = Finding("torchvision", f"does not fit torch ({error}): {_REINSTALL}", False)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "none, skelvid runs on the CPU"
    cores = f"{os.cpu_count()}, torch uses {torch.get_num_threads()} threads"
    return [
        Finding("torch", torch.__version__, True),
        match,
        Finding("CUDA device", device, True),
        Finding("cores", cores, True),
    ]


def _video() -> Finding:
    try:
        import av
    except (ImportError, OSError) as error:
        return Finding("video", f"PyAV cannot be imported ({error}): pip install --force-reinstall av", False)
    codecs = {"h264": "H.264", "hevc": "H.265", "vp9": "VP9", "av1": "AV1"}
    reads = ", ".join(words for name, words in codecs.items() if name in av.codecs_available)
    writes = "libx264" in av.codecs_available
    how = "writes H.264" if writes else "has no libx264 to write H.264, so no overlay: pip install --upgrade av"
    return Finding("video", f"PyAV {av.__version__} reads {reads}; {how}", writes)


def _keypoints() -> list[Finding]:
    """Say whether `skelvid run` can work as it is; without MediaPipe it still can with other sources."""
    found = "installed" if _installed("mediapipe") else "not installed: pip install 'skelvid[mediapipe]' (optional)"
    model = downloads.MODELS["mediapipe-heavy"]
    path = downloads.installed(model)
    fetched = str(path) if path else f"not here yet: skelvid models fetch {model.name}, or the first run does"
    return [Finding("MediaPipe", found, True), Finding(model.name, fetched, True)]


def _assets() -> list[Finding]:
    findings: list[Finding] = []
    for status in list_assets():
        asset, found = status.asset, status.problem or str(status.path)
        if status.problem and not asset.shipped:  # no fault: only its owner can add it
            found = f"not installed (optional, from {asset.source})"
        findings.append(Finding(asset.name, found, not (status.problem and asset.shipped)))
    return findings


def _user_folder() -> Finding:
    folder = user_dir()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    writable = existing.is_dir() and os.access(existing, os.W_OK)
    found = str(folder) if writable else f"{folder} cannot be written: set {HOME_VARIABLE} to another folder"
    return Finding("user folder", found, writable)


def _extras() -> list[Finding]:
    """Say of each extra of the package which of its distributions are missing."""
    missing: dict[str, list[str]] = {}
    for line in metadata.requires("skelvid") or []:
        match = re.match(r"([\w.-]+)(\[.*\])?.*extra == ['\"]([\w-]+)['\"]", line)
        if match and match[1] != "skelvid":
            absent = [] if _installed(match[1]) else [match[1]]
            missing.setdefault(match[3], []).extend(absent)
    return [
        Finding(f"extra '{extra}'", f"without {', '.join(names)} (optional)" if names else "complete", True)
        for extra, names in missing.items()
    ]


def _installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
