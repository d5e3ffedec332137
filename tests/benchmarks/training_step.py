"""What a step of inverse graphics costs, and what share of it the renderer takes.

    python -m tests.benchmarks.training_step --batch 16 --repeats 5

A whole step of stage `inverse` at 64 px (loading, augmentation, network, two views rendered
crosswise, every loss, gradients, Adam, the average; in bfloat16 where the processor computes it)
against the renderer's part of it alone, forward and backward, in turns. Prints medians of the CPU
time and their ratio.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from tests.benchmarks.measure import interleaved, median
from train.config import InverseConfig
from train.data.multiview import MultiviewData
from train.data.vehicles import photographs
from train.losses.multiview import crosswise
from train.models.inverse_graphics import InverseGraphics, InverseGraphicsShape
from train.models.perceptual import DiscriminatorFeatures
from train.models.weights import SHIPPED
from train.running.device import Device
from train.steps.inverse import InverseTraining

SIZE = 64


class Step:
    """Optimisation steps on procedural photographs, two images to an object."""

    def __init__(self, batch: int, settings: InverseConfig, device: Device | None = None) -> None:
        settings = replace(settings, batch_size=batch, perceptual_after=0)
        with tempfile.TemporaryDirectory() as folder:
            data = multiview(Path(folder), batch * settings.views)
        features = DiscriminatorFeatures(
            SHIPPED / "camera_conditioned" / "discriminator.safetensors"
        )
        network = InverseGraphics(InverseGraphicsShape(SIZE))
        self.training = InverseTraining(settings, network, (data, None), features, 1, device)
        self.inputs = self._renderer_inputs()
        self.taken = 0

    def _renderer_inputs(self) -> tuple[torch.Tensor, ...]:
        views = self.training.views()
        with torch.no_grad():
            predicted = self.training.network(views.seen, views.masks[:, None])
        source, target = crosswise(views.objects)
        parts = predicted.vertices[source], predicted.textures[source], views.cameras[target]
        return tuple(part.detach().requires_grad_() for part in parts)

    def whole(self) -> None:
        """Everything."""
        self.training.step(self.taken)
        self.taken += 1

    def rendering(self) -> None:
        """The renderer alone, with the gradients that the step asks of it."""
        drawn = self.training.renderer(*self.inputs)
        torch.autograd.grad(drawn.images.sum() + drawn.masks.sum(), self.inputs)


def multiview(folder: Path, count: int) -> MultiviewData:
    """`count` photographs as if each two were views of one object."""
    shown = photographs(1, range(count), SIZE)
    numbers = np.arange(count, dtype=np.int32)
    np.save(folder / "images.npy", shown.images)
    np.save(folder / "masks.npy", shown.masks)
    np.savez(folder / "index.npz", object=numbers // 2, viewpoint=numbers)
    cameras = shown.cameras.astype(np.float32)
    np.savez(folder / "viewpoints.npz", cameras=cameras, codes=np.zeros((count, 1)))
    np.savez(folder / "contents.npz", codes=np.zeros((count // 2, 1)))
    return MultiviewData(folder)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--batch", type=int, default=16, help="objects; each gives two images")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    step = Step(options.batch, InverseConfig())
    runs = [step.whole, step.rendering]
    times = interleaved(runs, torch.device("cpu"), options.repeats, patience=60.0)
    whole, rendering = (1e3 * median(found) for found in times)
    metrics = {"step_ms": whole, "rendering_ms": rendering, "share": rendering / whole}
    print(json.dumps({name: round(value, 3) for name, value in metrics.items()}))


if __name__ == "__main__":
    main()
