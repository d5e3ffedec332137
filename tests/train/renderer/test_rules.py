"""What DIB-R lays down, for every backend."""

import pytest
import torch
from torch.autograd import grad

from tests.train.renderer.scenes import SOFT, Scene, device_of, draw, random_triangles
from tests.train.renderer.test_backends import OTHERS, interpreted
from train.renderer import dibr

NEAR = ((-0.4, -0.4), (0.4, -0.4), (0.0, 0.4))
FAR = ((0.7, 0.7), (0.9, 0.7), (0.8, 0.9))

pytestmark = pytest.mark.parametrize("backend", ["reference", *OTHERS])


def triangles(backend, *faces):
    corners = torch.tensor([faces], dtype=torch.float64, device=device_of(backend))
    return torch.zeros_like(corners[..., 0]), corners


def soft(backend, corners, seen=None, **settings):
    if seen is None:
        seen = torch.full((1, 8, 8), -1, device=corners.device)
    return dibr.dibr_soft_mask(corners, seen, **{**SOFT, **settings}, backend=backend)


def ones(z):
    return torch.ones(*z.shape, 1, dtype=z.dtype, device=z.device)


def few(backend, **settings):
    return random_triangles(
        **({"batch": 1, "faces": 5} if interpreted(backend) else {}), **settings
    )


@pytest.mark.parametrize("knum", [1, 2, 3])
def test_knum_keeps_the_first_in_index_order(backend, knum):
    shifted = tuple((x - 0.5, y) for x, y in NEAR)
    _, corners = triangles(backend, FAR, NEAR, shifted, FAR)
    kept = soft(backend, corners, boxlen=3.0, knum=knum)
    torch.testing.assert_close(kept, soft(backend, corners[:, :knum], boxlen=3.0, knum=30))
    more = soft(backend, corners[:, : knum + 1], boxlen=3.0, knum=30)
    assert not torch.allclose(kept, more)


@pytest.mark.parametrize("knum", [1, 2])
def test_only_what_knum_keeps_has_a_gradient(backend, knum):
    _, corners = triangles(backend, NEAR, FAR, NEAR)
    corners.requires_grad_()
    (gradient,) = grad(soft(backend, corners, boxlen=3.0, knum=knum).sum(), corners)
    assert (gradient[0, :knum] != 0).any(-1).any(-1).all() and (gradient[0, knum:] == 0).all()


def test_back_faces_are_in_the_mask_but_not_in_the_image(backend):
    z, corners = triangles(backend, NEAR)
    drawn = dibr.dibr_rasterization(
        8, 8, z, corners, ones(z), -torch.ones_like(z[..., 0]), **SOFT, backend=backend
    )
    assert (drawn.face_idx == -1).all() and (drawn.features == 0).all()
    assert drawn.soft_mask.max() > 0.5


def test_a_normal_of_zero_is_drawn(backend):
    z, corners = triangles(backend, NEAR)
    drawn = dibr.dibr_rasterization(
        8, 8, z, corners, ones(z), torch.zeros_like(z[..., 0]), backend=backend
    )
    assert (drawn.face_idx == 0).any()


def test_both_windings_are_drawn_alike(backend):
    z, corners = triangles(backend, NEAR)
    _, one = dibr.rasterize(8, 8, z, corners, ones(z), backend=backend)
    _, other = dibr.rasterize(8, 8, z, corners.flip(2), ones(z), backend=backend)
    assert (one == other).all() and (one == 0).any()


def test_covered_pixels_are_one_without_gradient(backend):
    _, corners = triangles(backend, NEAR)
    corners.requires_grad_()
    mask = soft(backend, corners, torch.zeros(1, 8, 8, dtype=torch.int64, device=corners.device))
    assert (mask == 1).all()
    if mask.requires_grad:
        (gradient,) = grad(mask.sum(), corners)
        assert (gradient == 0).all()


def test_no_valid_face_leaves_an_empty_image_with_a_soft_mask(backend):
    z, corners = triangles(backend, NEAR, FAR)
    corners.requires_grad_()
    features = ones(z).requires_grad_()
    nothing = torch.zeros_like(z[..., 0], dtype=torch.bool)
    image, seen = dibr.rasterize(8, 8, z, corners, features, nothing, backend=backend)
    assert (image == 0).all() and (seen == -1).all()
    of_corners, of_features = grad(image.sum(), [corners, features])
    assert (of_corners == 0).all() and (of_features == 0).all()
    assert soft(backend, corners, seen).max() > 0.5


def test_ties_go_to_the_lowest_index(backend):
    z, corners = triangles(backend, NEAR, NEAR)
    _, seen = dibr.rasterize(8, 8, z, corners, ones(z), backend=backend)
    assert seen.max() == 0


def test_a_face_reaches_the_pixels_of_its_half_open_box(backend):
    # Pixel centres of 4 px are at -0.75, -0.25, 0.25, 0.75: the low end counts, the high one not.
    z, corners = triangles(backend, ((-0.75, -0.75), (0.75, -0.75), (-0.75, 0.75)))
    _, seen = dibr.rasterize(4, 4, z, corners, ones(z), backend=backend)
    assert (seen[0] >= 0).tolist() == [
        [False] * 4,
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, False],
    ]


def test_degenerate_and_off_screen_faces_are_harmless(backend):
    z, corners = triangles(
        backend,
        ((0.1, 0.1),) * 3,
        ((5, 5), (6, 5), (5, 6)),
        ((-0.5, 0.2), (0.0, 0.2), (0.5, 0.2)),
    )
    corners.requires_grad_()
    features = ones(z).requires_grad_()
    drawn = dibr.dibr_rasterization(
        8, 8, z, corners, features, torch.ones_like(z[..., 0]), **SOFT, backend=backend
    )
    (gradient,) = grad(drawn.features.sum() + drawn.soft_mask.sum(), corners)
    assert (drawn.face_idx == -1).all()
    assert torch.isfinite(drawn.soft_mask).all() and torch.isfinite(gradient).all()


def test_depth_gets_no_gradient(backend):
    z, corners = triangles(backend, NEAR)
    z.requires_grad_()
    image, _ = dibr.rasterize(8, 8, z, corners, ones(z).requires_grad_(), backend=backend)
    assert grad(image.sum(), [z], allow_unused=True)[0] is None


def test_the_order_of_faces_does_not_matter(backend):
    scene = few(backend)
    order = torch.randperm(scene.z.shape[1], generator=torch.Generator().manual_seed(0))
    settings = {**SOFT, "knum": 100}
    plain = draw(backend, 9, 8, scene, settings)
    shuffled = draw(backend, 9, 8, Scene(*(part[:, order] for part in scene)), settings)
    torch.testing.assert_close(shuffled.features, plain.features)
    torch.testing.assert_close(shuffled.soft_mask, plain.soft_mask)
    for one, other in zip(shuffled[3:], plain[3:], strict=True):
        torch.testing.assert_close(one, other[:, order])


def test_a_mirrored_scene_gives_a_mirrored_image(backend):
    scene = few(backend)
    mirrored = scene.corners * torch.tensor([-1.0, 1.0], dtype=torch.float64)
    plain = draw(backend, 9, 8, scene, SOFT)
    turned = draw(backend, 9, 8, scene._replace(corners=mirrored), SOFT)
    torch.testing.assert_close(turned.features.flip(2), plain.features)
    torch.testing.assert_close(turned.soft_mask.flip(2), plain.soft_mask)
