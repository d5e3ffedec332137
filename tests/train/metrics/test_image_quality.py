import numpy as np
import pytest

from train.metrics.image_quality import HIGHEST_PSNR, psnr, ssim


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


def ssim_by_hand(first: np.ndarray, second: np.ndarray) -> float:
    """Eq. 13 of Wang et al. for the middle pixel of 11 x 11 grey values."""
    steps = np.arange(-5, 6)
    window = np.exp(-(steps[:, None] ** 2 + steps**2) / (2 * 1.5**2))
    window /= window.sum()
    m1, m2 = (window * first).sum(), (window * second).sum()
    v1, v2 = (window * first**2).sum() - m1**2, (window * second**2).sum() - m2**2
    shared = (window * first * second).sum() - m1 * m2
    top = (2 * m1 * m2 + 1e-4) * (2 * shared + 9e-4)
    return top / ((m1**2 + m2**2 + 1e-4) * (v1 + v2 + 9e-4))


def test_ssim_is_the_published_equation() -> None:
    grey = np.random.default_rng(0).random((2, 11, 11))
    first, second = np.repeat(grey[..., None], 3, axis=-1)
    middle = np.zeros((11, 11), bool)
    middle[5, 5] = True
    assert ssim(first, second, middle) == pytest.approx(ssim_by_hand(*grey), abs=1e-6)
    assert ssim(first, first, ~middle) == pytest.approx(1)


def test_ssim_sees_structure_that_psnr_does_not() -> None:
    stripes = np.zeros((1, 24, 24, 3)) + (np.arange(24) % 4 < 2)[:, None] * 0.4 + 0.3
    brighter, flat = stripes + 0.1, stripes.copy()
    flat[:] = stripes.mean()
    everywhere = np.ones((1, 24, 24), bool)
    assert ssim(brighter, stripes, everywhere) > 0.9
    assert ssim(flat, stripes, everywhere) < 0.2
    with pytest.raises(ValueError, match="must be"):
        ssim(stripes, stripes[:, :5], everywhere)
