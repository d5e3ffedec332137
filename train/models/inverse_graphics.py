"""The inverse graphics network: a photograph and its mask -> shape, texture, camera (paper 3.2).

Ours beside the paper: the shape is mirror-symmetric about x = 0 by default, and so is the texture
where the template's uvs are; the shape is a learned mean of the category plus a prediction; a head
estimates the camera, because a service gets photographs without one.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple, Self

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from graphics.camera import AZIMUTH, ELEVATION
from graphics.mesh import Template, sphere_template
from graphics.mirror import uvs_are_mirrored
from train.models.camera_encoder import CODE, CameraEncoder, PretrainedCameraEncoder
from train.models.efficientnet_lite import EfficientNetLite
from train.models.heads import CameraHead, ShapeHead, TextureHead
from train.models.object_crop import squares_around
from train.models.weights import load_network, save_network


class Prediction(NamedTuple):
    """What the network predicts from B images."""

    vertices: Tensor
    """[B, V, 3] in object units, canonical frame; the middle of the box is the origin."""
    offsets: Tensor
    """[B, V, 3] from the learned mean, before the mirror plane and the centring move `vertices`."""
    textures: Tensor  # [B, 3, Ht, Wt] in 0..1, row 0 is v = 1
    cameras: Tensor  # [B, 5]: azimuth, elevation (degrees), distance, offset x, offset y
    confidences: Tensor  # [B] in 0..1: probability of the azimuth's peak and its neighbours
    azimuth_logits: Tensor  # [B, AZIMUTH_BINS]


def completed(labelled: Tensor, predicted: Tensor) -> Tensor:  # both [B, 5] -> [B, 5]
    """Cameras with azimuth and elevation as labelled, where they are not nan; the rest is
    predicted."""
    known = torch.zeros_like(labelled, dtype=torch.bool)
    angles = [AZIMUTH, ELEVATION]
    known[:, angles] = ~labelled[:, angles].isnan()
    return torch.where(known, labelled, predicted)


@dataclass(frozen=True)
class InverseGraphicsShape:
    """Sizes of the network; stored with its weights."""

    size: int = 64  # side in pixels of the images that the camera is estimated from
    width: int = 32  # a quarter of the encoder's most channels
    template_level: int = 3
    texture_size: int = 64  # height of the texture; it is twice as wide
    symmetric: bool = True  # whether shape and texture are mirror-symmetric about x = 0
    camera: Literal["own", "pretrained"] = "own"  # what estimates the camera has seen before


LARGEST_SHAPE_SIDE = 64
"""Side in pixels that shape and texture are predicted from, or `size` if that is less. Finer detail
the service paints from the photograph itself."""

OWN_TEMPLATE = "own_template."
"""Prefix of a user's own template among the weights."""
CAMERA_PARTS = ("camera_encoder.", "camera_head.")
"""Prefixes of the parameters that estimate the camera."""


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut; halves the sides where `stride` is 2.

    With fewer inner channels than outputs it costs half as much and predicts as well.
    """

    def __init__(self, inputs: int, inner: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, inner, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(inner)
        self.second = nn.Conv2d(inner, outputs, 3, 1, 1, bias=False)
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


class TemplateArrays(nn.Module):
    """A template among a network's weights."""

    def __init__(self, template: Template) -> None:
        super().__init__()
        for name, array in template._asdict().items():
            # As bits: weights are stored in half precision, and a template is not.
            self.register_buffer(name, torch.from_numpy(np.array(array).view(np.int32)))

    def template(self) -> Template:
        """The template."""
        return _template_of({name: self.get_buffer(name) for name in Template._fields})


def _template_of(bits: Mapping[str, Tensor]) -> Template:
    arrays = {name: bits[name].cpu().numpy() for name in Template._fields}
    arrays |= {name: arrays[name].view(np.float32) for name in ("vertices", "face_uvs")}
    return Template(**arrays)


class InverseGraphics(nn.Module):
    """f_theta of the paper, with a camera head."""

    def __init__(self, shape: InverseGraphicsShape, template: Template | None = None) -> None:
        """`template`: a user's own; None: the sphere of the shape's level."""
        super().__init__()
        self.shape = shape
        self.own_template = None if template is None else TemplateArrays(template)
        self.template = template or sphere_template(shape.template_level)
        if not shape.symmetric:
            self.template = self.template.without_symmetry()
        symmetric = uvs_are_mirrored(self.template)
        width = shape.width
        blocks = [
            nn.Conv2d(4, width * 2, 7, 4, 3, bias=False),
            nn.BatchNorm2d(width * 2),
            nn.ReLU(),
            ResidualBlock(width * 2, width, width * 2, 1),
            ResidualBlock(width * 2, width * 2, width * 4, 2),
            ResidualBlock(width * 4, width * 2, width * 4, 1),
        ]
        self.shape_side = min(shape.size, LARGEST_SHAPE_SIDE)
        side = self.shape_side // 8
        while side > 4:
            blocks += [ResidualBlock(width * 4, width * 4, width * 4, 2)]
            side //= 2
        blocks += [nn.Conv2d(width * 4, width * 2, 1), nn.ReLU(), nn.Flatten()]
        self.encoder = nn.Sequential(*blocks)
        code = width * 12
        self.code = nn.Linear(width * 2 * side * side, code)
        self.shape_head = ShapeHead(code, self.template, symmetric=shape.symmetric)
        self.texture_head = TextureHead(code, width, shape.texture_size, symmetric=symmetric)
        self.camera_encoder = _camera_encoder(shape)
        self.camera_head = CameraHead(CODE)

    def forward(
        self, images: Tensor, masks: Tensor, camera_code: Tensor | None = None
    ) -> Prediction:
        """Images [B, 3, R, R] and masks [B, 1, R, R], both in 0..1, of any side R.

        The network sees the object alone: what stands around it differs between generated images
        and photographs. `camera_code` [B, C]: what `encoded_camera` gave for them; None: it is
        worked out here.
        """
        seen = _seen(images, masks)
        code = F.relu(self.code(self.encoder(resized(seen, self.shape_side))))
        vertices, offsets = self.shape_head(code)
        if camera_code is None:
            camera_code = self._encoded_camera(seen)
        cameras, confidences, logits = self._camera(seen, camera_code)
        mean_color = (images * masks).sum((2, 3)) / masks.sum((2, 3)).clamp(min=1.0)
        textures = self.texture_head(code, mean_color)
        return Prediction(vertices, offsets, textures, cameras, confidences, logits)

    def with_pretrained_camera(self) -> Self:
        """A copy whose camera part is new, on a trunk with the weights of ImageNet.

        Raises:
            PretrainedUnavailable: they cannot be had.
        """
        given = self.own_template and self.own_template.template()
        other = type(self)(replace(self.shape, camera="pretrained"), given)
        kept = {k: v for k, v in self.state_dict().items() if not k.startswith(CAMERA_PARTS)}
        other.load_state_dict(kept, strict=False)
        other.camera_encoder = PretrainedCameraEncoder(EfficientNetLite.pretrained())
        return other.train(self.training)

    def camera(self, images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Cameras [B, 5], confidences [B] and azimuth logits [B, bins] alone, of what `forward`
        takes."""
        seen = _seen(images, masks)
        return self._camera(seen, self._encoded_camera(seen))

    def encoded_camera(self, images: Tensor, masks: Tensor) -> Tensor:
        """What the camera head reads, [B, C], of what `forward` takes."""
        return self._encoded_camera(_seen(images, masks))

    def camera_code(self, images: Tensor, masks: Tensor) -> Tensor:
        """What the camera head's last layers weigh, [B, C], of what `forward` takes."""
        return F.relu(self.camera_head.hidden(self.encoded_camera(images, masks)))

    def _encoded_camera(self, seen: Tensor) -> Tensor:
        if self.shape.camera == "own":
            seen = resized(seen, self.shape.size)
        return self.camera_encoder(seen)

    def _camera(self, seen: Tensor, code: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        cameras, confidences, logits = self.camera_head(code)
        if self.shape.camera == "own":
            return cameras, confidences, logits
        # It sees no more of the image than the object, whose place is known by the mask.
        squares = squares_around((seen[:, 3] + 1) / 2)
        return squares.placed(cameras, seen.shape[-1]), confidences, logits


def _camera_encoder(shape: InverseGraphicsShape) -> nn.Module:
    if shape.camera == "pretrained":
        return PretrainedCameraEncoder(EfficientNetLite())
    return CameraEncoder(shape.size)


def _seen(images: Tensor, masks: Tensor) -> Tensor:  # [B, 4, R, R]
    """The object's colours in -1..1, 0 around it, and the mask in -1..1."""
    return torch.cat(((images - 0.5) * 2 * masks, masks * 2 - 1), dim=1)


def resized(images: Tensor, side: int) -> Tensor:  # [B, C, R, R] -> [B, C, side, side]
    """Area average downwards, bilinear upwards."""
    if images.shape[-1] == side:
        return images
    if images.shape[-1] % side == 0:
        return F.avg_pool2d(images, images.shape[-1] // side)
    mode = "area" if images.shape[-1] > side else "bilinear"
    return F.interpolate(images, size=(side, side), mode=mode)


def save_inverse_graphics(path: Path, network: InverseGraphics) -> None:
    """Write the weights, in half precision, with the sizes that they belong to, atomically."""
    save_network(path, network, {"shape": json.dumps(asdict(network.shape))}, torch.float16)


def load_inverse_graphics(path: Path) -> InverseGraphics:
    """Read what `save_inverse_graphics` wrote: float32 parameters, evaluation mode."""

    def build(facts: dict[str, str]) -> InverseGraphics:
        shape = InverseGraphicsShape(**json.loads(facts["shape"]))
        return InverseGraphics(shape, _stored_template(path))

    return load_network(path, build)


def _stored_template(path: Path) -> Template | None:
    """The user's own template of a file of weights; None: it is the sphere."""
    with safe_open(path, "pt") as file:
        names = {name: f"{OWN_TEMPLATE}{name}" for name in Template._fields}
        if names["vertices"] not in file.keys():
            return None
        return _template_of({name: file.get_tensor(key) for name, key in names.items()})
