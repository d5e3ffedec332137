"""The image generator: StyleGAN2's mapping and skip synthesis, unconditional or camera-conditioned.

Every layer is modulated by one style vector (the paper's W*). Styles come from two codes: the
*view* code drives the first `view_layers` convolutions, the *content* code all later
convolutions and every projection to colours. An unconditional generator takes a second `w` as
its view code. A camera-conditioned one takes the camera's code and mixes the content into it: the
early layers form a body's silhouette too, which would otherwise follow the view.
"""

import itertools
import math
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from train.models.camera_features import ELEVATION_FEATURE, CameraMapping
from train.models.layers import EqualisedLinear, enlarged, normalise_second_moment, spread
from train.models.modulation import ModulatedConvolution, ToRGB

Styles = list[Tensor]  # one [B, channels] tensor per entry of `Generator.style_names`
Noise = Literal["random", "fixed"] | None

CHANNELS = {4: 128, 8: 128, 16: 64, 32: 32, 64: 16, 128: 16, 256: 8, 512: 8}
"""Default channels by resolution: about the same cost at every resolution from 8 to 64 px."""
ALWAYS_CONTENT = 1_000  # the position of a layer that no cut reaches


def default_channels(size: int) -> tuple[int, ...]:
    """Channels of the resolutions 4, 8, … `size`."""
    if size not in CHANNELS:
        raise ValueError(f"image size {size}: must be one of {', '.join(map(str, CHANNELS))}")
    return tuple(channels for side, channels in CHANNELS.items() if side <= size)


@dataclass(frozen=True)
class GeneratorShape:
    """What a generator's weights depend on; stored with them."""

    size: int = 64  # side of the image in pixels, a power of two
    code: int = 64  # numbers in z and in w
    channels: tuple[int, ...] = ()
    """Channels of the resolutions 4, 8, … size; empty: the default ones."""
    mapping_layers: int = 4
    view_layers: int = 4
    """Convolutions that follow the view code (measured: azimuth std 12.5° at 4, 22° at 3)."""
    camera_conditioned: bool = False

    def __post_init__(self) -> None:
        if not self.channels:
            object.__setattr__(self, "channels", default_channels(self.size))
        wanted = int(math.log2(self.size)) - 1
        if 2 ** (wanted + 1) != self.size or len(self.channels) != wanted:
            raise ValueError(
                f"size {self.size} with {len(self.channels)} channel counts: the size must be a "
                f"power of two from 4 up, with one count for each of 4, 8, … size"
            )
        if not 0 < self.view_layers <= 2 * wanted - 1:
            most = 2 * wanted - 1
            raise ValueError(f"view_layers={self.view_layers}: this size has {most} convolutions")


class Mapping(nn.Module):
    """z → w: normalisation and slowly learning fully connected layers (StyleGAN2)."""

    mean: Tensor

    def __init__(self, code: int, layers: int) -> None:
        super().__init__()
        linear = partial(EqualisedLinear, code, code, rate=0.01, activate=True)
        self.layers = nn.Sequential(*(linear() for _ in range(layers)))
        self.register_buffer("mean", torch.zeros(code))

    def forward(self, z: Tensor, truncation: float = 1.0) -> Tensor:  # [B, code] -> [B, code]
        """Codes w, moved towards their mean by `truncation` (1: not at all, 0: the mean)."""
        w = self.layers(normalise_second_moment(z))
        return w if truncation == 1.0 else self.mean + truncation * (w - self.mean)

    @torch.no_grad()
    def track_mean(self, w: Tensor, rate: float = 0.005) -> None:  # [B, code]
        """Move the running mean of w towards this batch's."""
        self.mean.lerp_(w.detach().float().mean(dim=0), rate)


class SynthesisBlock(nn.Module):
    """The convolutions and the colours of one resolution; the first block does not upsample."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        first: bool,
        convolution: type[ModulatedConvolution] = ModulatedConvolution,
    ) -> None:
        super().__init__()
        self.conv0 = None if first else convolution(inputs, outputs, upsample=True)
        self.conv1 = convolution(outputs, outputs)
        self.to_rgb = ToRGB(outputs)


class StyleLayer(NamedTuple):
    """A layer that a style modulates."""

    name: str
    width: int  # channels that it reads
    position: int  # the layer follows the view code if this is below the cut between the two codes


class Generator(nn.Module):
    """StyleGAN2 with its style vectors in reach; see the module's text for the two codes."""

    architecture: ClassVar[str] = "light"
    """Convolves before upsampling; see `train.models.stylegan2` for the published form."""
    shape_class: ClassVar[type[GeneratorShape]] = GeneratorShape
    convolution: ClassVar[type[ModulatedConvolution]] = ModulatedConvolution

    def __init__(self, shape: GeneratorShape) -> None:
        super().__init__()
        self.shape = shape
        self.mapping = Mapping(shape.code, shape.mapping_layers)
        self.camera_conditioned = shape.camera_conditioned  # the view code is then a camera's
        self.camera_mapping = CameraMapping(shape.code) if shape.camera_conditioned else None
        self.constant = nn.Parameter(torch.randn(1, shape.channels[0], 4, 4))
        inputs = (shape.channels[0], *shape.channels[:-1])
        self.blocks = nn.ModuleList(
            SynthesisBlock(before, after, first=index == 0, convolution=self.convolution)
            for index, (before, after) in enumerate(zip(inputs, shape.channels, strict=True))
        )
        self.style_layers = self._style_layers(inputs)
        self.style_names = [layer.name for layer in self.style_layers]
        self.convolution_count = 2 * len(self.blocks) - 1
        ends = [0, *itertools.accumulate(layer.width for layer in self.style_layers)]
        slices = itertools.starmap(slice, itertools.pairwise(ends))
        self.style_slices = dict(zip(self.style_names, slices, strict=True))
        self.style_size = ends[-1]  # numbers in a flattened style vector
        early = [layer.width for layer in self.style_layers if layer.position < shape.view_layers]
        self.view_dimensions = slice(0, sum(early))  # its part that the view code drives
        self.affines = nn.ModuleList(
            EqualisedLinear(shape.code, layer.width, bias=1.0) for layer in self.style_layers
        )
        for index in range(self.convolution_count):
            side = 4 * 2 ** ((index + 1) // 2)
            self.register_buffer(f"noise{index}", torch.randn(1, 1, side, side))
        for index in range(len(self.blocks) - 1):
            self.register_buffer(f"spread{index}", spread(4 * 2**index), persistent=False)

    def _style_layers(self, inputs: tuple[int, ...]) -> list[StyleLayer]:
        """Convolutions first, then colours, so that the view's styles are one slice."""
        convolutions, colours = [], []
        for index, (before, after) in enumerate(zip(inputs, self.shape.channels, strict=True)):
            side = 4 * 2**index
            if index > 0:
                convolutions.append(StyleLayer(f"b{side}.conv0", before, 2 * index - 1))
            convolutions.append(StyleLayer(f"b{side}.conv1", after, 2 * index))
            colours.append(StyleLayer(f"b{side}.to_rgb", after, ALWAYS_CONTENT))
        return [*convolutions, *colours]

    @property
    def knows_elevations(self) -> bool:
        """Whether it was trained on labels of elevation; else elevations are the content's own."""
        mapping = self.camera_mapping
        return mapping is not None and bool(mapping.layers[0].weight[:, ELEVATION_FEATURE].any())

    def styles(
        self,
        content: Tensor,  # [B, code]
        view: Tensor,  # [B, code] w (unconditional) or camera_mapping(cameras) (camera-conditioned)
        cut: int | Tensor | None = None,
    ) -> Styles:  # [B, channels] per style name
        """One style per layer; the first `cut` convolutions (default: view_layers) see `view`.

        As a tensor, int64 [], `cut` may lie on a GPU, which nothing waits for then.
        """
        cut = self.shape.view_layers if cut is None else cut
        early = (view + content) / math.sqrt(2.0) if self.camera_conditioned else view

        def code(layer: StyleLayer) -> Tensor:
            if isinstance(cut, Tensor):
                return torch.where(layer.position < cut, early, content)
            return early if layer.position < cut else content

        pairs = zip(self.style_layers, self.affines, strict=True)
        return [affine(code(layer)) for layer, affine in pairs]

    def layer_styles(self, codes: Tensor, cameras: Tensor) -> Styles:  # [B, L, code], [B, 5]
        """Styles of a code w of its own for each of the L layers, in the order of `style_names`.

        The early ones are view codes; with a camera-conditioned generator they are contents, and
        what the camera says is added.
        """
        view, late = codes.split(
            (self.shape.view_layers, codes.shape[1] - self.shape.view_layers), 1
        )
        if self.camera_mapping is not None:
            view = (self.camera_mapping(cameras)[:, None] + view) / math.sqrt(2.0)
        every = torch.cat((view, late), dim=1).unbind(1)
        return [affine(code) for affine, code in zip(self.affines, every, strict=True)]

    def synthesize(
        self,
        styles: Styles,
        noise: Noise = "random",
        rng: torch.Generator | None = None,
    ) -> Tensor:  # [B, 3, R, R]
        """Images in about [-1, 1].

        `noise`: "random" samples noise (from `rng`), "fixed" takes the stored noise, None none.
        """
        batch = styles[0].shape[0]
        style = dict(zip(self.style_names, styles, strict=True))
        features = self.constant.expand(batch, -1, -1, -1)
        features = features.contiguous(memory_format=torch.channels_last)
        image: Tensor | None = None
        layer = 0
        for index, block in enumerate(self.blocks):
            side = 4 * 2**index
            for name, convolution in (("conv0", block.conv0), ("conv1", block.conv1)):
                if convolution is not None:
                    added = self._noise(layer, batch, noise, rng)
                    features = self._limit(convolution(features, style[f"b{side}.{name}"], added))
                    layer += 1
            colours = self._limit(block.to_rgb(features, style[f"b{side}.to_rgb"]))
            colours = colours.to(self.constant.dtype)  # which autocast may have lowered
            image = colours if image is None else self._enlarge(image, index) + colours
        return image

    def _enlarge(self, image: Tensor, index: int) -> Tensor:
        """The image of the blocks before this one at its resolution."""
        return enlarged(image, self.get_buffer(f"spread{index - 1}"))

    def _limit(self, features: Tensor) -> Tensor:
        """What a layer's output passes through; nothing here."""
        return features

    def _noise(
        self, layer: int, batch: int, kind: Noise, rng: torch.Generator | None
    ) -> Tensor | None:
        if kind is None:
            return None
        fixed = self.get_buffer(f"noise{layer}")
        if kind == "fixed":
            return fixed
        return torch.randn((batch, *fixed.shape[1:]), generator=rng, device=fixed.device)

    def flatten(self, styles: Styles) -> Tensor:  # [B, style_size]
        """The styles as one StyleSpace vector, in the order of `style_names`."""
        return torch.cat(styles, dim=1)

    def unflatten(self, vector: Tensor) -> Styles:  # [B, style_size]
        """The inverse of `flatten`."""
        if vector.ndim != 2 or vector.shape[1] != self.style_size:
            raise ValueError(f"style {tuple(vector.shape)}: must be [B, {self.style_size}]")
        return [vector[:, part] for part in self.style_slices.values()]
