"""The inverse graphics network: a photograph and its mask -> shape, texture, camera (paper 3.2).

Ours beside the paper: the shape and the texture are mirror-symmetric about x = 0, the shape is a
learned mean of the category plus a prediction, and a head reads the camera, because a service
gets photographs without one.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional as F

from graphics.camera import NOMINAL_DISTANCE
from graphics.mesh import Template, sphere_template
from train.workspace import write_atomically

AZIMUTH_BINS = 24
"""Soft bins of the azimuth distribution, 15 degrees apart; bin 0 is centred on 0 degrees."""
TEMPLATE_RADIUS = 0.5
"""Object units; a vehicle is about 2 long."""
PLANE_MARGIN = 0.01
"""Object units from the mirror plane within which a vertex is held back from crossing it."""
DARKEST = 0.02
"""Nearest that a mean colour comes to 0 or 1, where its logit would be infinite."""


class Prediction(NamedTuple):
    """What the network reads from B images."""

    vertices: Tensor
    """[B, V, 3] in object units, canonical frame; the middle of the box is the origin."""
    offsets: Tensor
    """[B, V, 3] from the learned mean, before the mirror plane and the centring move `vertices`."""
    textures: Tensor
    """[B, 3, Ht, Wt] in 0..1, row 0 is v = 1."""
    cameras: Tensor
    """[B, 5]: azimuth, elevation (degrees), distance, offset x, offset y."""
    confidences: Tensor
    """[B] in 0..1: share of the azimuth distribution around its peak."""
    azimuth_logits: Tensor
    """[B, AZIMUTH_BINS]."""


@dataclass(frozen=True)
class InverseGraphicsShape:
    """Sizes of the network; stored with its weights."""

    size: int = 64
    """Side of the input image in pixels."""
    width: int = 32
    """Channels of the first level."""
    template_level: int = 3
    texture_size: int = 64
    """Height of the texture; it is twice as wide."""


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut; halves the sides where `stride` is 2."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, features: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, outputs, H/stride, W/stride]."""
        inner = F.relu(self.first_norm(self.first(features)))
        return F.relu(self.second_norm(self.second(inner)) + self.shortcut(features))


class ShapeHead(nn.Module):
    """Mirror-symmetric vertex positions: learned mean shape plus predicted offsets."""

    MEAN_GAIN = 20.0  # the mean has to travel much further than Adam's step per iteration

    def __init__(self, code: int, template: Template) -> None:
        super().__init__()
        vertices = torch.from_numpy(template.vertices).float() * TEMPLATE_RADIUS
        mirror = torch.from_numpy(template.mirror).long()
        kept = torch.nonzero(vertices[:, 0] > -1e-6)[:, 0]
        on_plane = mirror[kept] == kept
        place = torch.full((len(vertices),), -1)
        place[kept] = torch.arange(len(kept))
        mirrored = place < 0
        place[mirrored] = place[mirror[mirrored]]
        sign = torch.ones(len(vertices), 3)
        sign[mirrored, 0] = -1
        free = torch.ones(len(kept), 3)
        free[on_plane, 0] = 0
        side = vertices[:, 0].sign()
        side[kept[on_plane]] = 0
        self.register_buffer("sphere", vertices, persistent=False)
        self.register_buffer("side", side, persistent=False)
        self.register_buffer("place", place, persistent=False)
        self.register_buffer("sign", sign, persistent=False)
        self.register_buffer("free", free, persistent=False)
        self.mean = nn.Parameter(torch.zeros(len(kept), 3))
        self.hidden = nn.Linear(code, code)
        self.offsets = nn.Linear(code, len(kept) * 3)
        nn.init.zeros_(self.offsets.bias)
        nn.init.normal_(self.offsets.weight, std=1e-3)

    def whole(self, half: Tensor) -> Tensor:
        """Offsets of the half x >= 0 -> all vertices: [..., V/2, 3] -> [..., V, 3]."""
        return (half * self.free)[..., self.place, :] * self.sign

    def on_own_side(self, vertices: Tensor) -> Tensor:
        """Vertices [..., V, 3], none of which has crossed the mirror plane.

        What crosses it lies inside its own mirror image, and no image shows that it does: the
        underside folds over itself, and a flatness loss has no gradient at a fold.
        """
        across = vertices[..., 0] * self.side
        kept = (across + (across.square() + PLANE_MARGIN**2).sqrt()) / 2
        return torch.cat(((kept * self.side)[..., None], vertices[..., 1:]), -1)

    def mean_vertices(self) -> Tensor:
        """The learned mean shape, [V, 3]."""
        return self.on_own_side(self.sphere + self.whole(self.mean * self.MEAN_GAIN))

    def forward(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """[B, code] -> vertices [B, V, 3], offsets [B, V, 3] from the mean before it is centred."""
        half = self.offsets(F.relu(self.hidden(code))).unflatten(-1, (-1, 3))
        offsets = self.whole(half)
        vertices = self.sphere + self.whole(self.mean * self.MEAN_GAIN) + offsets
        return centred(self.on_own_side(vertices)), offsets


def centred(vertices: Tensor) -> Tensor:
    """Shapes [B, V, 3] moved so that the middle of each one's box is the origin.

    A shape that lies higher and a camera that looks lower draw the same image. Left free, the two
    drift apart together: re-renderings stay right and every other view is off by as much.
    """
    return vertices - (vertices.amin(1, keepdim=True) + vertices.amax(1, keepdim=True)) / 2


class TextureHead(nn.Module):
    """A mirror-symmetric texture, decoded from the code around the object's mean colour.

    Paint is what differs most between objects and what a code of this size keeps worst. A gate
    per texel says how far the mean colour shows there: on the body, hardly on a tyre.
    """

    def __init__(self, code: int, width: int, texture_size: int) -> None:
        super().__init__()
        channels = width * 4
        self.first = nn.Linear(code, channels * 4 * 4)
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
        self.color = nn.Conv2d(channels, 3, 3, 1, 1)
        self.gate = nn.Conv2d(channels, 1, 3, 1, 1)
        nn.init.ones_(self.gate.bias)

    def forward(self, code: Tensor, mean_color: Tensor) -> Tensor:
        """[B, code], [B, 3] -> [B, 3, Ht, 2 Ht] in 0..1; u = 0.5, the front, is in the middle."""
        features = F.relu(self.first(code)).unflatten(-1, (-1, 4, 4))
        for level in self.levels:
            features = F.interpolate(level(features), scale_factor=2.0, mode="nearest")
        bounded = mean_color.clamp(DARKEST, 1 - DARKEST)
        paint = (bounded.log() - (1 - bounded).log())[..., None, None]
        half = torch.sigmoid(self.color(features) + self.gate(features) * paint)
        return torch.cat((half.flip(-1), half), dim=-1)


class CameraHead(nn.Module):
    """Azimuth as a distribution over soft bins; elevation, distance and offset by regression."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(code, code)
        self.azimuth = nn.Linear(code, AZIMUTH_BINS)
        self.rest = nn.Linear(code, 4)
        nn.init.normal_(self.rest.weight, std=1e-3)
        nn.init.zeros_(self.rest.bias)
        window = torch.zeros(AZIMUTH_BINS, AZIMUTH_BINS)
        for shift in (-1, 0, 1):
            window += torch.roll(torch.eye(AZIMUTH_BINS), shift, 1)
        centres = torch.deg2rad(torch.arange(AZIMUTH_BINS) * (360.0 / AZIMUTH_BINS))
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("directions", torch.stack((centres.sin(), centres.cos()), 1), False)

    def forward(self, code: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, code] -> cameras [B, 5], confidences [B], azimuth logits [B, bins].

        The azimuth is the mean direction of the peak and its two neighbours, so that a second
        peak on the far side (front and back confused) cannot pull it to the middle.
        """
        code = F.relu(self.hidden(code))
        logits = self.azimuth(code)
        share = logits.softmax(-1)
        peak = share * self.window[share.argmax(-1)]
        direction = peak @ self.directions
        azimuth = torch.rad2deg(torch.atan2(direction[:, 0], direction[:, 1]))
        elevation, distance, offsets = self.rest(code).tanh().split((1, 1, 2), -1)
        cameras = torch.cat(
            (
                azimuth[:, None],
                15 + 30 * elevation,
                NOMINAL_DISTANCE * torch.exp(0.5 * distance),
                0.4 * offsets,
            ),
            dim=-1,
        )
        return cameras, peak.sum(-1), logits


class InverseGraphics(nn.Module):
    """f_theta of the paper, with a camera head."""

    def __init__(self, shape: InverseGraphicsShape) -> None:
        super().__init__()
        self.shape = shape
        self.template = sphere_template(shape.template_level)
        width = shape.width
        blocks = [
            nn.Conv2d(4, width, 5, 2, 2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            ResidualBlock(width, width * 2, 2),
            ResidualBlock(width * 2, width * 2, 1),
            ResidualBlock(width * 2, width * 4, 2),
            ResidualBlock(width * 4, width * 4, 1),
        ]
        side = shape.size // 8
        while side > 4:
            blocks += [ResidualBlock(width * 4, width * 4, 2)]
            side //= 2
        blocks += [nn.Conv2d(width * 4, width * 2, 1), nn.ReLU(), nn.Flatten()]
        self.encoder = nn.Sequential(*blocks)
        code = width * 12
        self.code = nn.Linear(width * 2 * side * side, code)
        self.shape_head = ShapeHead(code, self.template)
        self.texture_head = TextureHead(code, width, shape.texture_size)
        self.camera_head = CameraHead(code)

    def forward(self, images: Tensor, masks: Tensor) -> Prediction:
        """Images [B, 3, R, R] in 0..1 and masks [B, 1, R, R] in 0..1.

        The network sees the object alone: what stands around it differs between generated images
        and photographs.
        """
        seen = torch.cat(((images - 0.5) * 2 * masks, masks * 2 - 1), dim=1)
        code = F.relu(self.code(self.encoder(seen)))
        vertices, offsets = self.shape_head(code)
        cameras, confidences, logits = self.camera_head(code)
        mean_color = (images * masks).sum((2, 3)) / masks.sum((2, 3)).clamp(min=1.0)
        textures = self.texture_head(code, mean_color)
        return Prediction(vertices, offsets, textures, cameras, confidences, logits)


def azimuth_targets(azimuth_degrees: Tensor) -> Tensor:
    """Soft bins of azimuths [B]: each falls on its two nearest bins, linearly -> [B, bins]."""
    place = (azimuth_degrees / (360.0 / AZIMUTH_BINS)) % AZIMUTH_BINS
    low = place.floor()
    share = (place - low)[:, None]
    low = low.long() % AZIMUTH_BINS
    high = (low + 1) % AZIMUTH_BINS
    return F.one_hot(low, AZIMUTH_BINS) * (1 - share) + F.one_hot(high, AZIMUTH_BINS) * share


def save_inverse_graphics(path: Path, network: InverseGraphics) -> None:
    """Write the weights, in half precision, with the sizes that they belong to, atomically."""
    weights = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in network.state_dict().items()
    }
    write_atomically(path, save(weights, {"shape": json.dumps(asdict(network.shape))}))


def load_inverse_graphics(path: Path) -> InverseGraphics:
    """Read what `save_inverse_graphics` wrote: float32 parameters, evaluation mode."""
    with safe_open(path, "pt") as file:
        shape = InverseGraphicsShape(**json.loads(file.metadata()["shape"]))
    network = InverseGraphics(shape)
    network.load_state_dict(load_file(path))
    return network.eval()
