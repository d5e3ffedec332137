"""Suggestions for the annotation of further viewpoint codes, from those annotated first (ours).

With few codes a network confuses a body with a direction: in a plain GAN both go with the code. A
classifier is trained on images of the annotated codes under many contents. It then classifies the
other candidates, each under several contents. Candidates with nearly the same azimuth under all
contents are shown to the person, filled in. Somebody has to look at them: the classifier confuses
front and back under all contents alike, and a pose estimator trained on that repeats it.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphics.camera import AZIMUTH, CAMERA_SIZE, ELEVATION
from train.annotation.table import FIRST_ELEVATION_DEGREES, nearest_bins
from train.annotation.viewpoint_choice import best_of_bins, score_codes
from train.config import Config
from train.metrics.view_content_grid import consistency
from train.models.attributes import AttributeClassifier
from train.models.generated import as_pixels, generate, sample_contents
from train.models.generator import Generator
from train.pose.self_training import FULL_COLOUR, TrainingSet, train_estimator
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace

CONTENTS = 512
"""Content codes under which the classifier sees the annotated codes."""


class Suggested(NamedTuple):
    """Codes that no person has annotated."""

    codes: np.ndarray
    """f32 [K, code], by azimuth and then the steadiest first."""
    bins: np.ndarray
    """int32 [K] degrees, as classified under most contents."""
    stds: np.ndarray
    """f32 [K] degrees: circular standard deviation of the azimuth over the contents."""
    flip_rates: np.ndarray
    """f32 [K] in 0..1."""


class GeneratedTrainingSet:
    """Images of view codes x contents, generated when they are indexed; contents change fastest."""

    def __init__(self, generator: Generator, views: Tensor, contents: Tensor) -> None:
        self.generator, self.views, self.contents = generator, views, contents
        side = generator.shape.size
        self.shape = (len(views) * len(contents), side, side, 3)

    def __getitem__(self, numbers: np.ndarray) -> np.ndarray:  # uint8 [B, R, R, 3]
        view, content = np.divmod(numbers, len(self.contents))
        images = generate(self.generator, self.contents[content], self.views[view])
        return as_pixels(images).numpy()


def suggest(
    config: Config,
    workspace: Workspace,
    generator: Generator,
    annotated: tuple[Tensor, np.ndarray],  # codes [K, code] and their bins [K] in degrees
    candidates: tuple[Tensor, Tensor],  # codes [N, code] not yet annotated, contents [C, code]
) -> Suggested:
    """Classify the candidates by a network trained on the annotated codes; take the steadiest.

    Goes on where a killed run stopped.
    """
    folder = StageFolder(workspace.stage("viewpoints").path / "suggestions")
    settings = config.viewpoints
    network = _trained(config, workspace, folder, generator, annotated)
    codes, contents = candidates
    readings = score_codes(workspace, folder, (generator, network), candidates)
    measured = consistency(readings.azimuths.reshape(len(codes), len(contents)))
    chosen = best_of_bins(measured, measured.stds, settings.suggested_per_bin, settings)
    bins = nearest_bins(measured.centres[chosen])
    found = codes[torch.from_numpy(chosen)].cpu().numpy()
    return Suggested(found, bins, measured.stds[chosen], measured.flip_rates[chosen])


def _trained(
    config: Config,
    workspace: Workspace,
    folder: StageFolder,
    generator: Generator,
    annotated: tuple[Tensor, np.ndarray],
) -> AttributeClassifier:
    codes, bins = annotated
    rng = torch.Generator().manual_seed(config.seed + 1)
    contents = sample_contents(generator, CONTENTS, 1.0, rng)
    images = GeneratedTrainingSet(generator, codes, contents)
    cameras = np.zeros((len(codes) * CONTENTS, CAMERA_SIZE), np.float32)
    cameras[:, AZIMUTH] = np.repeat(bins, CONTENTS)
    cameras[:, ELEVATION] = FIRST_ELEVATION_DEGREES
    training_set = TrainingSet(images, cameras, np.ones(len(cameras), bool), FULL_COLOUR)
    progress = Progress(workspace, "viewpoints", config.viewpoints.suggestion_steps)
    return train_estimator(folder, progress, training_set, config.seed)
