"""motion.npz gives the motion back."""

from dataclasses import fields, replace

import numpy as np
import pytest

from skelvid.datatypes.motion import Motion
from skelvid.errors import AssetError
from skelvid.export.to_npz import load_motion, save_motion
from tests.made_result import make_result


def assert_equal(one: Motion, other: Motion):
    for field in fields(Motion):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name == "params":
            for name in ("q", "betas", "trans_m"):
                np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
                assert getattr(a, name).dtype == getattr(b, name).dtype
        elif isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
        else:
            assert a == b


def test_comes_back_to_the_bit(tmp_path):
    motion = make_result().motion
    save_motion(motion, tmp_path / "a.npz")
    assert_equal(motion, load_motion(tmp_path / "a.npz"))


def test_what_is_unknown_stays_unknown(tmp_path):
    motion = replace(make_result().motion, camera=None, q_sigma_rad=None, contact=None, up=None)
    save_motion(motion, tmp_path / "a.npz")
    assert_equal(motion, load_motion(tmp_path / "a.npz"))


def broken_zip(path):
    save_motion(make_result().motion, path)
    path.write_bytes(path.read_bytes()[:-100])


def pickled(path):
    np.savez(path, format=np.array([{}], dtype=object))


def other_format(path):
    np.savez(path, format="skelvid-body/1")


def incomplete(path):
    np.savez(path, format="skelvid-motion/1", person_id=0)


def missing(path):
    path.unlink(missing_ok=True)


@pytest.mark.parametrize("spoil", [broken_zip, pickled, other_format, incomplete, missing])
def test_other_files_are_refused(spoil, tmp_path):
    spoil(tmp_path / "a.npz")
    with pytest.raises(AssetError, match=r"a\.npz"):
        load_motion(tmp_path / "a.npz")
