"""The whole way: a video and settings in, a result for each wanted person out."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from skelvid.config import Device, RunConfig, to_plain
from skelvid.datatypes.people import KeypointTrack
from skelvid.datatypes.result import Result
from skelvid.errors import ConfigError, VideoError
from skelvid.motion.lift import Lifter
from skelvid.people.choose import choose
from skelvid.people.track import tracks
from skelvid.pipeline.interpret import Interpreted, Lift, camera_of, floor_origin_m, interpret, versions
from skelvid.pipeline.quality import angle_warnings, film_warnings, other_warnings, setting_warnings, track_warnings
from skelvid.pipeline.regress import FrameRegressor, regress
from skelvid.pipeline.store import Store
from skelvid.pipeline.watch import Progress, Watched, open_frames, watch

if TYPE_CHECKING:
    from skelvid.regress.regressor import Regressor

# Fewer hold no movement.
MIN_FRAMES = 2
_MAX_DOUBTS = 5


def load_lifter(config: RunConfig) -> Lifter:
    """Load the lifter that the settings name.

    Raises:
        WeightsError, AssetError: It, or the body, is missing or damaged.
        ConfigError: There is no such device.
    """
    return Lifter.load(config.motion.lifter, body=config.motion.body, device=torch_device(config.device))


def load_regressor(config: RunConfig) -> FrameRegressor | None:
    """Load the image regressor that the settings name, if any.

    Raises:
        WeightsError, AssetError: It, or the body, is missing or damaged.
        ConfigError: What it runs on is not installed, or there is no such device.
    """
    if config.motion.regressor is None:
        return None
    return open_regressor(config.motion.regressor, body=config.motion.body, device=config.device)


def open_regressor(weights: str, *, body: str = "neutral", device: Device = "auto") -> "Regressor":
    """Load an image regressor, the one that ships by its name or a file; errors as for `load_regressor`."""
    try:
        from skelvid.regress.regressor import Regressor  # needs more than the lifter does
    except ImportError as error:
        raise ConfigError(f"the regressor cannot be used ({error}): pip install 'skelvid[regress]'") from error
    return Regressor.load(weights, body=body, device=torch_device(device))


def torch_device(name: Device) -> torch.device:
    """Return where torch is to work: by itself on CUDA or on the CPU.

    Raises:
        ConfigError: There is no such device.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device("cuda" if there["cuda"] else "cpu")
    if not there[name]:
        known = ", ".join(device for device, known in there.items() if known)
        raise ConfigError(f"this machine has no {name} that torch can use; it has {known}: --device")
    return torch.device(name)


def estimate(
    video: str | Path,
    config: RunConfig | None = None,
    *,
    lifter: Lift | None = None,
    regressor: FrameRegressor | None = None,
    store: Store | None = None,
    watched: Watched | None = None,
    progress: Progress | None = None,
) -> tuple[Result, ...]:
    """Estimate the motion and the joint angles of the people in a video.

    Args:
        video: A file, or a folder of pictures.
        config: Settings; `RunConfig()` if left out, see `skelvid.config.load_config`.
        lifter: Loaded already; else what the settings name.
        regressor: Tells poses from pictures, too; fused with what the lifter tells, each as far as it is sure. Loaded
            already; else what the settings name, if anything.
        store: Where what networks say of frames is kept, if anywhere.
        watched: What they said already, if anything; they are then not asked again.
        progress: Called with a stage, how much of it is done, and of how much.

    Returns:
        A result for each wanted person: one, unless the settings want all.

    Raises:
        SkelvidError: The video, the settings or something installed is at fault; says what to do.
    """
    config, path = config or RunConfig(), Path(video)
    lifter = lifter or load_lifter(config)
    regressor = regressor or load_regressor(config)
    watched = watched or watch(path, config, store=store, progress=progress)
    chosen = wanted_tracks(watched, config, path)
    others = (
        []
        if config.people.person == "all"
        else [o for o in tracks(watched.sightings) if o.person_id != chosen[0].person_id]
    )
    about_film = tuple(film_warnings(watched.info, watched.scene, read=watched.read))
    file_side_px = max(watched.info.size_hw)
    if config.camera.focal_px:
        file_side_px = max(open_frames(path, replace(config.video, max_side_px=None)).info.size_hw)
    camera, assumed = camera_of(watched.info, config.camera, file_side_px=file_side_px)
    results: list[Result] = []
    for done, track in enumerate(chosen):

        def say(stage: str, done: int = done) -> None:
            if progress:
                progress(stage, done, len(chosen))

        regressed = None
        if regressor is not None:
            say("looking at the person")
            regressed = regress(open_frames(path, config.video), track, camera, regressor)
        told = interpret(
            track,
            camera,
            lifter,
            config,
            regressed=regressed,
            static_camera=not watched.scene.moving,
            progress=say,
        )
        warnings = (
            *about_film,
            *track_warnings(track, watched.info.size_hw),
            *_doubts(watched, track.person_id),
            *other_warnings(track, others),
            *angle_warnings(told.angles),
            *setting_warnings(camera, assumed_focal=assumed, height_m=config.motion.height_m),
        )
        results.append(_result(path, watched, track, lifter, config=config, told=told, warnings=warnings))
    return tuple(results)


def wanted_tracks(watched: Watched, config: RunConfig, video: Path) -> list[KeypointTrack]:
    """Return the tracks of the wanted people, who was seen more often first.

    Raises:
        VideoError: There is no movement to see, or nobody.
        ConfigError: The wanted person is not there.
    """
    if len(watched.sightings) < MIN_FRAMES:
        raise VideoError(f"{video} shows a single picture: no movement to measure")
    everybody = [track for track in tracks(watched.sightings) if _frames_seen(track) >= MIN_FRAMES]
    if not everybody:
        raise VideoError(f"nobody was found in {video}: is a person in full view, upright and not too far away?")
    chosen = choose(everybody, config.people.person, watched.info.size_hw, at=config.people.at)
    return sorted(chosen, key=lambda track: -_frames_seen(track))


def _result(
    video: Path,
    watched: Watched,
    track: KeypointTrack,
    lifter: Lift,
    *,
    config: RunConfig,
    told: Interpreted,
    warnings: tuple[str, ...],
) -> Result:
    return Result(
        video=video,
        video_info=watched.info,
        motion=told.motion,
        raw_motion=told.raw_motion,
        angles=told.angles,
        raw_angles=told.raw_angles,
        points=told.points,
        landmark_names=lifter.body.landmark_names,
        ground=told.ground.axes,
        ground_origin_m=floor_origin_m(told.motion, told.ground),
        believed_height_m=told.believed_height_m,
        typed_height_m=config.motion.height_m,
        smoothing=told.smoothing,
        body=config.motion.body,
        settings=to_plain(config),
        versions=versions(config),
        warnings=warnings,
        keypoints=track,
    )


def _doubts(watched: Watched, person_id: int) -> list[str]:
    """Say when the person may have been taken for another."""
    doubts = [doubt for s in watched.sightings for doubt in s.doubts if person_id in doubt.person_ids]
    said = [f"at {doubt.time_s:.1f} s {doubt.sentence}" for doubt in doubts]
    return said if len(said) <= _MAX_DOUBTS else [*said[:_MAX_DOUBTS], f"and {len(said) - _MAX_DOUBTS} times more"]


def _frames_seen(track: KeypointTrack) -> int:
    return int((track.keypoints.score > 0.0).any(1).sum())
