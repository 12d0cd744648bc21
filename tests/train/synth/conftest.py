import pytest
import torch

from tests.train.synth.worlds import make_sources
from train.synth.options import make_world


@pytest.fixture(scope="session")
def sources(tmp_path_factory):
    return make_sources(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def world(sources):
    return make_world(sources, "train")


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
