"""The tables of the code in, the tables of `docs/conventions.md` out; the prose between them is left alone.

python docs/make_conventions.py
"""

from collections.abc import Iterable
from math import degrees, isinf
from pathlib import Path

from skelvid.angles.table import ANGLE_TABLE, Decomposed, Single
from skelvid.body.dofs import DOFS, JOINTS, joint_dofs

PAGE = Path(__file__).parent / "conventions.md"


def table(header: str, rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table; the header's cells are separated by bars."""
    lines = [f"| {header} |", "|" + " --- |" * (header.count("|") + 1)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def dof_table() -> str:
    """Return the 46 degrees of freedom, q index first."""
    rows = []
    for index, dof in enumerate(DOFS):
        axis = ", ".join(f"{round(value, 3) + 0.0:g}" for value in dof.axis)
        free = isinf(dof.lower_rad)
        limits = "free" if free else f"{degrees(dof.lower_rad):.0f} .. {degrees(dof.upper_rad):.0f}"
        source = "" if free else dof.limit_source
        rows.append((str(index), f"`{dof.name}`", f"`{dof.joint}`", f"({axis})", dof.positive, limits, source))
    return table("q | name | joint | axis in the bone | + means | soft limits, deg | their source", rows)


def joint_table() -> str:
    """Return the 24 joints with their degrees of freedom."""
    rows = []
    for index, joint in enumerate(JOINTS):
        names = ", ".join(f"`{DOFS[i].name}`" for i in joint_dofs(joint.name))
        rows.append((str(index), f"`{joint.name}`", f"`{joint.parent}`" if joint.parent else "", names))
    return table("joint | name | parent | degrees of freedom, first applied first", rows)


def angle_table() -> str:
    """Return the angles of the right side and the middle; the left ones differ by their last letter only."""
    rows = []
    for entry in ANGLE_TABLE:
        if isinstance(entry, Single):
            angles, read = (entry.angle,), _read_single(entry)
        else:
            angles, read = entry.angles, _read_decomposed(entry)
        rows += [(f"`{a.name}`", a.positive, a.zero, read, a.source) for a in angles if not a.name.endswith("_l")]
    return table("angle | + means | zero | read from | convention", rows)


def _read_single(entry: Single) -> str:
    sign = "-" if entry.sign < 0 else ""
    offset = f" + {degrees(entry.offset_rad):.0f} deg" if entry.offset_rad else ""
    return f"{sign}`{entry.dof}`{offset}"


def _read_decomposed(entry: Decomposed) -> str:
    return f"{' x '.join(f'`{joint}`' for joint in entry.joints)}, {'-'.join(entry.order)}"


def pictures() -> str:
    """Return the drawing of each joint."""
    names = [joint.name.removesuffix("_r") for joint in JOINTS if not joint.name.endswith("_l")]
    return "\n\n".join(f"**{name}**\n\n![{name}: + 30 degrees](img/joint_{name}.webp)" for name in names)


def filled(page: str) -> str:
    """Return the page with every generated part replaced by what the code says now."""
    parts = {"dofs": dof_table(), "joints": joint_table(), "angles": angle_table(), "pictures": pictures()}
    for name, text in parts.items():
        start, end = f"<!-- {name} -->", f"<!-- end {name} -->"
        if page.count(start) != 1 or page.count(end) != 1:
            raise ValueError(f"{PAGE.name} must have exactly one part {start} ... {end}")
        before, rest = page.split(start)
        page = f"{before}{start}\n{text}\n{end}{rest.split(end)[1]}"
    return page


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
