import pytest

from tests.pipeline import fakes


@pytest.fixture
def quick(monkeypatch):
    """Put quick stand-ins for all networks in place."""
    fakes.install(monkeypatch.setattr, monkeypatch.setitem)
    return fakes


@pytest.fixture
def film(tmp_path):
    """Return a second of somebody who walks."""
    return fakes.make_film(tmp_path / "walk.mp4")
