"""A body's name or path goes in; its assets, or the body ready to pose, come out."""

from pathlib import Path

import torch

from skelvid.body.assets import SkelAssets, load_assets
from skelvid.body.model import SkelBody
from skelvid.body.official import load_official
from skelvid.body.transfer import transfer_landmarks
from skelvid.weights import body_path


def load_body(
    name: str | Path = "neutral",
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> SkelBody:
    """Load a body.

    Args:
        name: `female`, `male`, `neutral`, a catalogue name or a path: see `skelvid.weights.body_path`.
        dtype: float32 or float64.
        device: Where its tensors live.

    Raises:
        AssetError: There is no such body, or its file is damaged.
    """
    return SkelBody(load_body_assets(name), dtype=dtype, device=device)


def load_body_assets(name: str | Path = "neutral") -> SkelAssets:
    """Load a body's arrays from our `.npz` or an official `.pkl`; `name` as in `load_body`.

    Official files know no landmarks: they get those of our body of the same sex (`skelvid.body.transfer`).
    """
    path = body_path(name)
    if path.suffix != ".pkl":
        return load_assets(path)
    official = load_official(path)
    return transfer_landmarks(load_assets(body_path(f"open-{official.sex}")), official)
