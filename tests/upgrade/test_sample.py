import runpy
from pathlib import Path

import numpy as np
import pytest

from skelvid.upgrade.sample import FIELDS, Sample, decode, encode
from tests.upgrade.samples import picture, sequence

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("sample", [picture("a"), sequence("b", 5)], ids=["picture", "sequence"])
def test_bytes_and_back_is_the_same_sample(sample):
    again = decode(sample.key, encode(sample))
    assert again.files == sample.files
    assert again.labels.keys() == sample.labels.keys()
    for name, value in sample.labels.items():
        assert again.labels[name].dtype == value.dtype
        np.testing.assert_array_equal(again.labels[name], value)


def test_same_sample_gives_same_bytes():
    assert encode(picture("a", 7)) == encode(picture("a", 7))
    assert encode(picture("a", 7)) != encode(picture("a", 8))


def test_sequence_knows_its_length():
    assert sequence("a", 5).frames == 5
    assert picture("a").frames is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"q": np.zeros(45)}, r"q must be numbers of shape \(46,\)"),
        ({"q": np.zeros((2, 3, 46))}, "q must have shape"),
        ({"betas": np.full(10, np.nan)}, "betas must be finite"),
        ({"landmark_state": [1]}, r"landmark_state must be numbers of shape \(2,\)"),
        ({"axes": "sideways"}, "axes must be camera or world"),
        ({"body": ""}, "body must be a text"),
        ({"knee": 1.0}, "unknown knee"),
        ({"frame": "first"}, "frame must be numbers"),
    ],
)
def test_wrong_label_is_refused_by_name(change, words):
    sample = picture("a")
    with pytest.raises(ValueError, match=words):
        Sample("a", {**sample.labels, **change})


def test_missing_label_and_unknown_file_are_refused():
    sample = picture("a")
    with pytest.raises(ValueError, match="missing q"):
        Sample("a", {name: value for name, value in sample.labels.items() if name != "q"})
    with pytest.raises(ValueError, match="unknown gif"):
        Sample("a", sample.labels, {"gif": b""})


@pytest.mark.parametrize("key", ["", "a.b", "a/b", "ä"])
def test_key_that_webdataset_would_cut_is_refused(key):
    with pytest.raises(ValueError, match="a name is made of"):
        Sample(key, picture("a").labels)


def test_damaged_labels_are_refused():
    files = encode(picture("a"))
    with pytest.raises(ValueError, match="a: labels cannot be read"):
        decode("a", {**files, "npz": files["npz"][:40]})


def test_page_has_the_labels_of_the_code():
    filled = runpy.run_path(str(DOCS / "make_training_format.py"))["filled"]
    page = (DOCS / "training_format.md").read_text()
    assert filled(page) == page, "run: python docs/make_training_format.py"
    assert all(f"`{name}`" in page for name in FIELDS)
