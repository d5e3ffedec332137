import numpy as np
import pytest
import torch

from train.data.labelled_photographs import LabelledPhotographs
from train.models.segmenter import Segmenter

COUNT, SIZE = 12, 8


@pytest.fixture
def labelled():
    """Photographs that are evenly as bright as their number, with an azimuth to match."""
    images = (
        np.zeros((COUNT, SIZE, SIZE, 3), np.uint8)
        + np.arange(COUNT, dtype=np.uint8)[:, None, None, None]
    )
    cameras = np.zeros((COUNT, 5), np.float32)
    cameras[:, 0] = np.arange(COUNT) * 10
    keep = np.arange(COUNT) % 3 == 0
    return LabelledPhotographs(images, cameras, keep, lambda shown: 1 - shown.mean(1))


def test_only_trusted_photographs_are_drawn_each_with_its_own_mask_and_camera(labelled):
    drawn = labelled.sample(200, torch.Generator().manual_seed(0))
    numbers = (drawn.images[:, 0, 0, 0] * 255).round().long()
    assert set(numbers.tolist()) == {0, 3, 6, 9}
    torch.testing.assert_close(drawn.cameras[:, 0], numbers * 10.0)
    assert drawn.masks.shape == (200, SIZE, SIZE)
    torch.testing.assert_close(drawn.masks[:, 3, 4], 1 - numbers / 255)


def test_the_draw_follows_the_generator(labelled):
    first, second, other = (
        labelled.sample(50, torch.Generator().manual_seed(seed)).cameras for seed in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_a_part_of_the_draw_is_that_of_the_whole(labelled):
    whole, part = (
        labelled.sample(9, torch.Generator().manual_seed(3), one)
        for one in (slice(None), slice(1, 9, 2))
    )
    for values, every in zip(part, whole, strict=True):
        torch.testing.assert_close(values, every[1::2])


def test_a_process_may_have_no_part_of_few_photographs(labelled):
    labelled.segment = Segmenter(channels=4)
    drawn = labelled.sample(3, torch.Generator().manual_seed(3), slice(3, 3, 8))
    assert drawn.images.shape == (0, 3, SIZE, SIZE) and drawn.masks.shape == (0, SIZE, SIZE)
    assert drawn.cameras.shape == (0, 5)
