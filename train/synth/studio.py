"""Takes become labelled pictures: scenes go in, in batches; 8-bit pictures with the truth about them come out."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import av
import numpy as np
import torch
from jaxtyping import UInt8

from train.synth.film import develop
from train.synth.labels import Taken, label, part_mask
from train.synth.movement import movement
from train.synth.render import Renderer
from train.synth.scenes import Take

_SMEARED = 0.15  # shutters shorter than this smear nothing that one could see


@dataclass(frozen=True)
class Studio:
    """Draws, films and labels.

    Attributes:
        renderer: See `Renderer`.
    """

    renderer: Renderer

    @torch.inference_mode()
    def __call__(self, takes: Sequence[Take], *, seed: tuple[int, ...]) -> list[Taken]:
        """Return the pictures of takes of one size.

        Args:
            takes: What to draw.
            seed: Of the noise.
        """
        drawn = self.renderer([take.shot for take in takes])
        views = [take.shot.view for take in takes]
        smeared = [i for i, take in enumerate(takes) if take.film.shutter > _SMEARED]
        move = movement(drawn, [(i, views[i], takes[i].before) for i in smeared])
        generator = torch.Generator().manual_seed(int(np.random.default_rng(seed).integers(2**62)))
        films = [take.film for take in takes]
        images = develop(drawn.light, films, move_px=move, generator=generator).movedim(1, 3).numpy()
        out = []
        for i, (take, image) in enumerate(zip(takes, images, strict=True)):
            size = take.shot.view.size_hw
            labels = label(take.person, take.body, take.root, take.shot.view, drawn, i, frame=take.frame)
            labels |= {
                "identity": f"person-{take.person.looks.identity:06d}",
                "motion": f"motion-{take.motion:05d}",
                "time_s": np.float64(take.time_s),
                "frame": np.int32(take.index),
                "contact": take.contact.float().numpy(),
            }
            inside = _inside(size, take.frame)
            looks = take.person.looks
            notes = {"clothes": looks.clothes, "monk_tone": looks.monk_tone, "bmi": looks.bmi, "sex": looks.sex,
                     "age_years": looks.age_years, "place": take.place}  # fmt: skip
            parts = part_mask(drawn, i, size) * inside
            out.append(Taken(np.ascontiguousarray(image * inside[..., None]), parts, labels, notes))
        return out


def _inside(size_hw: tuple[int, int], frame: tuple[float, float, float, float] | None) -> UInt8[np.ndarray, "h w"]:
    """Return 1 within what the camera took."""
    x0, y0, x1, y1 = frame or (0.0, 0.0, float(size_hw[1]), float(size_hw[0]))
    x, y = np.arange(size_hw[1]) + 0.5, np.arange(size_hw[0])[:, None] + 0.5
    return ((x >= x0) & (x < x1) & (y >= y0) & (y < y1)).astype(np.uint8)


def through_codec(
    images: Sequence[UInt8[np.ndarray, "h w 3"]], *, rate_hz: int, quality: int
) -> list[UInt8[np.ndarray, "h w 3"]]:
    """Return the frames of a film as H.264 leaves them; quality is its constant rate factor (23 good, 40 bad)."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as box:
        # With its tree of macroblocks, x264 now and then codes the same frames otherwise.
        options = {"crf": str(quality), "preset": "veryfast", "x264-params": "mbtree=0"}
        stream = box.add_stream("libx264", rate=rate_hz, options=options)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for image in images:
            box.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        box.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
