import numpy as np
import pytest
import torch
from torch.autograd import grad, gradcheck

from graphics.mesh import sphere_template
from graphics.render import render
from train.renderer.render import Renderer, sample_texture, sample_texture_by_grid

TEMPLATE = sphere_template(2)
VERTEX_COUNT = len(TEMPLATE.vertices)


def random_objects(batch=3, seed=0, dtype=torch.float32):
    """Vertices, textures and cameras; the shapes are bumpy, longish and not symmetric."""
    rng = np.random.default_rng(seed)
    vertices = TEMPLATE.vertices * np.array([0.6, 0.5, 1.0])
    vertices = vertices + rng.normal(0, 0.02, (batch, VERTEX_COUNT, 3))
    textures = rng.random((batch, 3, 16, 32))
    cameras = rng.uniform([0, 0, 4, -0.1, -0.1], [360, 30, 6, 0.1, 0.1], (batch, 5))
    return tuple(torch.from_numpy(array).to(dtype) for array in (vertices, textures, cameras))


@pytest.mark.parametrize("size", [32, 45])
def test_the_services_renderer_draws_the_same(size):
    vertices, textures, cameras = random_objects()
    ours = Renderer(TEMPLATE, size)(vertices, textures, cameras)
    theirs = render(
        vertices.numpy(), textures.permute(0, 2, 3, 1).numpy(), cameras.numpy(), TEMPLATE, size
    )
    np.testing.assert_allclose(ours.images.permute(0, 2, 3, 1), theirs.images, atol=1e-4)
    np.testing.assert_array_equal(ours.face_index >= 0, theirs.masks == 1)
    assert torch.all(ours.masks[ours.face_index >= 0] == 1)


def test_shapes_and_ranges():
    drawn = Renderer(TEMPLATE, 32)(*random_objects())
    assert drawn.images.shape == (3, 3, 32, 32) and drawn.masks.shape == (3, 32, 32)
    assert drawn.images.min() >= 0 and drawn.images.max() <= 1
    assert drawn.masks.min() >= 0 and drawn.masks.max() == 1
    outside = (drawn.face_index < 0)[:, None].expand_as(drawn.images)
    assert torch.all(drawn.images[outside] == 0)


def test_numba_and_reference_agree_end_to_end():
    found = []
    for backend in ("numba", "reference"):
        inputs = [part.requires_grad_() for part in random_objects(2, dtype=torch.float64)]
        drawn = Renderer(TEMPLATE, 20, backend=backend)(*inputs)
        loss = (drawn.images**2).sum() + drawn.masks.sum()
        found.append((drawn.images, drawn.masks, *torch.autograd.grad(loss, inputs)))
    for ours, theirs in zip(*found, strict=True):
        scale = theirs.abs().max().item()
        torch.testing.assert_close(ours, theirs, atol=1e-5 * scale, rtol=1e-5)


def test_every_input_gets_a_gradient():
    vertices, textures, cameras = inputs = [part.requires_grad_() for part in random_objects()]
    drawn = Renderer(TEMPLATE, 32)(*inputs)
    for output, reached in (
        (drawn.images.square().sum(), inputs),
        (drawn.masks.sum(), (vertices, cameras)),
    ):
        for gradient in torch.autograd.grad(output, reached, retain_graph=True):
            assert torch.isfinite(gradient).all() and gradient.abs().max() > 0
    assert torch.autograd.grad(drawn.masks.sum(), textures, allow_unused=True) == (None,)


def test_a_mirrored_object_from_the_other_side_is_the_flipped_image():
    vertices, textures, cameras = random_objects()
    mirror = torch.from_numpy(TEMPLATE.mirror).long()
    mirrored = vertices[:, mirror] * torch.tensor([-1.0, 1.0, 1.0])
    turned = cameras * torch.tensor([-1.0, 1.0, 1.0, -1.0, 1.0])
    renderer = Renderer(TEMPLATE, 32)
    plain = renderer(vertices, textures, cameras)
    flipped = renderer(mirrored, textures.flip(3), turned)
    agreeing = torch.isclose(flipped.images.flip(3), plain.images, atol=1e-3).float().mean()
    assert agreeing > 0.995  # a mirrored face is another face: edges may fall to its neighbour
    torch.testing.assert_close(flipped.masks.flip(2), plain.masks, atol=0.05, rtol=0)


def test_descending_the_mask_loss_fits_a_silhouette():
    vertices, textures, cameras = random_objects(1)
    renderer = Renderer(TEMPLATE, 32)
    target = renderer(vertices, textures, cameras).masks.detach()
    scale = torch.full((1, 1, 3), 0.5, requires_grad=True)
    azimuth = (cameras[:, :1] + 4).requires_grad_()
    optimizer = torch.optim.Adam([{"params": scale, "lr": 0.02}, {"params": azimuth, "lr": 0.3}])
    sphere = torch.from_numpy(TEMPLATE.vertices)[None]

    def distance():
        camera = torch.cat([azimuth, cameras[:, 1:]], 1)
        return (renderer(sphere * scale, textures, camera).masks - target).abs().mean()

    before = distance().item()
    for _ in range(60):
        optimizer.zero_grad()
        distance().backward()
        optimizer.step()
    assert distance().item() < 0.25 * before


def test_faces_turned_away_do_not_show():
    vertices, _, cameras = random_objects()
    textures = torch.ones(3, 3, 8, 8)
    inside_out = TEMPLATE._replace(faces=TEMPLATE.faces[:, ::-1].copy())
    near = Renderer(TEMPLATE, 32)(vertices, textures, cameras).face_index
    far = Renderer(inside_out, 32)(vertices, textures, cameras).face_index
    both = (near >= 0) & (far >= 0)
    assert both.sum() > 200 and torch.all(near[both] != far[both])


def test_a_wrong_size_is_refused():
    with pytest.raises(ValueError, match="size is 0 px"):
        Renderer(TEMPLATE, 0)


def test_buffers_are_the_templates_and_not_saved():
    renderer = Renderer(TEMPLATE, 8)
    assert renderer.state_dict() == {}
    assert renderer.template is TEMPLATE


def test_before_a_background_it_is_what_the_service_draws():
    vertices, textures, cameras = random_objects()
    backgrounds = torch.rand(3, 3, 32, 32)
    ours = Renderer(TEMPLATE, 32)(vertices, textures, cameras).over(backgrounds)
    theirs = render(
        vertices.numpy(), textures.permute(0, 2, 3, 1).numpy(), cameras.numpy(), TEMPLATE, 32,
        backgrounds.permute(0, 2, 3, 1).numpy(),
    )  # fmt: skip
    np.testing.assert_allclose(ours.permute(0, 2, 3, 1), theirs.images, atol=1e-4)


def random_lookup(dtype=torch.float64, size=(7, 11), seed=0):
    generator = torch.Generator().manual_seed(seed)
    textures = torch.rand(2, 3, *size, generator=generator, dtype=torch.float64)
    uvs = torch.rand(2, 9, 5, 2, generator=generator, dtype=torch.float64)
    uvs = uvs * torch.tensor([3.0, 1.2]) - torch.tensor([1.0, 0.1])  # beyond both ends
    covered = torch.rand(2, 9, 5, generator=generator) > 0.3
    return textures.to(dtype).requires_grad_(), uvs.to(dtype).requires_grad_(), covered


@pytest.mark.parametrize("size", [(7, 11), (1, 1), (16, 2)], ids=str)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-10)])
def test_the_compiled_lookup_equals_grid_sample(dtype, tolerance, size):
    textures, uvs, covered = random_lookup(dtype, size)
    ours, theirs = (
        sample(textures, uvs, covered) for sample in (sample_texture, sample_texture_by_grid)
    )
    torch.testing.assert_close(ours, theirs, atol=tolerance, rtol=tolerance)
    upstream = torch.randn(ours.shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
    our_gradients = grad((ours * upstream).sum(), [textures, uvs])
    their_gradients = grad((theirs * upstream).sum(), [textures, uvs])
    for one, other in zip(our_gradients, their_gradients, strict=True):
        torch.testing.assert_close(one, other, atol=30 * tolerance, rtol=tolerance)


def test_gradcheck():
    textures, uvs, covered = random_lookup(size=(3, 4))
    assert gradcheck(lambda *given: sample_texture(*given, covered), (textures, uvs), atol=1e-5)
