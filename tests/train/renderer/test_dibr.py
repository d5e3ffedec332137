import logging

import pytest
import torch
from torch.autograd import grad, gradcheck

from tests.train.renderer.scenes import random_triangles
from train.renderer import dibr, kaolin_backend

SOFT = {"sigmainv": 60.0, "boxlen": 0.15, "knum": 5}
SHARP = {"sigmainv": 7000.0, "boxlen": 0.02, "knum": 30}


def draw(backend, height, width, scene, settings):
    """Outputs and all gradients under fixed random upstream gradients."""
    z, corners, features, normals_z = scene
    corners, features = corners.clone().requires_grad_(), features.clone().requires_grad_()
    drawn = dibr.dibr_rasterization(
        height, width, z, corners, features, normals_z, **settings, backend=backend
    )
    generator = torch.Generator().manual_seed(9)
    of_image = torch.randn(drawn.features.shape, generator=generator, dtype=z.dtype)
    of_mask = torch.randn(drawn.soft_mask.shape, generator=generator, dtype=z.dtype)
    image_gradients = grad((drawn.features * of_image).sum(), [corners, features])
    (mask_gradient,) = grad((drawn.soft_mask * of_mask).sum(), [corners])
    return drawn, (*image_gradients, mask_gradient)


@pytest.mark.parametrize("settings", [SOFT, SHARP], ids=["soft", "sharp"])
@pytest.mark.parametrize("size", [(23, 31), (32, 17), (1, 5)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_numba_equals_the_reference(dtype, size, settings):
    scene = random_triangles(dtype=dtype)
    ours, our_gradients = draw("numba", *size, scene, settings)
    theirs, their_gradients = draw("reference", *size, scene, settings)
    tolerance = 1e-4 if dtype == torch.float32 else 1e-8
    torch.testing.assert_close(ours.face_idx, theirs.face_idx)
    assert ours.face_idx.dtype == torch.int64
    torch.testing.assert_close(ours.features, theirs.features, atol=tolerance, rtol=tolerance)
    torch.testing.assert_close(ours.soft_mask, theirs.soft_mask, atol=tolerance, rtol=tolerance)
    for name, ours_one, theirs_one in zip(
        ("corners", "features", "mask"), our_gradients, their_gradients, strict=True
    ):
        # A gradient is as uncertain as the largest one it is summed with.
        scale = theirs_one.abs().max().clamp_min(1).item()
        mask_guard = 1e-5  # kaolin's 1e-7 in 1 / (1 - p), which autograd does not have
        torch.testing.assert_close(
            ours_one, theirs_one, atol=scale * max(tolerance, mask_guard), rtol=1e-3,
            msg=lambda text, name=name: f"gradient of {name}: {text}",
        )  # fmt: skip


def test_gradcheck_of_the_image():
    z, corners, features, normals_z = random_triangles(batch=1, faces=6, seed=3)
    inputs = corners.requires_grad_(), features.requires_grad_()

    def image(corners, features):
        return dibr.rasterize(7, 9, z, corners, features, normals_z >= 0, backend="numba")[0]

    assert gradcheck(image, inputs, eps=1e-7, atol=1e-4)


def test_gradcheck_of_the_mask():
    z, corners, features, normals_z = random_triangles(batch=1, faces=6, seed=3)
    _, seen = dibr.rasterize(7, 9, z, corners, features, normals_z >= 0, backend="numba")

    def mask(corners):
        return dibr.dibr_soft_mask(corners, seen, **SOFT, backend="numba")

    assert gradcheck(mask, (corners.requires_grad_(),), eps=1e-7, atol=1e-4)


@pytest.mark.parametrize("backend", ["numba", "reference"])
class TestRules:
    """What DIB-R lays down, for every backend."""

    def triangles(self, *faces):
        corners = torch.tensor([faces], dtype=torch.float64)
        return torch.zeros(corners.shape[:3], dtype=torch.float64), corners

    def mask(self, backend, corners, seen=None, **settings):
        if seen is None:
            seen = torch.full((1, 8, 8), -1)
        return dibr.dibr_soft_mask(corners, seen, **{**SOFT, **settings}, backend=backend)

    NEAR = ((-0.4, -0.4), (0.4, -0.4), (0.0, 0.4))
    FAR = ((0.7, 0.7), (0.9, 0.7), (0.8, 0.9))

    def test_knum_keeps_the_first_in_index_order(self, backend):
        _, far_near = self.triangles(self.FAR, self.NEAR)
        _, far = self.triangles(self.FAR)
        kept = self.mask(backend, far_near, boxlen=3.0, knum=1)
        torch.testing.assert_close(kept, self.mask(backend, far, boxlen=3.0))
        assert not torch.allclose(kept, self.mask(backend, far_near, boxlen=3.0, knum=2))

    def test_back_faces_are_in_the_mask_but_not_in_the_image(self, backend):
        z, corners = self.triangles(self.NEAR)
        features = torch.ones(1, 1, 3, 1, dtype=torch.float64)
        drawn = dibr.dibr_rasterization(
            8, 8, z, corners, features, torch.tensor([[-1.0]]), **SOFT, backend=backend
        )
        assert (drawn.face_idx == -1).all() and (drawn.features == 0).all()
        assert drawn.soft_mask.max() > 0.5

    def test_a_normal_of_zero_is_drawn(self, backend):
        z, corners = self.triangles(self.NEAR)
        features = torch.ones(1, 1, 3, 1, dtype=torch.float64)
        drawn = dibr.dibr_rasterization(
            8, 8, z, corners, features, torch.zeros(1, 1), backend=backend
        )
        assert (drawn.face_idx == 0).any()

    def test_covered_pixels_are_one_without_gradient(self, backend):
        _, corners = self.triangles(self.NEAR)
        corners.requires_grad_()
        mask = self.mask(backend, corners, torch.zeros(1, 8, 8, dtype=torch.int64))
        assert (mask == 1).all()
        if mask.requires_grad:
            (gradient,) = grad(mask.sum(), corners)
            assert (gradient == 0).all()

    def test_ties_go_to_the_lowest_index(self, backend):
        z, corners = self.triangles(self.NEAR, self.NEAR)
        features = torch.ones(1, 2, 3, 1, dtype=torch.float64)
        _, seen = dibr.rasterize(8, 8, z, corners, features, backend=backend)
        assert seen.max() == 0

    def test_degenerate_and_off_screen_faces_are_harmless(self, backend):
        z, corners = self.triangles(
            ((0.1, 0.1),) * 3, ((5, 5), (6, 5), (5, 6)), ((-0.5, 0.2), (0.0, 0.2), (0.5, 0.2))
        )
        corners.requires_grad_()
        features = torch.ones(1, 3, 3, 1, dtype=torch.float64, requires_grad=True)
        drawn = dibr.dibr_rasterization(
            8, 8, z, corners, features, torch.ones(1, 3), **SOFT, backend=backend
        )
        (gradient,) = grad(drawn.features.sum() + drawn.soft_mask.sum(), corners)
        assert (drawn.face_idx == -1).all()
        assert torch.isfinite(drawn.soft_mask).all() and torch.isfinite(gradient).all()

    def test_depth_gets_no_gradient(self, backend):
        z, corners, features, _ = random_triangles()
        z.requires_grad_()
        image, _ = dibr.rasterize(8, 8, z, corners, features.requires_grad_(), backend=backend)
        assert grad(image.sum(), [z], allow_unused=True)[0] is None

    def test_the_order_of_faces_does_not_matter(self, backend):
        z, corners, features, normals_z = random_triangles()
        order = torch.randperm(z.shape[1], generator=torch.Generator().manual_seed(0))
        settings = {**SOFT, "knum": 100}
        plain, plain_gradients = draw(backend, 9, 8, (z, corners, features, normals_z), settings)
        scene = z[:, order], corners[:, order], features[:, order], normals_z[:, order]
        shuffled, gradients = draw(backend, 9, 8, scene, settings)
        torch.testing.assert_close(shuffled.features, plain.features)
        torch.testing.assert_close(shuffled.soft_mask, plain.soft_mask)
        for one, other in zip(gradients, plain_gradients, strict=True):
            torch.testing.assert_close(one, other[:, order])

    def test_a_mirrored_scene_gives_a_mirrored_image(self, backend):
        z, corners, features, normals_z = random_triangles()
        mirrored = corners * torch.tensor([-1.0, 1.0], dtype=torch.float64)
        plain, _ = draw(backend, 9, 8, (z, corners, features, normals_z), SOFT)
        turned, _ = draw(backend, 9, 8, (z, mirrored, features, normals_z), SOFT)
        torch.testing.assert_close(turned.features.flip(2), plain.features)
        torch.testing.assert_close(turned.soft_mask.flip(2), plain.soft_mask)


def test_threads_change_nothing():
    scene = random_triangles(batch=17)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone, alone_gradients = draw("numba", 9, 8, scene, SOFT)
        torch.set_num_threads(3)
        shared, shared_gradients = draw("numba", 9, 8, scene, SOFT)
    finally:
        torch.set_num_threads(before)
    for one, other in zip((*alone, *alone_gradients), (*shared, *shared_gradients), strict=True):
        assert torch.equal(one, other)


def test_a_list_of_features_comes_back_as_a_tuple():
    z, corners, features, _ = random_triangles()
    together, _ = dibr.rasterize(8, 8, z, corners, features)
    (first, second), _ = dibr.rasterize(8, 8, z, corners, [features[..., :1], features[..., 1:]])
    torch.testing.assert_close(torch.cat([first, second], -1), together)


def test_multiplier_changes_nothing_but_the_epsilon():
    z, corners, features, normals_z = random_triangles()
    plain, _ = draw("numba", 9, 8, (z, corners, features, normals_z), SOFT)
    scaled = dibr.dibr_rasterization(
        9, 8, z, corners, features, normals_z, **SOFT, multiplier=10.0, eps=1e-12
    )
    torch.testing.assert_close(scaled.features, plain.features)
    torch.testing.assert_close(scaled.soft_mask, plain.soft_mask)


def test_triton_says_that_it_is_not_built_and_what_is():
    with pytest.raises(dibr.BackendError, match=r"'triton' is not built yet.*numba.*reference"):
        dibr.load_backend("triton", torch.device("cpu"))


def test_an_unknown_backend_is_refused():
    with pytest.raises(dibr.BackendError, match="'opengl' is unknown"):
        dibr.load_backend("opengl", torch.device("cpu"))


@pytest.mark.skipif(not kaolin_backend.unavailable(), reason="kaolin is installed here")
def test_kaolin_where_it_is_not_installed_says_how_to_install_it():
    with pytest.raises(dibr.BackendError, match=r"pip install kaolin.*Available: \['numba'"):
        dibr.load_backend("kaolin", torch.device("cpu"))


def test_auto_is_numba_on_the_cpu():
    assert dibr.load_backend("auto", torch.device("cpu")).name == "numba"


@pytest.mark.skipif(not kaolin_backend.unavailable(), reason="kaolin is installed here")
def test_auto_on_cuda_without_kaolin_says_so_once(caplog, monkeypatch):
    monkeypatch.setattr(dibr, "_announced", set())
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert dibr.load_backend("auto", torch.device("cuda", 0)).name == "numba"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "on the CPU" in caplog.text


def test_wrong_shapes_are_named():
    z, corners, features, _ = random_triangles()
    for arguments, name in (
        ((z[..., :2], corners, features), "face_vertices_z"),
        ((z, corners[:, :3], features), "face_vertices_image"),
        ((z, corners[..., :1], features), "face_vertices_image"),
        ((z, corners, features[0]), "face_features"),
    ):
        with pytest.raises(ValueError, match=name):
            dibr.rasterize(8, 8, *arguments)


@pytest.mark.kaolin
def test_kaolin_equals_the_reference():
    pytest.importorskip("kaolin", reason="needs NVIDIA's kaolin, which is not on PyPI")
    scene = tuple(part.cuda() for part in random_triangles(dtype=torch.float32))
    z, corners, features, normals_z = scene
    arguments = 23, 31, z, corners, features, normals_z
    ours = dibr.dibr_rasterization(*arguments, **SOFT, backend="kaolin")
    theirs = dibr.dibr_rasterization(*arguments, **SOFT, backend="reference")
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.gpu
def test_cuda_tensors_come_back_to_their_device():
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    scene = random_triangles(dtype=torch.float32)
    here, here_gradients = draw("numba", 23, 31, scene, SOFT)
    z, corners, features, normals_z = (part.cuda() for part in scene)
    corners.requires_grad_()
    there = dibr.dibr_rasterization(23, 31, z, corners, features, normals_z, **SOFT)
    assert there.features.is_cuda and there.soft_mask.is_cuda and there.face_idx.is_cuda
    torch.testing.assert_close(there.features.cpu(), here.features)
    torch.testing.assert_close(there.soft_mask.cpu(), here.soft_mask)
    assert grad(there.soft_mask.sum(), corners)[0].is_cuda and len(here_gradients) == 3
