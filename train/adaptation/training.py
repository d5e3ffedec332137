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
MOST_RENDERED = 4_000
"""Cut-outs that a last layer learns from beside the photographs."""
PHOTOGRAPHED_SHARE = 0.25
"""Of photographs in what a whole camera part learns from: there are many more rendered objects."""


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
    camera_learning_rate: float
    photograph_steps: int
    """Of the camera part on a pretrained trunk; 0: its last layer alone learns."""

    def azimuths(self, cameras: NDArray[np.float32], name: str) -> InverseGraphics:
        """A copy of the network that has learned azimuths by the photographs' cameras [N, 5], as
        far as they are not nan: with its whole camera part, among rendered meshes, where that is on
        a pretrained trunk; else with its last layer alone.

        `name`: of the training: the folder in the workspace. What has come to its end is read from
        the disk.
        """
        rendered = self.rehearsal.meshes is not None and self.rehearsal.for_camera()
        if self.network.shape.camera == "own" or not rendered or not self.photograph_steps:
            return self._last_layer(cameras, name)
        data = CutOuts(CutOutBatch.joined([rendered, self._taught(cameras)]), PHOTOGRAPHED_SHARE)
        rate = self.camera_learning_rate / 2
        return self._camera(self.network, data, self.photograph_steps, rate, name)

    def with_camera(self, steps: int) -> "Training":
        """The same training from a copy of the network whose camera part has learned from rendered
        meshes: a new one on a pretrained trunk, or the network's own where it is on one.

        Raises:
            PretrainedUnavailable: the trunk cannot be had.
            ValueError: no mesh was rendered.
        """
        rendered = self.rehearsal.for_camera()
        if rendered is None:
            raise ValueError("there is no rendered mesh to learn the camera from")
        network, data = self.network, CutOuts(rendered, 0.0)
        if network.shape.camera == "own":
            torch.manual_seed(self.seed)  # of what starts anew
            network = network.with_pretrained_camera()
        trained = self._camera(network, data, steps, self.camera_learning_rate, "camera")
        return replace(self, network=trained)

    def _camera(
        self, network: InverseGraphics, data: CutOuts, steps: int, learning_rate: float, name: str
    ) -> InverseGraphics:
        """A copy of a network whose camera part has learned from cut-outs."""
        trained = channels_last(deepcopy(network))
        part, folder = camera.CameraPart(trained), StageFolder(self.workspace.path / name)
        if not folder.done:
            trained.camera_head.temperature.fill_(1.0)
            progress = Progress(self.workspace, name, steps)
            loss_of = camera.camera_loss_of(trained, data, self.seed)
            part.train()
            rates = part.groups(learning_rate)
            train_one_cycle(part, folder, progress, loss_of, rates, camera.RISE)
            save_network(folder.file(WEIGHTS), part, {})
            folder.finish()
        part.load_state_dict(load_file(Path(folder.require(WEIGHTS))))
        return trained.eval()

    def _last_layer(self, cameras: NDArray[np.float32], name: str) -> InverseGraphics:
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
        rendered = self.rehearsal.everything
        parts = [self._taught(cameras)] if rendered is None else [rendered, self._taught(cameras)]
        return CutOuts(CutOutBatch.joined(parts), self.photographed)

    def _taught(self, cameras: NDArray[np.float32]) -> CutOutBatch:
        """The photographs with known cameras."""
        taught = ~np.isnan(cameras[:, AZIMUTH])
        kinds = np.full(int(taught.sum()), PHOTOGRAPHED, np.int32)
        numbers = np.arange(len(kinds), dtype=np.int32)
        return CutOutBatch(self.photos.images[taught], cameras[taught], kinds, numbers)

    @cached_property
    def _rendered(self) -> Codes | None:
        rendered = self.rehearsal.for_camera() or self.rehearsal.procedural
        if rendered is None:
            return None
        random = np.random.default_rng(self.seed)
        rows = random.permutation(len(rendered.images))[:MOST_RENDERED]
        images, cameras, kinds, objects = rendered
        some = CutOutBatch(images[rows], cameras[rows], kinds[rows], objects[rows])
        return codes_of(self.network, some, 1, self.seed)

    @cached_property
    def _photographed(self) -> Codes:
        """Of all photographs, as if each were seen from 1 degree: -1 where a view is mirrored."""
        images, count = self.photos.images, len(self.photos.images)
        cameras = np.ones((count, CAMERA_SIZE), np.float32)
        numbers = np.arange(count, dtype=np.int32)
        data = CutOutBatch(images, cameras, np.full(count, PHOTOGRAPHED, np.int32), numbers)
        return codes_of(self.network, data, views_each(count), self.seed)
