import hashlib
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from skelvid.errors import ConfigError
from skelvid.upgrade.shards import begin, check_dataset, finish, read_manifest, read_samples, write_unit
from tests.upgrade.samples import ABOUT, picture, sequence

UNITS = {"walk": 0, "run-1": 1, "run-2": 2}


def samples_of(unit):
    yield picture(f"{unit}-0", UNITS[unit])
    yield sequence(f"{unit}-1", 3, UNITS[unit])


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture
def undisturbed(tmp_path):
    folder = tmp_path / "undisturbed"
    begin(folder, ABOUT)
    for unit in UNITS:
        write_unit(folder, unit, samples_of(unit))
    finish(folder)
    return folder


def test_samples_come_back_in_the_order_of_unit_names(undisturbed):
    samples = list(read_samples(undisturbed))
    assert [s.key for s in samples] == ["run-1-0", "run-1-1", "run-2-0", "run-2-1", "walk-0", "walk-1"]
    for sample in samples:
        wanted = list(samples_of(sample.key[:-2]))[int(sample.key[-1])]
        np.testing.assert_array_equal(sample.labels["q"], wanted.labels["q"])
        assert sample.files == wanted.files


def test_manifest_counts_and_names_everything(undisturbed):
    manifest = read_manifest(undisturbed)
    assert (manifest["samples"], manifest["frames"]) == (6, 12)
    assert manifest["sources"] == {"made": "CC0"}
    assert sorted(manifest["units"]) == sorted(UNITS)
    assert {path.name for path in undisturbed.iterdir()} == {"manifest.json", "shard-000000.tar"}


def test_interrupted_run_in_another_order_gives_the_same_bytes(undisturbed, tmp_path):
    def breaks_off():
        yield picture("walk-0")
        raise KeyboardInterrupt

    folder = tmp_path / "interrupted"
    begin(folder, ABOUT)
    write_unit(folder, "run-2", samples_of("run-2"))
    with pytest.raises(KeyboardInterrupt):
        write_unit(folder, "walk", breaks_off())
    done = begin(folder, ABOUT)
    assert done == {"run-2"}
    for unit in sorted(UNITS.keys() - done, reverse=True):
        write_unit(folder, unit, samples_of(unit))
    finish(folder)
    assert digests(folder) == digests(undisturbed)
    assert begin(folder, ABOUT) == UNITS.keys()


def test_unit_written_by_two_at_once_stands_there_once(undisturbed, tmp_path):
    folder = tmp_path / "twice"
    begin(folder, ABOUT)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda unit: write_unit(folder, unit, samples_of(unit)), [*UNITS, *UNITS]))
    finish(folder)
    assert digests(folder) == digests(undisturbed)


def test_small_shards_hold_the_same_samples_and_stay_when_more_are_added(undisturbed, tmp_path):
    folder = tmp_path / "small"
    begin(folder, ABOUT)
    for unit in ("run-1", "run-2"):
        write_unit(folder, unit, samples_of(unit))
    finish(folder, shard_bytes=1)
    before = digests(folder)
    begin(folder, ABOUT)
    write_unit(folder, "walk", samples_of("walk"))
    finish(folder, shard_bytes=1)
    after = digests(folder)
    assert len(after) == 4
    assert all(after[name] == digest for name, digest in before.items() if name.endswith(".tar"))
    assert [s.key for s in read_samples(folder)] == [s.key for s in read_samples(undisturbed)]


def test_other_recipe_in_the_same_folder_is_refused(undisturbed, tmp_path):
    other = replace(ABOUT, recipe={"seed": 2})
    with pytest.raises(ConfigError, match="another recipe"):
        begin(undisturbed, other)
    begin(tmp_path / "open", ABOUT)
    with pytest.raises(ConfigError, match="another recipe"):
        begin(tmp_path / "open", other)


def test_key_of_another_unit_or_twice_the_same_is_refused(tmp_path):
    begin(tmp_path, ABOUT)
    with pytest.raises(ValueError, match="keys must differ and begin"):
        write_unit(tmp_path, "a", [picture("ab-0")])
    with pytest.raises(ValueError, match="keys must differ and begin"):
        write_unit(tmp_path, "a", [picture("a-0"), picture("a-0")])
    assert begin(tmp_path, ABOUT) == frozenset()
    with pytest.raises(ConfigError, match="no finished unit"):
        finish(tmp_path)


def test_check_finds_damage(undisturbed):
    assert all(finding.ok for finding in check_dataset(undisturbed))
    shard = undisturbed / "shard-000000.tar"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    assert not all(finding.ok for finding in check_dataset(undisturbed))


def test_check_finds_names_that_the_manifest_lacks(tmp_path):
    begin(tmp_path, replace(ABOUT, sources={}, landmarks=("nose",)))
    write_unit(tmp_path, "walk", samples_of("walk"))
    finish(tmp_path)
    found = check_dataset(tmp_path)[0]
    assert not found.ok
    assert "source made is not in the manifest" in found.found
    assert "2 landmarks" in found.found


def test_folder_without_manifest_is_a_users_slip(tmp_path):
    with pytest.raises(ConfigError, match="was the data set finished"):
        list(read_samples(tmp_path))


# webdataset leaves its file to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_reads_the_shards(undisturbed):
    wds = pytest.importorskip("webdataset")
    samples = list(wds.WebDataset(str(undisturbed / "shard-000000.tar"), shardshuffle=False).decode("rgb8"))
    ours = list(read_samples(undisturbed))
    assert [s["__key__"] for s in samples] == [s.key for s in ours]
    for theirs, sample in zip(samples, ours, strict=True):
        np.testing.assert_array_equal(theirs["npz"]["q"], sample.labels["q"])
        assert ("jpg" in theirs) == ("jpg" in sample.files)


def test_tar_tells_nothing_of_time_and_user(undisturbed):
    with tarfile.open(undisturbed / "shard-000000.tar") as tar:
        assert {(m.mtime, m.uid, m.gid, m.uname) for m in tar} == {(0, 0, 0, "")}
