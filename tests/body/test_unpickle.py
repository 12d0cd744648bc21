import builtins
import codecs
import collections
import os
import pickle

import numpy as np
import pytest
import scipy.sparse

from skelvid.body.unpickle import SparseMatrix, read_pickle
from skelvid.errors import AssetError


class Call:
    """An object whose pickle calls a function when it is read."""

    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


def written(tmp_path, value, protocol=4):
    path = tmp_path / "body.pkl"
    path.write_bytes(pickle.dumps({"value": value}, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", range(6))
class TestWhatABodyFileHolds:
    @pytest.mark.parametrize(
        "array",
        [
            np.arange(6.0).reshape(2, 3),
            np.asfortranarray(np.arange(6, dtype=np.uint32).reshape(2, 3)),
            np.arange(12.0).reshape(3, 4)[::2, 1:],
            np.array(["pelvis", "femur_r"]),
            np.array(3.0),
            np.array(["a", "bc"], dtype=object),
        ],
    )
    def test_arrays(self, tmp_path, protocol, array):
        value = read_pickle(written(tmp_path, array, protocol))["value"]
        np.testing.assert_array_equal(value, array)
        assert value.dtype == array.dtype

    @pytest.mark.parametrize("layout", ["coo", "csr", "csc"])
    @pytest.mark.parametrize("kind", ["matrix", "array"])
    def test_sparse(self, tmp_path, rng, protocol, layout, kind):
        full = rng.normal(size=(5, 7)) * (rng.uniform(size=(5, 7)) < 0.4)
        sparse = getattr(scipy.sparse, f"{layout}_{kind}")(full)
        value = read_pickle(written(tmp_path, sparse, protocol))["value"]
        assert isinstance(value, SparseMatrix)
        assert value.shape == (5, 7)
        np.testing.assert_array_equal(value.to_dense(), full)

    def test_plain_values(self, tmp_path, protocol):
        plain = [1, 2.5, "a", None, True, b"b", bytearray(b"c"), {1, 2}, (1, [2]), np.float64(3)]
        plain += [collections.OrderedDict(a=1)]
        assert read_pickle(written(tmp_path, plain, protocol))["value"] == plain


def test_names_of_old_numpy_and_scipy(tmp_path):
    data = pickle.dumps({"value": [np.arange(3.0), scipy.sparse.coo_matrix(np.eye(2))]}, protocol=2)
    old = data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    old = old.replace(b"scipy.sparse._coo", b"scipy.sparse.coo")
    assert old != data
    (tmp_path / "old.pkl").write_bytes(old)
    array, sparse = read_pickle(tmp_path / "old.pkl")["value"]
    np.testing.assert_array_equal(array, [0, 1, 2])
    np.testing.assert_array_equal(sparse.to_dense(), np.eye(2))


def test_coo_as_old_scipy_wrote_it():
    sparse = pickle.loads(pickle.dumps(scipy.sparse.coo_matrix(np.eye(3)))).__dict__
    row, col = sparse.pop("coords")
    old = type("Coo", (SparseMatrix,), {"layout": "coo"})()
    old.__setstate__(sparse | {"row": row, "col": col})
    np.testing.assert_array_equal(old.to_dense(), np.eye(3))


def test_entries_named_twice_are_summed(tmp_path):
    matrix = scipy.sparse.coo_matrix(([1.0, 2.0], ([1, 1], [0, 0])), shape=(2, 2))
    value = read_pickle(written(tmp_path, matrix))["value"]
    np.testing.assert_array_equal(value.to_dense(), matrix.toarray())


class TestDanger:
    """Each file here would run code, or read foreign memory, under a plain `pickle.load`."""

    @pytest.mark.parametrize(
        ("named", "make"),
        [
            ("system", lambda mark: Call(os.system, f"touch {mark}")),
            ("eval", lambda mark: Call(builtins.eval, f"open('{mark}', 'w')")),
            ("exec", lambda mark: Call(builtins.exec, f"open('{mark}', 'w')")),
            ("getattr", lambda mark: Call(getattr, np.ndarray, "tofile")),
            ("mkdir", lambda mark: [{"deep": (1, Call(os.mkdir, mark))}]),
            ("mkdir", lambda mark: Call(np.dtype, Call(os.mkdir, mark))),
            ("load", lambda mark: Call(np.load, mark)),
            ("open", lambda mark: Call(codecs.open, mark, "w")),
        ],
    )
    @pytest.mark.parametrize("protocol", [0, 2, 4])
    def test_forbidden_calls_are_named_and_never_made(self, tmp_path, named, make, protocol):
        mark = tmp_path / "was_here"
        with pytest.raises(AssetError, match=rf"asks for [\w.]*{named}\b"):
            read_pickle(written(tmp_path, make(str(mark)), protocol))
        assert not mark.exists()

    def test_dotted_name_behind_an_allowed_one(self, tmp_path):
        path = tmp_path / "dotted.pkl"
        path.write_bytes(b"\x80\x04\x8c\x05numpy\x8c\x10ndarray.__init__\x93.")
        with pytest.raises(AssetError, match=r"ndarray\.__init__"):
            read_pickle(path)

    @pytest.mark.parametrize("row", [5, -1])
    def test_sparse_entry_outside_the_matrix(self, tmp_path, row):
        matrix = scipy.sparse.coo_matrix(np.eye(3))
        matrix.coords = (np.array([0, row, 2]), np.array([0, 1, 2]))
        value = read_pickle(written(tmp_path, matrix))["value"]
        with pytest.raises(ValueError, match="outside its shape"):
            value.to_dense()

    def test_bytes_in_an_unusual_codec(self, tmp_path):
        with pytest.raises(AssetError, match="bytes written in zlib"):
            read_pickle(written(tmp_path, Call(codecs.encode, "x", "zlib"), 2))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04zip", b"\x80\x04.", b"not a pickle at all", b"\x80\x04}"])
def test_not_a_pickle(tmp_path, content):
    (tmp_path / "body.pkl").write_bytes(content)
    with pytest.raises(AssetError, match="is not a readable pickle"):
        read_pickle(tmp_path / "body.pkl")


def test_a_pickle_of_something_else(tmp_path):
    (tmp_path / "body.pkl").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(AssetError, match="must hold a dict, got list"):
        read_pickle(tmp_path / "body.pkl")
