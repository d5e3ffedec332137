"""The heads of the inverse graphics network: shape, texture and camera."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphics.azimuth import BINS
from graphics.camera import NOMINAL_DISTANCE
from graphics.mesh import Template

TEMPLATE_RADIUS = 0.5  # object units; a vehicle is about 2 long
PLANE_MARGIN = 0.01
"""Object units from the mirror plane within which a vertex is held back from crossing it."""
PATCH = 4  # texels along each side that one cell of the finest features gives
DARKEST = 0.02  # nearest that a mean colour comes to 0 or 1, where its logit would be infinite
AZIMUTH_BINS = BINS
"""Soft bins of the azimuth distribution, 15 degrees apart; bin 0 is centred on 0 degrees."""


class ShapeHead(nn.Module):
    """Vertex positions, mirror-symmetric by default: learned mean plus offsets."""

    sphere: Tensor
    side: Tensor
    index: Tensor
    sign: Tensor
    free: Tensor
    MEAN_GAIN = 20.0  # the mean has to travel much further than Adam's step per iteration

    def __init__(self, code: int, template: Template, *, symmetric: bool = True) -> None:
        super().__init__()
        self.symmetric = symmetric
        vertices = torch.from_numpy(template.vertices).float() * TEMPLATE_RADIUS
        mirror = torch.from_numpy(template.mirror).long()
        if not symmetric:
            mirror = torch.full_like(mirror, -1)  # no vertex follows another, none is on the plane
        own = torch.arange(len(mirror))
        # Of a pair one follows the other: that at x < 0, or the later one.
        leads = (vertices[:, 0] > 0) | ((vertices[:, 0] == 0) & (own < mirror))
        kept = torch.nonzero(leads | (mirror == own) | (mirror < 0))[:, 0]
        on_plane = mirror[kept] == kept
        index = torch.full((len(vertices),), -1)
        index[kept] = torch.arange(len(kept))
        mirrored = index < 0
        index[mirrored] = index[mirror[mirrored]]
        sign = torch.ones(len(vertices), 3)
        sign[mirrored, 0] = -1
        free = torch.ones(len(kept), 3)
        free[on_plane, 0] = 0
        side = vertices[:, 0].sign()
        side[kept[on_plane]] = 0
        buffers = {"sphere": vertices, "side": side, "index": index, "sign": sign, "free": free}
        for name, value in buffers.items():
            self.register_buffer(name, value, persistent=False)
        self.mean = nn.Parameter(torch.zeros(len(kept), 3))
        self.hidden = nn.Linear(code, code)
        self.offsets = nn.Linear(code, len(kept) * 3)
        nn.init.zeros_(self.offsets.bias)
        nn.init.normal_(self.offsets.weight, std=1e-3)

    def whole(self, half: Tensor) -> Tensor:
        """Offsets of the half x >= 0 -> all vertices: [..., V/2, 3] -> [..., V, 3].

        Without symmetry every vertex has its own.
        """
        return (half * self.free)[..., self.index, :] * self.sign

    def on_own_side(self, vertices: Tensor) -> Tensor:
        """Vertices [..., V, 3], none of which has crossed the plane of a symmetric shape.

        What crosses it lies inside its own mirror image, and no image shows that it does: the
        underside folds over itself, and a flatness loss has no gradient at a fold.
        """
        if not self.symmetric:
            return vertices
        across = vertices[..., 0] * self.side
        kept = (across + (across.square() + PLANE_MARGIN**2).sqrt()) / 2
        return torch.cat(((kept * self.side)[..., None], vertices[..., 1:]), -1)

    def forward(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """[B, code] -> vertices [B, V, 3], offsets [B, V, 3] from the mean before it is centred."""
        half = self.offsets(F.relu(self.hidden(code))).unflatten(-1, (-1, 3))
        offsets = self.whole(half)
        vertices = self.sphere + self.whole(self.mean * self.MEAN_GAIN) + offsets
        return centred(self.on_own_side(vertices)), offsets


def centred(vertices: Tensor) -> Tensor:
    """Shapes [B, V, 3] moved so that the middle of each one's box is the origin.

    A shape that lies higher and a camera that looks lower render the same image. Left free, the two
    drift apart together: re-renderings stay right and every other view is off by as much.
    """
    return vertices - (vertices.amin(1, keepdim=True) + vertices.amax(1, keepdim=True)) / 2


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
            nn.init.zeros_(bias := self.patches.get_parameter("bias"))
            bias[3 * PATCH**2 :] = 1.0

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


class CameraHead(nn.Module):
    """Azimuth as a distribution over soft bins; elevation, distance and offset by regression."""

    window: Tensor
    directions: Tensor
    temperature: Tensor
    """What the logits are divided by, so that confidences are the shares that are right; 1 until a
    bundle is adapted to photographs."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(code, code)
        self.azimuth = nn.Linear(code, AZIMUTH_BINS)
        self.rest = nn.Linear(code, 4)
        nn.init.normal_(self.rest.weight, std=1e-3)
        nn.init.zeros_(self.rest.bias)
        window = torch.stack([torch.eye(AZIMUTH_BINS).roll(n, 1) for n in (-1, 0, 1)]).sum(0)
        centres = torch.deg2rad(torch.arange(AZIMUTH_BINS) * (360.0 / AZIMUTH_BINS))
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("directions", torch.stack((centres.sin(), centres.cos()), 1), False)

    def forward(self, code: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, code] -> cameras [B, 5], confidences [B], azimuth logits [B, bins], divided by the
        temperature."""
        code = F.relu(self.hidden(code))
        logits = self.azimuth(code) / self.temperature
        azimuth, confidences = self.read_azimuths(logits)
        elevation, distance, offsets = self.rest(code).tanh().split((1, 1, 2), -1)
        distance = NOMINAL_DISTANCE * torch.exp(0.5 * distance)
        columns = (azimuth[:, None], 15 + 30 * elevation, distance, 0.4 * offsets)
        return torch.cat(columns, dim=-1), confidences, logits

    def read_azimuths(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [B, bins] -> azimuths [B] in degrees, -180..180, and confidences [B] in 0..1.

        The azimuth is the mean direction of the peak and its two neighbours, so that a second
        peak on the far side (front and back confused) cannot pull it to the middle.
        """
        probabilities = logits.softmax(-1)
        peak = probabilities * self.window[probabilities.argmax(-1)]
        direction = peak @ self.directions
        azimuth = torch.rad2deg(torch.atan2(direction[:, 0], direction[:, 1]))
        return azimuth, peak.sum(-1)


def azimuth_targets(azimuth_degrees: Tensor) -> Tensor:
    """Soft bins of azimuths [B]: each falls on its two nearest bins, linearly -> [B, bins]."""
    position = (azimuth_degrees / (360.0 / AZIMUTH_BINS)) % AZIMUTH_BINS
    low = position.floor()
    weight = (position - low)[:, None]
    low = low.long() % AZIMUTH_BINS
    high = (low + 1) % AZIMUTH_BINS
    return F.one_hot(low, AZIMUTH_BINS) * (1 - weight) + F.one_hot(high, AZIMUTH_BINS) * weight
