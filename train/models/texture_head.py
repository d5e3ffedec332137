"""The head that reads the texture."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DARKEST = 0.02
"""Nearest that a mean colour comes to 0 or 1, where its logit would be infinite."""


class TextureHead(nn.Module):
    """A texture, mirror-symmetric unless told otherwise, decoded around the object's mean colour.

    Paint is what differs most between objects and what a code of this size keeps worst. A gate
    per texel says how far the mean colour shows there: on the body, hardly on a tyre.
    """

    def __init__(self, code: int, width: int, texture_size: int, *, symmetric: bool = True) -> None:
        super().__init__()
        channels = width * 4
        self.symmetric = symmetric
        self.first = nn.Linear(code, channels * 4 * (4 if symmetric else 8))
        self.levels = nn.ModuleList()
        side = 4
        while side < texture_size:
            outputs = max(channels // 2, 16)
            self.levels.append(
                nn.Sequential(
                    nn.Conv2d(channels, outputs, 3, 1, 1, bias=False),
                    nn.BatchNorm2d(outputs),
                    nn.ReLU(),
                )
            )
            channels, side = outputs, side * 2
        # Each texel of the finest level gives 2 x 2 of the texture: one convolution on a quarter of
        # the texels, with enough outputs to be fast. The four start alike.
        self.drawn = nn.Conv2d(channels, 4 * 4, 3, 1, 1)
        with torch.no_grad():
            self.drawn.weight.copy_(self.drawn.weight[::4].repeat_interleave(4, 0))
            self.drawn.bias.zero_()[3 * 4 :] = 1.0

    def forward(self, code: Tensor, mean_color: Tensor) -> Tensor:
        """[B, code], [B, 3] -> [B, 3, Ht, 2 Ht] in 0..1; u = 0.5, the front, is in the middle."""
        features = F.relu(self.first(code)).unflatten(-1, (-1, 4, 4 if self.symmetric else 8))
        for level in self.levels[:-1]:
            features = F.interpolate(level(features), scale_factor=2.0, mode="nearest")
        drawn = F.pixel_shuffle(self.drawn(self.levels[-1](features)), 2)
        color, gate = drawn.split((3, 1), dim=1)
        bounded = mean_color.clamp(DARKEST, 1 - DARKEST)
        paint = (bounded.log() - (1 - bounded).log())[..., None, None]
        texture = torch.sigmoid(color + gate * paint)
        return torch.cat((texture.flip(-1), texture), dim=-1) if self.symmetric else texture
