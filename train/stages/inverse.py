"""Inverse graphics (paper 3.2): learns shape, texture and camera from the multi-view images.

    python -m train.cycle --stages inverse

Each step draws objects with two views each, predicts shape and texture from both and renders all
four combinations (eq. 2), so that what one view cannot see is taught by the other. The cameras of
the viewpoint codes are optimised jointly. From round 1 on photographs whose cameras were read join
as single views (ours): a network taught on generated images alone is at a loss where photographs
look different. Leaves `inverse_graphics.safetensors`, `cameras.npz`
(`cameras`, `initial` [K, 5]), `mean.npz` (`vertices`, `texture`) and, where the evaluation wants
it, `single_view.safetensors`: the same network taught from single views.
"""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from graphics.camera import NOMINAL_DISTANCE
from train.config import Config, InverseConfig
from train.data.augmentation import augment_views
from train.data.labelled_photographs import LabelledPhotographs
from train.data.multiview import MultiviewData
from train.device import Device
from train.losses.multiview import COVERED, MultiviewLoss, Views
from train.models.inverse_graphics import (
    InverseGraphics,
    InverseGraphicsShape,
    Prediction,
    load_inverse_graphics,
    save_inverse_graphics,
)
from train.models.perceptual import DiscriminatorFeatures, VggFeatures
from train.models.segmenter import load_segmenter
from train.pictures import write_grid
from train.progress import Progress
from train.renderer.render import Renderer
from train.workspace import StageFolder, StepLoop, Workspace

WARM_UP = 100
"""Steps over which the learning rate rises."""
DECAY_FROM = 0.6
"""Share of the steps after which the learning rate falls to zero."""
AVERAGE_DECAY = 0.995
"""Of the weights that are kept (exponential moving average)."""
BOX = 0.08
"""How far the soft mask reaches beyond a face, in the [-1, 1] image plane: 2.5 px at 64 px."""


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Train the network of this round; goes on from the previous round's."""
    folder = workspace.stage("inverse", round)
    folder.start(config.inverse)
    torch.manual_seed(config.seed + round)
    settings = config.inverse
    if round == 0 and config.rounds > 1 and settings.first_steps:
        settings = replace(settings, steps=settings.first_steps)
    two_views = Training(config, workspace, round, folder, settings)
    two_views.run()
    save_inverse_graphics(folder.file("inverse_graphics.safetensors"), two_views.average)
    facts = _write_cameras(folder, two_views)
    _write_mean(folder, two_views)
    if config.evaluate.single_view_baseline and round == config.rounds - 1:
        _train_single_view(config, workspace, round, folder)
    folder.finish(**facts, **two_views.last)


def _train_single_view(
    config: Config, workspace: Workspace, round: int, folder: StageFolder
) -> None:
    """The baseline of the paper's PASCAL3D+ row: equal in all but the second view."""
    settings = replace(
        config.inverse, views=1, steps=config.evaluate.baseline_steps or config.inverse.steps
    )
    single = Training(config, workspace, round, StageFolder(folder.path / "single_view"), settings)
    single.run()
    save_inverse_graphics(folder.file("single_view.safetensors"), single.average)


class Training:
    """One network's training: what it holds, one step of it, and its checkpoints."""

    def __init__(
        self,
        config: Config,
        workspace: Workspace,
        round: int,
        folder: StageFolder,
        settings: InverseConfig,
    ) -> None:
        self.settings, self.folder, self.round = settings, folder, round
        self.device = Device()
        self.data = MultiviewData(workspace.stage("multiview", round).require("index.npz").parent)
        self.photographs = _photographs(workspace, round) if settings.photographs else None
        size = config.photographs.size
        self.network = self._initial_network(workspace, size).to(
            self.device.device, memory_format=torch.channels_last
        )
        self.average = deepcopy(self.network).eval().requires_grad_(False)
        self.renderer = Renderer(
            self.network.template, size, sigmainv=settings.sigmainv, boxlen=BOX, knum=60
        )
        self.initial_cameras = torch.from_numpy(self.data.initial_cameras).to(self.device.device)
        # In units of 10 degrees, so that Adam moves angles and weights at like rates.
        self.moves = nn.Parameter(torch.zeros(len(self.initial_cameras), 2).to(self.device.device))
        self.optimizer = torch.optim.Adam(
            [
                {"params": self.network.parameters(), "rate": settings.learning_rate},
                {"params": [self.moves], "rate": settings.camera_learning_rate},
            ],
            betas=(0.9, 0.98),
        )
        features = (
            VggFeatures(Path(settings.vgg))
            if settings.vgg
            else DiscriminatorFeatures(
                workspace.stage("gan", round).require("discriminator.safetensors")
            )
        )
        self.loss = MultiviewLoss(self.renderer, features.to(self.device.device), settings)
        self.random = torch.Generator().manual_seed(config.seed * 1_000 + round)
        self.progress = Progress(workspace, "inverse", settings.steps, round)
        self.last: dict[str, float] = {}

    def _initial_network(self, workspace: Workspace, size: int) -> InverseGraphics:
        shape = InverseGraphicsShape(
            size, self.settings.width, self.settings.template_level, self.settings.texture_size
        )
        if self.round > 0 and self.settings.views > 1:
            before = workspace.stage("inverse", self.round - 1)
            return load_inverse_graphics(before.require("inverse_graphics.safetensors")).train()
        return InverseGraphics(shape)

    def state(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "moves": self.moves.data,
            "random": self.random.get_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.moves.data.copy_(state["moves"])
        self.random.set_state(state["random"])

    def run(self) -> None:
        """Train to the end, from the newest checkpoint where there is one."""
        loop = StepLoop(self.folder, self.settings.steps, self.state)
        saved = self.folder.load_checkpoint()
        if saved:
            self.restore(saved)
            loop.first = saved["step"]
        picture_every = max(self.settings.steps // 10, 1)
        for step in loop:
            terms = self.step(step)
            self.progress.tick(step + 1, **terms)
            if (step + 1) % picture_every == 0:
                self.write_pictures(step + 1)
                self.last = {name: round(float(value), 5) for name, value in terms.items()}

    def cameras(self) -> Tensor:
        """The optimised cameras of the viewpoint codes, [K, 5]."""
        cameras = self.initial_cameras.clone()
        cameras[:, :2] = cameras[:, :2] + 10 * self.moves
        return cameras

    def views(self) -> Views:
        """Draw the next step's images: views of generated objects, then labelled photographs."""
        settings, place = self.settings, self.device.device
        indices = self.data.sample_pairs(settings.batch_size, self.random, settings.views)
        objects = torch.arange(settings.batch_size).repeat_interleave(settings.views)
        images, masks = self.data.load(indices.reshape(-1))
        viewpoints = torch.from_numpy(self.data.viewpoint[indices.reshape(-1)]).long()
        cameras = self.cameras()[viewpoints.to(place)]
        if self.photographs is not None:
            taken = self.photographs.draw(settings.photographs, self.random)
            images, masks = torch.cat((images, taken.images)), torch.cat((masks, taken.masks))
            cameras = torch.cat((cameras, taken.cameras.to(place)))
            objects = torch.cat((objects, len(indices) + torch.arange(len(taken.images))))
        changed = augment_views(images.to(place), masks.to(place), self.random)
        sign = torch.where(changed.mirrored, -1.0, 1.0)
        cameras = torch.cat((cameras[:, :1] * sign[:, None], cameras[:, 1:]), 1)
        return Views(changed.images, changed.seen, changed.masks, cameras, objects)

    def step(self, step: int) -> dict[str, Tensor]:
        """One optimisation step; returns the terms of eq. 1 before their weights."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * _schedule(step, self.settings.steps)
        views = self.views()
        with self.device.autocast():
            prediction = self.network(
                views.seen.contiguous(memory_format=torch.channels_last), views.masks[:, None]
            )
        prediction = Prediction(*(value.float() for value in prediction))
        terms = self.loss.terms(views, prediction, step >= self.settings.perceptual_after)
        loss = self.loss.total(terms)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimizer.step()
        self._update_average(step)
        return {"loss": loss.detach(), **{name: term.detach() for name, term in terms.items()}}

    @torch.no_grad()
    def _update_average(self, step: int) -> None:
        decay = min(AVERAGE_DECAY, (step + 1) / (step + 10))
        theirs = dict(self.network.state_dict())
        for name, value in self.average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(theirs[name], 1 - decay)
            else:
                value.copy_(theirs[name])

    @torch.no_grad()
    def write_pictures(self, step: int) -> None:
        """Rows: input | re-render | four turned views, for the same eight images each time."""
        images, masks = self.data.load(np.arange(8) * (len(self.data.viewpoint) // 8))
        images, masks = images.to(self.device.device), masks.to(self.device.device)
        prediction = self.average(images, masks[:, None])
        columns = [images * masks[:, None] + 0.5 * (1 - masks[:, None])]
        for turn in (None, 0, 90, 180, 270):
            cameras = prediction.cameras.clone()
            if turn is not None:
                cameras = torch.tensor([turn + 35.0, 15.0, NOMINAL_DISTANCE, 0, 0])
                cameras = cameras.expand(len(images), 5).to(images.device)
            drawn = self.renderer(prediction.vertices, prediction.textures, cameras)
            hard = (drawn.masks > COVERED).float()[:, None]
            columns.append(drawn.images * hard + 0.5 * (1 - hard))
        grid = torch.stack(columns, 1).flatten(0, 1)
        write_grid(self.folder.file(f"images/{step:06d}.png"), grid, len(columns), enlarge=2)


def _photographs(workspace: Workspace, round: int) -> LabelledPhotographs | None:
    """Those that stage cameras labelled for this round; round 0 has none."""
    if round == 0:
        return None
    with np.load(workspace.stage("cameras", round).require("labels.npz")) as labels:
        cameras, keep = labels["cameras"], labels["keep"]
    images = np.load(workspace.stage("photographs").require("images.npy"), mmap_mode="r")
    segment = load_segmenter(workspace.stage("segmenter").path)
    return LabelledPhotographs(images, cameras, keep, segment)


def _schedule(step: int, steps: int) -> float:
    """Learning rate over the stage: rises, stays, falls."""
    rise = min(1.0, (step + 1) / min(WARM_UP, max(steps // 10, 1)))
    fall = min(1.0, (steps - step) / max(steps * (1 - DECAY_FROM), 1))
    return rise * fall


def _write_cameras(folder: StageFolder, training: Training) -> dict[str, float]:
    cameras = training.cameras().detach().cpu().numpy().astype(np.float32)
    initial = training.initial_cameras.cpu().numpy()
    folder.save_arrays("cameras.npz", {"cameras": cameras, "initial": initial})
    moved = np.abs(cameras - initial)
    return {
        "azimuth_moved_median_degrees": round(float(np.median(moved[:, 0])), 3),
        "elevation_moved_median_degrees": round(float(np.median(moved[:, 1])), 3),
    }


@torch.no_grad()
def _write_mean(folder: StageFolder, training: Training) -> None:
    """The mean predicted training shape and texture: the evaluation's floor."""
    indices = np.linspace(0, len(training.data.viewpoint) - 1, 512).astype(int)
    vertices, textures = [], []
    for part in np.array_split(indices, 16):
        images, masks = training.data.load(part)
        prediction = training.average(
            images.to(training.device.device), masks.to(training.device.device)[:, None]
        )
        vertices.append(prediction.vertices.cpu().numpy())
        textures.append(prediction.textures.cpu().numpy())
    folder.save_arrays(
        "mean.npz",
        {
            "vertices": np.concatenate(vertices).mean(0),
            "texture": np.concatenate(textures).mean(0),
        },
    )
