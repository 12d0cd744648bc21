"""Fixtures shared by all tests: seeded randomness, the toy body, a user folder that is never the real one."""

import os

# Before torch is imported: the arrays of one body are small, so threads cost more than they bring.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Before any console is made, which would keep the width that whichever test came first had set.
os.environ["COLUMNS"] = "200"

import numpy as np
import pytest

from skelvid import weights
from skelvid.body.assets import SkelAssets
from tests.toy_skel import make_toy_assets


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20231205)


@pytest.fixture(scope="session")
def toy_assets() -> SkelAssets:
    return make_toy_assets(np.random.default_rng(1))


@pytest.fixture(autouse=True)
def skelvid_home(tmp_path, monkeypatch):
    """Give every test an empty user folder, so that none sees or touches files the user installed."""
    home = tmp_path / "skelvid_home"
    monkeypatch.setenv(weights.HOME_VARIABLE, str(home))
    return home
