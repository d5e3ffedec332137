"""Inverse graphics (paper 3.2): learns shape, texture and camera from the multi-view images.

    python -m train.cycle --stages inverse

Each step draws objects with two views each, predicts shape and texture from both and renders all
four combinations (eq. 2), so that what one view cannot see is taught by the other. The cameras of
the viewpoint codes are optimised jointly. From round 1 on photographs whose cameras were read join
as single views (ours): a network taught on generated images alone is at a loss where photographs
look different. Where nobody told the elevations, the network's own are taken, and told to the next
round. Leaves `inverse_graphics.safetensors`, `cameras.npz` (`cameras`, `initial` [K, 5], and then
`elevations` f32 [N], the objects'), `mean.npz` (`vertices`, `texture`) and, where the evaluation
wants it, the folder `single_view` with the same of a network taught from single views.
"""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from graphics.camera import ELEVATION
from train.config import PROCEDURAL, Config, InverseConfig
from train.data.labelled_photographs import LabelledPhotographs
from train.data.multiview import MultiviewData
from train.metrics.viewpoint_cameras import viewpoint_camera_errors
from train.models.inverse_graphics import (
    InverseGraphics,
    InverseGraphicsShape,
    load_inverse_graphics,
    save_inverse_graphics,
)
from train.models.perceptual import DiscriminatorFeatures, VggFeatures
from train.models.segmenter import load_segmenter
from train.pictures.grid import write_grid
from train.pictures.predictions import pictures_of
from train.pose.attribute_classifier import load_attribute_classifier
from train.running.device import Device, launch, processes_for
from train.running.progress import Progress
from train.running.workspace import StageFolder, StepLoop, Workspace, round_to
from train.steps.inverse import Examples, InverseTraining

READ_VIEWS = 4
"""Of every object, for its elevation."""
READ_AT_ONCE = 64
"""Images."""


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Train the network of this round; goes on from the previous round's."""
    folder, settings = workspace.stage("inverse", round), config.inverse
    started = asdict(settings)
    # A run may go on with another number of processes: it sees the same images.
    del started["processes"]
    folder.start(started)
    if round == 0 and config.rounds > 1 and settings.first_steps:
        settings = replace(settings, steps=settings.first_steps)
    facts = _launch(config, workspace, round, folder, settings)
    compared = config.evaluate.single_view_baseline and config.shows_vehicles  # there is truth
    if compared and round == config.rounds - 1:
        # The baseline of the paper's PASCAL3D+ row: equal in all but the second view.
        steps = config.evaluate.baseline_steps or config.inverse.steps
        single = replace(config.inverse, views=1, steps=steps)
        _launch(config, workspace, round, StageFolder(folder.path / "single_view"), single)
    folder.finish(**facts, **_camera_errors(config, workspace, round))


def _launch(
    config: Config, workspace: Workspace, round: int, folder: StageFolder, settings: InverseConfig
) -> dict[str, float]:
    processes = settings.processes or processes_for(settings.batch_size * settings.views)
    return launch(_train, processes, "auto", config, workspace, round, folder, settings)


def _train(
    device: Device,
    config: Config,
    workspace: Workspace,
    round: int,
    folder: StageFolder,
    settings: InverseConfig,
) -> dict[str, float]:
    """The whole training, in each of the processes; the first one alone writes.

    Returns:
        How far the cameras moved, and the last step's terms.
    """
    torch.manual_seed(config.seed + round)
    training = InverseTraining(
        settings,
        _initial_network(config, workspace, round, settings),
        _examples(workspace, round, settings, device.device),
        _features(workspace, round, settings),
        config.seed * 1_000 + round,
        device,
    )
    loop = StepLoop(folder, settings.steps, training.state_dict, writes=device.is_rank_zero)
    if (checkpoint := folder.load_checkpoint()) is not None:
        training.load_state_dict(checkpoint)
        loop.first = checkpoint["step"]
    progress = Progress(workspace, "inverse", settings.steps, round, silent=not device.is_rank_zero)
    picture_every = max(settings.steps // 10, 1)
    terms = {}
    for step in loop:
        terms = training.step(step)
        progress.tick(step + 1, **terms)
        if device.is_rank_zero and (step + 1) % picture_every == 0:
            _write_pictures(folder.file(f"images/{step + 1:06d}.png"), training)
    facts = {name: round_to(value) for name, value in terms.items()}
    if device.is_rank_zero:
        save_inverse_graphics(folder.file("inverse_graphics.safetensors"), training.average)
        facts |= _write_cameras(folder, training)
        _write_mean(folder, training)
    return facts


def _initial_network(
    config: Config, workspace: Workspace, round: int, settings: InverseConfig
) -> InverseGraphics:
    """The previous round's, or a new one; the single-view baseline starts anew in any round."""
    if round > 0 and settings.views > 1 and not settings.anew:
        before = workspace.stage("inverse", round - 1)
        return load_inverse_graphics(before.require("inverse_graphics.safetensors")).train()
    shape = InverseGraphicsShape(
        config.photographs.size,
        settings.width,
        settings.template_level,
        settings.texture_size,
        settings.symmetric,
    )
    return InverseGraphics(shape)


def _features(workspace: Workspace, round: int, settings: InverseConfig) -> nn.Module:
    """What the perceptual term compares."""
    if settings.vgg:
        return VggFeatures(Path(settings.vgg))
    gan = workspace.stage("gan", round)
    return DiscriminatorFeatures(gan.require("discriminator.safetensors"))


def _examples(
    workspace: Workspace, round: int, settings: InverseConfig, place: torch.device
) -> Examples:
    """The generated views, and from round 1 on the photographs that stage cameras labelled."""
    generated = MultiviewData(workspace.stage("multiview", round).require("index.npz").parent)
    if round == 0 or not settings.photographs:
        return Examples(generated, None)
    with np.load(workspace.stage("cameras", round).require("labels.npz")) as labels:
        cameras, keep = labels["cameras"], labels["keep"]
    images = np.load(workspace.stage("photographs").require("images.npy"), mmap_mode="r")
    segment = load_segmenter(workspace.stage("segmenter").path, place)
    return Examples(generated, LabelledPhotographs(images, cameras, keep, segment, place))


def _write_pictures(path: Path, training: InverseTraining) -> None:
    """The same eight images each time."""
    place = training.device.device
    images, masks = training.data.load(np.arange(8) * (len(training.data) // 8))
    images, masks = images.to(place), masks.to(place)
    cells = pictures_of(training.average, training.renderer, images, masks)
    write_grid(path, cells.flatten(0, 1), cells.shape[1], enlarge=2)


def _write_cameras(folder: StageFolder, training: InverseTraining) -> dict[str, float]:
    cameras = training.cameras().detach().cpu().numpy().astype(np.float32)
    initial = training.initial_cameras.cpu().numpy()
    moved = np.abs(cameras - initial)
    arrays = {"cameras": cameras, "initial": initial}
    facts = {"azimuth_moved_median_degrees": round_to(np.median(moved[:, 0]))}
    if np.isnan(initial[:, ELEVATION]).any():
        arrays["elevations"] = _elevations(training)
    else:
        facts["elevation_moved_median_degrees"] = round_to(np.median(moved[:, 1]))
    folder.save_arrays("cameras.npz", arrays)
    return facts


@torch.no_grad()
def _elevations(training: InverseTraining) -> NDArray[np.float32]:  # [N]
    """Of every object in degrees, the mean of what is predicted from some of its views: a GAN that
    nobody told elevations draws them all from one."""
    data, device = training.data, training.device
    chosen = data.some_views(READ_VIEWS)
    said = []
    for part in np.split(chosen, range(READ_AT_ONCE, len(chosen), READ_AT_ONCE)):
        images, masks = (values.to(device.device) for values in data.load(part))
        images = images.contiguous(memory_format=torch.channels_last)
        with device.autocast():
            prediction = training.average(images, masks[:, None])
        said.append(prediction.cameras[:, ELEVATION].float().cpu().numpy())
    objects = data.object[chosen]
    sums = np.bincount(objects, np.concatenate(said), len(data.content_codes))
    counts = np.bincount(objects, minlength=len(data.content_codes))
    return (sums / np.maximum(counts, 1)).astype(np.float32)


def _camera_errors(config: Config, workspace: Workspace, round: int) -> dict[str, float]:
    """What optimising the viewpoints' cameras was worth; the attribute network reads vehicles."""
    if config.photographs.source != PROCEDURAL:
        return {}
    data = MultiviewData(workspace.stage("multiview", round).path)
    with np.load(workspace.stage("inverse", round).file("cameras.npz")) as arrays:
        cameras = arrays["cameras"]
    errors = viewpoint_camera_errors(data, cameras, load_attribute_classifier(config, workspace))
    Progress(workspace, "inverse", 1, round).say(f"{errors}")
    return errors


@torch.no_grad()
def _write_mean(folder: StageFolder, training: InverseTraining) -> None:
    """The mean predicted training shape and texture: the evaluation's floor."""
    place = training.device.device
    indices = np.linspace(0, len(training.data) - 1, 512).astype(int)
    vertices, textures = [], []
    for part in np.array_split(indices, 16):
        images, masks = training.data.load(part)
        prediction = training.average(images.to(place), masks.to(place)[:, None])
        vertices.append(prediction.vertices.cpu().numpy())
        textures.append(prediction.textures.cpu().numpy())
    mean = {
        "vertices": np.concatenate(vertices).mean(0),
        "texture": np.concatenate(textures).mean(0),
    }
    folder.save_arrays("mean.npz", mean)
