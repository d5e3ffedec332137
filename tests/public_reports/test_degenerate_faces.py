"""Faces, batches and sizes at the edge of what there is: finite numbers, and the same for each."""

import numpy as np
import pytest
import torch

from graphics.rasterize import interpolate, interpolate_backward, visible_faces
from graphics.soft_mask import soft_mask, soft_mask_backward
from tests.train.renderer.scenes import SOFT, random_triangles
from train.renderer import dibr

SIZE = (9, 12)
LINE = [[-0.5, 0.1], [0.6, 0.1], [0.2, 0.1]]
POINT = [[0.1, 0.2]] * 3
TWICE = [[0.1, -0.3], [0.1, -0.3], [0.5, 0.4]]
SLIVER = [[-0.5, 0.0], [0.5, 1e-7], [0.5, -1e-7]]


@pytest.mark.parametrize(
    "face", [LINE, POINT, TWICE, SLIVER], ids=["line", "point", "twice", "sliver"]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_face_without_area_has_finite_images_masks_and_gradients(face, dtype):
    scene = random_triangles(1, 2, dtype)
    corners = scene.corners.clone()
    corners[0, 0] = torch.tensor(face, dtype=dtype)
    corners.requires_grad_()
    features = scene.features.requires_grad_()
    drawn = dibr.dibr_rasterization(
        *SIZE, scene.z, corners, features, scene.normals_z.abs(), **SOFT, backend="numba"
    )
    (drawn.features.square().sum() + drawn.soft_mask.square().sum()).backward()
    for numbers in (drawn.features, drawn.soft_mask, corners.grad, features.grad):
        assert numbers.isfinite().all()


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 8, 9])
def test_an_image_is_the_same_in_a_batch_of_any_size(batch, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    scene = random_triangles(batch, 9)
    scene = scene._replace(normals_z=scene.normals_z.abs())

    def drawn(rows):
        given = (part[rows] for part in scene)
        return dibr.dibr_rasterization(*SIZE, *given, **SOFT, backend="numba")

    together = drawn(slice(None))
    assert (together.face_idx >= 0).flatten(1).any(dim=1).all()  # none of the images is empty
    for row in range(batch):
        for one, all_of_them in zip(drawn(slice(row, row + 1)), together, strict=True):
            assert torch.equal(one[0], all_of_them[row])


@pytest.mark.parametrize(("batch", "faces"), [(0, 4), (2, 0)])
def test_nothing_to_render_is_an_empty_image_and_no_crash(batch, faces):
    scene = random_triangles(batch, faces)
    corners = scene.corners.requires_grad_()
    drawn = dibr.dibr_rasterization(
        *SIZE, scene.z, corners, scene.features, scene.normals_z, backend="numba"
    )
    assert drawn.features.shape == (batch, *SIZE, 4)
    assert not drawn.soft_mask.any() and (drawn.face_idx == -1).all()
    drawn.soft_mask.sum().backward()
    assert corners.grad.shape == scene.corners.shape


def test_colours_alone_pull_at_the_corners():
    scene = random_triangles(1, 3)
    corners = scene.corners.requires_grad_()
    image, _ = dibr.rasterize(*SIZE, scene.z, corners, scene.features, backend="numba")
    image.square().sum().backward()
    assert corners.grad.abs().max() > 0


BEYOND = [np.nan, np.inf, -np.inf, 1e19, -1e30, 3e38]
"""Numbers without which, in float32, no area of a face is finite."""


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("number", BEYOND)
@pytest.mark.parametrize("where", ["x", "y", "z"])
def test_a_face_beyond_all_numbers_harms_no_other(number, where, dtype):
    if dtype == np.float64 and abs(number) < np.inf:
        number *= 1e200
    corners = np.random.default_rng(0).uniform(-1, 1, (1, 6, 3, 2)).astype(dtype)
    z = np.random.default_rng(1).normal(size=(1, 6, 3)).astype(dtype)
    spoilt, spoilt_z = corners.copy(), z.copy()
    if where == "z":
        spoilt_z[0, 2, 1] = number
    else:
        spoilt[0, 2, 1, "xy".index(where)] = number
    valid = np.arange(6)[None] != 2
    seen = visible_faces(spoilt, spoilt_z, *SIZE)
    without = visible_faces(corners, z, *SIZE, valid)
    assert np.array_equal(seen.face_index, without.face_index)
    assert np.array_equal(seen.weights, without.weights)
    features = np.ones((1, 6, 3, 2), dtype)
    image = interpolate(features, seen)
    gradients = interpolate_backward(np.ones_like(image), spoilt, features, seen)
    mask = soft_mask(spoilt, seen.face_index, sigmainv=1, boxlen=4)
    gradient = soft_mask_backward(np.ones_like(mask), mask, spoilt, seen.face_index, 1, 4)
    for numbers in (image, *gradients, mask, gradient):
        assert np.isfinite(numbers).all()
    assert mask.min() >= 0 and mask.max() <= 1
