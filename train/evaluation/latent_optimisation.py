"""Editing by optimising latent codes: what the paper compares StyleGAN-R with (section 4).

A camera-conditioned GAN is fitted to each photograph, its camera given, by the code in W (64
numbers) or by all style vectors (W*). The object is turned by putting another camera in: the early
styles are linear in the sum of both codes, so that the camera's part can be exchanged exactly.
"""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from train.evaluation.disentangled_benchmark import Asked
from train.evaluation.disentangled_renderers import Rendering
from train.models.generated import as_pixels, sample_contents
from train.models.generator import Generator
from train.models.inverse_graphics import resized
from train.models.serving_graphs import channels_first
from train.running.progress import ignore_progress

Space = Literal["w", "w_star"]
BATCH = 10
MEAN_OF = 2_000
"""Codes of which the mean is taken to start from."""
LEARNING_RATES: dict[Space, float] = {"w": 0.1, "w_star": 0.05}
COARSE = (1, 2, 4)
"""Factors at which pictures are compared: coarse ones lead where the fine ones do not yet meet."""


class FittedLatents:
    """The codes of photographs, found by gradient steps; draws them from any camera."""

    def __init__(
        self,
        generator: Generator,
        space: Space,
        images: NDArray[np.uint8],  # [N, R, R, 3]
        cameras: NDArray[np.float32],  # [N, 5], given
        steps: int,
        on_progress: Callable[[int], None] = ignore_progress,
    ) -> None:
        """Fit all photographs, in the generator's size.

        Raises:
            ValueError: the generator is not camera-conditioned.
        """
        if generator.camera_mapping is None:
            raise ValueError("the generator is unconditional; a camera-conditioned one is needed")
        self.side = images.shape[1]
        self.generator = generator.requires_grad_(False)
        self.cameras = torch.from_numpy(cameras).to(generator.constant.device)
        fitted = []
        for start in range(0, len(images), BATCH):
            here = slice(start, start + BATCH)
            pixels = channels_first(torch.from_numpy(images[here])).to(self.cameras.device)
            target = resized(pixels, generator.shape.size)
            fitted.append(self._fit(target, self.cameras[here], space, steps))
            on_progress(min(start + BATCH, len(images)))
        self.styles = torch.cat(fitted)
        """[N, style_size], with their own cameras in."""

    def _fit(self, images: Tensor, cameras: Tensor, space: Space, steps: int) -> Tensor:
        mean = sample_contents(self.generator, MEAN_OF, 1.0, torch.Generator().manual_seed(0)).mean(
            dim=0
        )
        content = mean.repeat(len(images), 1)
        start = self._styles(content, cameras)
        fitted = (content if space == "w" else start).clone().requires_grad_(True)
        optimizer = torch.optim.Adam([fitted], LEARNING_RATES[space], betas=(0.9, 0.99))
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATES[space] * 0.5 * (1 + math.cos(math.pi * step / steps))
            styles = self._styles(fitted, cameras) if space == "w" else fitted
            loss = _difference(self._draw(styles), images)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        found = fitted.detach()
        return self._styles(found, cameras) if space == "w" else found

    def _styles(self, content: Tensor, cameras: Tensor) -> Tensor:  # [B, code] -> [B, style_size]
        assert self.generator.camera_mapping is not None
        view = self.generator.camera_mapping(cameras)
        return self.generator.flatten(self.generator.styles(content, view))

    def _draw(self, styles: Tensor) -> Tensor:  # [B, 3, R, R] in about 0..1
        split = self.generator.unflatten(styles)
        return self.generator.synthesize(split, noise=None) * 0.5 + 0.5

    @torch.no_grad()
    def __call__(self, asked: Asked) -> Rendering:
        """The photographs' objects from the cameras asked for.

        Raises:
            ValueError: parts of different photographs, which these codes do not have.
        """
        if any(not np.array_equal(asked.parts.shapes, other) for other in asked.parts[1:]):
            raise ValueError("a latent code is of one whole photograph: its parts cannot be mixed")
        pictures = []
        wanted = torch.from_numpy(asked.cameras).to(self.styles.device)
        chosen = torch.from_numpy(asked.parts.shapes).to(self.styles.device)
        for numbers, cameras in zip(chosen.split(BATCH), wanted.split(BATCH), strict=True):
            # The affine maps are linear: whatever the content is, it cancels.
            any_content = self.styles.new_zeros(len(numbers), self.generator.shape.code)
            turned = self._styles(any_content, cameras)
            own = self._styles(any_content, self.cameras[numbers])
            images = self._draw(self.styles[numbers] + turned - own)
            pictures.append(as_pixels(resized(images.clamp(0, 1), self.side)).numpy())
        return Rendering(np.concatenate(pictures))


def _difference(images: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference, fine and coarse."""
    terms = []
    for factor in COARSE:
        small, target = (functional.avg_pool2d(each, factor) for each in (images, wanted))
        terms.append(functional.l1_loss(small, target))
    return torch.stack(terms).sum()
