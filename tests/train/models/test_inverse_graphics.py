import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from train.models.heads import AZIMUTH_BINS, CameraHead, azimuth_targets
from train.models.inverse_graphics import (
    InverseGraphics,
    InverseGraphicsShape,
    load_inverse_graphics,
    save_inverse_graphics,
)
from train.models.serving_graphs import InverseGraphicsGraph

SHAPE = InverseGraphicsShape(size=32, width=8, template_level=2, texture_size=16)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = InverseGraphics(SHAPE).eval()
    torch.nn.init.normal_(network.shape_head.offsets.weight, std=0.1)
    torch.nn.init.normal_(network.shape_head.mean, std=0.01)
    return network


@pytest.fixture(scope="module")
def prediction(network):
    with torch.no_grad():
        return network(torch.rand(3, 3, 32, 32), torch.ones(3, 1, 32, 32))


def test_shapes_and_ranges(network, prediction):
    assert prediction.vertices.shape == (3, len(network.template.vertices), 3)
    assert prediction.textures.shape == (3, 3, 16, 32)
    assert prediction.cameras.shape == (3, 5)
    assert prediction.azimuth_logits.shape == (3, AZIMUTH_BINS)
    assert 0 <= prediction.textures.min() and prediction.textures.max() <= 1
    assert 0 < prediction.confidences.min() and prediction.confidences.max() <= 1


def test_shape_and_texture_are_mirror_symmetric(network, prediction):
    mirrored = prediction.vertices[:, torch.from_numpy(network.template.mirror).long()]
    torch.testing.assert_close(mirrored * torch.tensor([-1.0, 1, 1]), prediction.vertices)
    torch.testing.assert_close(prediction.textures.flip(-1), prediction.textures)


def test_without_symmetry_both_sides_go_their_own_way():
    torch.manual_seed(0)
    network = InverseGraphics(dataclasses.replace(SHAPE, symmetric=False)).eval()
    torch.nn.init.normal_(network.shape_head.offsets.weight, std=0.1)
    with torch.no_grad():
        read = network(torch.rand(2, 3, 32, 32), torch.ones(2, 1, 32, 32))
    assert read.textures.shape == (2, 3, 16, 32)
    assert (read.textures.flip(-1) - read.textures).abs().max() > 1e-4
    mirrored = read.vertices[:, torch.from_numpy(network.template.mirror).long()]
    assert (mirrored * torch.tensor([-1.0, 1, 1]) - read.vertices).abs().max() > 0.01


def test_vertices_are_the_mean_shape_plus_offsets_in_the_middle_of_their_box(network, prediction):
    head = network.shape_head
    mean = head.on_own_side(head.sphere + head.whole(head.mean * head.MEAN_GAIN))
    moved = mean + prediction.offsets
    shift = prediction.vertices - moved
    up_and_along = shift[..., 1:]
    torch.testing.assert_close(up_and_along, up_and_along[:, :1].expand_as(up_and_along))
    far = moved[..., 0] * head.side > 0.1  # not held back at the mirror plane
    assert far.any() and shift[..., 0][far].abs().max() < 1e-3
    assert shift.abs().max() > 1e-3
    low, high = prediction.vertices.amin(1), prediction.vertices.amax(1)
    torch.testing.assert_close(low, -high)


def test_no_vertex_crosses_the_mirror_plane_and_each_can_come_away_from_it(network):
    head = network.shape_head
    pushed = head.sphere - 0.6 * torch.tensor([1.0, 0, 0]) * head.side[:, None]
    pushed.requires_grad_()
    kept = head.on_own_side(pushed)
    assert ((head.sphere - pushed).abs()[:, 0] > 0).any()
    off_plane = head.sphere[:, 0].abs() > 1e-6
    assert (kept[:, 0] * head.sphere[:, 0])[off_plane].min() > 0
    assert kept[~off_plane, 0].abs().max() == 0
    torch.testing.assert_close(kept[:, 1:], pushed[:, 1:])
    (gradient,) = torch.autograd.grad(kept[:, 0].sum(), pushed)
    assert gradient[off_plane, 0].min() > 0


def test_what_stands_around_the_object_is_not_seen(network):
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 8:24, 8:24] = 1
    image = torch.rand(1, 3, 32, 32)
    other = torch.where(mask.bool(), image, torch.rand(1, 3, 32, 32))
    with torch.no_grad():
        torch.testing.assert_close(network(image, mask), network(other, mask))


def test_the_azimuth_reads_back_the_soft_bins_of_any_angle():
    head = CameraHead(4)
    angles = torch.tensor([0.0, 3.0, 97.5, 179.0, 268.2, 359.0])
    logits = torch.log(azimuth_targets(angles) + 1e-9)
    head.azimuth = torch.nn.Identity()
    head.hidden = torch.nn.Identity()
    head.rest = torch.nn.Linear(AZIMUTH_BINS, 4)
    shifted = logits - logits.min()  # the head's ReLU passes it; softmax ignores the shift
    cameras, confidences, _ = head(shifted)
    error = (cameras[:, 0] - angles + 180) % 360 - 180
    assert error.abs().max() < 0.5
    assert confidences.min() > 0.99


def test_a_second_peak_on_the_far_side_does_not_pull_the_azimuth():
    head = CameraHead(4)
    head.azimuth = head.hidden = torch.nn.Identity()
    head.rest = torch.nn.Linear(AZIMUTH_BINS, 4)
    logits = torch.zeros(1, AZIMUTH_BINS)
    logits[0, 6], logits[0, 18] = 10.0, 9.5
    cameras, confidences, _ = head(logits)
    assert cameras[0, 0].item() == pytest.approx(90, abs=0.1)
    assert confidences[0] < 0.7


def test_weights_come_back_with_their_sizes(network, tmp_path):
    path = tmp_path / "inverse_graphics.safetensors"
    save_inverse_graphics(path, network)
    again = load_inverse_graphics(path)
    assert again.shape == SHAPE
    images, masks = torch.rand(2, 3, 32, 32), torch.ones(2, 1, 32, 32)
    with torch.no_grad():
        ours, theirs = network(images, masks), again(images, masks)
    np.testing.assert_allclose(ours.vertices, theirs.vertices, atol=2e-3)


def test_the_mean_colour_of_the_object_reaches_the_texture(network):
    images, masks = torch.zeros(2, 3, 32, 32), torch.zeros(2, 1, 32, 32)
    images[0, 0], images[1, 2] = 0.9, 0.9
    masks[..., 8:24, 8:24] = 1
    with torch.no_grad():
        red, blue = network(images, masks).textures.mean((2, 3))
    assert red[0] > red[2] + 0.2 and blue[2] > blue[0] + 0.2


def test_an_empty_mask_still_gives_finite_numbers(network):
    with torch.no_grad():
        prediction = network(torch.rand(1, 3, 32, 32), torch.zeros(1, 1, 32, 32))
    assert all(torch.isfinite(value).all() for value in prediction)


def test_smaller_images_are_enlarged_to_the_side_that_the_camera_is_read_at():
    torch.manual_seed(0)
    large = InverseGraphics(dataclasses.replace(SHAPE, size=128)).eval()
    images, masks = torch.rand(2, 3, 64, 64), torch.ones(2, 1, 64, 64)
    with torch.no_grad():
        read = large(images, masks)
        cameras, confidences, logits = large.camera(images, masks)
        twice = large.camera(
            *(F.interpolate(v, scale_factor=2.0, mode="bilinear") for v in (images, masks))
        )
    assert read.vertices.shape == (2, len(large.template.vertices), 3)
    torch.testing.assert_close((cameras, confidences, logits), (read[3], read[4], read[5]))
    torch.testing.assert_close(twice, (cameras, confidences, logits))


def test_the_served_probabilities_are_those_of_the_temperature():
    torch.manual_seed(0)
    warm = InverseGraphics(SHAPE).eval()
    pixels, masks = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8), torch.ones(2, 32, 32)
    with torch.no_grad():
        logits = warm(pixels.permute(0, 3, 1, 2) / 255, masks[:, None]).azimuth_logits
        warm.camera_head.temperature.fill_(0.5)
        served = InverseGraphicsGraph(warm)(pixels, masks)
    torch.testing.assert_close(served.azimuth_probabilities, (logits * 2).softmax(-1))
    top = served.azimuth_probabilities.argmax(-1, keepdim=True)
    around = served.azimuth_probabilities.gather(1, (top + torch.tensor([-1, 0, 1])) % AZIMUTH_BINS)
    torch.testing.assert_close(served.confidences, around.sum(1))
