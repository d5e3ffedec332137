"""The benchmark's torch form draws the same picture, or comparing its time would mean nothing."""

import torch

from tests.benchmarks import torch_form
from tests.train.renderer.scenes import SHARP, SOFT, draw, random_triangles, sphere


def assert_draws_the_same(scene, size, settings):
    wanted = draw("reference", size, size, scene, settings)
    z, corners, features, normals_z = scene
    corners = corners.clone().requires_grad_()
    image, seen = torch_form.rasterize(size, z, corners, features, normals_z >= 0)
    mask = torch_form.soft_mask(corners, seen, **settings)
    assert torch.equal(seen, wanted.face_idx)
    torch.testing.assert_close(image, wanted.features, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(mask, wanted.soft_mask, atol=1e-6, rtol=1e-6)
    generator = torch.Generator().manual_seed(9)  # as in `draw`
    for found, name in ((image, "corners_gradient"), (mask, "mask_gradient")):
        upstream = torch.randn(found.shape, generator=generator, dtype=found.dtype)
        (gradient,) = torch.autograd.grad((found * upstream).sum(), corners)
        scale = getattr(wanted, name).abs().max().item()
        torch.testing.assert_close(gradient, getattr(wanted, name), atol=1e-6 * scale, rtol=1e-5)


def test_of_loose_triangles():
    assert_draws_the_same(random_triangles(), 23, SOFT)


def test_of_a_closed_mesh():
    assert_draws_the_same(sphere(1, dtype=torch.float64), 32, SHARP)
