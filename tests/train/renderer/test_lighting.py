import pytest
import torch

from tests.train.renderer.test_render import TEMPLATE, random_objects
from train.renderer.lighting import ambient_light, harmonics, shading
from train.renderer.render import Renderer


def directions(count=20_000):
    """Evenly spread over the sphere (Fibonacci)."""
    z = 1 - (2 * torch.arange(count, dtype=torch.float64) + 1) / count
    angle = torch.arange(count, dtype=torch.float64) * 2.399963229728653
    ring = (1 - z * z).sqrt()
    return torch.stack([ring * angle.cos(), ring * angle.sin(), z], dim=-1)


def test_harmonics_are_orthonormal_over_the_sphere():
    values = harmonics(directions())
    products = 4 * torch.pi * values.T @ values / len(values)
    torch.testing.assert_close(products, torch.eye(9, dtype=torch.float64), atol=1e-3, rtol=0)


def test_ambient_light_changes_nothing():
    objects = random_objects()
    renderer = Renderer(TEMPLATE, 32)
    plain, lit = renderer(*objects), renderer(*objects, ambient_light(3))
    torch.testing.assert_close(lit.images, plain.images)
    assert torch.equal(lit.masks, plain.masks)


def test_light_from_above_lights_what_looks_up():
    vertices, textures, cameras = random_objects()
    lights = ambient_light(3)
    lights[:, 1] = 1.0  # y
    cameras[:, 1] = 0.0
    lit = Renderer(TEMPLATE, 32)(vertices, torch.ones_like(textures), cameras, lights).images
    upper, lower = lit[:, :, :13].amax((1, 2, 3)), lit[:, :, 19:].where(lit[:, :, 19:] > 0, 9.0)
    assert (upper > 1.2).all() and (lower.amin((1, 2, 3)) < 0.8).all()


def test_coloured_light_is_one_light_per_channel():
    normals = directions(64).view(1, 8, 8, 3)
    lights = torch.rand(1, 9, 3, dtype=torch.float64)
    together = shading(normals * 3, lights)  # of any length
    for channel in range(3):
        alone = shading(normals, lights[..., channel])
        torch.testing.assert_close(together[:, channel : channel + 1], alone)


def test_a_light_is_found_from_pictures():
    vertices, textures, cameras = random_objects()
    renderer, wanted = Renderer(TEMPLATE, 32), 0.5 * torch.randn(3, 9) + ambient_light(3)
    target = renderer(vertices, textures, cameras, wanted).images.detach()
    lights = ambient_light(3).requires_grad_()
    optimizer = torch.optim.LBFGS([lights], max_iter=200, line_search_fn="strong_wolfe")

    def step():
        optimizer.zero_grad()
        loss = (renderer(vertices, textures, cameras, lights).images - target).square().sum()
        loss.backward()
        return loss

    before = step().item()
    optimizer.step(step)
    assert step().item() < 1e-3 * before


def test_shape_feels_the_light():
    vertices, textures, cameras = random_objects()
    lights = ambient_light(3)
    lights[:, 1:4] = 0.5
    drawn = Renderer(TEMPLATE, 32)(vertices.requires_grad_(), textures, cameras, lights)
    (gradient,) = torch.autograd.grad(drawn.images.sum(), vertices)
    assert torch.isfinite(gradient).all() and gradient.abs().max() > 0


def test_wrong_lights_are_refused():
    with pytest.raises(ValueError, match=r"lights has shape \(3, 4\)"):
        Renderer(TEMPLATE, 8)(*random_objects(), torch.zeros(3, 4))
