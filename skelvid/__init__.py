"""skelvid: video to a biomechanical SKEL body to joint angles.

This page is the whole public surface. Each name is imported on first use, so `import skelvid` is instant.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from skelvid.errors import AssetError, ConfigError, SkelvidError, VideoError, WeightsError

if TYPE_CHECKING:
    from skelvid.body.load import load_body
    from skelvid.body.model import SkelBody
    from skelvid.datatypes.skel import BodyPoints, SkelParams

__version__ = "0.1.0"

__all__ = [
    "AssetError",
    "BodyPoints",
    "ConfigError",
    "SkelBody",
    "SkelParams",
    "SkelvidError",
    "VideoError",
    "WeightsError",
    "load_body",
]

_LAZY = {
    "BodyPoints": "skelvid.datatypes.skel",
    "SkelBody": "skelvid.body.model",
    "SkelParams": "skelvid.datatypes.skel",
    "load_body": "skelvid.body.load",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _LAZY:
        raise AttributeError(f"module 'skelvid' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
