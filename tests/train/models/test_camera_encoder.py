import pytest
import torch

from train.models.camera_encoder import CODE, CameraEncoder


@pytest.mark.parametrize("size", [32, 64, 128])
def test_images_of_any_allowed_size_give_a_code(size):
    code = CameraEncoder(size).eval()(torch.rand(2, 4, size, size))
    assert code.shape == (2, CODE) and code.min() >= 0 and code.max() > 0


def test_what_differs_in_one_pixel_differs_in_the_code():
    torch.manual_seed(0)
    encoder = CameraEncoder(64).eval()
    seen = torch.zeros(2, 4, 64, 64)
    seen[1, 0, 37, 21] = 1
    first, second = encoder(seen)
    assert (first - second).abs().max() > 1e-6


def test_another_size_is_refused():
    with pytest.raises(ValueError, match="image size 48: must be a multiple of 32"):
        CameraEncoder(48)
