import numpy as np
import pytest
import torch

from graphics.azimuth import BINS, alternatives
from graphics.camera import AZIMUTH
from train.models.heads import CameraHead
from train.models.inverse_graphics import InverseGraphics, InverseGraphicsShape
from train.models.serving_graphs import InverseGraphicsGraph


@torch.no_grad()
def test_the_confidences_are_of_the_probabilities_peaks():
    """What calibrates the ones has to calibrate the others."""
    torch.manual_seed(0)
    network = InverseGraphics(InverseGraphicsShape(32, 8, 1, 16)).eval()
    torch.nn.init.normal_(network.camera_head.azimuth.weight, std=3)
    images = torch.randint(0, 256, (6, 32, 32, 3), dtype=torch.uint8)
    found = InverseGraphicsGraph(network)(images, torch.rand(6, 32, 32))
    bins = found.azimuth_probabilities
    torch.testing.assert_close(bins.sum(-1), torch.ones(6))
    peak = bins.argmax(-1)
    around = (peak[:, None] + torch.tensor([-1, 0, 1])) % BINS
    torch.testing.assert_close(bins.gather(1, around).sum(-1), found.confidences)


@torch.no_grad()
def test_another_hypothesis_is_what_the_head_would_answer_without_its_own():
    head = CameraHead(BINS)
    head.azimuth = head.hidden = torch.nn.Identity()
    logits = torch.zeros(1, BINS)
    logits[0, [5, 6, 7]] = torch.tensor([6.0, 9.0, 8.0])
    logits[0, [17, 18, 19]] = torch.tensor([8.2, 8.4, 6.5])
    cameras, confidences, read = head(logits)
    bins = read.softmax(-1)
    (other,) = alternatives(bins[0].numpy(), float(cameras[0, AZIMUTH]))
    logits[0, [5, 6, 7]] = 0
    alone, _, _ = head(logits)
    assert other.azimuth_degrees == pytest.approx(float(alone[0, AZIMUTH]), abs=1e-3)
    assert other.probability == pytest.approx(float(bins[0, 17:20].sum()))
    assert np.isclose(other.probability + float(confidences), 1, atol=0.01)
