import av
import pytest

from skelvid import doctor, downloads, weights
from skelvid.doctor import examine


def finding(what):
    (found,) = (f for f in examine() if f.what == what)
    return found


def test_video():
    assert finding("video").ok
    assert f"PyAV {av.__version__} reads H.264, H.265" in finding("video").found


def test_no_encoder(monkeypatch):
    monkeypatch.setattr(av, "codecs_available", {"h264"})
    found = doctor._video()
    assert not found.ok
    assert "no libx264" in found.found


def test_mediapipe_and_its_model(monkeypatch, skelvid_home):
    assert "skelvid models fetch mediapipe-heavy" in finding("mediapipe-heavy").found
    path = skelvid_home / "pose_landmarker_heavy.task"
    monkeypatch.setattr(downloads, "installed", lambda model: path)
    assert finding("mediapipe-heavy").found == str(path)
    monkeypatch.setattr(doctor, "_installed", lambda name: False)
    found = finding("MediaPipe")
    assert "pip install 'skelvid[mediapipe]'" in found.found
    assert found.ok, "other sources do without"


@pytest.mark.parametrize("name", [*weights.CATALOGUE, *weights.NETWORKS])
def test_every_asset_is_looked_at(name):
    assert finding(name)
