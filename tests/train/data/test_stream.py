import numpy as np
import pytest
import torch

from train.data.stream import LabelledPhotographs, PhotographStream, mirrored_cameras
from train.models.segmenter import Segmenter

COUNT = 6
IMAGES = np.arange(COUNT, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)
IMAGES[:, :, 0] = 255  # the left column tells a mirrored image
CAMERAS = np.stack([np.full(5, index + 1.0, np.float32) for index in range(COUNT)])


def rng():
    return torch.Generator().manual_seed(1)


def numbers(images):
    return ((images[:, 0, 0, 4] + 1) * 127.5).round().long()


def test_pixels_become_minus_one_to_one():
    images = PhotographStream(IMAGES).sample(16, rng()).images
    assert images.shape == (16, 3, 8, 8)
    assert images.max() == 1.0
    assert set(numbers(images).tolist()) == set(range(COUNT))


def test_photographs_come_with_their_own_cameras():
    images, cameras = PhotographStream(IMAGES, CAMERAS).sample(16, rng())
    assert torch.equal(cameras[:, 0].long(), numbers(images) + 1)


def test_only_kept_photographs_and_cameras_are_sampled():
    keep = np.arange(COUNT) % 2 == 0
    stream = PhotographStream(IMAGES, CAMERAS, keep)
    assert set(numbers(stream.sample(64, rng()).images).tolist()) == {0, 2, 4}
    assert set(stream.sample_cameras(64, rng())[:, 0].tolist()) == {1.0, 3.0, 5.0}


def test_mirrored_images_have_mirrored_cameras():
    images, cameras = PhotographStream(IMAGES, CAMERAS, mirror=True).sample(64, rng())
    flipped = images[:, 0, 0, -1] == 1
    assert 0 < flipped.sum() < 64
    assert torch.equal(cameras[:, 0] < 0, flipped)
    assert torch.equal(cameras[:, 3] < 0, flipped)
    assert (cameras[:, [1, 2, 4]] > 0).all()
    drawn = PhotographStream(IMAGES, CAMERAS, mirror=True).sample_cameras(64, rng())
    assert 0 < (drawn[:, 0] < 0).sum() < 64


def test_mirroring_twice_gives_the_camera_back():
    cameras = torch.from_numpy(CAMERAS)
    assert torch.equal(mirrored_cameras(mirrored_cameras(cameras)), cameras)


def test_the_same_random_state_gives_the_same_batches():
    stream = PhotographStream(IMAGES, CAMERAS, mirror=True)
    assert torch.equal(stream.sample(8, rng()).images, stream.sample(8, rng()).images)


def test_labels_of_other_photographs_are_refused():
    with pytest.raises(ValueError, match="5 cameras for 6 photographs"):
        PhotographStream(IMAGES, CAMERAS[:5])
    with pytest.raises(ValueError, match="nothing to train on"):
        PhotographStream(IMAGES, CAMERAS, np.zeros(COUNT, bool))


LABELLED, SIZE = 12, 8


@pytest.fixture
def labelled():
    """Photographs that are evenly as bright as their number, with an azimuth to match."""
    images = (
        np.zeros((LABELLED, SIZE, SIZE, 3), np.uint8)
        + np.arange(LABELLED, dtype=np.uint8)[:, None, None, None]
    )
    cameras = np.zeros((LABELLED, 5), np.float32)
    cameras[:, 0] = np.arange(LABELLED) * 10
    keep = np.arange(LABELLED) % 3 == 0
    return LabelledPhotographs(images, cameras, keep, lambda shown: 1 - shown.mean(1))


def test_only_trusted_photographs_are_sampled_each_with_its_own_mask_and_camera(labelled):
    sampled = labelled.sample(200, torch.Generator().manual_seed(0))
    numbers = (sampled.images[:, 0, 0, 0] * 255).round().long()
    assert set(numbers.tolist()) == {0, 3, 6, 9}
    torch.testing.assert_close(sampled.cameras[:, 0], numbers * 10.0)
    assert sampled.masks.shape == (200, SIZE, SIZE)
    torch.testing.assert_close(sampled.masks[:, 3, 4], 1 - numbers / 255)


def test_samples_follow_the_generator(labelled):
    first, second, other = (
        labelled.sample(50, torch.Generator().manual_seed(seed)).cameras for seed in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_a_shard_of_the_samples_is_that_of_the_whole(labelled):
    whole, shard = (
        labelled.sample(9, torch.Generator().manual_seed(3), one)
        for one in (slice(None), slice(1, 9, 2))
    )
    for values, every in zip(shard, whole, strict=True):
        torch.testing.assert_close(values, every[1::2])


def test_a_process_may_have_no_shard_of_few_photographs(labelled):
    labelled.segment = Segmenter(channels=4)
    sampled = labelled.sample(3, torch.Generator().manual_seed(3), slice(3, 3, 8))
    assert sampled.images.shape == (0, 3, SIZE, SIZE) and sampled.masks.shape == (0, SIZE, SIZE)
    assert sampled.cameras.shape == (0, 5)
