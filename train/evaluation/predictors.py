"""A bundle as it is served, and its baselines, which do not understand the photograph."""

import json
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from graphics.camera import AZIMUTH
from graphics.mesh import Template, load_template
from graphics.render import look
from graphics.texture_transfer import TextureTransfer
from train.config import CommandError
from train.data.vehicles import meshes, photographs
from train.evaluation.benchmark import BATCH, ConstantShape, Predicted
from train.evaluation.renders import NEUTRAL
from train.models.heads import azimuth_targets
from train.models.inverse_graphics import load_inverse_graphics
from train.models.segmenter import Segment
from train.models.serving_graphs import InverseGraphicsGraph, channels_first
from train.models.weights import WeightsError
from train.running.device import default_device

REMEMBERED = 4_000
"""Procedural vehicles that `NearestTraining` remembers."""
OUTPUTS = ["vertices", "textures", "cameras", "confidences", "azimuth_probabilities"]
"""Of the inverse graphics network, in the order of `Predicted`."""
DESCRIPTOR_SIDE = 16
"""Photographs are compared as pictures of this side in pixels."""


class BundleUnusable(CommandError):
    """Not a bundle, or one that does not open; the message says why and what to do."""


class BundlePredictor:
    """The segmenter and the inverse graphics network of a bundle, in ONNX Runtime."""

    def __init__(self, folder: Path) -> None:
        try:
            manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
            self.resolution = int(manifest["resolution"])
            self.category = str(manifest["category"])
            self.template = load_template(folder / "template.npz")
        except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise BundleUnusable(
                f"{folder} is not a readable bundle ({error!r}): give one with --bundle, or make "
                "one with python -m train.cycle"
            ) from error
        self.segmenter = _session(folder / "segmenter.onnx", self.resolution)
        self.inverse_graphics = _session(folder / "inverse_graphics.onnx", self.resolution)
        given = {output.name for output in self.inverse_graphics.get_outputs()}
        if missing := sorted(set(OUTPUTS) - given):
            raise BundleUnusable(
                f"{folder / 'inverse_graphics.onnx'} has no output {', '.join(missing)}: export "
                "the bundle again"
            )

    def predict(self, images: NDArray[np.uint8]) -> Predicted:
        """Read photographs [B, R, R, 3]."""
        images = np.ascontiguousarray(images)
        return self.reconstruct(images, self.segment(images))

    def segment(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Masks [B, R, R] in 0..1 of photographs [B, R, R, 3]."""
        (masks,) = self.segmenter.run(["masks"], {"images": np.ascontiguousarray(images)})
        return masks

    def reconstruct(self, images: NDArray[np.uint8], masks: NDArray[np.float32]) -> Predicted:
        """Read photographs [B, R, R, 3] whose masks [B, R, R], in 0..1, are known."""
        return painted(self.unpainted(images, masks), images, self.template)

    def unpainted(self, images: NDArray[np.uint8], masks: NDArray[np.float32]) -> Predicted:
        """The same with textures as the network predicts them."""
        given = {"images": np.ascontiguousarray(images), "masks": np.ascontiguousarray(masks)}
        return Predicted._make([masks, *self.inverse_graphics.run(OUTPUTS, given)])

    def read_cameras(
        self, images: NDArray[np.uint8], masks: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:  # [B, 5], [B] in 0..1
        """Only cameras and confidences, of photographs [B, R, R, 3] with their masks [B, R, R]."""
        given = {"images": np.ascontiguousarray(images), "masks": np.ascontiguousarray(masks)}
        cameras, confidences = self.inverse_graphics.run(["cameras", "confidences"], given)
        return np.asarray(cameras), np.asarray(confidences)


def painted(read: Predicted, images: NDArray[np.uint8], template: Template) -> Predicted:
    """Predictions whose textures show what the photographs [B, R, R, 3] show, as the service
    answers them."""
    transfer = TextureTransfer(template, *read.textures.shape[1:3])
    views = map(partial(look, template=template), read.vertices[:, None], read.cameras[:, None])
    textures = map(transfer, images / np.float32(255), read.masks, views, read.textures)
    return read._replace(textures=np.stack([*textures]))


def open_graph(path: Path) -> onnxruntime.InferenceSession:
    """A graph of a bundle, on one thread.

    Raises:
        BundleUnusable: ONNX Runtime does not open it.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own errors share no base but Exception
        raise BundleUnusable(
            f"{path} does not open in ONNX Runtime: {error}: export the bundle again"
        ) from error


def _session(path: Path, resolution: int) -> onnxruntime.InferenceSession:
    """A graph that takes photographs of the manifest's resolution."""
    session = open_graph(path)
    shapes = {given.name: given.shape[1:] for given in session.get_inputs()}
    if shapes.get("images") != [resolution, resolution, 3]:
        raise BundleUnusable(
            f"{path} takes {shapes}, not images of {resolution} x {resolution} x 3 as the manifest "
            "says: export the bundle again"
        )
    return session


class NetworkPredictor:
    """A segmenter and an inverse graphics network, as the service would chain them, in float32."""

    def __init__(self, segment: Segment, weights: Path) -> None:
        self.device = default_device()
        network = load_inverse_graphics(weights)
        self.template: Template = network.template
        self.segmenter = segment
        self.graph = InverseGraphicsGraph(network).to(self.device).eval()

    @torch.no_grad()
    def segment(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Masks [B, R, R] in 0..1 of photographs [B, R, R, 3]."""
        pixels = torch.from_numpy(np.ascontiguousarray(images)).to(self.device)
        return self.segmenter(channels_first(pixels)).cpu().numpy()

    @torch.no_grad()
    def reconstruct(self, images: NDArray[np.uint8], masks: NDArray[np.float32]) -> Predicted:
        """Read photographs [B, R, R, 3] whose masks [B, R, R], in 0..1, are known."""
        given = (torch.from_numpy(np.ascontiguousarray(v)).to(self.device) for v in (images, masks))
        return Predicted(masks, *(value.cpu().numpy() for value in self.graph(*given)))

    def predict(self, images: NDArray[np.uint8]) -> Predicted:
        """Read photographs [B, R, R, 3]."""
        return self.reconstruct(images, self.segment(images))


def mean_prediction(predictor: BundlePredictor, images: NDArray[np.uint8]) -> ConstantShape:
    """The mean of what the bundle predicts, whatever the photograph, at its predicted camera."""
    sums = []
    for start in range(0, len(images), BATCH):
        read = predictor.predict(images[start : start + BATCH])
        sums.append([part.sum(axis=0, dtype=np.float64) for part in (read.vertices, read.textures)])
    vertices, texture = (np.sum(parts, axis=0) / len(images) for parts in zip(*sums, strict=True))
    return ConstantShape(predictor, vertices, texture)


class SingleView:
    """The baseline without a second view: a network trained on single views.

    Stage inverse leaves one in `single_view/`. It is given the bundle's masks, and its textures are
    painted as the bundle's are.
    """

    def __init__(self, predictor: BundlePredictor, weights: Path) -> None:
        """`weights`: an `inverse_graphics.safetensors`.

        Raises:
            WeightsError: it is none, or one for photographs of another size.
        """
        try:
            network = load_inverse_graphics(weights)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise WeightsError(
                f"{weights} is not an inverse graphics network ({error}): give the "
                "single_view/inverse_graphics.safetensors of a run's stage inverse"
            ) from error
        if network.shape.size != predictor.resolution:
            raise WeightsError(
                f"{weights} reads photographs of {network.shape.size} px, the bundle of "
                f"{predictor.resolution} px: give one of the same run"
            )
        self.predictor, self.template = predictor, network.template
        self.graph = InverseGraphicsGraph(network).eval()

    @torch.no_grad()
    def predict(self, images: NDArray[np.uint8]) -> Predicted:
        """Read photographs [B, R, R, 3]."""
        masks = self.predictor.segment(images)
        given = (torch.from_numpy(np.ascontiguousarray(values)) for values in (images, masks))
        read = Predicted(masks, *(value.numpy() for value in self.graph(*given)))
        return painted(read, images, self.template)


class NearestTraining:
    """Answers with the training photograph that looks most alike: its true mesh and camera.

    Retrieval, as in Tatarchenko et al. 2019, "What do single-view 3D reconstruction networks
    learn?": what memory alone reaches. Photographs are compared cut out, on grey, 16 px, by colour
    and mask; the masks asked with are the bundle's own.
    """

    def __init__(self, predictor: BundlePredictor, seed: int, count: int = REMEMBERED) -> None:
        """Remember the first `count` procedural vehicles of a training's seed."""
        self.predictor, self.seed = predictor, seed
        known = photographs(seed, np.arange(count), predictor.resolution)
        self.descriptors = descriptors(known.images, known.masks / np.float32(255))
        self.cameras = known.cameras
        mesh = meshes(seed, 0)
        none = np.zeros((0, 2), np.int32)
        # All vehicles have the same triangles; nothing here asks for edges or mirrors.
        self.template = Template(
            mesh.vertices, mesh.faces, mesh.uvs, np.zeros(0, np.int32), none, none
        )

    def predict(self, images: NDArray[np.uint8]) -> Predicted:
        """Read photographs [B, R, R, 3]."""
        masks = self.predictor.segment(images)
        asked = descriptors(images, masks)
        squares = np.square(self.descriptors).sum(axis=1) - 2 * asked @ self.descriptors.T
        nearest = squares.argmin(axis=1)
        found = [meshes(self.seed, int(index)) for index in nearest]
        return Predicted(
            masks,
            np.stack([mesh.vertices for mesh in found]),
            np.stack([mesh.texture for mesh in found]).astype(np.float32) / 255,
            self.cameras[nearest],
            np.ones(len(images), np.float32),
            azimuth_targets(torch.from_numpy(self.cameras[nearest, AZIMUTH])).numpy(),
        )


def descriptors(
    images: NDArray[np.uint8],  # [B, R, R, 3]
    masks: NDArray[np.float32],  # [B, R, R] in 0..1
) -> NDArray[np.float32]:  # [B, D]
    """Cut-out pictures on grey and their masks, averaged down to 16 px."""
    cover = masks[..., None]
    picture = np.concatenate([cover * (images / np.float32(255)) + (1 - cover) * NEUTRAL, cover], 3)
    size = len(picture[0])
    # Where pixels do not divide evenly, those at the far edges are left out.
    block = max(size // DESCRIPTOR_SIDE, 1)
    side = size // block
    picture = picture[:, : side * block, : side * block]
    blocks = picture.reshape(len(images), side, block, side, block, 4).mean(axis=(2, 4))
    return blocks.reshape(len(images), -1).astype(np.float32)
