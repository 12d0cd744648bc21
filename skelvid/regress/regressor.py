"""Frames and boxes around a person go in, SKEL parameters with their doubt come out, and keypoints beside them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from skelvid.body.load import load_body
from skelvid.body.model import SkelBody
from skelvid.datatypes.frames import Camera, Frame
from skelvid.datatypes.people import Keypoints2D
from skelvid.datatypes.skel import SkelParams
from skelvid.errors import WeightsError
from skelvid.network_file import read_network
from skelvid.regress.crop import CropCamera, crop_cameras, cut_out
from skelvid.regress.decode import Pelvis, decode, point_places
from skelvid.regress.engines import EngineName, make_engine
from skelvid.regress.network import RegressNetwork
from skelvid.regress.output import VISIBILITIES, Output, mean_output
from skelvid.weights import network_path, sha256, user_dir

FORMAT = "skelvid-regressor/1"
BATCH = 16


@dataclass(frozen=True)
class Weights:
    """A trained network.

    Attributes:
        network: The network, for use.
        sigma_scale: `46`, point_sigma_scale: `k`; what its standard deviations are multiplied by, from held-out people.
    """

    network: RegressNetwork
    sigma_scale: Float[Tensor, "46"]
    point_sigma_scale: Float[Tensor, "k"]


@dataclass(frozen=True)
class Seen:
    """What is told of `n` people, each in a picture of its own.

    Attributes:
        params: In the camera's frame.
        q_sigma_rad: `n 46`, as in `Motion`.
        keypoints: `n k`, image px; the score is how likely the point is visible.
        keypoint_sigma_px: `n k`, of either coordinate.
    """

    params: SkelParams
    q_sigma_rad: Float[np.ndarray, "n 46"]
    keypoints: Keypoints2D
    keypoint_sigma_px: Float[np.ndarray, "n k"]


class Regressor:
    """Tells poses from pictures, from each by itself: a `skelvid.pipeline.regress.FrameRegressor`.

    Args:
        weights: A trained network.
        body: The body whose shape and pelvis it tells.
        engine: Who runs the network, see `skelvid.regress.engines`.
        flip: Look at each crop in the mirror, too, and take the mean: better, at twice the cost.
        device: Where torch works.
        threads, cache: See `make_engine`.
    """

    def __init__(
        self,
        weights: Weights,
        body: SkelBody,
        *,
        engine: EngineName = "auto",
        flip: bool = False,
        device: torch.device | str = "cpu",
        threads: int | None = None,
        cache: Path | None = None,
    ) -> None:
        self.flip = flip
        self.points: tuple[str, ...] = weights.network.decoder.points
        self.size_hw: tuple[int, int] = weights.network.backbone.size_hw
        self._pelvis = Pelvis.of(body)
        self._scales = weights.sigma_scale, weights.point_sigma_scale
        self._ask = make_engine(weights.network, engine, device=device, threads=threads, cache=cache)

    @classmethod
    def load(cls, path: str | Path = "regressor", *, body: str = "neutral", **options: Any) -> "Regressor":
        """Load weights, those that ship by their name or a file; `options` are those of the class.

        Raises:
            AssetError: There is no such file, or the one that ships is damaged.
            WeightsError: It is no regressor.
            ConfigError: The engine is not to be had.
        """
        weights, cache = load_weights(path), user_dir() / "cache"
        try:
            cache.mkdir(parents=True, exist_ok=True)
        except OSError:
            return cls(weights, load_body(body), **options)
        kept = cache / f"regressor-{sha256(network_path(path))[:16]}.xml"
        return cls(weights, load_body(body), cache=kept, **options)

    def __call__(
        self, frames: Sequence[Frame], xyxy: Float[np.ndarray, "n 4"], camera: Camera
    ) -> tuple[SkelParams, Float[np.ndarray, "n 46"]]:
        """Return `n` poses in the camera's frame and the standard deviations of their q, rad.

        Args:
            frames: `n` pictures.
            xyxy: The box around the whole person in each, image px.
            camera: Who took them.
        """
        seen = self.look(frames, xyxy, camera)
        return seen.params, seen.q_sigma_rad

    def look(self, frames: Sequence[Frame], xyxy: Float[np.ndarray, "n 4"], camera: Camera) -> Seen:
        """Return all that is told of the people in boxes; arguments as in a call."""
        crop = crop_cameras(xyxy, camera, self.size_hw)
        affine = crop.image_to_crop.numpy()
        pixels = [cut_out(frame.image, one, self.size_hw) for frame, one in zip(frames, affine, strict=True)]
        return self.tell(np.reshape(pixels, (len(crop), *self.size_hw, 3)).transpose(0, 3, 1, 2), crop)

    def tell(self, pixels: np.ndarray, crop: CropCamera) -> Seen:
        """Return what is told of crops, uint8 `n 3 h w`.

        Raises:
            ValueError: There is none.
        """
        if not len(crop):
            raise ValueError("there must be at least one crop")
        parts = [self._output(pixels[i : i + BATCH], crop[i : i + BATCH]) for i in range(0, len(crop), BATCH)]
        seen = [self._seen(output, crop[BATCH * i : BATCH * (i + 1)]) for i, output in enumerate(parts)]
        params = SkelParams(*(np.concatenate([getattr(s.params, n) for s in seen]) for n in ("q", "betas", "trans_m")))
        xy, score = (np.concatenate([getattr(s.keypoints, n) for s in seen]) for n in ("xy", "score"))
        sigma, point_sigma = (
            np.concatenate([getattr(s, n) for s in seen]) for n in ("q_sigma_rad", "keypoint_sigma_px")
        )
        return Seen(params, sigma, Keypoints2D(xy, score, self.points), point_sigma)

    def _output(self, pixels: np.ndarray, crop: CropCamera) -> Output:
        told = self._ask(np.ascontiguousarray(pixels), crop.features.numpy())
        if not self.flip:
            return told
        mirrored = self._ask(np.ascontiguousarray(pixels[..., ::-1]), crop.mirrored().features.numpy())
        return mean_output(told, mirrored.mirrored(self.points))

    def _seen(self, output: Output, crop: CropCamera) -> Seen:
        params = decode(output, crop, self._pelvis).to_numpy()
        sigma_scale, point_scale = self._scales
        xy = crop.to_image(point_places(output)).double().numpy()
        score = output.visibility_logits.softmax(2)[..., VISIBILITIES.index("visible")].double().numpy()
        image_px = crop.size_hw[0] * crop.focal_px / crop.focal_crop_px  # of the picture in the crop's height
        return Seen(
            SkelParams(*(value.astype(np.float64) for value in (params.q, params.betas, params.trans_m))),
            (output.log_sigma.exp() * sigma_scale).double().numpy(),
            Keypoints2D(xy, score.clip(0.0, 1.0), self.points),
            (output.point_log_sigma.exp() * point_scale * image_px[:, None]).double().numpy(),
        )


def load_weights(path: str | Path = "regressor") -> Weights:
    """Read a file of weights: the one that ships by its name, checked by its hash, or any other by its path.

    Raises:
        AssetError: There is no such file, or the one that ships is damaged.
        WeightsError: It is no regressor.
    """
    path = network_path(path)
    about, state = read_network(path, kind="regressor", form=FORMAT)
    try:
        network = RegressNetwork(**_settings(about["settings"]))
        scales = state.pop("sigma_scale"), state.pop("point_sigma_scale")
        network.load_state_dict(state)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{path} does not fit the regressor's network: {' '.join(str(error).split())}") from error
    return Weights(network.eval(), *scales)


def _settings(text: str) -> dict[str, Any]:
    """Read a network's settings; what were tuples are tuples again."""

    def tuples(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: tuples(inner) for name, inner in value.items()}
        return tuple(tuples(inner) for inner in value) if isinstance(value, list) else value

    return tuples(json.loads(text))
