"""skelvid: video to a biomechanical SKEL body to joint angles.

This page is the whole public surface. Each name is imported on first use, so `import skelvid` is instant.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from skelvid.errors import AssetError, ConfigError, SkelvidError, VideoError, WeightsError

if TYPE_CHECKING:
    from skelvid.body.load import load_body
    from skelvid.body.model import SkelBody
    from skelvid.config import RunConfig, load_config
    from skelvid.datatypes.motion import JointAngles, Motion
    from skelvid.datatypes.result import Result
    from skelvid.datatypes.skel import BodyPoints, SkelParams
    from skelvid.pipeline.estimate import estimate
    from skelvid.pipeline.folder import run_video
    from skelvid.pipeline.live import stream

__version__ = "0.1.0"

__all__ = [
    "AssetError",
    "BodyPoints",
    "ConfigError",
    "JointAngles",
    "Motion",
    "Result",
    "RunConfig",
    "SkelBody",
    "SkelParams",
    "SkelvidError",
    "VideoError",
    "WeightsError",
    "estimate",
    "load_body",
    "load_config",
    "run_video",
    "stream",
]

_LAZY = {
    "BodyPoints": "skelvid.datatypes.skel",
    "JointAngles": "skelvid.datatypes.motion",
    "Motion": "skelvid.datatypes.motion",
    "Result": "skelvid.datatypes.result",
    "RunConfig": "skelvid.config",
    "SkelBody": "skelvid.body.model",
    "SkelParams": "skelvid.datatypes.skel",
    "estimate": "skelvid.pipeline.estimate",
    "load_body": "skelvid.body.load",
    "load_config": "skelvid.config",
    "run_video": "skelvid.pipeline.folder",
    "stream": "skelvid.pipeline.live",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _LAZY:
        raise AttributeError(f"module 'skelvid' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
