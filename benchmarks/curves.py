"""Angles of a clip, ours and others', drawn over the reference: one picture."""

from pathlib import Path

import matplotlib as mpl
import numpy as np

from benchmarks.real_clips import RealClip
from benchmarks.scores import LEGS, OTHERS
from skelvid.datatypes.motion import JointAngles

COLOURS = ("tab:blue", "tab:red", "tab:green", "tab:orange", "tab:purple", "tab:brown", "tab:pink")


def draw(clip: RealClip, truth: JointAngles, estimates: dict[str, JointAngles], path: Path) -> None:
    """Write a picture with a panel for each angle: the reference in black, estimates in colours."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(3, 5, figsize=(24, 12), sharex=True)
    for panel, name in zip(panels.flat, (*LEGS, *OTHERS), strict=True):
        panel.plot(truth.time_s, np.degrees(truth[name]), "k", lw=2, label=clip.reference)
        for (label, angles), colour in zip(estimates.items(), COLOURS, strict=False):
            if name in angles.names:
                panel.plot(angles.time_s, np.degrees(angles[name]), color=colour, lw=1, label=label)
        panel.set_title(name)
        panel.grid(alpha=0.3)
    start_s, end_s = truth.time_s[[0, -1]]
    panels[0, 0].set_xlim(start_s, end_s)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(labels))
    figure.suptitle(f"{clip.name}: degrees over seconds")
    figure.tight_layout(rect=(0, 0.03, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=70)
    plt.close(figure)
