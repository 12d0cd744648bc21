"""Files appear whole or not at all."""

import errno
import os

import pytest

from skelvid.errors import SkelvidError
from skelvid.files import whole_file


def test_has_its_name_only_when_complete(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with whole_file(path) as part:
        part.write_text("new")
        assert not path.exists()
        assert part.parent == path.parent  # a rename between disks would be a copy
    assert path.read_text() == "new"
    assert os.listdir(path.parent) == ["a.txt"]


def write_half(path, error):
    with whole_file(path) as part:
        part.write_text("half")
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("no")])
def test_earlier_file_survives_what_goes_wrong(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(type(error)):
        write_half(path, error)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_full_disk_is_said_in_one_sentence(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(SkelvidError, match=r"^.*a\.txt cannot be written: No space left on device$"):
        write_half(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert path.read_text() == "old"


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(SkelvidError, match="cannot be written"), whole_file(tmp_path / "out" / "a.txt"):
        pass
