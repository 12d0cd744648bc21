"""What flows between rooms: frozen dataclasses of arrays, checked once at birth."""

from skelvid.datatypes.skel import BodyPoints, SkelParams

__all__ = ["BodyPoints", "SkelParams"]
