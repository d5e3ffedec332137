import numpy as np
import pytest
import torch

from train.adaptation.cameras import (
    CameraReadings,
    fitted_temperature,
    read_azimuths,
    read_cameras,
    read_logits,
    scores,
    self_labels,
)
from train.adaptation.served import ServedPhotos
from train.models.inverse_graphics import InverseGraphics, InverseGraphicsShape


@pytest.fixture
def network():
    torch.manual_seed(0)
    return InverseGraphics(InverseGraphicsShape(32, 8, 1, 16)).eval()


def says(network: InverseGraphics, bin: int, height: float) -> InverseGraphics:
    """The network, which now reads one azimuth from everything, as surely as the logit is high."""
    with torch.no_grad():
        network.camera_head.azimuth.weight.zero_()
        network.camera_head.azimuth.bias.zero_()
        network.camera_head.azimuth.bias[bin] = height
    return network


def photos(azimuths: list[float]) -> ServedPhotos:
    count = len(azimuths)
    images = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 4), np.uint8)
    cameras = np.full((count, 5), np.nan, np.float32)
    cameras[:, 0] = azimuths
    return ServedPhotos(images, cameras, np.arange(count), [f"{n}.png" for n in range(count)], [])


def test_what_is_surely_the_same_in_the_mirror_labels_the_unlabelled(network):
    given = photos([np.nan, 90.0, np.nan])
    found = self_labels(says(network, 0, 20.0), given)
    np.testing.assert_allclose(found[:, 0], [0, 90, 0], atol=1e-3)
    assert np.isnan(found[:, 1:]).all()
    assert np.isnan(given.cameras[[0, 2], 0]).all()  # those given stay


@pytest.mark.parametrize(("bin", "height"), [(0, 1.0), (6, 20.0)])
def test_what_is_unsure_or_another_in_the_mirror_labels_nothing(network, bin, height):
    found = self_labels(says(network, bin, height), photos([np.nan, 90.0]))
    np.testing.assert_array_equal(found[:, 0], [np.nan, 90])


@pytest.mark.parametrize("true", [0.7, 1.0, 3.0])
def test_the_temperature_that_the_logits_were_sharpened_by_is_found(true):
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(4_000, 24, generator=generator) * 2
    bins = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
    found = fitted_temperature((logits * true).numpy(), (bins * 15.0).numpy())
    assert found == pytest.approx(true, rel=0.1)


def test_logits_are_those_before_the_temperature_and_readings_those_with_it(network):
    images = photos([0.0] * 70).images
    plain, before = read_cameras(network, images), read_logits(network, images)
    network.camera_head.temperature.fill_(2.5)
    np.testing.assert_allclose(read_logits(network, images), before, atol=1e-5)
    softened = read_cameras(network, images)
    assert (softened.confidences < plain.confidences).all()
    np.testing.assert_allclose(softened.confidences, read_azimuths(network, before, 2.5)[1])
    with torch.no_grad():
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2) / 255
        served = network(pixels[:, :3], pixels[:, 3:])
    np.testing.assert_allclose(softened.confidences, served.confidences, atol=1e-5)


def test_scores_count_what_is_right_flipped_and_sure():
    read = CameraReadings(
        np.array([10, 350, 170, 100], np.float32), np.array([0.95, 0.95, 0.95, 0.1], np.float32)
    )
    found = scores(read, np.array([35, 10, 0, 0], np.float32))
    assert found["azimuth_acc30"] == 0.5 and found["azimuth_flipped"] == 0.25
    assert found["sure"] == 3 and found["sure_right"] == pytest.approx(2 / 3)
    nothing_sure = scores(CameraReadings(read.azimuths, read.confidences * 0.1), read.azimuths)
    assert nothing_sure["sure"] == 0 and nothing_sure["sure_right"] is None
