"""Features for the perceptual term: our own discriminator's, or VGG-16's where weights are given.

The discriminator is at hand for every category and resolution and was trained on these very
images; VGG needs a file that the user brings.
"""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from train.models.weights import WeightsError, load_discriminator

VGG_CHANNELS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512)
"""Convolutions of VGG-16 up to conv4_3; 0 is a max-pooling (Simonyan and Zisserman, table 1)."""
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class DiscriminatorFeatures(nn.Module):
    """Feature maps of a trained discriminator's blocks, frozen."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.discriminator = load_discriminator(path).eval().requires_grad_(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Images [B, 3, R, R] in 0..1 -> feature maps, finest first."""
        return self.discriminator.features(images * 2 - 1)


class VggFeatures(nn.Module):
    """VGG-16 features after each level, from a safetensors file with torchvision's names."""

    mean: Tensor
    std: Tensor

    def __init__(self, path: Path) -> None:
        """Raises `WeightsError` for a file that is missing or holds something else."""
        super().__init__()
        self.layers = nn.ModuleList()
        channels = 3
        for outputs in VGG_CHANNELS:
            if outputs:
                self.layers += [nn.Conv2d(channels, outputs, 3, 1, 1), nn.ReLU()]
                channels = outputs
            else:
                self.layers.append(nn.MaxPool2d(2))
        try:
            given = load_file(path)
            weights = {name: given[f"features.{name}"] for name in self.layers.state_dict()}
            self.layers.load_state_dict(weights)
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            raise WeightsError(
                f"{path} is not VGG-16 ({error!r}): it must be a safetensors file of its "
                "convolutions under torchvision's names (features.0.weight, ...)"
            ) from error
        self.requires_grad_(False).eval()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Images [B, 3, R, R] in 0..1 -> the features before each pooling, finest first."""
        features, levels = (images - self.mean) / self.std, []
        for layer in self.layers:
            if isinstance(layer, nn.MaxPool2d):
                levels.append(features)
            features = F.relu(features) if isinstance(layer, nn.ReLU) else layer(features)
        return [*levels, features]
