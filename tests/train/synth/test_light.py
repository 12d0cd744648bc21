import torch

from train.synth.light import LUMA, directions, harmonics, light_of, panorama_uv, turned


def irradiance(panorama, normal):
    look, angle = directions(*panorama.shape[:2])
    cosine = (look @ normal).clamp_min(0)
    return (panorama * (cosine * angle)[..., None]).sum((0, 1)) / torch.pi


def sky():
    look, _ = directions(64, 128)
    return (0.3 + 0.5 * look[..., 1:2].clamp_min(0)) * torch.tensor([0.8, 0.9, 1.0])


def test_soft_light_is_what_a_chalk_ball_shows():
    light = light_of(sky())
    for normal in torch.tensor([[0.0, 1, 0], [0, -1, 0], [1, 0, 0], [0, 0.6, 0.8]]):
        got = harmonics(normal) @ light.soft + light.sun * (normal @ light.sun_dir).clamp_min(0)
        torch.testing.assert_close(got, irradiance(sky(), normal), atol=0.02, rtol=0.04)


def test_the_sun_is_found_and_keeps_its_energy():
    panorama, (look, _) = sky(), directions(64, 128)
    towards = torch.nn.functional.normalize(torch.tensor([0.5, 0.7, -0.3]), dim=0)
    panorama[look @ towards > 0.995] = 300.0
    light = light_of(panorama)
    assert light.sun_dir @ towards > 0.998
    got = harmonics(towards) @ light.soft + light.sun
    assert abs((got @ LUMA) / (irradiance(panorama, towards) @ LUMA) - 1) < 0.05


def test_turning_the_world_turns_the_light():
    angle = torch.tensor(0.9)
    turn = torch.tensor([[angle.cos(), 0, angle.sin()], [0, 1, 0], [-angle.sin(), 0, angle.cos()]])
    panorama, (look, _) = sky(), directions(64, 128)
    panorama[..., 0] += look[..., 0].clamp_min(0)
    light = light_of(panorama)
    after = turned(light, turn)
    for normal in torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]]):
        before = harmonics(normal @ turn) @ light.soft
        torch.testing.assert_close(harmonics(normal) @ after.soft, before, atol=0.02, rtol=0.02)
    torch.testing.assert_close(after.sun_dir, turn @ light.sun_dir)


def test_texels_look_where_directions_say():
    look, _ = directions(16, 32)
    uv = panorama_uv(look)
    torch.testing.assert_close(uv[0, :, 0], (torch.arange(32) + 0.5) / 32, atol=1e-5, rtol=0)
    torch.testing.assert_close(uv[:, 0, 1], (torch.arange(16) + 0.5) / 16, atol=1e-5, rtol=0)
