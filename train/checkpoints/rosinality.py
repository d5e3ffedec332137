"""Files of rosinality's stylegan2-pytorch: the same numbers as NVIDIA's under other names.

A file is what torch.save made of a dictionary: g_ema, mostly with latent_avg, and in training
checkpoints g, d, their optimisers and the command line. Names are those of public files. Whatever
is not as it has to be is refused with a `CheckpointError`.
"""

import argparse
import io
import itertools
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from train.checkpoints import keys
from train.checkpoints.keys import MOST_BLOCKS, Key, built, layer_keys
from train.checkpoints.refusal import CheckpointError, contents
from train.checkpoints.safe_unpickler import ADVICE, load_tensors
from train.models.stylegan2 import StyleGAN2DiscriminatorShape, StyleGAN2Shape

ZIP_MAGIC = b"PK\x03\x04"  # how a file of torch.save begins since version 1.6
MEAN = "latent_avg"
"""The mean of w, which stands beside the network; where it is missing it has to be measured."""
REASONS = {
    "g": "the generator in training; g_ema is its average",
    "g_optim": "state of an optimiser",
    "d_optim": "state of an optimiser",
    "args": "the command line of the training",
    "ada_aug_p": "augmentation of the photographs in training",
}


def read(content: bytes, view_layers: int) -> keys.Parts:
    """The parts of a file; `view_layers`: codes that shall hold the viewpoint.

    Raises:
        CheckpointError: no such file, or not safe to read, or another network.
    """
    entries = _read_entries(content)
    tensors = _generator_tensors(entries)
    shape = _generator_shape(tensors, view_layers)
    generator = keys.Part("g_ema", shape, tensors, list(_generator_keys(shape, MEAN in tensors)))
    discriminator = None
    if isinstance(entries.get("d"), dict):
        tensors = _state_of(entries, "d")
        shape = _discriminator_shape(tensors)
        discriminator = keys.Part("d", shape, tensors, list(_discriminator_keys(shape)))
    return keys.parts_of(entries, generator, discriminator, REASONS, beside=[MEAN])


def _read_entries(content: bytes) -> dict[str, Any]:
    """The entries of a file by name."""
    _refuse_bombs(content)
    # A training checkpoint holds its arguments; a namespace is a plain record.
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            value = load_tensors(content, "holds")
    except CheckpointError as error:
        raise CheckpointError(f"{error}; {ADVICE}") from error
    if not isinstance(value, dict) or not isinstance(value.get("g_ema"), dict):
        raise CheckpointError(
            f"holds no g_ema (but {contents(value)}); wanted is a checkpoint of "
            "rosinality's stylegan2-pytorch, from its train.py or convert_weight.py"
        )
    return {str(name): entry for name, entry in value.items()}


def _refuse_bombs(content: bytes) -> None:
    """torch.save does not compress: a file that grows when it is read was made to."""
    if not content.startswith(ZIP_MAGIC):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise CheckpointError(f"is not a whole file of torch.save ({error}); {ADVICE}") from error
    compressed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
    if compressed or sum(entry.file_size for entry in entries) > len(content):
        raise CheckpointError(f"is a zip that grows when it is unpacked; {ADVICE}")


def _state_of(entries: Mapping[str, Any], name: str) -> dict[str, Tensor]:
    """The tensors of one network."""
    state = entries[name]
    for key, value in state.items():
        whole = isinstance(value, Tensor) and value.layout is torch.strided
        # A stride of 0 would let a few bytes declare any number of terabytes.
        if not whole or value.nbytes > value.untyped_storage().nbytes():
            raise CheckpointError(f"has {name}.{key}, which is no whole tensor")
    return {str(key): value for key, value in state.items()}


def _generator_tensors(entries: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of g_ema, and with them latent_avg where the file has it."""
    tensors = _state_of(entries, "g_ema")
    mean = entries.get(MEAN)
    if isinstance(mean, Tensor):
        tensors |= _state_of({"": {MEAN: mean.reshape(-1)}}, "")
    return tensors


def _generator_shape(tensors: Mapping[str, Tensor], view_layers: int) -> StyleGAN2Shape:
    """The shape of g_ema, read from its weights."""
    channels = [keys.shape_of(tensors, "input.input", 4)[1]]
    while (
        keys.has_block(tensors, f"convs.{2 * len(channels) - 2}.") and len(channels) < MOST_BLOCKS
    ):
        channels.append(keys.shape_of(tensors, f"convs.{2 * len(channels) - 1}.conv.weight", 5)[1])
    code = keys.shape_of(tensors, "style.1.weight", 2)[0]
    return built(
        StyleGAN2Shape,
        size=2 * 2 ** len(channels),
        code=code,
        channels=tuple(channels),
        mapping_layers=keys.count_from(tensors, "style.{}.weight", 1),
        view_layers=view_layers,
    )


def _generator_keys(shape: StyleGAN2Shape, mean: bool) -> Iterator[Key]:
    """What g_ema of this shape holds, and the names of the same numbers in our generator.

    `mean`: with latent_avg.
    """
    code = shape.code
    for index in range(shape.mapping_layers):
        yield from layer_keys(f"style.{index + 1}", (code, code), f"mapping.layers.{index}")
    if mean:
        yield Key(MEAN, (code,), "mapping.mean")
    yield Key("input.input", (1, shape.channels[0], 4, 4), "constant")
    style = convolution = 0
    for index, outputs in enumerate(shape.channels):
        side, inputs = 4 * 2**index, shape.channels[max(index - 1, 0)]
        block, upper = f"blocks.{index}", 2 * (index - 1)
        layers = [(f"convs.{upper}", "conv0", inputs), (f"convs.{upper + 1}", "conv1", outputs)]
        for name, layer, width in layers if index else [("conv1", "conv1", outputs)]:
            if layer == "conv0":
                yield Key(f"{name}.conv.blur.kernel", (4, 4), "", 4.0)
            yield Key(f"{name}.conv.weight", (1, outputs, width, 3, 3), f"{block}.{layer}.weight")
            yield Key(f"{name}.activate.bias", (outputs,), f"{block}.{layer}.bias")
            yield Key(f"{name}.noise.weight", (1,), f"{block}.{layer}.noise_strength")
            yield Key(f"noises.noise_{convolution}", (1, 1, side, side), f"noise{convolution}")
            yield from layer_keys(f"{name}.conv.modulation", (width, code), f"affines.{style}")
            style, convolution = style + 1, convolution + 1
        name = f"to_rgbs.{index - 1}" if index else "to_rgb1"
        if index:
            yield Key(f"{name}.upsample.kernel", (4, 4), "", 4.0)
        yield Key(f"{name}.conv.weight", (1, 3, outputs, 1, 1), f"{block}.to_rgb.weight")
        yield Key(f"{name}.bias", (1, 3, 1, 1), f"{block}.to_rgb.bias")
        yield from layer_keys(f"{name}.conv.modulation", (outputs, code), f"affines.{style}")
        style += 1


def _discriminator_shape(tensors: Mapping[str, Tensor]) -> StyleGAN2DiscriminatorShape:
    """The shape of d, read from its weights."""
    wide = [keys.shape_of(tensors, "convs.0.0.weight", 4)[0]]
    while keys.has_block(tensors, f"convs.{len(wide)}.") and len(wide) < MOST_BLOCKS:
        wide.append(keys.shape_of(tensors, f"convs.{len(wide)}.conv2.1.weight", 4)[0])
    return built(StyleGAN2DiscriminatorShape, size=2 * 2 ** len(wide), channels=tuple(wide[::-1]))


def _discriminator_keys(shape: StyleGAN2DiscriminatorShape) -> Iterator[Key]:
    """What d of this shape holds, and the names of the same numbers in our discriminator."""
    wide = shape.channels[::-1]
    yield from _convolution("convs.0", 0, "stem", (wide[0], 3, 1, 1))
    for index, (inputs, outputs) in enumerate(itertools.pairwise(wide)):
        name, target = f"convs.{index + 1}", f"blocks.{index}"
        yield from _convolution(f"{name}.conv1", 0, f"{target}.conv0", (inputs, inputs, 3, 3))
        yield Key(f"{name}.conv2.0.kernel", (4, 4), "", 1.0)
        yield from _convolution(f"{name}.conv2", 1, f"{target}.conv1", (outputs, inputs, 3, 3))
        yield Key(f"{name}.skip.0.kernel", (4, 4), "", 1.0)
        yield Key(f"{name}.skip.1.weight", (outputs, inputs, 1, 1), f"{target}.skip.weight")
    last = wide[-1]
    yield from _convolution("final_conv", 0, "last", (last, last + 1, 3, 3))
    yield from layer_keys("final_linear.0", (last, last * 16), "code")
    yield from layer_keys("final_linear.1", (1, last), "logit")


def _convolution(name: str, index: int, target: str, shape: tuple[int, ...]) -> Iterator[Key]:
    yield Key(f"{name}.{index}.weight", shape, f"{target}.weight")
    yield Key(f"{name}.{index + 1}.bias", shape[:1], f"{target}.bias")
