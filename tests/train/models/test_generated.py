import pytest
import torch

from train.models.generated import as_pixels, generate, generate_grid, sample_contents
from train.models.generator import Generator, GeneratorShape


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(0)
    built = Generator(GeneratorShape(32, code=16, channels=(8, 8, 8, 8))).eval()
    built.mapping.mean += 3.0
    return built


def test_more_images_than_a_batch_come_in_order(generator):
    contents, views = torch.randn(70, 16), torch.randn(70, 16)
    images = generate(generator, contents, views)
    assert images.shape == (70, 3, 32, 32)
    assert 0 <= images.min() and images.max() <= 1
    last = generate(generator, contents[69:], views[69:])
    assert torch.allclose(images[69:], last, atol=1e-5)


def test_a_smaller_size_is_the_means_of_pixels_and_a_larger_one_changes_nothing(generator):
    contents, views = torch.randn(3, 16), torch.randn(2, 16)
    whole = generate_grid(generator, contents, views)
    small = generate_grid(generator, contents, views, size=8)
    assert torch.allclose(small, whole.unflatten(2, (8, 4)).unflatten(4, (8, 4)).mean((3, 5)))
    assert torch.equal(generate_grid(generator, contents, views, size=64), whole)


def test_in_a_grid_the_contents_change_fastest(generator):
    contents, views = torch.randn(3, 16), torch.randn(2, 16)
    grid = generate_grid(generator, contents, views).reshape(2, 3, 3, 32, 32)
    single = generate(generator, contents[2:], views[1:])
    assert torch.allclose(grid[1, 2], single[0], atol=1e-5)


def test_truncation_draws_towards_the_mean(generator):
    whole, half, none = (
        sample_contents(generator, 5, factor, torch.Generator().manual_seed(1))
        for factor in (1.0, 0.5, 0.0)
    )
    assert torch.allclose(half - none, (whole - none) / 2, atol=1e-6)
    assert torch.allclose(none, generator.mapping.mean.expand(5, 16))


def test_pixels_are_rounded_bytes_with_channels_last():
    pixels = as_pixels(torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1))
    assert pixels.dtype == torch.uint8 and pixels.tolist() == [[[[0, 128, 255]]]]
