import numpy as np
import pytest
import torch

from train.data.stream import PhotographStream, mirrored_cameras

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


def test_only_kept_photographs_and_cameras_are_drawn():
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
