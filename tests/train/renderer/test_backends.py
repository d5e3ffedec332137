"""Every backend against the reference, values and gradients, and against finite differences."""

import pytest
import torch
from torch.autograd import gradcheck

from tests.train.renderer.scenes import (
    SHARP,
    SOFT,
    device_of,
    draw,
    random_triangles,
    sphere,
    undecided,
)
from train.renderer import dibr, kaolin_backend, triton_backend

pytestmark = pytest.mark.slow

HAS_KAOLIN = pytest.mark.skipif(
    bool(kaolin_backend.unavailable()), reason="needs NVIDIA's kaolin and a CUDA device"
)
HAS_TRITON = pytest.mark.skipif(bool(triton_backend.unavailable()), reason="needs triton")
OTHERS = [
    "numba",
    pytest.param("triton", marks=HAS_TRITON),
    pytest.param("kaolin", marks=[pytest.mark.kaolin, HAS_KAOLIN]),
]
DTYPES = [torch.float32, torch.float64]
INTERPRETED_SIZES = {(23, 31): (13, 19), (32, 17): (17, 12)}
"""Height and width where a kernel's tile costs seconds: two tiles of 16 pixels instead of four."""


def interpreted(backend):
    """Whether a face costs milliseconds."""
    return backend == "triton" and not torch.cuda.is_available()


def assert_equals_reference(backend, height, width, scene, settings, record_property):
    """Within 1e-5 in float32 and 1e-6 in float64; gradients within 1e-4 of the largest one, as
    each is a sum of such."""
    ours, theirs = (draw(name, height, width, scene, settings) for name in (backend, "reference"))
    tolerance = 1e-5 if scene.z.dtype == torch.float32 else 1e-6
    differs = ours.face_idx != theirs.face_idx
    record_property("pixels with another face", int(differs.sum()))
    assert not (differs & ~undecided(scene, height, width)).any()
    assert differs.float().mean() <= 0.002
    same = ~differs
    assert ours.face_idx.dtype == torch.int64
    torch.testing.assert_close(
        ours.features[same], theirs.features[same], atol=tolerance, rtol=tolerance
    )
    # A pixel that only one of them covers is 1 in one mask alone.
    same = (ours.face_idx >= 0) == (theirs.face_idx >= 0)
    torch.testing.assert_close(
        ours.soft_mask[same], theirs.soft_mask[same], atol=tolerance, rtol=tolerance
    )
    if differs.any():
        return
    for name in ("corners_gradient", "features_gradient", "mask_gradient"):
        one, other = getattr(ours, name), getattr(theirs, name)
        largest = other.abs().max().clamp_min(1e-3).item()
        torch.testing.assert_close(
            one,
            other,
            atol=1e-4 * largest,
            rtol=1e-4,
            msg=lambda text, name=name: f"{name}: {text}",
        )


@pytest.mark.parametrize("settings", [SOFT, SHARP], ids=["soft", "sharp"])
@pytest.mark.parametrize("size", [(23, 31), (32, 17), (1, 5)], ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("backend", OTHERS)
def test_of_loose_triangles(backend, dtype, size, settings, record_property):
    few = {}
    if interpreted(backend):
        few, size = {"batch": 1, "faces": 5}, INTERPRETED_SIZES.get(size, size)
    scene = random_triangles(dtype=dtype, **few)
    assert_equals_reference(backend, *size, scene, settings, record_property)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("backend", OTHERS)
def test_of_a_closed_mesh(backend, dtype, record_property):
    level, size = (0, (13, 19)) if interpreted(backend) else (2, (48, 48))
    scene = sphere(level, 1, dtype)
    assert_equals_reference(backend, *size, scene, SHARP, record_property)


@pytest.mark.parametrize("backend", OTHERS)
def test_of_a_face_larger_than_the_image(backend, record_property):
    z, corners, features, normals_z = random_triangles(batch=1, faces=3)
    corners[0, 1] *= 300.0
    scene = type(random_triangles())(z, corners, features, normals_z.abs())
    assert_equals_reference(backend, 11, 20, scene, SOFT, record_property)


@pytest.mark.parametrize("backend", OTHERS[:2])
def test_gradcheck_of_the_image(backend):
    place = device_of(backend)
    z, corners, features, normals_z = (p.to(place) for p in random_triangles(1, 3, seed=3))
    inputs = corners.requires_grad_(), features[..., :1].clone().requires_grad_()

    def image(corners, features):
        return dibr.rasterize(5, 6, z, corners, features, normals_z >= -9, backend=backend)[0]

    fast = interpreted(backend)  # one random direction instead of every coordinate
    assert gradcheck(image, inputs, eps=1e-7, atol=1e-4, fast_mode=fast)


@pytest.mark.parametrize("backend", OTHERS[:2])
def test_gradcheck_of_the_mask(backend):
    place = device_of(backend)
    _, corners, _, _ = (part.to(place) for part in random_triangles(1, 3, seed=3, size=0.2))
    seen = torch.full((1, 5, 6), -1, device=place)

    def mask(corners):
        return dibr.dibr_soft_mask(corners, seen, **SOFT, backend=backend)

    assert mask(corners).max() > 0.1
    fast = interpreted(backend)
    assert gradcheck(mask, (corners.requires_grad_(),), eps=1e-7, atol=1e-4, fast_mode=fast)
