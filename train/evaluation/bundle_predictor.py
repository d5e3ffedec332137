"""A bundle as it is served: its ONNX graphs, chained as the service chains them."""

import json
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from graphics.mesh import Template, load_template
from graphics.render import look
from graphics.texture_transfer import TextureTransfer
from train.config import CommandError
from train.evaluation.benchmark import Predicted


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
        outputs = ["vertices", "textures", "cameras", "confidences"]
        given = {"images": np.ascontiguousarray(images), "masks": np.ascontiguousarray(masks)}
        read = Predicted._make([masks, *self.inverse_graphics.run(outputs, given)])
        return painted(read, images, self.template)


def painted(read: Predicted, images: NDArray[np.uint8], template: Template) -> Predicted:
    """Predictions whose textures show what the photographs [B, R, R, 3] show, as the service
    answers them."""
    transfer = TextureTransfer(template, *read.textures.shape[1:3])
    views = map(partial(look, template=template), read.vertices[:, None], read.cameras[:, None])
    textures = map(transfer, images / np.float32(255), read.masks, views, read.textures)
    return read._replace(textures=np.stack([*textures]))


def _session(path: Path, resolution: int) -> onnxruntime.InferenceSession:
    """A graph that takes photographs of the manifest's resolution, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's own errors share no base but Exception
        raise BundleUnusable(
            f"{path} does not open in ONNX Runtime: {error}: export the bundle again"
        ) from error
    shapes = {given.name: given.shape[1:] for given in session.get_inputs()}
    if shapes.get("images") != [resolution, resolution, 3]:
        raise BundleUnusable(
            f"{path} takes {shapes}, not images of {resolution} x {resolution} x 3 as the manifest "
            "says: export the bundle again"
        )
    return session
