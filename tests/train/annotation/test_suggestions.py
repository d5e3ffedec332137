import numpy as np
import pytest
import torch

from graphics.camera import azimuth_difference_degrees
from tests.train.stages.generated_run import config
from train.annotation import suggestions, viewpoint_choice
from train.config import ViewpointsConfig
from train.metrics.view_content_grid import Consistency
from train.models.generator import Generator, GeneratorShape
from train.running.workspace import Workspace

pytestmark = pytest.mark.slow

SIZE = 32


class Clock(Generator):
    """Generates a dot where the view code's first two numbers point to, in the content's colour."""

    def styles(self, content, view, cut=None):
        return content, view

    def synthesize(self, styles, noise=None, rng=None):
        content, view = styles
        centres = 0.6 * torch.nn.functional.normalize(view[:, :2], dim=1)
        line = (torch.arange(SIZE) * 2 + 1 - SIZE) / SIZE
        x, y = line[None, None, :], -line[None, :, None]
        apart = (x - centres[:, :1, None]) ** 2 + (y - centres[:, 1:2, None]) ** 2
        dots = torch.exp(-apart / 0.03)[:, None]  # [B, 1, R, R]
        return dots * torch.sigmoid(content[:, :3, None, None]) * 2 - 1


def clock() -> Generator:
    torch.manual_seed(0)
    return Clock(GeneratorShape(SIZE, channels=(8, 8, 8, 8)))


def codes_at(azimuths: np.ndarray) -> torch.Tensor:
    """Mirroring an image turns the azimuth's sign, so it runs from the top."""
    codes = torch.zeros(len(azimuths), 64)
    angles = torch.from_numpy(np.deg2rad(azimuths)).float()
    codes[:, 0], codes[:, 1] = angles.sin(), angles.cos()
    return codes


def suggest(path, steps=80):
    settings = config(
        viewpoints=ViewpointsConfig(suggested_per_bin=3, suggestion_steps=steps, contents=4)
    )
    bins = np.arange(0, 360, 30)
    contents = torch.randn((4, 64), generator=torch.Generator().manual_seed(3))
    candidates = codes_at(np.arange(5.0, 365, 15)), contents
    return suggestions.suggest(
        settings, Workspace(path), clock(), (codes_at(bins), bins), candidates
    )


def test_codes_not_yet_annotated_get_the_azimuth_that_their_images_show(tmp_path):
    suggested = suggest(tmp_path)
    truth = np.rad2deg(np.arctan2(suggested.codes[:, 0], suggested.codes[:, 1]))
    assert len(truth) >= 18
    assert np.median(azimuth_difference_degrees(suggested.bins, truth)) <= 15
    assert azimuth_difference_degrees(suggested.bins, truth).max() < 60


def test_the_steadiest_of_each_bin_are_taken():
    measured = Consistency(
        centres=np.array([1.0, -3, 2, 91, 180, 95], np.float32),
        stds=np.array([9.0, 3, 5, 2, 30, 1], np.float32),
        flip_rates=np.zeros(6, np.float32),
    )
    best_of_bins = viewpoint_choice.best_of_bins
    settings = ViewpointsConfig(largest_std_degrees=20)
    assert best_of_bins(measured, measured.stds, 2, settings).tolist() == [1, 2, 5, 3]
    more = ViewpointsConfig(largest_std_degrees=40)
    assert best_of_bins(measured, measured.stds, 3, more).tolist() == [1, 2, 0, 5, 3, 4]


def test_a_killed_classification_goes_on_and_ends_with_the_same(tmp_path, monkeypatch):
    whole = suggest(tmp_path / "whole", steps=2)
    monkeypatch.setattr("train.running.workspace.CHECKPOINT_SECONDS", -1.0)
    real, asked = viewpoint_choice.generate_grid, []

    def until_killed(*arguments):
        asked.append(1)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(viewpoint_choice, "generate_grid", until_killed)
    with pytest.raises(KeyboardInterrupt):
        suggest(tmp_path / "killed", steps=2)
    again = suggest(tmp_path / "killed", steps=2)
    assert len(asked) == 6 + 1  # 24 codes, 4 a step, the third step twice
    for expected, got in zip(whole, again, strict=True):
        assert np.array_equal(expected, got)
