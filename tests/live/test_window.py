import os
import subprocess
import sys

import pytest

SCRIPT = """
import numpy as np
from skelvid.live.window import Window
with Window("t") as window:
    picture = np.full((60, 80, 3), 200, np.uint8)
    window.show(picture)
    window.show(picture[:, :70])
    window._root.event_generate("<Key-q>", when="tail")
    window._root.focus_force()
    window.show(picture)
    for _ in range(200):
        window._root.event_generate("<Key-q>")
        window.show(picture)
        if keys := window.keys():
            break
    assert keys == ["q"] or set(keys) == {"q"}, keys
    assert not window.closed
"""


def test_shows_pictures_and_hears_keys():
    pytest.importorskip("tkinter", reason="this Python has no Tk")
    run = ["xvfb-run", "-a", sys.executable, "-c", SCRIPT]
    try:
        done = subprocess.run(run, capture_output=True, text=True, timeout=120)
    except FileNotFoundError:
        pytest.skip("no xvfb-run on this machine (Debian: apt-get install xvfb)")
    assert done.returncode == 0, done.stderr


def test_no_screen_is_one_sentence():
    pytest.importorskip("tkinter", reason="this Python has no Tk")
    if sys.platform != "linux":
        pytest.skip("only X can be taken away")
    script = """if True:
        from skelvid.errors import ConfigError
        from skelvid.live.window import Window
        try:
            Window("t")
        except ConfigError as error:
            print(error)
    """
    there = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=there, check=True)
    assert done.stdout.startswith("there is no screen for a window")
    assert "skelvid app" in done.stdout
