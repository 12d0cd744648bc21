from pathlib import Path

import numpy as np
import pytest

from benchmarks import evaluate
from benchmarks.real_clips import RealClip
from benchmarks.scores import LEGS
from skelvid.datatypes.motion import JointAngles


def angles(offset_deg: float, names: tuple[str, ...] = LEGS) -> JointAngles:
    time_s = np.arange(0.0, 2.0, 0.02)
    values = np.stack([np.sin(2 * time_s + i) for i in range(len(names))], 1)
    return JointAngles(time_s, names, values + np.radians(offset_deg))


def test_table_of_a_clip() -> None:
    few = tuple(name for name in LEGS if "rotation" not in name)
    truth = angles(0.0)
    partial = JointAngles(truth.time_s, few, truth.values_rad[:, [LEGS.index(n) for n in few]] + np.radians(3.0))
    clip = RealClip("a", Path(), "markers", published={"part": lambda: partial}, clock_s=0.1)
    text = evaluate.markdown(clip, evaluate.rows(clip, {"whole": angles(2.0), "part": partial}, truth))
    table = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in row] for row in table]
    whole, part = (dict(zip(head, row, strict=True)) for row in rows)
    assert whole["legs"] == "2.0 / 0.0"
    # Curves of 2 rad/s are 11 degrees away at their steepest after 0.1 s: 7 on average.
    raw, free = whole["legs, pixels' clock"].split(" / ")
    assert 6.0 < float(free) < 8.0 < float(raw) + 1.5
    assert part["legs, pixels' clock"] == "-"
    assert part["knee"] == "3.0 / 0.0"
    assert whole["lumbar extension"] == part["hip rotation"] == "-"
    assert (part["method"], part["legs"]) == ("part (8 angles)", "3.0 / 0.0")


def test_only_its_part_of_the_page_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- budget -->\nold\n<!-- end budget -->\nafter\n")
    monkeypatch.setattr(evaluate, "PAGE", page)
    for text in ("first", "second"):
        evaluate.write_part("budget", text, "make eval")
    lines = page.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    assert "second" in lines
    assert not {"old", "first"} & set(lines)


def test_the_page_has_the_parts() -> None:
    text = evaluate.PAGE.read_text()
    for name in ("measured", "budget", "held-out", "neutral", "robustness"):
        assert text.count(f"<!-- {name} -->") == text.count(f"<!-- end {name} -->") == 1
