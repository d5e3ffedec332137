"""The head that predicts the texture."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PATCH = 4  # texels along each side that one cell of the finest features gives
DARKEST = 0.02  # nearest that a mean colour comes to 0 or 1, where its logit would be infinite


class TextureHead(nn.Module):
    """A texture, mirror-symmetric by default, decoded around the object's mean colour.

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
        while side * PATCH < texture_size:
            outputs = max(channels // 2, 32)
            self.levels.append(
                nn.Sequential(
                    nn.Conv2d(channels, outputs, 3, 1, 1, bias=False),
                    nn.BatchNorm2d(outputs),
                    nn.ReLU(),
                    nn.Upsample(scale_factor=2, mode="nearest"),
                )
            )
            channels, side = outputs, side * 2
        # Few channels at many pixels are slow to convolve: the last cells give patches of texels,
        # which start as one colour and one gate each.
        self.patches = nn.Conv2d(channels, 4 * PATCH**2, 3, 1, 1)
        with torch.no_grad():
            alike = self.patches.weight[:: PATCH**2].repeat_interleave(PATCH**2, dim=0)
            self.patches.weight.copy_(alike)
            self.patches.bias.zero_()[3 * PATCH**2 :] = 1.0

    def forward(self, code: Tensor, mean_color: Tensor) -> Tensor:
        """[B, code], [B, 3] -> [B, 3, Ht, 2 Ht] in 0..1; u = 0.5, the front, is in the middle."""
        features = F.relu(self.first(code)).unflatten(-1, (-1, 4, 4 if self.symmetric else 8))
        for level in self.levels:
            features = level(features)
        # F.pixel_shuffle of a CPU takes three times as long, and mirroring bfloat16 longer still.
        cells = self.patches(features).permute(0, 2, 3, 1).float()
        patches = cells.unflatten(-1, (4, PATCH, PATCH))
        texels = patches.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)
        color, gate = texels.split((3, 1), dim=1)
        bounded = mean_color.clamp(DARKEST, 1 - DARKEST)
        paint = (bounded.log() - (1 - bounded).log())[..., None, None]
        texture = torch.sigmoid(torch.addcmul(color, gate, paint))
        return torch.cat((texture.flip(-1), texture), dim=-1) if self.symmetric else texture
