import numpy as np
import pytest
import torch

from train.data.vehicles import Mixed
from train.evaluation.disentangled_benchmark import Asked
from train.evaluation.latent_optimisation import FittedLatents
from train.metrics.image_quality import psnr
from train.models.generated import as_pixels, generate, sample_contents
from train.models.generator import Generator
from train.models.weights import SHIPPED, load_generator

COUNT = 3


@pytest.fixture(scope="module")
def generator():
    return load_generator(SHIPPED / "camera_conditioned" / "generator.safetensors")


@pytest.fixture(scope="module")
def cameras():
    return np.array([[20, 10, 5, 0, 0], [140, 20, 5.5, 0, 0], [260, 5, 6, 0, 0]], np.float32)


def images_of(generator, cameras):
    contents = sample_contents(generator, COUNT, 1.0, torch.Generator().manual_seed(5))
    with torch.no_grad():
        views = generator.camera_mapping(torch.from_numpy(cameras))
    return as_pixels(generate(generator, contents, views)).numpy()


def likeness(first, second):
    pair = (images / np.float32(255) for images in (first, second))
    return psnr(*pair, np.ones(first.shape[:-1], bool)).mean()


def asked_of(cameras):
    own = np.arange(COUNT)
    return Asked(Mixed(own, own, own), cameras, cameras)


@pytest.mark.parametrize("space", ["w", "w_star"])
def test_images_of_the_generator_are_found_again_and_can_be_turned(generator, cameras, space):
    images = images_of(generator, cameras)
    mean = FittedLatents(generator, space, images, cameras, 0)(asked_of(cameras)).images
    fitted = FittedLatents(generator, space, images, cameras, 60)
    own = fitted(asked_of(cameras)).images
    assert likeness(own, images) > likeness(mean, images) + 5
    turned = cameras + np.array([60, 0, 0, 0, 0], np.float32)
    wanted = images_of(generator, turned)
    assert likeness(fitted(asked_of(turned)).images, wanted) > likeness(own, wanted) + 1


def test_another_camera_is_put_in_exactly(generator, cameras):
    """A style vector with the camera exchanged is that of the same content and the new camera."""
    images, turned = images_of(generator, cameras), cameras + np.float32(25)
    fitted = FittedLatents(generator, "w", images, cameras, 0)
    there = FittedLatents(generator, "w", images, turned, 0)
    first, second = (one(asked_of(turned)).images for one in (fitted, there))
    assert np.abs(first.astype(int) - second).max() <= 1


def test_whole_photographs_only(generator, cameras):
    fitted = FittedLatents(generator, "w", images_of(generator, cameras), cameras, 0)
    own = np.arange(COUNT)
    with pytest.raises(ValueError, match="its parts cannot be mixed"):
        fitted(Asked(Mixed(own, np.roll(own, 1), own), cameras, cameras))


def test_a_generator_that_takes_no_camera_is_refused(cameras):
    from train.models.generator import GeneratorShape

    images = np.zeros((COUNT, 64, 64, 3), np.uint8)
    with pytest.raises(ValueError, match="the generator is unconditional"):
        FittedLatents(Generator(GeneratorShape(64)), "w", images, cameras, 1)
