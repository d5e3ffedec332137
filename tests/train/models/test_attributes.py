import numpy as np
import pytest
import torch

from graphics.camera import azimuth_difference_degrees
from train.data.stream import mirrored_cameras
from train.data.vehicles import KINDS, photographs
from train.models.attributes import (
    AttributeClassifier,
    AttributeOutputs,
    load_attributes,
    read_attributes,
    save_attributes,
)
from train.models.heads import AZIMUTH_BINS
from train.pose.attribute_classifier import attribute_loss


def test_readings_have_their_shapes_and_ranges():
    read = read_attributes(AttributeClassifier(32).eval(), torch.rand(5, 3, 32, 32))
    assert read.azimuths.shape == read.elevations.shape == read.confidences.shape == (5,)
    assert (np.abs(read.azimuths) <= 180).all()
    assert (read.confidences >= 0).all() and (read.confidences <= 1).all()
    assert read.kinds.shape == (5, len(KINDS))
    assert np.allclose(read.kinds.sum(axis=1), 1, atol=1e-5)
    assert read.bodies.shape == (5, 2) and read.paints.shape == (5, 3)
    assert {name: value.shape[1] for name, value in read.values().items()} == {
        "azimuth": 2,
        "elevation": 1,
        "distance": 1,
        "body_kind": len(KINDS),
        "roof_height": 1,
        "length": 1,
        "paint": 3,
    }


@pytest.mark.parametrize("size", [32, 64, 128])
def test_every_size_is_read(size):
    outputs = AttributeClassifier(size).eval()(torch.rand(2, 3, size, size))
    assert outputs.azimuth_logits.shape == (2, AZIMUTH_BINS)


def test_other_sides_are_refused():
    with pytest.raises(ValueError, match=r"\(1, 3, 64, 64\): must be \[B, 3, 32, 32\]"):
        AttributeClassifier(32)(torch.rand(1, 3, 64, 64))
    with pytest.raises(ValueError, match="multiple of 32"):
        AttributeClassifier(48)


class Fixed(AttributeClassifier):
    """Gives the azimuth logits it was made with: of images, then of their mirror images."""

    def __init__(self, *logits: torch.Tensor) -> None:
        super().__init__(32)
        self.logits = list(logits)

    def forward(self, images: torch.Tensor) -> AttributeOutputs:
        return super().forward(images)._replace(azimuth_logits=self.logits.pop(0))


def mirrored(shares: torch.Tensor) -> torch.Tensor:
    return torch.stack([shares[:, -bin % AZIMUTH_BINS] for bin in range(AZIMUTH_BINS)], dim=1)


def test_azimuth_is_the_direction_of_the_peak_not_of_the_mean():
    shares = torch.full((2, AZIMUTH_BINS), 1e-6)
    shares[0, 1], shares[0, 2], shares[0, 13] = 0.3, 0.3, 0.4  # 22.5, and behind it 195
    shares[1, 0], shares[1, 23] = 0.5, 0.5  # across the wrap
    network = Fixed(shares.log(), mirrored(shares).log()).eval()
    read = read_attributes(network, torch.rand(2, 3, 32, 32))
    assert azimuth_difference_degrees(read.azimuths, [195.0, -7.5]).max() < 0.1
    assert read.confidences == pytest.approx([0.4, 1.0], abs=1e-3)


def test_the_mirror_image_has_its_say():
    shares = torch.full((2, 1, AZIMUTH_BINS), 1e-6)
    shares[0, 0, 4], shares[0, 0, 16] = 0.45, 0.55  # 60, or rather 240
    shares[1, 0, -4], shares[1, 0, -16] = 0.9, 0.1  # mirrored: clearly -60
    network = Fixed(*shares.log()).eval()
    read = read_attributes(network, torch.rand(1, 3, 32, 32))
    assert read.azimuths == pytest.approx([60], abs=0.1)
    assert read.confidences == pytest.approx([0.675], abs=1e-3)


def test_mirrored_images_are_read_as_mirrored():
    torch.manual_seed(0)
    network, images = AttributeClassifier(32).eval(), torch.rand(4, 3, 32, 32)
    plain, flipped = (read_attributes(network, given) for given in (images, images.flip(-1)))
    assert np.allclose(plain.bodies, flipped.bodies, atol=1e-5)
    assert np.allclose(plain.confidences, flipped.confidences, atol=1e-5)


def test_saved_weights_come_back(tmp_path):
    network = AttributeClassifier(32).eval()
    save_attributes(network, tmp_path / "attributes.safetensors")
    images = torch.rand(2, 3, 32, 32)
    loaded = load_attributes(tmp_path / "attributes.safetensors")
    # Not equal to the bit: what is loaded computes with channels last.
    torch.testing.assert_close(loaded(images).azimuth_logits, network(images).azimuth_logits)


def test_the_loss_trains_every_attribute():
    torch.manual_seed(0)
    rendered = photographs(1, np.arange(8), 32)
    images = torch.from_numpy(rendered.images).permute(0, 3, 1, 2).float() / 255
    cameras = torch.from_numpy(rendered.cameras)
    network = AttributeClassifier(32)
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3)
    for step in range(160):
        # They are read mirrored too, so they must have been seen so.
        flipped = images.flip(-1), mirrored_cameras(cameras)
        given, asked = flipped if step % 2 else (images, cameras)
        loss = attribute_loss(network(given), asked, rendered.attributes)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    read = read_attributes(network.eval(), images)
    assert np.median(azimuth_difference_degrees(read.azimuths, rendered.cameras[:, 0])) < 10
    assert (read.kinds.argmax(axis=1) == rendered.attributes.kind).mean() > 0.9
    assert np.abs(read.bodies[:, 0] - rendered.attributes.roof_height).mean() < 0.1
    assert np.abs(read.elevations - rendered.cameras[:, 1]).mean() < 4
    assert np.abs(read.distances / rendered.cameras[:, 2] - 1).mean() < 0.03  # by chance 0.055
