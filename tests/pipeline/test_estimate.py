from dataclasses import replace

import numpy as np
import pytest

from skelvid.body.dofs import JOINT_INDEX
from skelvid.config import CameraConfig, RunConfig, load_config
from skelvid.datatypes.motion import JointAngles
from skelvid.errors import AssetError, ConfigError, VideoError, WeightsError
from skelvid.geometry.camera import project
from skelvid.people.sighting import Doubt
from skelvid.pipeline import estimate as module
from skelvid.pipeline.estimate import estimate
from skelvid.pipeline.interpret import camera_of, neutral_pose
from skelvid.video.probe import FileInfo
from tests.pipeline import fakes


def two(number):
    """A standing figure and one that walks, further left."""
    return [(5 + number, 20), (110, 30)]


class TestEstimate:
    def test_a_row_for_every_frame_in_every_series(self, quick, film):
        (result,) = estimate(film)
        assert len(result.motion.time_s) == 24
        assert result.motion.visible.all()
        assert np.isfinite(result.angles.values_rad).all()
        assert result.angles.sigma_rad is not None
        assert (result.angles.sigma_rad > 0).all()
        assert result.landmark_names == fakes.lifter().body.landmark_names
        assert result.smoothing == "Butterworth, zero phase, order 4, 6 Hz"
        assert result.settings["motion"]["cutoff_hz"] is None

    def test_body_stands_where_the_person_was_seen(self, quick, film):
        (result,) = estimate(film)
        assert result.motion.camera is not None
        pelvis = project(result.points.joints_m[:, JOINT_INDEX["pelvis"]].astype(float), result.motion.camera)
        middle = np.array([fakes.walk(i) for i in range(24)]) + np.array([fakes.WIDTH / 2, fakes.HEIGHT / 2])
        # The network knows nothing of poses, but the body is put over the keypoints all the same.
        assert np.abs(pelvis - middle).max() < 0.25 * fakes.HEIGHT

    def test_raw_is_rougher_than_smoothed(self, quick, tmp_path, rng):
        jitter = rng.integers(-2, 3, 40)
        shaking = fakes.make_film(tmp_path / "a.mp4", 40, people=lambda i: (40 + int(jitter[i]), 20))
        (result,) = estimate(shaking, load_config("fast"))  # a fit is smooth already
        rough, smooth = (np.abs(np.diff(a.values_rad, 3, axis=0)).sum() for a in (result.raw_angles, result.angles))
        assert smooth < 0.5 * rough
        (same,) = estimate(shaking, load_config(sets=["motion.filter=none"]))
        np.testing.assert_array_equal(same.angles.values_rad, same.raw_angles.values_rad)
        assert same.smoothing == "none"

    def test_long_gap_stays_a_gap_and_a_short_one_does_not(self, quick, tmp_path):
        def away(number):
            return None if 20 <= number < 50 or 80 <= number < 85 else (40, 20)

        (result,) = estimate(fakes.make_film(tmp_path / "a.mp4", 100, people=away))
        blank = ~np.isfinite(result.angles["knee_angle_r"])
        assert blank[25:48].all()
        assert not blank[:18].any()
        assert not blank[65:].any()
        assert np.isnan(result.points.joints_m[blank]).all()
        assert any("seen in" in warning for warning in result.warnings)

    def test_everybody_or_somebody(self, quick, tmp_path):
        film = fakes.make_film(tmp_path / "two.mp4", people=two)
        everybody = estimate(film, load_config(sets=["people.person=all"]))
        assert len(everybody) == 2
        assert {r.motion.person_id for r in everybody} == {0, 1}
        (right,) = estimate(film, load_config(changes={"people.at": (125.0, 70.0, 0.0)}))
        assert right.keypoints is not None
        assert np.nanmedian(right.keypoints.keypoints.xy[..., 0]) > 100

    def test_height_scales_lengths_and_leaves_angles(self, quick, film):
        (free,), (tall,) = estimate(film), estimate(film, load_config(sets=["motion.height_m=2.0"]))
        # The ground is found anew, with soles further apart, so the pelvis may turn by a hair.
        np.testing.assert_allclose(tall.angles.values_rad[:, 3:], free.angles.values_rad[:, 3:], atol=1e-6)
        shank = [np.linalg.norm(np.diff(r.points.joints_m[:, 2:4], axis=1), axis=-1).mean() for r in (free, tall)]
        assert shank[1] / shank[0] == pytest.approx(2.0 / free.believed_height_m, rel=0.02)  # as well as shapes can
        assert any("not scaled" in warning for warning in free.warnings)
        assert not any("not scaled" in warning for warning in tall.warnings)

    def test_neutral_pose_is_zero(self, quick, film):
        (plain,), (counted,) = estimate(film), estimate(film, load_config(sets=["motion.neutral_s=[0.2, 0.4]"]))
        off = plain.raw_angles.values_rad - counted.raw_angles.values_rad
        np.testing.assert_allclose(off, np.broadcast_to(neutral_pose(plain.raw_angles, (0.2, 0.4)), off.shape))
        with pytest.raises(ConfigError, match="not seen from 5 to 6 s"):
            estimate(film, load_config(sets=["motion.neutral_s=[5, 6]"]))

    def test_neutral_pose_may_be_near_half_a_turn(self):
        values = np.array([[np.pi - 0.01, 0.1], [-np.pi + 0.03, 0.2], [np.pi - 0.02, 0.4], [0.0, 9.0]])
        angles = JointAngles(np.arange(4.0), ("arm_rot_r", "knee_angle_r"), values)
        np.testing.assert_allclose(neutral_pose(angles, (0.0, 2.0)), [np.pi - 0.01, 0.2])

    def test_filter_makes_way_for_a_low_frame_rate(self, quick, tmp_path):
        slow = fakes.make_film(tmp_path / "slow.mp4", 12, rate_hz=8.0)
        (result,) = estimate(slow)
        assert "3.2 Hz" in result.smoothing
        assert any("only 8 pictures per second" in warning for warning in result.warnings)
        with pytest.raises(ConfigError, match="cut-off of 6 Hz does not fit 8 frames per second"):
            estimate(slow, load_config(sets=["motion.cutoff_hz=6"]))

    def test_doubts_about_who_is_who_become_warnings(self, quick, film, monkeypatch):
        real = module.watch

        def doubting(*args, **options):
            watched = real(*args, **options)
            doubts = (Doubt(0.5, (0, 3), "met, and may have been exchanged"), Doubt(0.6, (4,), "is somebody else"))
            return replace(watched, sightings=[replace(watched.sightings[0], doubts=doubts), *watched.sightings[1:]])

        monkeypatch.setattr(module, "watch", doubting)
        said = [w for w in estimate(film)[0].warnings if w.startswith("at 0.")]
        assert said == ["at 0.5 s persons 0 and 3 met, and may have been exchanged"]


class TestBadInput:
    def test_nobody(self, quick, tmp_path):
        with pytest.raises(VideoError, match=r"nobody was found in .*empty.mp4"):
            estimate(fakes.make_film(tmp_path / "empty.mp4", people=None))

    def test_one_frame(self, quick, tmp_path):
        with pytest.raises(VideoError, match="shows a single picture: no movement"):
            estimate(fakes.make_film(tmp_path / "one.mp4", 1))

    def test_two_frames_are_enough(self, quick, tmp_path):
        (result,) = estimate(fakes.make_film(tmp_path / "two.mp4", 2))
        assert np.isfinite(result.angles.values_rad).all()
        assert any("seen for 0.04 s only" in warning for warning in result.warnings)

    def test_unknown_activity(self, quick, film):
        with pytest.raises(ConfigError, match=r"no activity is called 'swim'; known are general, walk"):
            estimate(film, load_config(sets=["motion.activity=swim"]))

    def test_no_such_person(self, quick, film):
        with pytest.raises(ConfigError, match="number 7"):
            estimate(film, load_config(sets=["people.person='7'"]))

    @pytest.mark.parametrize(
        ("content", "error", "words"),
        [(None, AssetError, "no weights at"), (b"nonsense" * 9, WeightsError, "cannot be read as network weights")],
    )
    def test_wrong_checkpoint_is_found_before_the_work_begins(self, quick, film, tmp_path, content, error, words):
        path = tmp_path / "lifter.safetensors"
        if content:
            path.write_bytes(content)
        with pytest.raises(error, match=words):
            estimate(film, load_config(changes={"motion.lifter": str(path)}))
        assert fakes.FakeSource.asked == 0


class TestDevice:
    @pytest.fixture
    def there(self, monkeypatch):
        """Say which devices torch has besides the CPU."""

        def say(*names):
            monkeypatch.setattr("torch.cuda.is_available", lambda: "cuda" in names)
            monkeypatch.setattr("torch.backends.mps.is_available", lambda: "mps" in names)

        return say

    @pytest.mark.parametrize(
        ("names", "asked", "given"),
        [((), "auto", "cpu"), (("cuda",), "auto", "cuda"), (("mps",), "auto", "cpu"), (("mps",), "mps", "mps"),
         (("cuda",), "cpu", "cpu"), (("cuda",), "cuda", "cuda")],
    )  # fmt: skip
    def test_what_is_there(self, there, names, asked, given):
        there(*names)
        assert module.torch_device(asked).type == given

    def test_what_is_not(self, there):
        there("mps")
        with pytest.raises(ConfigError, match="no cuda that torch can use; it has cpu, mps"):
            module.torch_device("cuda")

    def test_reaches_the_lifter_and_its_body(self, there, monkeypatch):
        there("cuda")
        asked = []

        def load(path, **options):
            asked.append((path, options))
            return fakes.lifter()

        monkeypatch.setattr(module.Lifter, "load", load)
        module.load_lifter(load_config(sets=["device=cuda", "motion.body=female"]))
        assert [(path, options["body"], options["device"].type) for path, options in asked] == [
            (None, "female", "cuda")
        ]


class TestCamera:
    INFO = FileInfo((1080, 1920), 30.0)

    def camera(self, *, file_side_px=1920, info=INFO, **config):
        return camera_of(info, CameraConfig(**config), file_side_px=file_side_px)

    def test_assumed(self):
        camera, assumed = self.camera()
        assert assumed
        assert (camera.focal_px, camera.center_px, camera.size_hw) == (1344.0, (960.0, 540.0), (1080, 1920))

    def test_typed_in_pixels_of_a_file_that_was_made_smaller(self):
        camera, assumed = self.camera(focal_px=3000.0, file_side_px=3840)
        assert not assumed
        assert camera.focal_px == 1500.0

    def test_angle_of_view(self):
        # Half the width is as far away as it is wide, at 45 degrees to either side.
        assert self.camera(fov_deg=90.0)[0].focal_px == pytest.approx(960.0)

    def test_told_by_the_file_and_overruled(self):
        # 26 mm on a film of 36 x 24 mm, measured along the diagonal, as phones do.
        info = replace(self.INFO, focal_35mm=26.0)
        camera, assumed = self.camera(info=info)
        assert not assumed
        assert camera.focal_px == pytest.approx(26.0 / np.hypot(36, 24) * np.hypot(1920, 1080), rel=1e-3)
        assert self.camera(info=info, focal_px=1000.0)[0].focal_px == 1000.0


def test_settings_left_out_are_the_default(quick, film):
    assert estimate(film)[0].settings == estimate(film, RunConfig())[0].settings
