import numpy as np
import pytest

from train.metrics.image_quality import HIGHEST_PSNR, psnr


def test_an_even_error_of_a_tenth_is_twenty_decibels() -> None:
    truth = np.full((2, 3, 5, 3), 0.5, np.float32)
    images = truth.copy()
    images[1] += 0.1
    values = psnr(images, truth, np.ones((2, 3, 5), bool))
    assert np.allclose(values, [HIGHEST_PSNR, 20], atol=1e-5)


def test_only_the_region_counts() -> None:
    truth = np.zeros((3, 5, 3))
    images = np.ones((3, 5, 3))
    images[0, 0] = 0.1
    images[0, 1] = [0.3, 0, 0]
    region = np.zeros((3, 5), bool)
    region[0, :2] = True
    assert psnr(images, truth, region) == pytest.approx(-10 * np.log10((0.01 + 0.03) / 2))


def test_what_cannot_be_compared_is_refused() -> None:
    images = np.zeros((1, 2, 2, 3))
    with pytest.raises(ValueError, match="1 regions are empty"):
        psnr(images, images, np.zeros((1, 2, 2), bool))
    with pytest.raises(TypeError, match="uint8"):
        psnr(images, images.astype(np.uint8), np.ones((1, 2, 2), bool))
    with pytest.raises(ValueError, match=r"\(1, 2, 3\)"):
        psnr(images, images, np.ones((1, 2, 3), bool))
