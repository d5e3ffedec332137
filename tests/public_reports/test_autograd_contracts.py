"""Operations that break a promise of autograd: changes in place, forks, torch.func, odd numbers."""

import math
import multiprocessing

import numpy as np
import pytest
import torch
from torch import Tensor, func

from graphics.mesh import sphere_template
from tests.train.renderer.scenes import SOFT, device_of, random_triangles
from train.renderer import dibr, triton_backend
from train.renderer.render import Renderer, sample_texture

HAS_TRITON = pytest.mark.skipif(bool(triton_backend.unavailable()), reason="needs triton")
BACKENDS = ["numba", "reference", pytest.param("triton", marks=HAS_TRITON)]
COMPILED = ["numba", pytest.param("triton", marks=HAS_TRITON)]
SIZE = (4, 5)


def scene_on(backend, batch=1):
    return random_triangles(batch, 3, seed=3).__class__(
        *(part.to(device_of(backend)) for part in random_triangles(batch, 3, seed=3))
    )


def image_of(backend, scene, corners, features):
    """The interpolated features [B, H, W, D]."""
    valid = scene.normals_z >= -9
    return dibr.rasterize(*SIZE, scene.z[: len(corners)], corners, features, valid, backend=backend)


def mask_of(backend, corners: Tensor) -> Tensor:
    seen = torch.full((len(corners), *SIZE), -1, device=corners.device)
    return dibr.dibr_soft_mask(corners, seen, **SOFT, backend=backend)


@pytest.mark.parametrize("changed", ["corners", "features"])
@pytest.mark.parametrize("backend", COMPILED)
def test_faces_changed_in_place_before_the_backward_pass_are_refused(backend, changed):
    scene = scene_on(backend)
    leaves = {
        "corners": scene.corners.requires_grad_(), "features": scene.features.requires_grad_()
    }  # fmt: skip
    given = {name: leaf * 1 for name, leaf in leaves.items()}
    image, _ = image_of(backend, scene, **given)
    given[changed].mul_(3)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        image.sum().backward()


@pytest.mark.parametrize("changed", ["corners", "mask"])
@pytest.mark.parametrize("backend", COMPILED)
def test_a_mask_or_its_faces_changed_in_place_are_refused(backend, changed):
    corners = scene_on(backend).corners.requires_grad_() * 1
    mask = mask_of(backend, corners)
    total = mask.sum()
    (corners if changed == "corners" else mask).mul_(3)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()


def textured(seed=0):
    generator = torch.Generator().manual_seed(seed)
    textures = torch.rand(2, 3, 4, 6, generator=generator, dtype=torch.float64)
    uvs = torch.rand(2, 3, 3, 2, generator=generator, dtype=torch.float64)
    return textures, uvs, torch.ones(2, 3, 3, dtype=torch.bool)


@pytest.mark.parametrize("changed", [0, 1, 2], ids=["textures", "uvs", "covered"])
def test_a_texture_changed_in_place_is_refused(changed):
    textures, uvs, covered = textured()
    given = [textures.requires_grad_() * 1, uvs.requires_grad_() * 1, covered]
    colours = sample_texture(*given)
    given[changed].zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        colours.sum().backward()


@pytest.mark.parametrize("backend", BACKENDS)
def test_torch_func_gives_autograds_gradient(backend):
    scene = scene_on(backend)
    corners, features = scene.corners.requires_grad_(), scene.features.requires_grad_()

    def loss(corners, features):
        image, _ = image_of(backend, scene, corners, features)
        return image.square().sum() + mask_of(backend, corners).square().sum()

    wanted = torch.autograd.grad(loss(corners, features), [corners, features])
    found = func.grad(loss, argnums=(0, 1))(corners.detach(), features.detach())
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)
    assert all(gradient.abs().max() > 0 for gradient in found)


@pytest.mark.parametrize("backend", BACKENDS)
def test_vmap_does_what_a_loop_does_also_around_a_gradient(backend):
    scene, other = scene_on(backend), random_triangles(1, 3, seed=4)
    several = torch.stack([scene.corners, other.corners.to(scene.corners)], dim=1)  # [1, N, ...]

    def loss(corners):
        image, index = image_of(backend, scene, corners, scene.features)
        return image.square().sum() + mask_of(backend, corners).sum() + (index >= 0).sum()

    for function in (loss, func.grad(loss)):
        looped = torch.stack([function(several[:, n]) for n in range(2)])
        found = func.vmap(function, in_dims=1)(several)
        torch.testing.assert_close(found, looped, rtol=1e-12, atol=1e-12)
        assert not torch.equal(found[0], found[1])


@pytest.mark.parametrize("backend", COMPILED)
def test_a_batch_of_backward_passes_is_each_of_them(backend):
    scene = scene_on(backend)
    image, backward = func.vjp(
        lambda *given: image_of(backend, scene, *given)[0], scene.corners, scene.features
    )
    upstream = torch.stack([torch.ones_like(image), image])
    found = func.vmap(backward)(upstream)
    for n in range(2):
        torch.testing.assert_close(tuple(part[n] for part in found), backward(upstream[n]))


def test_jacobians_by_vmap_are_those_row_by_row():
    corners = scene_on("reference").corners
    rows = torch.autograd.functional.jacobian(lambda given: mask_of("numba", given), corners)
    found = func.jacrev(lambda given: mask_of("numba", given))(corners)
    torch.testing.assert_close(found, rows, rtol=1e-12, atol=1e-12)
    assert rows.abs().max() > 0


def test_a_textures_gradient_by_torch_func_and_vmap():
    textures, uvs, covered = textured()

    def loss(textures, uvs):
        return sample_texture(textures, uvs, covered).square().sum()

    given = textures.requires_grad_(), uvs.requires_grad_()
    wanted = torch.autograd.grad(loss(*given), given)
    given = textures.detach(), uvs.detach()
    torch.testing.assert_close(func.grad(loss, (0, 1))(*given), wanted, rtol=0, atol=0)
    several = func.vmap(func.grad(loss, (0, 1)))(*(torch.stack([t, t.flip(0)]) for t in given))
    for found, one in zip(several, wanted, strict=True):
        torch.testing.assert_close(found, torch.stack([one, one.flip(0)]))


# torch's own forward mode scripts functions when it is first used.
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
@pytest.mark.parametrize("backend", COMPILED)
def test_derivatives_that_there_are_none_of_are_refused_by_name(backend):
    corners = scene_on(backend).corners

    def total(given):
        return mask_of(backend, given).sum()

    with pytest.raises(RuntimeError, match="_SoftMaskGradient has no gradient of its own"):
        func.grad(lambda given: func.grad(total)(given).sum())(corners)
    with pytest.raises(RuntimeError, match="forward mode AD"):
        func.jvp(total, (corners,), (torch.ones_like(corners),))


def test_numbers_that_are_not_finite_are_refused_inside_vmap_too():
    scene = scene_on("reference")
    several = torch.stack([scene.corners, scene.corners / 0])
    with pytest.raises(ValueError, match="face_vertices_image holds 18 numbers"):
        func.vmap(lambda corners: mask_of("numba", corners))(several)


def shares(queue):
    """In a child process: the same batch, large enough to be shared among threads."""
    queue.put(drawn_in_threads())


def drawn_in_threads():
    scene = random_triangles(8, 3)
    corners = scene.corners.requires_grad_()
    mask_of("numba", corners).sum().backward()
    return corners.grad.numpy()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_renders_after_its_parent_has(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    wanted = drawn_in_threads()
    fork = multiprocessing.get_context("fork")
    queue = fork.SimpleQueue()
    child = fork.Process(target=shares, args=(queue,))
    child.start()
    child.join(30)
    try:
        assert child.exitcode == 0, "the child hangs"
    finally:
        child.kill()
    np.testing.assert_array_equal(queue.get(), wanted)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0])
@pytest.mark.parametrize("name", ["sigmainv", "boxlen", "multiplier", "eps"])
def test_settings_that_are_no_finite_numbers_are_refused(name, value):
    if (name, value) == ("boxlen", 0.0):
        pytest.skip("a box may grow by nothing")
    scene = scene_on("reference")
    with pytest.raises(ValueError, match=f"{name}={value}"):
        dibr.dibr_rasterization(*SIZE, *scene, **{name: value}, backend="numba")


@pytest.mark.parametrize("knum", [30.5, 30.0, math.nan, 0])
def test_a_part_of_a_face_is_refused_as_a_count(knum):
    scene = scene_on("reference")
    with pytest.raises(ValueError, match=f"knum={knum}"):
        dibr.dibr_rasterization(*SIZE, *scene, knum=knum, backend="numba")
    with pytest.raises(ValueError, match=f"knum={knum}"):
        Renderer(sphere_template(0), 8, knum=knum)


def test_a_plane_of_parts_of_pixels_or_without_an_epsilon_is_refused():
    scene = scene_on("reference")
    with pytest.raises(ValueError, match=r"image is 4\.5x5 px"):
        dibr.dibr_rasterization(4.5, 5, *scene, backend="numba")
    with pytest.raises(ValueError, match="eps=1e-08 with multiplier=1e\\+200"):
        dibr.dibr_rasterization(*SIZE, *scene, multiplier=1e200, backend="numba")


def test_a_mask_takes_numpys_whole_numbers():
    corners = scene_on("reference").corners
    seen = torch.full((1, *SIZE), -1)
    found = dibr.dibr_soft_mask(corners, seen, knum=np.int64(5), backend="numba")
    assert torch.equal(found, dibr.dibr_soft_mask(corners, seen, knum=5, backend="numba"))
