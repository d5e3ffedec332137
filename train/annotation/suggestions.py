"""Suggestions for the annotation of further viewpoint codes, from those annotated first.

With few codes a network takes a body for a direction: in a plain GAN both go with the code. A
classifier, taught on images of the annotated ones under many contents, reads the other candidates,
each under several contents; those that it reads alike under nearly all of them are shown to the
person, filled in (ours). Somebody has to look at them: where it takes the front for the back it
does so under all contents alike, and a reader taught on its mistakes makes them too.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphics.camera import AZIMUTH, CAMERA_SIZE, ELEVATION
from train.annotation.table import BINS, FIRST_ELEVATION_DEGREES, nearest_bins
from train.config import Config, ViewpointsConfig
from train.metrics.viewpoint_consistency import Consistency, consistency
from train.models.attributes import AttributeNetwork, read_attributes
from train.models.generated import as_pixels, generate, generate_grid, sample_contents
from train.models.generator import Generator
from train.pose.multiview_estimator import FULL_COLOUR
from train.pose.self_training import TrainingSet, train_estimator
from train.running.progress import Progress
from train.running.workspace import StageFolder, StepLoop, Workspace

CONTENTS = 512
"""Content codes under which the annotated codes are shown to the classifier."""
CODES_PER_STEP = 4


class Suggested(NamedTuple):
    """Codes that nobody has looked at."""

    codes: np.ndarray
    """f32 [K, code], by azimuth and then the steadiest first."""
    bins: np.ndarray
    """int32 [K] degrees, as read under most contents."""
    stds: np.ndarray
    """f32 [K] degrees: circular standard deviation of the azimuth over the contents."""
    flip_rates: np.ndarray
    """f32 [K] in 0..1."""


class GeneratedTrainingSet:
    """Images of view codes x contents that are drawn when they are asked for, by number; the
    contents change fastest."""

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
    candidates: tuple[Tensor, Tensor],  # codes [N, code] that nobody saw, contents [C, code]
) -> Suggested:
    """Read the candidates by a classifier taught on the annotated codes, and take the steadiest.

    Goes on where a killed run stopped.
    """
    folder = StageFolder(workspace.stage("viewpoints").path / "suggestions")
    network = _taught(config, workspace, folder, generator, annotated)
    measured = consistency(_read(workspace, folder, (generator, network), candidates))
    chosen = steadiest(measured, config.viewpoints)
    codes = candidates[0][torch.from_numpy(chosen)].cpu().numpy()
    bins = nearest_bins(measured.centres[chosen])
    return Suggested(codes, bins, measured.stds[chosen], measured.flip_rates[chosen])


def steadiest(
    measured: Consistency,  # of N candidates
    settings: ViewpointsConfig,
) -> np.ndarray:  # int64 [M]
    """Indices of `suggested_per_bin` candidates of each azimuth bin, those first whose azimuth
    varies least across contents."""
    bins = nearest_bins(measured.centres)
    steady = measured.stds <= settings.largest_std_degrees
    found = []
    for centre in BINS:
        among = np.flatnonzero(steady & (bins == centre))
        order = np.argsort(measured.stds[among], kind="stable")
        found.append(among[order[: settings.suggested_per_bin]])
    return np.concatenate(found)


def _taught(
    config: Config,
    workspace: Workspace,
    folder: StageFolder,
    generator: Generator,
    annotated: tuple[Tensor, np.ndarray],
) -> AttributeNetwork:
    codes, bins = annotated
    rng = torch.Generator().manual_seed(config.seed + 1)
    contents = sample_contents(generator, CONTENTS, 1.0, rng)
    images = GeneratedTrainingSet(generator, codes, contents)
    cameras = np.zeros((len(codes), CAMERA_SIZE), np.float32)
    cameras[:, AZIMUTH], cameras[:, ELEVATION] = bins, FIRST_ELEVATION_DEGREES
    cameras = np.repeat(cameras, CONTENTS, axis=0)
    training_set = TrainingSet(images, cameras, np.ones(len(cameras), bool), FULL_COLOUR)
    steps = config.viewpoints.suggestion_steps
    progress = Progress(workspace, "viewpoints", steps)
    return train_estimator(folder, steps, progress, training_set, config.seed)


def _read(
    workspace: Workspace,
    folder: StageFolder,
    networks: tuple[Generator, AttributeNetwork],
    candidates: tuple[Tensor, Tensor],
) -> np.ndarray:  # f32 [N, C] degrees
    (generator, network), (codes, contents) = networks, candidates
    parts = codes.split(CODES_PER_STEP)
    done: list[Tensor] = []
    loop = StepLoop(folder, len(parts), lambda: {"azimuths": torch.cat(done)})
    if (checkpoint := folder.load_checkpoint()) is not None:
        done.append(checkpoint["azimuths"])
        loop.first = checkpoint["step"]
    progress = Progress(workspace, "viewpoints", len(parts))
    for step in loop:
        images = generate_grid(generator, contents, parts[step])
        done.append(torch.from_numpy(read_attributes(network, images).azimuths))
        progress.tick(step + 1, codes=(step + 1) * CODES_PER_STEP)
    return torch.cat(done).numpy().reshape(len(codes), len(contents))
