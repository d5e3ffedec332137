"""The renderers that `train.evaluation.disentangled_benchmark` compares, behind one interface.

A renderer is a function: it gets the parts of photographs that a bundle has read, each part of a
photograph of its own, and gives pictures. Another one is a function more in `renderers_of`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from graphics.inpainting import fill, with_rim
from graphics.layers import Layers, layers
from graphics.mesh import Template
from graphics.photographs import GREY
from graphics.picture_fit import SHIFTS
from graphics.render import render
from train.data.painted_views import SAMPLES, TRACE
from train.evaluation.predictors import open_graph
from train.evaluation.renders import as_pixels
from train.models.neural_renderer import NeuralRenderer
from train.models.serving_graphs import NeuralRendererGraph, StyleganRGraph
from train.models.stylegan_r import StyleganR
from train.running.device import default_device

GAN, GRAPHICS, NEURAL = "gan", "graphics", "neural"
"""Renderers by the names that requests give them; not every bundle has the last one."""
STYLEGAN_R_FILE = "stylegan_r.onnx"
DEFINITIONS = {
    GAN: "StyleGAN-R: the GAN, driven by camera, shape, texture and background",
    GRAPHICS: "the graphics renderer: the mesh before the photograph, its object filled from "
    "around it",
    NEURAL: "the neural renderer: the same, with what a network adds to object and background",
}


class Parts(NamedTuple):
    """What B pictures shall show."""

    cameras: NDArray[np.float32]
    """[B, 5]"""
    vertices: NDArray[np.float32]
    """[B, V, 3] object units."""
    textures: NDArray[np.float32]
    """[B, Ht, Wt, 3] in 0..1, row 0 is v = 1."""
    images: NDArray[np.uint8]
    """[B, R, R, 3]: the photographs that give the backgrounds, their own objects still there."""
    masks: NDArray[np.float32]
    """[B, R, R] in 0..1: where these objects are."""
    shifts: NDArray[np.float32] | None = None
    """[B, SHIFTS] of the code of the GAN renderer, which the others do not have."""

    def given(self) -> dict[str, NDArray[Any]]:
        """What StyleGAN-R takes: mid grey where the object was."""
        erased = np.where(self.masks[..., None] > 0.5, np.uint8(GREY), self.images)
        none = np.zeros((len(self.cameras), SHIFTS), np.float32)
        return {
            "cameras": self.cameras,
            "vertices": self.vertices,
            "textures": self.textures,
            "backgrounds": erased,
            "shifts": none if self.shifts is None else self.shifts,
        }


class Rendering(NamedTuple):
    """B pictures."""

    images: NDArray[np.uint8]
    """[B, R, R, 3]"""
    alphas: NDArray[np.float32] | None = None
    """[B, R, R] in 0..1: what the object covers; None where the renderer does not know."""


Renderer = Callable[[Parts], Rendering]
Generating = Callable[[Parts], NDArray[np.float32]]
"""StyleGAN-R: gives [B, R, R, 3] in 0..1."""


def graphics_renderer(template: Template) -> Renderer:
    """The mesh, drawn before its photograph, whose object is filled from around it."""

    def draw(parts: Parts) -> Rendering:
        pairs = zip(parts.images, parts.masks > TRACE, strict=True)
        filled = np.stack([fill(image, with_rim(hole)) for image, hole in pairs])
        grounds = filled.astype(np.float32) / np.float32(255)
        size = grounds.shape[1]
        drawn = render(
            parts.vertices, parts.textures, parts.cameras, template, size, grounds, SAMPLES
        )
        return Rendering(as_pixels(drawn.images), drawn.masks)

    return draw


def bundle_neural(path: Path, template: Template) -> Renderer:
    """The neural renderer as a bundle's graph.

    Raises:
        BundleUnusable: ONNX Runtime does not open it.
    """
    session = open_graph(path)

    def draw(parts: Parts) -> Rendering:
        given = _layers(parts, template)
        feed = {"cameras": parts.cameras, **given._asdict()}
        (images,) = session.run(["images"], feed)
        return Rendering(as_pixels(np.asarray(images)), given.drawings[..., 3])

    return draw


def network_neural(network: NeuralRenderer, template: Template) -> Renderer:
    """The neural renderer as a training has it, on the default device."""
    device = default_device()
    graph = NeuralRendererGraph(network.eval()).to(device)

    @torch.no_grad()
    def draw(parts: Parts) -> Rendering:
        given = _layers(parts, template)
        tensors = (torch.from_numpy(np.ascontiguousarray(x)) for x in (parts.cameras, *given))
        images = graph(*(tensor.to(device) for tensor in tensors))
        return Rendering(as_pixels(images.cpu().numpy()), given.drawings[..., 3])

    return draw


def _layers(parts: Parts, template: Template) -> Layers:
    size = parts.images.shape[1]
    drawn = render(parts.vertices, parts.textures, parts.cameras, template, size, samples=SAMPLES)
    return layers(drawn, parts.images, parts.masks > TRACE)


def gan_renderer(generate: Generating) -> Renderer:
    """StyleGAN-R, as pictures."""
    return lambda parts: Rendering(as_pixels(generate(parts)))


def bundle_gan(path: Path) -> Generating:
    """StyleGAN-R as a bundle's graph.

    Raises:
        BundleUnusable: ONNX Runtime does not open it.
    """
    session = open_graph(path)

    def generate(parts: Parts) -> NDArray[np.float32]:
        (images,) = session.run(["images"], parts.given())
        return np.asarray(images)

    return generate


def network_gan(network: StyleganR, side: int) -> Generating:
    """StyleGAN-R as a training has it, on the default device; `side`: of the pictures."""
    device = default_device()
    graph = StyleganRGraph(network.eval(), side).to(device)

    @torch.no_grad()
    def generate(parts: Parts) -> NDArray[np.float32]:
        given = map(np.ascontiguousarray, parts.given().values())
        images = graph(*(torch.from_numpy(array).to(device) for array in given))
        return images.cpu().numpy()

    return generate


def renderers_of(bundle: Path, template: Template) -> dict[str, Renderer]:
    """The renderers of a bundle, by name."""
    renderers = {
        GAN: gan_renderer(bundle_gan(bundle / STYLEGAN_R_FILE)),
        GRAPHICS: graphics_renderer(template),
    }
    if (path := bundle / "neural_renderer.onnx").exists():
        renderers[NEURAL] = bundle_neural(path, template)
    return renderers
