# pyright: reportArgumentType=false, reportOptionalSubscript=false, reportOptionalIterable=false, reportCallIssue=false
import pickle

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from skelvid.errors import VideoError
from skelvid.upgrade.readers import READERS, entries, read_sequence, reader_of
from skelvid.upgrade.sequence import Z_UP, SmplSequence, body_rotations, thinned
from tests.upgrade import smpl_files
from tests.upgrade.smpl_files import FRAMES, KINDS


@pytest.fixture(params=KINDS)
def kind_and_file(request, tmp_path):
    make, name, _ = KINDS[request.param]
    return request.param, make(tmp_path / name)


def test_every_kind_has_a_file_here():
    assert {reader.source for reader in READERS} == set(KINDS)


def test_kind_is_recognised_and_every_sequence_is_read(kind_and_file):
    kind, path = kind_and_file
    assert reader_of(path).source == kind
    assert reader_of(path).licence
    found = entries(path)
    assert len(found) == KINDS[kind][2]
    assert len({entry.name for entry in found}) == len(found)
    for entry in found:
        sequence = read_sequence(path, entry.name)
        assert (sequence.name, sequence.kind, sequence.sex) == (entry.name, entry.kind, entry.sex)
        assert kind == "HMR" or len(sequence) == entry.frames == FRAMES


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_file_cut_short_is_told_by_its_name(kind_and_file, share):
    _, path = kind_and_file
    data = path.read_bytes().rstrip(b"\0")  # what a tar is filled up with may well be missing
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(VideoError, match=path.name):
        _read_all(path)


def _read_all(path):
    found = entries(path)
    if not found:  # of an empty tar, no more can be said
        raise VideoError(f"{path.name} holds nothing")
    return [read_sequence(path, entry.name) for entry in found]


def test_other_files_are_refused_with_what_is_known(tmp_path):
    np.savez(tmp_path / "other.npz", x=1)
    with pytest.raises(VideoError, match="AMASS"):
        entries(tmp_path / "other.npz")


def test_amass_stands_up_after_its_turn(tmp_path):
    sequence = read_sequence(smpl_files.amass(tmp_path / "CMU/01/a.npz"), "01-a")
    np.testing.assert_allclose(Z_UP @ [0, 0, 1], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(sequence.to_axes[0] @ sequence.trans_m[0], [0, 1, 0], atol=1e-12)
    assert (sequence.kind, sequence.sex, sequence.identity) == ("smplh", "female", "CMU-01")
    assert sequence.time_s[1] == pytest.approx(1 / 120)


def test_3dpw_has_a_person_each_in_camera_axes(tmp_path):
    path = smpl_files.pw3d(tmp_path / "street_01.pkl")
    first, second = (read_sequence(path, entry.name) for entry in entries(path))
    assert (first.sex, second.sex, len(first.betas)) == ("male", "female", 10)
    np.testing.assert_allclose(second.to_axes[0] @ second.trans_m[0] + second.place_m[0], [1, -1, 3])
    assert second.labels["verdict"].tolist() == [8, 8, 8] + [0] * (FRAMES - 3)
    assert second.picture_files[1] == "street_01/image_00001.jpg"
    np.testing.assert_allclose(first.view, [[1965, 540.5, 960.5]], atol=0.1)


def test_bedlam_is_sorted_into_people_and_time(tmp_path):
    path = smpl_files.bedlam(tmp_path / "scene.npz")
    for entry, seed in zip(entries(path), (0, 1), strict=True):
        sequence = read_sequence(path, entry.name)
        np.testing.assert_array_equal(sequence.rotvec, body_rotations(smpl_files.poses(joints=55, seed=seed)))
        np.testing.assert_allclose(np.diff(sequence.time_s), 5 / 30)
        assert sequence.betas.shape == (11,)
        assert sequence.identity == f"rp_person_{seed}"


def test_people_of_pictures_keep_picture_and_box(tmp_path):
    sequence = read_sequence(smpl_files.hmr(tmp_path / "0.tar"), f"{tmp_path.name.replace('.', '_')}-0-000000")
    assert len(sequence) == 3
    assert sequence.time_s is None
    assert sequence.trans_m is None
    assert sequence.labels["verdict"].tolist() == [0, 8, 8]
    np.testing.assert_allclose(sequence.labels["box_xyxy"][0], [10, 5, 30, 25])
    assert all(suffix == "jpg" and data[:2] == b"\xff\xd8" for suffix, data in sequence.pictures)


def test_pickle_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "owned"), "w"))

    (tmp_path / "evil.pkl").write_bytes(pickle.dumps({"poses": Evil()}))
    with pytest.raises(VideoError, match="refused"):
        entries(tmp_path / "evil.pkl")
    assert not (tmp_path / "owned").exists()


def test_sequence_refuses_what_cannot_be(tmp_path):
    good = read_sequence(smpl_files.plain(tmp_path / "a.npz"), "a")
    nothing = {"rotvec": good.rotvec, "betas": good.betas, "trans_m": None, "time_s": good.time_s}
    for change, words in (
        ({"rotvec": np.full((3, 22, 3), np.nan), "time_s": None}, "rotations are not finite"),
        ({"time_s": good.time_s[::-1]}, "times do not rise"),
        ({"frame": np.arange(11)}, "11 frame for 12 frames"),
    ):
        with pytest.raises(ValueError, match=words):
            SmplSequence("a", "smpl", "neutral", axes="world", **(nothing | change))


def test_thinning_keeps_every_nth_frame_of_everything(tmp_path):
    sequence = read_sequence(smpl_files.amass(tmp_path / "a.npz"), "a")
    thin = thinned(sequence, 30.0)
    np.testing.assert_array_equal(thin.rotvec, sequence.rotvec[::4])
    np.testing.assert_array_equal(thin.frame, [0, 4, 8])
    assert len(thin.labels["up"]) == 3
    assert thinned(thin, 30.0) is thin or len(thinned(thin, 30.0)) == 3


def test_plain_file_in_other_axes_is_the_same_motion(tmp_path):
    turn = Z_UP.T
    up = read_sequence(smpl_files.plain(tmp_path / "y.npz"), "y")
    pose = smpl_files.poses()
    root = Rotation.from_matrix(turn) * Rotation.from_rotvec(pose[:, :3])
    changed = {"poses": np.hstack([root.as_rotvec(), pose[:, 3:]]), "axes": "z_up", "trans_m": up.trans_m @ turn.T}
    other = read_sequence(smpl_files.plain(tmp_path / "z.npz", **changed), "z")
    for one, two in ((up.trans_m, other.trans_m @ other.to_axes[0].T),):
        np.testing.assert_allclose(one, two, atol=1e-12)
    whole = [s.to_axes[0] @ Rotation.from_rotvec(s.rotvec[:, 0]).as_matrix() for s in (up, other)]
    np.testing.assert_allclose(*whole, atol=1e-12)
