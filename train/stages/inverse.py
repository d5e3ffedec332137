"""Inverse graphics (paper 3.2): learns shape, texture and camera from the multi-view images.

    python -m train.cycle --stages inverse

Each step samples objects with two views each, predicts shape and texture from both and renders all
four combinations (eq. 2), so that each view supervises what the other cannot see. The cameras of
the viewpoint codes are optimised jointly. From round 1 on photographs with estimated cameras join
as single views (ours): a network trained on generated images alone fails where photographs look
different. Unlabelled elevations are estimated per object, and label the next round.

Leaves `inverse_graphics.safetensors`, `cameras.npz` (`cameras`, `initial` [K, 5] and, where they
were unlabelled, `elevations` f32 [N] of the objects) and `mean.npz` (`vertices`, `texture`). Where
the evaluation wants it, the folder `single_view` holds the same of a network trained on single
views.
"""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from graphics.camera import ELEVATION
from train.config import PROCEDURAL, Config, InverseConfig
from train.data.cutouts import CutOutBatch, CutOuts
from train.data.multiview import MultiviewData
from train.data.stream import LabelledPhotographs
from train.data.template_file import read_template
from train.evaluation.viewpoint_cameras import viewpoint_camera_errors
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

ELEVATION_VIEWS = 4  # views of every object whose mean prediction is its elevation
BATCH = 64


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Train the network of this round; goes on from the previous round's."""
    folder, settings = workspace.stage("inverse", round), config.inverse
    started = asdict(settings)
    # A run may go on with another number of processes: it sees the same images.
    del started["processes"]
    started["symmetric"] = settings.symmetric == "x"  # runs older than its names go on
    if not settings.template:
        del started["template"]
    folder.start(started)
    if round == 0 and config.rounds > 1 and settings.first_steps:
        settings = replace(settings, steps=settings.first_steps)
    facts = _launch(config, workspace, round, folder, settings)
    compared = config.evaluate.single_view_baseline and config.shows_vehicles  # with ground truth
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
    """Train in each of the processes; rank 0 alone writes.

    Returns:
        How far the cameras moved, and the last step's terms.
    """
    torch.manual_seed(config.seed + round)
    training = InverseTraining(
        settings,
        _initial_network(config, workspace, round, settings),
        _examples(config, workspace, round, settings, device.device),
        _features(workspace, round, settings),
        config.seed * 1_000 + round,
        device,
    )
    loop = StepLoop(folder, settings.steps, training.state_dict, writes=device.is_rank_zero)
    loop.resume(training.load_state_dict)
    progress = Progress(workspace, "inverse", settings.steps, round, silent=not device.is_rank_zero)
    picture_every = max(settings.steps // 10, 1)
    terms = {}
    for step in loop:
        terms = training.step(step)
        progress.tick(step + 1, **terms)
        if device.is_rank_zero and (step + 1) % picture_every == 0:
            _write_pictures(folder.file(f"images/{step + 1:06d}.png"), training)
    facts = {name: round_to(float(value)) for name, value in terms.items()}
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
    return new_network(settings)


def new_network(settings: InverseConfig) -> InverseGraphics:
    """The network as the settings shape it, on their template, freshly initialised.

    Raises:
        ConfigError: the mesh --template cannot be used.
    """
    names = ("width", "template_level", "texture_size")
    sizes = {name: getattr(settings, name) for name in names}
    symmetric, template = settings.symmetric == "x", None
    if settings.template:
        template = read_template(Path(settings.template), symmetric)
    return InverseGraphics(
        InverseGraphicsShape(settings.size, symmetric=symmetric, **sizes), template
    )


def _features(workspace: Workspace, round: int, settings: InverseConfig) -> nn.Module:
    """The features of the perceptual term."""
    if settings.vgg:
        return VggFeatures(Path(settings.vgg))
    gan = workspace.stage("gan", round)
    return DiscriminatorFeatures(gan.require("discriminator.safetensors"))


def _examples(
    config: Config,
    workspace: Workspace,
    round: int,
    settings: InverseConfig,
    device: torch.device,
) -> Examples:
    """Generated views, cut-outs, from round 1 on the photographs that stage cameras labelled."""
    generated = MultiviewData(workspace.stage("multiview", round).require("index.npz").parent)
    cutouts = None
    if settings.cutouts and config.cutouts.wanted:
        made = workspace.stage("cutouts").require("images.npy").parent
        cutouts = CutOuts(CutOutBatch.read(made), settings.photographed_share, device)
    if round == 0 or not settings.photographs:
        return Examples(generated, cutouts=cutouts)
    with np.load(workspace.stage("cameras", round).require("labels.npz")) as labels:
        cameras, keep = labels["cameras"], labels["keep"]
    images = np.load(workspace.stage("photographs").require("images.npy"), mmap_mode="r")
    segment = load_segmenter(workspace.stage("segmenter").path, device)
    photographs = LabelledPhotographs(images, cameras, keep, segment, device)
    return Examples(generated, photographs, cutouts)


def _write_pictures(path: Path, training: InverseTraining) -> None:
    """Write predictions for the same eight images each time."""
    device = training.device.device
    images, masks = training.data.load(np.arange(8) * (len(training.data) // 8))
    images, masks = images.to(device), masks.to(device)
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
    """Elevation of every object in degrees, the mean prediction from some of its views.

    A GAN without labelled elevations generates all views of an object from one elevation.
    """
    data, device = training.data, training.device
    chosen = data.some_views(ELEVATION_VIEWS)
    found = []
    for part in np.split(chosen, range(BATCH, len(chosen), BATCH)):
        images, masks = (values.to(device.device) for values in data.load(part))
        images = images.contiguous(memory_format=torch.channels_last)
        with device.autocast():
            prediction = training.average(images, masks[:, None])
        found.append(prediction.cameras[:, ELEVATION].float().cpu().numpy())
    objects = data.object[chosen]
    sums = np.bincount(objects, np.concatenate(found), len(data.content_codes))
    counts = np.bincount(objects, minlength=len(data.content_codes))
    return (sums / np.maximum(counts, 1)).astype(np.float32)


def _camera_errors(config: Config, workspace: Workspace, round: int) -> dict[str, float]:
    """Errors of the viewpoints' cameras before and after, by the attribute classifier."""
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
    """Write the mean predicted training shape and texture, a baseline of the evaluation."""
    device = training.device.device
    indices = np.linspace(0, len(training.data) - 1, 512).astype(int)
    vertices, textures = [], []
    for part in np.array_split(indices, 16):
        images, masks = training.data.load(part)
        prediction = training.average(images.to(device), masks.to(device)[:, None])
        vertices.append(prediction.vertices.cpu().numpy())
        textures.append(prediction.textures.cpu().numpy())
    shape, texture = (np.concatenate(parts).mean(0) for parts in (vertices, textures))
    folder.save_arrays("mean.npz", {"vertices": shape, "texture": texture})
