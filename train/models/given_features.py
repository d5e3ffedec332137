"""A feature network that the user brings for Fréchet distances: Inception, as ONNX or TorchScript.

FID depends on how images are enlarged for the network; the file has to do that itself, as NVIDIA's
and pytorch-fid's networks do. It is given images of the generator's own size:

- ONNX: `images` uint8 [B, 3, R, R] in 0..255, or float32 in 0..1, -> `features` float32 [B, D];
- TorchScript: called with uint8 [B, 3, R, R], and `return_features=True` where it knows that (as
  NVIDIA's inception-2015-12-05.pt does), gives float32 [B, D]. Such a file holds a program: take
  it from a source that you trust.
"""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from train.config import CommandError
from train.models.onnx_files import open_graph

Features = Callable[[Tensor], Tensor]
"""Images 0..1 [B, 3, R, R] on any device -> features [B, D] on the CPU."""
TYPES = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}
TRIED = 2  # images that a network is tried on before it is used


class FeaturesError(CommandError):
    """The file is no feature network for these images; the message says why."""


def load_features(path: Path, size: int, device: torch.device) -> Features:
    """The network of a file, tried on images of `size` px.

    Raises:
        FeaturesError: it cannot be read, or takes or gives something else.
    """
    if not path.is_file():
        raise FeaturesError(f"{path}: no such file; give an Inception network as .onnx or .pt")
    features = _onnx(path, size) if path.suffix == ".onnx" else _torchscript(path, device)
    try:
        found = features(torch.rand(TRIED, 3, size, size, generator=torch.Generator()))
    except Exception as error:  # what a stranger's program raises
        raise FeaturesError(
            f"{path} fails on images [{TRIED}, 3, {size}, {size}]: {str(error)[-300:]}"
        ) from error
    if found.ndim != 2 or len(found) != TRIED or found.shape[1] < 2:
        raise FeaturesError(
            f"{path} gives features of shape {tuple(found.shape)} for {TRIED} images; they must "
            f"be [{TRIED}, D]: export it with its pooled features, flattened"
        )
    return features


def _pixels(images: Tensor) -> Tensor:
    """uint8 [B, 3, R, R]: FID compares images as they are stored."""
    return (images * 255).round().clamp(0, 255).to(torch.uint8)


def _onnx(path: Path, size: int) -> Features:
    try:
        session = open_graph(path)
    except Exception as error:  # onnxruntime's own exceptions share no narrower ancestor
        raise FeaturesError(f"{path} is not a readable ONNX graph: {error}") from error
    inputs = {value.name: value for value in session.get_inputs()}
    outputs = {value.name: value for value in session.get_outputs()}
    given = inputs.get("images")
    if len(inputs) != 1 or given is None or given.type not in TYPES or "features" not in outputs:
        listed = {name: value.type for name, value in (inputs | outputs).items()}
        raise FeaturesError(
            f"{path} takes and gives {listed}; a feature network takes `images` uint8 "
            "[B, 3, R, R] in 0..255, or float in 0..1, and gives `features` float [B, D]"
        )
    shape, wanted = given.shape, (None, 3, size, size)
    # Open axes are None or a name.
    if len(shape) != 4 or any(
        isinstance(side, int) and side != want for side, want in zip(shape, wanted, strict=True)
    ):
        raise FeaturesError(
            f"{path} takes `images` of shape {shape}; they are [B, 3, {size}, {size}]: export it "
            "with an open batch axis, channels first, and its own enlargement inside"
        )
    kind = TYPES[given.type]

    def features(images: Tensor) -> Tensor:
        pixels = _pixels(images).cpu().numpy()
        shown = pixels if kind is np.uint8 else pixels.astype(np.float32) / 255
        return torch.from_numpy(session.run(["features"], {"images": shown})[0])

    return features


def _torchscript(path: Path, device: torch.device) -> Features:
    try:
        with warnings.catch_warnings():
            # Deprecated for new work; FID's own network is published in it.
            warnings.simplefilter("ignore", DeprecationWarning)
            network = torch.jit.load(str(path), map_location=device).eval()
    except (RuntimeError, ValueError) as error:
        raise FeaturesError(
            f"{path} is neither called .onnx nor readable TorchScript: {str(error)[:300]}"
        ) from error
    known = {argument.name for argument in network.forward.schema.arguments}
    options = {"return_features": True} if "return_features" in known else {}

    @torch.inference_mode()
    def features(images: Tensor) -> Tensor:
        return network(_pixels(images).to(device), **options).float().cpu()

    return features
