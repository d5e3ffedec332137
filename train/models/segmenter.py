"""The segmenter: a small U-Net that finds the object's mask, or an ONNX graph that does.

It works at half the image's side: 2x2 pixels are folded into channels at the entry and unfolded
at the exit, which costs a quarter of a full-resolution U-Net and keeps the mask's edges sharp.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from onnxruntime import InferenceSession
from torch import Tensor, nn
from torch.nn import functional as F

from train.config import CommandError
from train.models.layers import channels_last
from train.models.onnx_files import open_graph
from train.models.resized_segmenter import at_side, own_sides
from train.models.weights import load_network, save_network

WIDTHS = (1, 2, 4, 6)  # channels of the four levels, in multiples of the first level's

Segment = Callable[[Tensor], Tensor]  # images 0..1 [B, 3, R, R] -> masks 0..1 [B, R, R]


class SegmenterError(CommandError):
    """A segmenter cannot be read or does not fit; the message says what is wrong."""


class ConvolutionBlock(nn.Sequential):
    """3x3 convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )


class Segmenter(nn.Module):
    """U-Net of four levels with added skips; `channels` is the width of the first."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.channels = channels
        widths = [channels * factor for factor in WIDTHS]
        self.stem = ConvolutionBlock(12, widths[0])
        self.down = nn.ModuleList(
            ConvolutionBlock(before, after)
            for before, after in zip(widths[:1] + widths[:-1], widths, strict=True)
        )
        self.reduce = nn.ModuleList(
            nn.Conv2d(below, above, 1) for below, above in zip(widths[1:], widths[:-1], strict=True)
        )
        self.up = nn.ModuleList(ConvolutionBlock(width, width) for width in widths[:-1])
        self.head = nn.Conv2d(widths[0], 4, 3, padding=1)

    def logits(self, images: Tensor) -> Tensor:  # [B, 3, R, R] in 0..1 -> [B, R, R]
        """Log-odds of each pixel being the object's; R is a multiple of 16."""
        if images.shape[-1] % 16 or images.shape[-2] % 16:  # one folding and three halvings
            raise SegmenterError(f"images {tuple(images.shape)}: sides must be multiples of 16")
        features = self.stem(F.pixel_unshuffle(images - 0.5, 2))
        levels = []
        for depth, block in enumerate(self.down):
            features = block(features if depth == 0 else F.avg_pool2d(features, 2))
            levels.append(features)
        for depth in reversed(range(len(self.up))):
            above = F.interpolate(self.reduce[depth](features), scale_factor=2.0, mode="nearest")
            features = self.up[depth](levels[depth] + above)
        return F.pixel_shuffle(self.head(features), 2)[:, 0]

    def forward(self, images: Tensor) -> Tensor:  # [B, 3, R, R] in 0..1 -> [B, R, R] in 0..1
        """The masks."""
        return torch.sigmoid(self.logits(images))


MOST_PIXELS = 1 << 20
"""Of the images in one run of a graph from elsewhere, which may take 1 kB for each."""


class OnnxSegmenter:
    """A segmenter from elsewhere: an ONNX graph `images` uint8 [B,S,S,3] -> `masks` [B,s,s].

    Images of another side than S are resized to it, and their masks back. S may be free, and then
    s is S.
    """

    def __init__(self, path: Path) -> None:
        try:
            self.model = onnx.load(path)
            session = open_graph(self.model)
        except Exception as error:  # onnxruntime's own exceptions share no narrower ancestor
            raise SegmenterError(f"{path} is not a readable ONNX graph: {error}") from error
        inputs = [(value.name, value.type) for value in session.get_inputs()]
        outputs = [(value.name, value.type) for value in session.get_outputs()]
        wanted = ([("images", "tensor(uint8)")], [("masks", "tensor(float)")])
        if (inputs, outputs) != wanted:
            raise SegmenterError(
                f"{path} takes {inputs} and gives {outputs}; a segmenter takes `images` uint8 "
                "[B, S, S, 3] and gives `masks` float32 [B, s, s] in 0..1; python -m "
                "service.segmenters.wrap makes one of a salient-object network"
            )
        self._sessions: dict[int, InferenceSession] = {}

    def __call__(self, images: Tensor) -> Tensor:  # [B, 3, R, R] in 0..1 -> [B, R, R] in 0..1
        """The masks."""
        pixels = (images.permute(0, 2, 3, 1) * 255).round().clamp(0, 255)
        given = np.ascontiguousarray(pixels.to(torch.uint8).cpu().numpy())
        side = given.shape[1]
        if side not in self._sessions:
            self._sessions[side] = open_graph(at_side(self.model, side))
        many = max(1, MOST_PIXELS // max(side, own_sides(self.model)[0]) ** 2)
        parts = (given[start : start + many] for start in range(0, len(given), many))
        run = self._sessions[side].run
        masks = np.concatenate([np.asarray(run(["masks"], {"images": part})[0]) for part in parts])
        if masks.shape != given.shape[:3]:
            raise SegmenterError(f"masks of shape {masks.shape} for images {given.shape}")
        # Graphs of others may give a little more, which would wrap round where masks become bytes.
        return torch.from_numpy(masks).clamp(0, 1).to(images.device)


def save_segmenter(segmenter: Segmenter, path: Path) -> None:
    """Write the weights and the width, atomically."""
    save_network(path, segmenter, {"channels": str(segmenter.channels)})


def load_segmenter(path: Path, device: torch.device | None = None) -> Segmenter | OnnxSegmenter:
    """The segmenter of a `.safetensors` or `.onnx` file, or the one that a folder holds.

    `device`: where the U-Net takes images (default: the CPU); a graph takes them anywhere.
    """
    if path.is_dir():
        given = path / "segmenter.onnx"
        path = given if given.exists() else path / "segmenter.safetensors"
    if not path.exists():
        raise SegmenterError(f"{path} does not exist: run stage `segmenter` first")
    if path.suffix == ".onnx":
        return OnnxSegmenter(path)
    segmenter = load_network(path, lambda facts: Segmenter(int(facts["channels"])))
    return channels_last(segmenter, device)
