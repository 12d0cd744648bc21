"""The labels of the code in, the table of `docs/training_format.md` out: python docs/make_training_format.py."""

from pathlib import Path

import numpy as np

from skelvid.upgrade.sample import FIELDS, REQUIRED, LabelField

PAGE = Path(__file__).parent / "training_format.md"


def _row(name: str, label: LabelField) -> str:
    kind = "text" if label.dtype == "U" else np.dtype(label.dtype).name
    shape = " ".join(str(size) for size in label.shape)
    must = "**always**" if name in REQUIRED else ""
    cells = f"`{name}`", must, f"`{shape}` {kind}" if shape else kind, "yes" if label.per_frame else "", label.meaning
    return f"| {' | '.join(cells)} |"


def filled(page: str) -> str:
    """Return the page with the table as the code says it now."""
    start, end = "<!-- labels -->\n", "<!-- end labels -->"
    before, rest = page.split(start)
    rows = ["| label | must be there | shape, type | each frame | what |", "|" + " --- |" * 5]
    table = "\n".join([*rows, *(_row(name, label) for name, label in FIELDS.items())])
    return f"{before}{start}{table}\n{end}{rest.split(end)[1]}"


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
