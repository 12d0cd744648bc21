"""What an examination reports: one line per thing looked at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what, what was found, and whether it is as it should be."""

    what: str
    found: str
    ok: bool
