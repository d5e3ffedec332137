"""Training of a network on photographs of one's own.

Labelled photographs are worth most. Of unlabelled ones those are taken whose camera the network is
sure of, the same for the mirror image: self-training. Rendered cut-outs keep what was known before.
"""

from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from graphics.camera import AZIMUTH, CAMERA_SIZE
from train.adaptation.azimuths import Codes, codes_of, retrain_azimuths, views_each
from train.adaptation.rehearsal import Rehearsal
from train.adaptation.served import ServedPhotos
from train.data.cutouts import PHOTOGRAPHED, CutOutBatch, CutOuts
from train.models.inverse_graphics import InverseGraphics
from train.models.layers import channels_last
from train.models.weights import save_network
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace
from train.steps import camera
from train.steps.one_cycle import train_one_cycle
from train.steps.whole import network_loss_of

RISE = 0.2
"""Share of the steps in which the learning rate rises."""
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Training:
    """How a network is trained: its camera, its azimuths by labels, its shapes by renderings."""

    workspace: Workspace
    network: InverseGraphics
    """What is started from, in evaluation mode."""
    photos: ServedPhotos
    steps: int
    learning_rate: float
    photographed: float
    """Share of photographs among what a step sees, where there are rendered cut-outs too."""
    seed: int
    rehearsal: Rehearsal

    def azimuths(self, cameras: NDArray[np.float32], name: str) -> InverseGraphics:
        """A copy of the network whose last layer has learned azimuths by the photographs' cameras
        [N, 5], as far as they are not nan.

        `name`: of the training: the folder in the workspace. What has come to its end is read from
        the disk.
        """
        trained = deepcopy(self.network)
        layer = trained.camera_head.azimuth
        folder = StageFolder(self.workspace.path / name)
        if not folder.done:
            trained.camera_head.temperature.fill_(1.0)
            known = np.flatnonzero(~np.isnan(cameras[:, AZIMUTH]))
            codes = self._photographed
            views = np.flatnonzero(np.isin(codes.sources, known))
            labels = torch.from_numpy(cameras[codes.sources[views], AZIMUTH])
            chosen = torch.from_numpy(views)
            taken = Codes(codes.codes[chosen], codes.azimuths[chosen] * labels)
            retrain_azimuths(trained, taken, self._rendered, self.photographed, self.seed)
            save_network(folder.file(WEIGHTS), layer, {})
            folder.finish()
        layer.load_state_dict(load_file(Path(folder.require(WEIGHTS))))
        return trained

    def camera(self, steps: int, learning_rate: float) -> "Training":
        """The same training from a copy of the network whose camera part has learned from the
        rendered cut-outs: a new one on a pretrained trunk, or the network's own where it is on one.

        Raises:
            PretrainedUnavailable: the trunk cannot be had.
        """
        data = self.rehearsal.for_camera()
        if data is None:
            raise ValueError("there is no rendered mesh to learn the camera from")
        known = self.network.shape.camera == "pretrained"
        folder = StageFolder(self.workspace.path / "camera")
        torch.manual_seed(self.seed)  # of what starts anew
        trained = deepcopy(self.network) if known else self.network.with_pretrained_camera()
        part = camera.CameraPart(channels_last(trained))
        if not folder.done:
            progress = Progress(self.workspace, "camera", steps)
            loss_of = camera.camera_loss_of(trained, CutOuts(data, 0.0), self.seed)
            part.train()
            rates = part.groups(learning_rate)
            train_one_cycle(part, folder, progress, loss_of, rates, camera.RISE)
            save_network(folder.file(WEIGHTS), part, {})
            folder.finish()
        part.load_state_dict(load_file(Path(folder.require(WEIGHTS))))
        return replace(self, network=trained.eval())

    def shapes(
        self, network: InverseGraphics, cameras: NDArray[np.float32], name: str
    ) -> InverseGraphics:
        """A copy of a network that has learned shape and texture by renderings into cut-outs: into
        rendered ones, and into photographs with known cameras [N, 5].

        Where there are photographs, what estimates azimuths stays: it would learn the few labels by
        heart. A pretrained encoder always stays: it has learned alone. Goes on after a kill; what
        has come to its end is read from the disk.
        """
        trained = channels_last(deepcopy(network))
        folder = StageFolder(self.workspace.path / name)
        if not folder.done:
            progress = Progress(self.workspace, name, self.steps)
            loss_of = network_loss_of(trained, self._cutouts(cameras), self.seed)
            trained.train()
            if len(self.photos.names) or trained.shape.camera == "pretrained":
                head = trained.camera_head
                for part in (trained.camera_encoder, head.hidden, head.azimuth):
                    part.eval().requires_grad_(False)
            train_one_cycle(trained, folder, progress, loss_of, self.learning_rate, RISE)
            save_network(folder.file(WEIGHTS), trained, {})
            folder.finish()
        trained.load_state_dict(load_file(Path(folder.require(WEIGHTS))))
        return trained.requires_grad_(True).eval()

    def _cutouts(self, cameras: NDArray[np.float32]) -> CutOuts:
        taught = ~np.isnan(cameras[:, AZIMUTH])
        kinds = np.full(int(taught.sum()), PHOTOGRAPHED, np.int32)
        numbers = np.arange(len(kinds), dtype=np.int32)
        photographed = CutOutBatch(self.photos.images[taught], cameras[taught], kinds, numbers)
        rendered = self.rehearsal.everything
        parts = [photographed] if rendered is None else [rendered, photographed]
        return CutOuts(CutOutBatch.joined(parts), self.photographed)

    @cached_property
    def _rendered(self) -> Codes | None:
        rendered = self.rehearsal.for_camera() or self.rehearsal.procedural
        return None if rendered is None else codes_of(self.network, rendered, 1, self.seed)

    @cached_property
    def _photographed(self) -> Codes:
        """Of all photographs, as if each were seen from 1 degree: -1 where a view is mirrored."""
        images, count = self.photos.images, len(self.photos.images)
        cameras = np.ones((count, CAMERA_SIZE), np.float32)
        numbers = np.arange(count, dtype=np.int32)
        data = CutOutBatch(images, cameras, np.full(count, PHOTOGRAPHED, np.int32), numbers)
        return codes_of(self.network, data, views_each(count), self.seed)
