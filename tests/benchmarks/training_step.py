"""What share of an inverse graphics step the renderer takes.

    python -m tests.benchmarks.training_step --batch 16 --repeats 5

A whole step of stage `inverse` at 64 px (network, two views rendered crosswise, every loss,
gradients, Adam) against the renderer's part of it alone, forward and backward, in turns. Prints
medians of the CPU time and their ratio.
"""

import argparse
import json

import torch

from tests.benchmarks.measure import interleaved, median
from train.config import InverseConfig
from train.data.vehicles import photographs
from train.losses.multiview import MultiviewLoss, Views, crosswise
from train.models.inverse_graphics import InverseGraphics, InverseGraphicsShape, Prediction
from train.models.perceptual import DiscriminatorFeatures
from train.models.weights import SHIPPED
from train.renderer.render import Renderer
from train.steps.inverse import BOX

SIZE = 64


class Step:
    """One optimisation step on procedural photographs, two images to an object."""

    def __init__(self, batch: int, settings: InverseConfig) -> None:
        shown = photographs(1, range(batch * settings.views), SIZE)
        images = torch.from_numpy(shown.images).permute(0, 3, 1, 2).float() / 255
        masks = torch.from_numpy(shown.masks).float() / 255
        cameras = torch.from_numpy(shown.cameras).float()
        objects = torch.arange(batch).repeat_interleave(settings.views)
        self.views = Views(images, images, masks, cameras, objects)
        self.network = InverseGraphics(InverseGraphicsShape(SIZE)).to(
            memory_format=torch.channels_last
        )
        self.renderer = Renderer(
            self.network.template, SIZE, sigmainv=settings.sigmainv, boxlen=BOX, knum=60
        )
        features = DiscriminatorFeatures(SHIPPED / "camera_taught" / "discriminator.safetensors")
        self.loss = MultiviewLoss(self.renderer, features, settings)
        self.optimizer = torch.optim.Adam(self.network.parameters())
        self.inputs = self._renderer_inputs()

    def _renderer_inputs(self) -> tuple[torch.Tensor, ...]:
        predicted = self._predict()
        source, target = crosswise(self.views.objects)
        vertices, textures = predicted.vertices[source], predicted.textures[source]
        cameras = self.views.cameras[target]
        return tuple(part.detach().requires_grad_() for part in (vertices, textures, cameras))

    def _predict(self) -> Prediction:
        seen = self.views.seen.contiguous(memory_format=torch.channels_last)
        return self.network(seen, self.views.masks[:, None])

    def whole(self) -> None:
        """Everything."""
        self.optimizer.zero_grad(set_to_none=True)
        self.loss.total(self.loss.terms(self.views, self._predict(), True)).backward()
        self.optimizer.step()

    def rendering(self) -> None:
        """The renderer alone, with the gradients that the step asks of it."""
        drawn = self.renderer(*self.inputs)
        torch.autograd.grad(drawn.images.sum() + drawn.masks.sum(), self.inputs)


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
    figures = {"step_ms": whole, "rendering_ms": rendering, "share": rendering / whole}
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
