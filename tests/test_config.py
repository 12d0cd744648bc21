from dataclasses import replace

import pytest
import yaml

from skelvid import config
from skelvid.config import MotionConfig, PeopleConfig, RunConfig, VideoConfig, list_configs, load_config, to_yaml
from skelvid.errors import ConfigError


@pytest.fixture
def write(tmp_path):
    def call(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return path

    return call


def flat(tree, prefix=""):
    for name, value in tree.items():
        yield from flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [prefix + name]


def test_default_file_holds_every_setting_with_its_default():
    assert load_config() == RunConfig()
    tree = yaml.safe_load((config._shipped_dir() / "default.yaml").read_text())
    assert list(flat(tree)) == list(config._names(RunConfig))


def test_all_shipped_settings_are_read():
    assert {"default", "accurate", "fast"} <= set(list_configs())
    for name in list_configs():
        load_config(name)
    assert load_config("accurate").motion.refine
    assert load_config("default").motion.refine
    assert not load_config("fast").motion.refine


def test_own_file_changes_what_it_names(write):
    assert load_config(write("motion:\n  cutoff_hz: 8\n")) == replace(RunConfig(), motion=MotionConfig(cutoff_hz=8.0))
    assert load_config(write("")) == RunConfig()


def test_words_win_over_the_file_and_changes_over_words(write):
    path = write("motion: {cutoff_hz: 8, refine: false}\nvideo:\n")
    got = load_config(path, sets=["motion.cutoff_hz=5", "people.person=center"], changes={"people.person": "all"})
    assert got.motion == MotionConfig(cutoff_hz=5.0, refine=False)
    assert got.people == PeopleConfig(person="all")


def test_resolved_settings_come_back_the_same(write):
    changes = {
        "motion.neutral_s": (0.5, 1.0),
        "video.start_s": 2,
        "people.at": [10, 20, 0.5],
        "export.files": ["csv"],
    }
    resolved = load_config("accurate", changes=changes)
    assert load_config(write(to_yaml(resolved))) == resolved
    assert resolved.people.at == (10.0, 20.0, 0.5)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("motion.cutof_hz=8", "no setting is called 'motion.cutof_hz': did you mean 'motion.cutoff_hz'?"),
        ("cutoff_hz=8", "no setting is called 'cutoff_hz': did you mean 'motion.cutoff_hz'?"),
        ("motion.cutoff_hz=fast", "motion.cutoff_hz must be a number or null, got 'fast'"),
        ("motion.cutoff_hz=.inf", "motion.cutoff_hz must be a number or null, got inf"),
        ("motion.cutoff_hz=-1", "motion.cutoff_hz must be positive, got -1"),
        ("motion.refine=1", "motion.refine must be true or false, got 1"),
        ("motion.filter=kalmann", "motion.filter must be one of butterworth, kalman, none, got 'kalmann'"),
        ("motion.height_m=175", "motion.height_m is in metres, such as 1.75, got 175"),
        ("motion.neutral_s=[2, 1]", "motion.neutral_s must be a start and a later end, got [2.0, 1.0]"),
        ("people.at=[1, 2]", "people.at must be a list of 3 numbers or null, got [1, 2]"),
        ("video.max_side_px=10.5", "video.max_side_px must be a whole number or null, got 10.5"),
        ("export.files=[1]", "export.files[0] must be text, got 1"),
        ("motion.cutoff_hz", "--set takes name=value, such as motion.cutoff_hz=8, got 'motion.cutoff_hz'"),
        ("motion.cutoff_hz=[", "the value in --set motion.cutoff_hz=[ is not YAML"),
    ],
)
def test_slips_in_words(text, sentence):
    with pytest.raises(ConfigError) as caught:
        load_config(sets=[text])
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("motoin: {}\n", "no setting is called 'motoin'"),
        ("motion: {cutof_hz: 1}\n", "did you mean 'motion.cutoff_hz'?"),
        ("motion: 5\n", "motion must hold names and values, got 5"),
        ("- a\n", "mine.yaml must hold names and values"),
        ("a: [\n", "mine.yaml is not YAML"),
        ("camera: {focal_px: 900, fov_deg: 60}\n", "give camera.focal_px or camera.fov_deg, not both"),
    ],
)
def test_slips_in_files(write, text, words):
    with pytest.raises(ConfigError, match=r"\w") as caught:
        load_config(write(text))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_such_settings():
    with pytest.raises(ConfigError, match=r"no settings at acurate: .* accurate, default, fast"):
        load_config("acurate")


def test_yaml_cannot_run_code(write):
    with pytest.raises(ConfigError, match="not YAML"):
        load_config(write("motion: !!python/object/apply:os.getcwd []\n"))


def test_start_after_end():
    with pytest.raises(ConfigError, match="start must lie before the end"):
        VideoConfig(start_s=2.0, end_s=1.0)
