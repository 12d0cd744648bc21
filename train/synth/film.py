"""What cameras do to light: linear pictures and movement go in; noisy, blurred, compressed 8-bit pictures come out.

All in torch and in batches; each picture has its own settings.
"""

import math
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, grid_sample, interpolate, max_pool2d, pad

from train.synth import fast_film
from train.synth.light import LUMA
from train.synth.textures import to_srgb

_TAPS = 7
# Shorter ways blur less than the lens does; longer ones are cut off.
_LEAST_PX, _MOST_PX = 1.2, 24.0
_KERNEL = 13
_CURVE = 4096  # points of a curve that is looked up
# Cosines of a row of 8 px, slow ones first.
_WAVES = torch.cos(math.pi / 8 * (torch.arange(8) + 0.5) * torch.arange(8)[:, None]) / 2
_WAVES[0] /= math.sqrt(2)


@dataclass(frozen=True)
class Film:
    """Settings of one picture's camera.

    Attributes:
        exposure: Mean brightness aimed at, linear. shutter: Share of the time between frames that it is open.
        red, blue: Gains of a wrong white balance. contrast: Exponent of the tone curve. saturation: 1 = true.
        defocus_px: Standard deviation of the blur. sharpen: Strength of unsharp masking.
        shot_noise, read_noise: Noise that grows with light, and noise that does not.
        small: The picture was taken this much smaller and enlarged (<= 1).
        coarseness: Of the compression; 0 = none, 1 = JPEG of quality 50 or so. vignette: Darkness of the corners.
        veil: Share of the light that the lens scatters, as against the sun.
    """

    exposure: float = 0.3
    shutter: float = 0.3
    red: float = 1.0
    blue: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    defocus_px: float = 0.3
    sharpen: float = 0.2
    shot_noise: float = 0.0
    read_noise: float = 0.0
    small: float = 1.0
    coarseness: float = 0.2
    vignette: float = 0.0
    veil: float = 0.0


def draw_film(rng: np.random.Generator) -> Film:
    """Draw a camera: mostly good, some in low light, some badly set or much compressed."""
    dark = rng.uniform() < 0.12
    noise = rng.uniform(0.3, 1.2) if dark else rng.choice([0.0, 1.0]) * rng.uniform(0.0, 0.5)
    return Film(
        exposure=float(rng.uniform(0.05, 0.14) if dark else np.clip(rng.lognormal(np.log(0.27), 0.35), 0.1, 0.6)),
        shutter=float(rng.uniform(0.4, 1.0) if dark else rng.choice([0.05, 0.25, 0.5]) * rng.uniform(0.5, 1.5)),
        red=float(rng.lognormal(0, 0.07)),
        blue=float(rng.lognormal(0, 0.09)),
        contrast=float(rng.lognormal(0, 0.12)),
        saturation=float(np.clip(rng.normal(1.0, 0.18), 0.0, 1.5)) * float(rng.uniform() > 0.02),
        defocus_px=float(rng.uniform(0.2, 0.7) if rng.uniform() < 0.82 else rng.uniform(0.7, 2.2)),
        sharpen=float(rng.choice([0.0, 1.0]) * rng.uniform(0.1, 0.9)),
        shot_noise=0.03 * float(noise),
        read_noise=0.012 * float(noise),
        small=float(1.0 if rng.uniform() < 0.65 else rng.uniform(0.35, 1.0)),
        coarseness=float(rng.choice([0.0, 1.0, 2.5], p=[0.2, 0.7, 0.1]) * rng.uniform(0.05, 0.5)),
        vignette=float(rng.uniform(0, 0.25)),
        veil=float(rng.uniform() < 0.12) * float(rng.uniform(0.1, 0.45)),
    )  # fmt: skip


def develop(
    light: Float[Tensor, "b 3 h w"],
    films: list[Film],
    *,
    move_px: Float[Tensor, "b 2 h w"] | None,
    generator: torch.Generator,
) -> UInt8[Tensor, "b 3 h w"]:
    """Take pictures.

    Args:
        light: Linear light.
        films: Settings of each.
        move_px: How far each place moves from one frame to the next; None = all is still.
        generator: Source of the noise.
    """
    # On a processor one after another: what one picture needs stays in the cache.
    step = 1 if light.device.type == "cpu" else len(films)
    out = []
    for i in range(0, len(films), step):
        rows = slice(i, i + step)
        noise = torch.zeros_like(light[rows])
        if any(film.shot_noise or film.read_noise for film in films[rows]):
            noise = torch.randn(noise.shape, generator=generator).to(noise)
        out.append(_develop(light[rows], films[rows], None if move_px is None else move_px[rows], noise))
    return torch.cat(out)


def _develop(light: Tensor, films: list[Film], move_px: Tensor | None, noise: Tensor) -> Tensor:
    film = {f.name: torch.tensor([getattr(s, f.name) for s in films], device=light.device) for f in fields(Film)}
    film = {name: value[:, None, None, None] for name, value in film.items()}
    if move_px is not None:
        drag = drag_on_processor if light.device.type == "cpu" else drag_in_torch
        light = drag(light, move_px * film["shutter"])
    light = _shrink(_gauss(light, film["defocus_px"]), films)
    if any(one.veil for one in films):
        light = light + film["veil"] * (_scattered(light) - light)
    mean = (light * LUMA.to(light)[:, None, None]).sum(1).mean((1, 2))[:, None, None, None]
    light = light * film["exposure"] / mean.clamp_min(1e-4)
    tone = tone_on_processor if light.device.type == "cpu" else tone_in_torch
    colour = tone(light, films, noise)
    if any(one.sharpen for one in films):
        colour = colour + film["sharpen"] * (colour - _gauss(colour, torch.full_like(film["sharpen"], 1.2)))
    compress = compress_on_processor if light.device.type == "cpu" else compress_in_torch
    colour = compress(colour.clamp(0, 1), film["coarseness"])
    return (colour.clamp(0, 1) * 255).round().to(torch.uint8)


def tone_on_processor(light: Float[Tensor, "b 3 h w"], films: list[Film], noise: Float[Tensor, "b 3 h w"]) -> Tensor:
    """Return the colours, about 0 to 1, that film makes of exposed light, by compiled loops."""
    luma, x = LUMA.numpy(), torch.linspace(0, 1, _CURVE)
    drowned = _drown(x * fast_film.DROWNED_MOST).numpy()
    out = torch.empty_like(light)
    for i, film in enumerate(films):
        gains, curve = np.array([film.red, 1.0, film.blue]), (to_srgb(x) ** film.contrast).numpy()
        tone = fast_film.Tone(gains, film.vignette, film.shot_noise, film.read_noise, film.saturation, drowned, curve)
        out[i] = torch.as_tensor(fast_film.develop_tone(light[i].contiguous().numpy(), noise[i].numpy(), tone, luma))
    return out


def tone_in_torch(light: Float[Tensor, "b 3 h w"], films: list[Film], noise: Float[Tensor, "b 3 h w"]) -> Tensor:
    """Do the same as `tone_on_processor` in plain torch, as on a GPU."""

    def of(name: str) -> Tensor:
        return light.new_tensor([getattr(film, name) for film in films])[:, None, None, None]

    gains = torch.cat([of("red"), torch.ones_like(of("red")), of("blue")], 1)
    light = _drown((light * gains * _corners(light, of("vignette"))).clamp_min(0))
    light = light + noise * (of("shot_noise") ** 2 * light + of("read_noise") ** 2).sqrt()
    colour = to_srgb(light.clamp(0, 1)) ** of("contrast")
    grey = (colour * LUMA.to(colour)[:, None, None]).sum(1, keepdim=True)
    return grey + of("saturation") * (colour - grey)


def _drown(light: Tensor) -> Tensor:
    """Return what is left of light: sensors drown in it softly, as film did."""
    return 1 - torch.exp(-1.25 * light)


def _gauss(image: Float[Tensor, "b c h w"], sigma_px: Float[Tensor, "b 1 1 1"]) -> Tensor:
    """Blur each picture by its own width."""
    half = min(_KERNEL // 2, math.ceil(3 * float(sigma_px.max())))
    at = torch.arange(-half, half + 1, device=image.device)
    kernel = torch.exp(-0.5 * (at / sigma_px) ** 2)  # b 1 1 k
    kernel = (kernel / kernel.sum(3, keepdim=True)).split(1, 3)
    for axis, sides in ((3, (half, half, 0, 0)), (2, (0, 0, half, half))):
        wide, size = pad(image, sides, "replicate"), image.shape[axis]
        image = kernel[0] * wide.narrow(axis, 0, size)
        for i in range(1, len(kernel)):  # faster than a convolution
            image.addcmul_(kernel[i], wide.narrow(axis, i, size))
    return image


def drag_on_processor(light: Float[Tensor, "b 3 h w"], move_px: Float[Tensor, "b 2 h w"]) -> Tensor:
    """Smear moving places over their way (after McGuire 2012): each pixel gathers along the fastest way nearby."""
    out = light.clone()
    for picture, move in zip(out, move_px, strict=True):
        speed = torch.hypot(*move).numpy()
        if speed.max() >= _LEAST_PX:
            ways = fast_film.fastest(move.clamp(-_MOST_PX, _MOST_PX).numpy(), speed)
            picture[:] = torch.as_tensor(fast_film.drag(picture.numpy(), speed, ways, _TAPS))
    return out


def drag_in_torch(light: Float[Tensor, "b 3 h w"], move_px: Float[Tensor, "b 2 h w"]) -> Tensor:
    """Do the same as `drag_on_processor` in plain torch, as on a GPU."""
    out = light.clone()
    height, width = light.shape[2:]
    y, x = torch.meshgrid(torch.arange(height) * 2 + 1, torch.arange(width) * 2 + 1, indexing="ij")
    x, y = x / width - 1, y / height - 1
    for i in range(len(light)):
        speed = torch.hypot(*move_px[i])
        if float(speed.max()) < _LEAST_PX:
            continue
        move = move_px[i].clamp(-_MOST_PX, _MOST_PX)
        # The fastest way within about 10 px, found at a quarter of the size.
        quick, where = max_pool2d(speed[None, None], 4, return_indices=True)
        coarse = move.flatten(1)[:, where.flatten()].view(2, *quick.shape[2:])
        quick, where = max_pool2d(quick, 5, 1, 2, return_indices=True)
        coarse = coarse.flatten(1)[:, where.flatten()].view(1, 2, *quick.shape[2:])
        way = interpolate(coarse, (height, width), mode="bilinear", align_corners=False)[0]
        reach = torch.hypot(*way)
        across, down = way[0] * (2 / width), way[1] * (2 / height)
        total, share = torch.zeros_like(light[i]), torch.zeros_like(speed)
        source = torch.cat([light[i], speed[None]])[None]
        for step in np.linspace(-0.5, 0.5, _TAPS).tolist():
            at = torch.stack([x + step * across, y + step * down], -1)
            tap = grid_sample(source, at[None], align_corners=False, padding_mode="border")[0]
            far = abs(step) * reach
            # What moves that far passes here; and where we move ourselves, we see what lies along our way.
            weight = (tap[3] - far + 1).clamp(0, 1) + (speed - far + 1).clamp(0, 1) + 1e-3
            total, share = total + weight * tap[:3], share + weight
        out[i] = total / share
    return out


def _shrink(light: Float[Tensor, "b 3 h w"], films: list[Film]) -> Tensor:
    """Take some pictures smaller and enlarge them, as when the person is far away."""
    if all(film.small >= 1 for film in films):
        return light
    out = light.clone()
    size = light.shape[2:]
    for i, film in enumerate(films):
        if film.small < 1:
            small = (math.ceil(size[0] * film.small), math.ceil(size[1] * film.small))
            little = interpolate(light[i : i + 1], small, mode="bilinear", antialias=True, align_corners=False)
            out[i : i + 1] = interpolate(little, size, mode="bilinear", align_corners=False)
    return out


def _scattered(light: Float[Tensor, "b 3 h w"]) -> Tensor:
    """Return light spread widely, more of it nearby: where it is bright, it takes the contrast of what is around."""
    coarse = adaptive_avg_pool2d(light, (4, 3))
    return interpolate(coarse, light.shape[2:], mode="bicubic", align_corners=False).clamp_min(0)


def _corners(light: Float[Tensor, "b 3 h w"], depth: Float[Tensor, "b 1 1 1"]) -> Tensor:
    y = torch.linspace(-1, 1, light.shape[2], device=light.device)[:, None]
    x = torch.linspace(-1, 1, light.shape[3], device=light.device)
    return 1 - depth * (x**2 + y**2) / 2


def compress_on_processor(colour: Float[Tensor, "b 3 h w"], coarseness: Float[Tensor, "b 1 1 1"]) -> Tensor:
    """Round the cosine waves of 8 px blocks, colours at half size, as JPEG and intra frames of video do."""
    pictures = zip(colour.contiguous().numpy(), coarseness.flatten().tolist(), strict=True)
    return torch.as_tensor(np.stack([fast_film.compress(one, _WAVES.numpy(), step) for one, step in pictures]))


def compress_in_torch(colour: Float[Tensor, "b 3 h w"], coarseness: Float[Tensor, "b 1 1 1"]) -> Tensor:
    """Do the same as `compress_on_processor` in plain torch, as on a GPU."""
    height, width = colour.shape[2:]
    red, green, blue = pad(colour, (0, -width % 16, 0, -height % 16), "replicate").unbind(1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    tint = torch.stack([blue - luma, red - luma], 1)
    small = avg_pool2d(tint, 2)
    luma = _round_waves(luma[:, None], coarseness * 0.06)
    tint = interpolate(_round_waves(small, coarseness * 0.1), scale_factor=2.0, mode="bilinear", align_corners=False)
    blue, red = tint[:, :1] + luma, tint[:, 1:] + luma
    green = (luma - 0.299 * red - 0.114 * blue) / 0.587
    return torch.cat([red, green, blue], 1)[:, :, :height, :width]


def _round_waves(plane: Float[Tensor, "b c h w"], step: Float[Tensor, "b 1 1 1"]) -> Tensor:
    b, c, height, width = plane.shape
    n, waves = torch.arange(8).to(plane), _WAVES.to(plane)
    blocks = plane.view(b, c, height // 8, 8, width // 8, 8).transpose(3, 4)
    value = waves @ blocks @ waves.mT
    # Fine waves are rounded more coarsely; hardly any at all where the step is 0.
    unit = step.clamp_min(1e-4)[..., None, None] * (1 + 0.6 * (n + n[:, None]))
    value = (value / unit).round() * unit
    return (waves.mT @ value @ waves).transpose(3, 4).reshape(b, c, height, width)
