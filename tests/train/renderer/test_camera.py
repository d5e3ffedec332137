import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from graphics import camera as numpy_camera
from train.renderer import camera


def random_views(batch=6, vertex_count=11, seed=0):
    rng = np.random.default_rng(seed)
    low, high = [-400, -30, 3, -0.3, -0.3], [400, 80, 8, 0.3, 0.3]
    return rng.uniform(-1, 1, (batch, vertex_count, 3)), rng.uniform(low, high, (batch, 5))


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_the_twin_equals_numpy(dtype, tolerance):
    vertices, cameras = (array.astype(dtype) for array in random_views())
    wanted = numpy_camera.project(vertices, cameras)
    found = camera.project(torch.from_numpy(vertices), torch.from_numpy(cameras))
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.numpy().dtype == theirs.dtype == dtype
        np.testing.assert_allclose(ours.numpy(), theirs, atol=tolerance, rtol=tolerance)


def test_vertices_behind_the_camera_are_treated_alike():
    vertices, cameras = random_views()
    vertices *= 20
    found = camera.project(torch.from_numpy(vertices), torch.from_numpy(cameras)).vertices_image
    assert torch.isfinite(found).all()
    np.testing.assert_allclose(
        found.numpy(), numpy_camera.project(vertices, cameras).vertices_image, rtol=1e-9
    )


def test_gradcheck_in_vertices_and_cameras():
    inputs = [torch.from_numpy(array).requires_grad_() for array in random_views(2, 3)]
    assert gradcheck(lambda *given: tuple(camera.project(*given)), inputs, atol=1e-5)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"cameras has shape \(2, 4\)"):
        camera.project(torch.zeros(2, 3, 3), torch.zeros(2, 4))
    with pytest.raises(ValueError, match=r"vertices has shape \(3, 3, 3\)"):
        camera.project(torch.zeros(3, 3, 3), torch.zeros(2, 5))
