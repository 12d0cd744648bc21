import shutil
import subprocess

import pytest

from skelvid import weights
from skelvid.body.assets import load_assets
from skelvid.errors import AssetError

SHIPPED = [asset for asset in weights.CATALOGUE.values() if asset.shipped]


@pytest.fixture
def shipped_copy(tmp_path, monkeypatch):
    """A folder of small stand-ins for the shipped assets, with their checksums."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    for asset in SHIPPED:
        (folder / asset.file).write_bytes(asset.name.encode())
    weights.write_checksums(folder)
    monkeypatch.setattr(weights, "shipped_dir", lambda: folder)
    return folder


def install(home, name, content=b"x"):
    home.mkdir(exist_ok=True)
    (home / name).write_bytes(content)
    return home / name


class TestShipped:
    @pytest.mark.parametrize("asset", SHIPPED, ids=lambda asset: asset.name)
    def test_is_there_unchanged_with_a_card_and_of_its_sex(self, asset):
        path = weights.verified(asset)
        assert (path.parent / asset.card).is_file()
        assert load_assets(path).sex == asset.sex

    def test_all_together_are_small(self):
        folder = weights.shipped_dir()
        assert sum(file.stat().st_size for file in folder.iterdir()) <= 80e6

    def test_every_file_is_catalogued_and_listed(self):
        folder = weights.shipped_dir()
        files = {file.name for pattern in ("*.npz", "*.safetensors") for file in folder.glob(pattern)}
        catalogued = {asset.file for asset in (*SHIPPED, *weights.NETWORKS.values())}
        assert files == catalogued == set(weights.read_checksums(folder))


class TestBodyPath:
    def test_sex_is_ours_until_the_official_file_is_added(self, shipped_copy, skelvid_home):
        assert weights.body_path("female") == shipped_copy / "skel_open_female.npz"
        official = install(skelvid_home, "skel_female.pkl")
        assert weights.body_path("female") == official
        assert weights.body_path("open-female") == shipped_copy / "skel_open_female.npz"
        assert weights.body_path("male") == shipped_copy / "skel_open_male.npz"

    def test_official_only_when_added(self, skelvid_home):
        with pytest.raises(AssetError, match=r"skel_male\.pkl from https://skel\.is\.tue\.mpg\.de.*models add"):
            weights.body_path("official-male")
        official = install(skelvid_home, "skel_male.pkl")
        assert weights.body_path("official-male") == official

    def test_own_name_and_path(self, skelvid_home, tmp_path):
        mine = install(skelvid_home, "tall.npz")
        assert weights.body_path("tall") == mine
        other = install(tmp_path, "other.npz")
        assert weights.body_path(other) == other
        assert weights.body_path(str(other)) == other

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("femal", "did you mean 'female'"),
            ("zzz", "no body is called 'zzz': known are female"),
            ("nowhere.npz", r"no body file at nowhere\.npz"),
            ("a/b", "no body file at a/b"),
        ],
    )
    def test_no_such_body(self, name, message):
        with pytest.raises(AssetError, match=message):
            weights.body_path(name)


class TestDamage:
    def test_changed_file(self, shipped_copy):
        (shipped_copy / "skel_open_male.npz").write_bytes(b"changed")
        with pytest.raises(AssetError, match="damaged"):
            weights.body_path("open-male")

    def test_missing_file(self, shipped_copy):
        (shipped_copy / "skel_open_male.npz").unlink()
        with pytest.raises(AssetError, match="reinstall"):
            weights.body_path("male")
        states = {status.asset.name: status.problem for status in weights.list_assets()}
        assert states["open-female"] is None
        assert "reinstall" in str(states["open-male"])

    def test_file_without_a_checksum(self, shipped_copy):
        (shipped_copy / weights.CHECKSUM_FILE).write_text("")
        with pytest.raises(AssetError, match="make checksums"):
            weights.body_path("open-male")

    def test_no_folder_at_all(self, tmp_path, monkeypatch):
        monkeypatch.setattr(weights, "__file__", str(tmp_path / "skelvid" / "weights.py"))
        with pytest.raises(AssetError, match="shipped assets are missing"):
            weights.shipped_dir()
        assert all(status.problem for status in weights.list_assets())


class TestWhereAssetsLie:
    @pytest.mark.parametrize("folder", ["skelvid/_assets", "checkpoints"])
    def test_in_a_wheel_and_in_a_checkout(self, tmp_path, monkeypatch, folder):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / weights.CHECKSUM_FILE).touch()
        monkeypatch.setattr(weights, "__file__", str(tmp_path / "skelvid" / "weights.py"))
        assert weights.shipped_dir() == tmp_path / folder

    def test_user_folder_without_the_variable(self, monkeypatch):
        monkeypatch.delenv(weights.HOME_VARIABLE)
        assert weights.user_dir().name == "skelvid"


def test_checksums_are_those_of_sha256sum(shipped_copy):
    if shutil.which("sha256sum") is None:
        pytest.skip("no sha256sum on this system")
    command = ["sha256sum", "--check", "--strict", weights.CHECKSUM_FILE]
    assert subprocess.run(command, cwd=shipped_copy, capture_output=True).returncode == 0


class TestAddFile:
    def test_official_file_goes_by_its_name(self, tmp_path, skelvid_home):
        place = weights.add_file(install(tmp_path, "skel_male.pkl", b"body"))
        assert place == skelvid_home / "skel_male.pkl"
        assert place.read_bytes() == b"body"
        assert weights.body_path("male") == place
        assert [f.name for f in skelvid_home.iterdir()] == ["skel_male.pkl"]

    def test_renamed_official_file(self, tmp_path, skelvid_home):
        place = weights.add_file(install(tmp_path, "download.pkl"), "official-female")
        assert place == skelvid_home / "skel_female.pkl"

    def test_own_name(self, tmp_path):
        weights.add_file(install(tmp_path, "mine.npz"), "tall_man-2")
        assert set(weights.own_bodies()) == {"tall_man-2"}

    @pytest.mark.parametrize(
        ("file", "name", "message"),
        [
            ("mine.npz", None, "--name NAME"),
            ("mine.npz", "female", "taken"),
            ("mine.npz", "open-male", "taken"),
            ("mine.npz", "official-male", "is a .pkl file"),
            ("mine.npz", "../x", "made of letters"),
            ("mine.txt", "mine", "ends in .npz or .pkl"),
        ],
    )
    def test_refusals(self, tmp_path, file, name, message):
        with pytest.raises(AssetError, match=message):
            weights.add_file(install(tmp_path, file), name)

    def test_no_such_file(self, tmp_path):
        with pytest.raises(AssetError, match="no file at"):
            weights.add_file(tmp_path / "nothing.npz", "x")

    def test_folder_that_cannot_be_written(self, tmp_path, monkeypatch):
        monkeypatch.setenv(weights.HOME_VARIABLE, str(install(tmp_path, "a_file") / "home"))
        with pytest.raises(AssetError, match=r"cannot write .*SKELVID_HOME"):
            weights.add_file(install(tmp_path, "skel_male.pkl"))
