import numpy as np
import pytest

from skelvid.config import load_config
from skelvid.datatypes.frames import Frame
from skelvid.live.sitting import PAGES, Pace, sit
from skelvid.pipeline.record import Recording
from tests.pipeline import fakes

BRIEF = load_config(
    "webcam", sets=["export.files=[csv]", "export.plots=false", "export.overlay=false", "export.report=false"]
)


class FakeScreen:
    """Keeps the last picture; presses keys at given frames."""

    def __init__(self, keys=None):
        self.closed, self.shown, self._keys = False, 0, keys or {}

    def show(self, picture):
        self.shown += 1
        self.picture = picture

    def keys(self):
        return self._keys.get(self.shown, [])


class FakeCamera:
    """Shows somebody who walks for a second and a half, as fast as anybody looks; then it is unplugged."""

    ended = None

    def __iter__(self):
        for number in range(40):
            yield Frame(fakes.draw([fakes.walk(number)], (240, 320)), number, number / 25)
        self.ended = "No such device"

    def age_s(self, index):
        return 0.08


@pytest.fixture
def camera(monkeypatch):
    fakes.install(monkeypatch.setattr, monkeypatch.setitem)
    return FakeCamera()


def test_unplugged_camera_gives_results_and_a_reason(camera, tmp_path):
    screen = FakeScreen()
    with Recording(tmp_path / "rec", BRIEF) as recording:
        ended = sit(camera, BRIEF, lifter=fakes.lifter(), screen=screen, recording=recording)
    assert ended.reason == "the camera stopped: No such device"
    assert ended.pace.frames == screen.shown == recording.frames == 40
    assert ended.pace.median_latency_s == pytest.approx(0.085)
    assert ended.pace.seen == ended.pace.frames
    assert screen.picture.shape[0] == 240
    (result,) = recording.finish(lifter=fakes.lifter())
    assert (tmp_path / "rec" / "angles.csv").is_file()
    assert len(result.motion.time_s) == recording.frames


@pytest.mark.parametrize("key", ["q", "escape"])
def test_key_ends_it(camera, key):
    screen = FakeScreen({2: [key]})
    assert sit(camera, BRIEF, lifter=fakes.lifter(), screen=screen).reason == "you ended it"
    assert screen.shown == 2


def test_closed_window_ends_it(camera):
    screen = FakeScreen()
    screen.closed = True
    assert sit(camera, BRIEF, lifter=fakes.lifter(), screen=screen).reason == "you ended it"


def test_keys_change_curves_and_hide_the_help(camera):
    pictures = []

    class Keeping(FakeScreen):
        def show(self, picture):
            super().show(picture)
            pictures.append(picture)

    sit(camera, BRIEF, lifter=fakes.lifter(), screen=Keeping({1: ["h"], 2: ["c"], 3: ["q"]}))
    film, strip = np.s_[60:100, :90], np.s_[:, 320:]
    # Stripes of the background come to light where help was.
    assert (pictures[0][film] != pictures[1][film]).mean() > 0.1
    assert (pictures[1][strip] != pictures[2][strip]).mean() > 0.01
    assert len(PAGES) > 1


def test_time_is_over(camera):
    ended = sit(camera, BRIEF, lifter=fakes.lifter(), seconds=0.4)
    assert ended.reason == "0.4 s are over"


def test_pace():
    pace = Pace()
    assert (pace.rate_hz, pace.latency_s, pace.median_latency_s) == (0.0, 0.0, 0.0)
    for latency_s in (0.011, 0.052, 0.093, 9.0):
        pace.note(latency_s, seen=True)
    assert pace.median_latency_s == pytest.approx(0.055)
    assert pace.latency_s == pytest.approx(0.0725)
    assert pace.frames == pace.seen == 4
