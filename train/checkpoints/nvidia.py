"""NVIDIA's pickles: StyleGAN2 of stylegan2-ada-pytorch and of the stylegan3 repository.

A file is a dictionary of persistent objects: G, D, their average G_ema, what augments the images,
and settings. Names are those of public files; no source of NVIDIA's was used. Whatever is not as it
has to be is refused with a `CheckpointError`.
"""

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from torch import Tensor

from train.checkpoints import keys
from train.checkpoints.keys import Key, layer_keys
from train.checkpoints.refusal import CheckpointError, contents
from train.checkpoints.safe_unpickler import PersistentObject, StoredTensor, read_pickle
from train.models.discriminator import PUBLISHED_GROUP
from train.models.stylegan2 import StyleGAN2DiscriminatorShape, StyleGAN2Shape

MAPPING_RATE = 0.01
"""Learning-rate multiplier that the stored weights of the mapping are divided by (StyleGAN2)."""
REASONS = {
    "G": "the generator in training; G_ema is its average",
    "augment_pipe": "augmentation of the photographs in training",
    "training_set_kwargs": "settings of the training",
}
SKIP = "skip"  # the name of the layer that goes round a block of D
DEEPEST = 8  # levels of modules in modules; StyleGAN2 has four


class Network(NamedTuple):
    """A persistent object, laid flat."""

    tensors: dict[str, Tensor]
    settings: dict[str, Any]  # plain attributes (numbers, text, None) by dotted name


def read(content: bytes, view_layers: int) -> keys.Parts:
    """The parts of a file; `view_layers`: codes that shall hold the viewpoint.

    Raises:
        CheckpointError: no such file, or not safe to read, or another network.
    """
    networks = _read_networks(content)
    network, judge = networks["G_ema"], networks.get("D")
    assert network is not None  # _read_networks has looked
    shape = _generator_shape(network, view_layers)
    generator = keys.Part("G_ema", shape, network.tensors, list(_generator_keys(shape)))
    discriminator = None
    if judge is not None:
        shape = _discriminator_shape(judge)
        discriminator = keys.Part("D", shape, judge.tensors, list(_discriminator_keys(shape)))
    return keys.parts_of(networks, generator, discriminator, REASONS)


def _read_networks(content: bytes) -> dict[str, Network | None]:
    """The entries of a file by name; None for what is no network."""
    value = read_pickle(content)
    if not isinstance(value, dict) or not isinstance(value.get("G_ema"), PersistentObject):
        raise CheckpointError(
            f"holds no network G_ema (but {contents(value)}); wanted is the "
            "network-snapshot .pkl of stylegan2-ada-pytorch or of StyleGAN2 in stylegan3"
        )
    return {
        str(key): lay_flat(entry) if isinstance(entry, PersistentObject) else None
        for key, entry in value.items()
    }


def _generator_shape(network: Network, view_layers: int) -> StyleGAN2Shape:
    """The shape of G_ema, read from its weights."""
    tensors = network.tensors
    _refuse_other_networks(network)
    channels = [keys.shape_of(tensors, "synthesis.b4.conv1.weight", 4)[0]]
    side = 8
    while keys.has_block(tensors, f"synthesis.b{side}.") and side <= keys.LARGEST_SIDE:
        channels.append(keys.shape_of(tensors, f"synthesis.b{side}.conv1.weight", 4)[0])
        side *= 2
    (code,) = keys.shape_of(tensors, "mapping.w_avg", 1)
    return keys.built(
        StyleGAN2Shape,
        size=side // 2,
        code=code,
        channels=tuple(channels),
        mapping_layers=keys.count_from(tensors, "mapping.fc{}.weight", 0),
        view_layers=view_layers,
        clamp=_clamp_of(network),
    )


def _refuse_other_networks(network: Network) -> None:
    """Refuse what is not unconditional StyleGAN2."""
    tensors, settings = network.tensors, network.settings
    if any(name.startswith(("synthesis.input.", "synthesis.L")) for name in tensors):
        raise CheckpointError(
            "is a StyleGAN3: its early layers do not hold the viewpoint apart from the rest, which "
            "the method needs; wanted is a StyleGAN2 (in the stylegan3 repository: --cfg=stylegan2)"
        )
    if settings.get("c_dim") or "mapping.embed.weight" in tensors:
        raise CheckpointError(
            "is conditioned on class labels; wanted is an unconditional StyleGAN2"
        )
    for name, value in settings.items():
        last = name.rpartition(".")[2]
        variant = (
            (last == "architecture" and value not in ("skip", "resnet"))
            or (last == "activation" and value not in ("lrelu", "linear"))
            or (name.startswith("mapping.fc") and last == "bias_gain" and value != MAPPING_RATE)
        )
        if variant:
            raise CheckpointError(f"is a variant with {name}={value}; wanted is the published form")


def _clamp_of(network: Network) -> float | None:
    """The limit of every layer's output, which must be one for all but the skips, which have none.

    The official classes hand `conv_clamp` to every convolution but those of the skips.
    """
    limits = {
        name: value
        for name, value in network.settings.items()
        if name.rpartition(".")[2] == "conv_clamp" and name.count(".") > 1
    }
    found = {value for name, value in limits.items() if name.split(".")[-2] != SKIP}
    if len(found) > 1 or any(isinstance(v, bool | str) for v in found):
        raise CheckpointError(f"has layers of several conv_clamp ({found}); wanted is one for all")
    for name, value in limits.items():
        if name.split(".")[-2] == SKIP and value is not None:
            raise CheckpointError(f"is a variant with {name}={value}; wanted is none on a skip")
    limit = found.pop() if found else None
    return None if limit is None else float(limit)


def _group_of(network: Network) -> int:
    """Images that D's standard deviation is taken over."""
    group = network.settings.get("b4.mbstd.group_size", PUBLISHED_GROUP)
    if type(group) is not int:
        raise CheckpointError(
            f"is a variant with b4.mbstd.group_size={group}; wanted is a number of images, as "
            "the published form has it"
        )
    return group


def _generator_keys(shape: StyleGAN2Shape) -> Iterator[Key]:
    """What G_ema of this shape holds, and the names of the same numbers in our generator."""
    code = shape.code
    for index in range(shape.mapping_layers):
        yield from layer_keys(f"mapping.fc{index}", (code, code), f"mapping.layers.{index}")
    yield Key("mapping.w_avg", (code,), "mapping.mean")
    yield Key("synthesis.b4.const", (shape.channels[0], 4, 4), "constant")
    style = convolution = 0
    for index, outputs in enumerate(shape.channels):
        side, inputs = 4 * 2**index, shape.channels[max(index - 1, 0)]
        block = f"synthesis.b{side}"
        yield Key(f"{block}.resample_filter", (4, 4), "", 1.0)
        layers = [("conv0", inputs)] * (index > 0) + [("conv1", outputs)]
        for layer, width in layers:
            name, target = f"{block}.{layer}", f"blocks.{index}.{layer}"
            yield Key(f"{name}.resample_filter", (4, 4), "", 1.0)
            yield from layer_keys(name, (outputs, width, 3, 3), target)
            yield Key(f"{name}.noise_strength", (), f"{target}.noise_strength")
            yield Key(f"{name}.noise_const", (side, side), f"noise{convolution}")
            yield from layer_keys(f"{name}.affine", (width, code), f"affines.{style}")
            style, convolution = style + 1, convolution + 1
        yield from layer_keys(f"{block}.torgb", (3, outputs, 1, 1), f"blocks.{index}.to_rgb")
        yield from layer_keys(f"{block}.torgb.affine", (outputs, code), f"affines.{style}")
        style += 1


def _discriminator_shape(network: Network) -> StyleGAN2DiscriminatorShape:
    """The shape of D, read from its weights."""
    _refuse_other_networks(network)
    tensors = network.tensors
    channels = [keys.shape_of(tensors, "b4.conv.weight", 4)[0]]
    side = 8
    while keys.has_block(tensors, f"b{side}.") and side <= keys.LARGEST_SIDE:
        channels.append(keys.shape_of(tensors, f"b{side}.conv0.weight", 4)[0])
        side *= 2
    return keys.built(
        StyleGAN2DiscriminatorShape,
        size=side // 2,
        channels=tuple(channels),
        clamp=_clamp_of(network),
        group=_group_of(network),
    )


def _discriminator_keys(shape: StyleGAN2DiscriminatorShape) -> Iterator[Key]:
    """What D of this shape holds, and the names of the same numbers in our discriminator."""
    wide = shape.channels[::-1]
    yield from _convolution(f"b{shape.size}.fromrgb", "stem", (wide[0], 3, 1, 1))
    for index, (inputs, outputs) in enumerate(itertools.pairwise(wide)):
        name, target = f"b{shape.size // 2**index}", f"blocks.{index}"
        yield Key(f"{name}.resample_filter", (4, 4), "", 1.0)
        yield from _convolution(f"{name}.conv0", f"{target}.conv0", (inputs, inputs, 3, 3))
        yield from _convolution(f"{name}.conv1", f"{target}.conv1", (outputs, inputs, 3, 3))
        skip = _convolution(f"{name}.skip", f"{target}.skip", (outputs, inputs, 1, 1))
        yield from (key for key in skip if not key.name.endswith("bias"))
    last = wide[-1]
    yield from _convolution("b4.conv", "last", (last, last + 1, 3, 3))
    yield from layer_keys("b4.fc", (last, last * 16), "code")
    yield from layer_keys("b4.out", (1, last), "logit")


def _convolution(name: str, target: str, shape: tuple[int, ...]) -> Iterator[Key]:
    yield from layer_keys(name, shape, target)
    yield Key(f"{name}.resample_filter", (4, 4), "", 1.0)


def lay_flat(network: PersistentObject) -> Network:
    """All parameters, buffers and plain attributes by dotted name.

    Raises:
        CheckpointError: a module holds something else, or itself.
    """
    flat = Network({}, {})
    _add(network, "", flat, [])
    return flat


def _add(module: PersistentObject, prefix: str, flat: Network, seen: list[int]) -> None:
    # A module that holds itself, or one module many times over, would never come to an end.
    if prefix.count(".") >= DEEPEST or id(module) in seen:
        raise CheckpointError(f"has modules in a circle at {prefix}; wanted is a tree")
    seen.append(id(module))
    for kind in ("_parameters", "_buffers"):
        for name, value in _part(module, kind, prefix).items():
            if isinstance(value, StoredTensor):
                flat.tensors[f"{prefix}{name}"] = value.tensor()
            elif value is not None:
                raise CheckpointError(f"has {prefix}{name}, which is no tensor")
    for name, value in module.state.items():
        if value is None or isinstance(value, bool | int | float | str):
            flat.settings[f"{prefix}{name}"] = value
    for name, value in _part(module, "_modules", prefix).items():
        if not isinstance(value, PersistentObject):
            raise CheckpointError(f"has {prefix}{name}, which is no persistent module")
        _add(value, f"{prefix}{name}.", flat, seen)


def _part(module: PersistentObject, kind: str, prefix: str) -> dict[str, Any]:
    part = module.state.get(kind, {})
    if not isinstance(part, dict):
        raise CheckpointError(f"has {prefix}{kind}, which is no dictionary")
    return part
