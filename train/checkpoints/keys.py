"""Turns the keys of a file into our network's weights: each is taken, ignored or refused."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from train.checkpoints.refusal import CheckpointError, listing
from train.models.discriminator import DiscriminatorShape
from train.models.generator import GeneratorShape
from train.models.stylegan2 import FIR

Shape = TypeVar("Shape")

FILTER_TOLERANCE = 1e-4
LARGEST_SIDE = 2048  # pixels; no published network makes more
MOST_BLOCKS = LARGEST_SIDE.bit_length() - 2  # resolutions from 4 px to the largest


class Key(NamedTuple):
    """What a file must hold under one name."""

    name: str
    shape: tuple[int, ...]
    target: str
    """The name of the same numbers in our network; empty: ignored, and may be missing."""
    filter_gain: float = 0.0
    """An ignored key must be the filter [1, 3, 3, 1] times this; the filter is built in."""


def layer_keys(name: str, shape: tuple[int, ...], target: str) -> Iterator[Key]:
    """Weight of a `shape` and bias of a layer, which is called `target` in our network."""
    yield Key(f"{name}.weight", shape, f"{target}.weight")
    yield Key(f"{name}.bias", shape[:1], f"{target}.bias")


class Part(NamedTuple):
    """One network of a file."""

    name: str  # the entry in the file
    shape: GeneratorShape | DiscriminatorShape
    tensors: Mapping[str, Tensor]
    keys: list[Key]  # what there must be for a network of this shape


class Parts(NamedTuple):
    """What a file holds."""

    generator: Part
    discriminator: Part | None
    ignored: list[str]  # a line for each entry of the file that is not imported


class Imported(NamedTuple):
    """A network's weights under our names, and what became of each key of the file."""

    weights: dict[str, Tensor]
    report: list[str]


def take(tensors: Mapping[str, Tensor], keys: Sequence[Key], network: nn.Module) -> Imported:
    """The weights of `network` (may be on the meta device) from a file that holds these `keys`.

    Raises:
        CheckpointError: keys are missing, unknown, of another shape or not finite, or a filter is
            another one; all are named.
    """
    _compare(tensors, keys)
    wanted = network.state_dict()
    weights, report = {}, []
    for key in (key for key in keys if key.name in tensors):
        values = tensors[key.name].to(torch.float32)
        if not values.isfinite().all():
            raise CheckpointError(f"{key.name} holds numbers that are not finite")
        if key.target:
            # Files of one implementation have a leading 1 where those of another have none.
            values = values.reshape(wanted[key.target].shape)
            weights[key.target] = values.clone(memory_format=torch.contiguous_format)
            report.append(f"taken    {key.name} {list(key.shape)} -> {key.target}")
        else:
            if not torch.allclose(values, FIR * key.filter_gain, atol=FILTER_TOLERANCE):
                raise CheckpointError(f"{key.name} is another filter; only [1, 3, 3, 1] is known")
            report.append(f"ignored  {key.name} {list(key.shape)}: the filter, which is built in")
    return Imported(weights, report)


def _compare(tensors: Mapping[str, Tensor], keys: Sequence[Key]) -> None:
    known = {key.name for key in keys}
    held = [(key, tensors[key.name]) for key in keys if key.name in tensors]
    faults = {
        "missing": [key.name for key in keys if key.target and key.name not in tensors],
        "unknown": [name for name in tensors if name not in known],
        "of another shape": [
            f"{key.name} {list(tensor.shape)} (wanted {list(key.shape)})"
            for key, tensor in held
            if tuple(tensor.shape) != key.shape
        ],
        "not floating-point": [k.name for k, tensor in held if not tensor.is_floating_point()],
    }
    said = [
        f"{len(names)} keys {kind}: {listing(names)}" for kind, names in faults.items() if names
    ]
    if said:
        raise CheckpointError(f"has {'; '.join(said)}; wanted is an unchanged StyleGAN2")


def shape_of(tensors: Mapping[str, Tensor], name: str, dimensions: int) -> tuple[int, ...]:
    """The shape of the tensor `name`, which must have so many `dimensions`.

    Raises:
        CheckpointError: there is no such tensor, or it has another number of dimensions.
    """
    if name not in tensors:
        raise CheckpointError(f"has no {name}; wanted is an unchanged StyleGAN2")
    shape = tuple(tensors[name].shape)
    if len(shape) != dimensions:
        raise CheckpointError(f"has {name} of shape {list(shape)}; wanted are {dimensions} numbers")
    return shape


def built(kind: type[Shape], **fields: Any) -> Shape:
    """The shape of a network, from what its weights say.

    Raises:
        CheckpointError: there is no network of this shape.
    """
    try:
        return kind(**fields)
    except ValueError as error:
        raise CheckpointError(f"has a shape that cannot be: {error}") from error


def parts_of(
    entries: Iterable[str],
    generator: Part,
    discriminator: Part | None,
    reasons: Mapping[str, str],
    beside: Sequence[str] = (),
) -> Parts:
    """The networks of a file, whose other `entries` are ignored for these `reasons`.

    `beside`: names of entries that are taken along with the networks.
    """
    taken = [generator.name, *beside, *([discriminator.name] if discriminator else [])]
    ignored = [
        f"ignored  {name}: {reasons.get(name, 'not a network that is needed')}"
        for name in entries
        if name not in taken
    ]
    return Parts(generator, discriminator, ignored)


def has_block(tensors: Mapping[str, Tensor], prefix: str) -> bool:
    """Whether there is any tensor of a block, be it whole or not."""
    return any(name.startswith(prefix) for name in tensors)


def count_from(tensors: Mapping[str, Tensor], name: str, first: int) -> int:
    """How many of `name.format(first)`, `name.format(first + 1)`, … there are without a gap."""
    numbers = itertools.takewhile(lambda i: name.format(i) in tensors, itertools.count(first))
    return sum(1 for _ in numbers)
