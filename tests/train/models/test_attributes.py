import numpy as np
import pytest
import torch

from graphics.camera import azimuth_difference_degrees
from train.data.vehicles import KINDS, photographs
from train.models.attributes import (
    AttributeNetwork,
    AttributeOutputs,
    attribute_loss,
    load_attributes,
    read_attributes,
    save_attributes,
)
from train.models.inverse_graphics import AZIMUTH_BINS


def test_readings_have_their_shapes_and_ranges():
    read = read_attributes(AttributeNetwork(32).eval(), torch.rand(5, 3, 32, 32))
    assert read.azimuths.shape == read.elevations.shape == read.confidences.shape == (5,)
    assert (np.abs(read.azimuths) <= 180).all()
    assert (read.confidences >= 0).all() and (read.confidences <= 1).all()
    assert read.kinds.shape == (5, len(KINDS))
    assert np.allclose(read.kinds.sum(axis=1), 1, atol=1e-5)
    assert read.bodies.shape == (5, 2) and read.paints.shape == (5, 3)
    assert {name: value.shape[1] for name, value in read.values().items()} == {
        "azimuth": 2,
        "elevation": 1,
        "body_kind": len(KINDS),
        "roof_height": 1,
        "length": 1,
        "paint": 3,
    }


@pytest.mark.parametrize("size", [32, 64, 128])
def test_every_size_is_read(size):
    outputs = AttributeNetwork(size).eval()(torch.rand(2, 3, size, size))
    assert outputs.azimuth_logits.shape == (2, AZIMUTH_BINS)


def test_other_sides_are_refused():
    with pytest.raises(ValueError, match=r"\(1, 3, 64, 64\): must be \[B, 3, 32, 32\]"):
        AttributeNetwork(32)(torch.rand(1, 3, 64, 64))
    with pytest.raises(ValueError, match="multiple of 32"):
        AttributeNetwork(48)


class Fixed(AttributeNetwork):
    """Gives the azimuth logits it was made with."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__(32)
        self.logits = logits

    def forward(self, images: torch.Tensor) -> AttributeOutputs:
        return super().forward(images)._replace(azimuth_logits=self.logits)


def test_azimuth_is_the_direction_of_the_peak_not_of_the_mean():
    shares = torch.full((2, AZIMUTH_BINS), 1e-6)
    shares[0, 1], shares[0, 2], shares[0, 13] = 0.3, 0.3, 0.4  # 22.5, and behind it 195
    shares[1, 0], shares[1, 23] = 0.5, 0.5  # across the wrap
    read = read_attributes(Fixed(shares.log()).eval(), torch.rand(2, 3, 32, 32))
    assert azimuth_difference_degrees(read.azimuths, [195.0, -7.5]).max() < 0.1
    assert read.confidences == pytest.approx([0.4, 1.0], abs=1e-3)


def test_saved_weights_come_back(tmp_path):
    network = AttributeNetwork(32).eval()
    save_attributes(network, tmp_path / "attributes.safetensors")
    images = torch.rand(2, 3, 32, 32)
    loaded = load_attributes(tmp_path / "attributes.safetensors")
    assert torch.equal(loaded(images).azimuth_logits, network(images).azimuth_logits)


def test_the_loss_teaches_every_attribute():
    torch.manual_seed(0)
    drawn = photographs(1, np.arange(16), 32)
    images = torch.from_numpy(drawn.images).permute(0, 3, 1, 2).float() / 255
    azimuths, elevations = (torch.from_numpy(drawn.cameras[:, column].copy()) for column in (0, 1))
    network = AttributeNetwork(32)
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3)
    for _ in range(60):
        loss = attribute_loss(network(images), azimuths, elevations, drawn.attributes)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    read = read_attributes(network.eval(), images)
    assert np.median(azimuth_difference_degrees(read.azimuths, drawn.cameras[:, 0])) < 10
    assert (read.kinds.argmax(axis=1) == drawn.attributes.kind).mean() > 0.9
    assert np.abs(read.bodies[:, 0] - drawn.attributes.roof_height).mean() < 0.1
    assert np.abs(read.elevations - drawn.cameras[:, 1]).mean() < 4
