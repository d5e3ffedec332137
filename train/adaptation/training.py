"""Training of a network, or of its camera part alone, on photographs of one's own.

Labelled photographs are worth most. Of unlabelled ones those are taken whose camera the network is
sure of, the same for the mirror image: self-training. Rendered cut-outs keep what was known before.
"""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file

from graphics.camera import AZIMUTH
from train.adaptation.served import ServedPhotos
from train.data.cutouts import PHOTOGRAPHED, CutOutBatch, CutOuts
from train.models.inverse_graphics import InverseGraphics
from train.models.layers import channels_last
from train.models.weights import save_network
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace
from train.steps.camera import CameraPart, camera_loss_of
from train.steps.one_cycle import train_one_cycle
from train.steps.whole import network_loss_of

RISE = 0.2
"""Share of the steps in which the learning rate rises."""
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Training:
    """How a network is trained."""

    workspace: Workspace
    steps: int
    learning_rate: float
    photographed: float
    """Share of photographs among what a step sees, where there are rendered cut-outs too."""
    seed: int
    rehearsal: CutOutBatch | None = None
    """Rendered cut-outs."""

    def train(
        self,
        network: InverseGraphics,
        photos: ServedPhotos,
        cameras: NDArray[np.float32],  # [N, 5] of the photographs
        name: str,  # of the training: the folder in the workspace
        whole: bool = False,
    ) -> InverseGraphics:
        """A copy of the network, trained on the photographs whose azimuth is not nan.

        `whole`: what reads shape and texture is trained, too, not the camera part alone. Goes on
        after a kill; a training that has come to its end is read from the disk.
        """
        trained = channels_last(deepcopy(network))
        trained.camera_head.temperature.fill_(1.0)
        part = trained if whole else CameraPart(trained)
        folder = StageFolder(self.workspace.path / name)
        if not folder.done:
            progress = Progress(self.workspace, name, self.steps)
            objective = network_loss_of if whole else camera_loss_of
            loss_of = objective(trained, self._cutouts(photos, cameras), self.seed)
            part.train()
            train_one_cycle(part, folder, progress, loss_of, self.learning_rate, RISE)
            save_network(folder.file(WEIGHTS), part, {})
            folder.finish()
        part.load_state_dict(load_file(Path(folder.require(WEIGHTS))))
        return trained.eval()

    def _cutouts(self, photos: ServedPhotos, cameras: NDArray[np.float32]) -> CutOuts:
        taught = ~np.isnan(cameras[:, AZIMUTH])
        kinds = np.full(int(taught.sum()), PHOTOGRAPHED, np.int32)
        numbers = np.arange(len(kinds), dtype=np.int32)
        photographed = CutOutBatch(photos.images[taught], cameras[taught], kinds, numbers)
        parts = [photographed] if self.rehearsal is None else [self.rehearsal, photographed]
        return CutOuts(CutOutBatch.joined(parts), self.photographed)
