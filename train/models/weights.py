"""GAN weights on disk: safetensors with the network's shape and the command that made them."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from train.config.refusal import CommandError
from train.models.discriminator import Discriminator, DiscriminatorShape
from train.models.generator import Generator, GeneratorShape
from train.models.layers import channels_last
from train.models.storage import save_network
from train.models.stylegan2 import (
    StyleGAN2Discriminator,
    StyleGAN2DiscriminatorShape,
    StyleGAN2Generator,
    StyleGAN2Shape,
)

SHIPPED = Path(__file__).resolve().parent.parent / "shipped"
"""The generators of `unconditional/` and `camera_conditioned/`, and the latter's discriminator."""
CAMERA_PARTS = ("camera_mapping.", "camera.")
"""Parameters that only camera-conditioned networks have."""

GENERATORS: dict[str, tuple[type[Generator], type[GeneratorShape]]] = {
    kind.architecture: (kind, shape)
    for kind, shape in ((Generator, GeneratorShape), (StyleGAN2Generator, StyleGAN2Shape))
}
"""Class and shape by the architecture that a file names."""
DISCRIMINATORS: dict[str, tuple[type[Discriminator], type[DiscriminatorShape]]] = {
    kind.architecture: (kind, shape)
    for kind, shape in (
        (Discriminator, DiscriminatorShape),
        (StyleGAN2Discriminator, StyleGAN2DiscriminatorShape),
    )
}
"""Class and shape of discriminators by architecture."""

Network = TypeVar("Network", Generator, Discriminator)
Kinds = TypeVar("Kinds")
Shape = TypeVar("Shape", GeneratorShape, DiscriminatorShape)


class WeightsError(CommandError):
    """A weights file is missing, broken or of another network; the message says which."""


def save_weights(
    path: Path,
    module: Generator | Discriminator,
    metadata: Mapping[str, str],
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write the module's state, its shape and `metadata`, atomically.

    `dtype` is the storage's: float16 halves the file and costs nothing one can see.
    """
    facts = {
        **metadata,
        "network": "Generator" if isinstance(module, Generator) else "Discriminator",
        "architecture": module.architecture,
        "shape": json.dumps(dataclasses.asdict(module.shape)),
    }
    save_network(path, module, facts, dtype)


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata given to `save_weights`, with `network`, `architecture` and `shape`."""
    return _read(path)[1]


def load_generator(path: Path) -> Generator:
    """The generator of a file written by `save_weights`, in float32, of the class it names."""
    tensors, facts = _read(path)
    _check_network(path, facts, "Generator")
    return _fill(build_generator(facts, facts["shape"]), tensors, path)


def build_generator(facts: Mapping[str, str], shape: str) -> Generator:
    """A new generator of `facts["architecture"]` with the JSON of its `shape`.

    Raises:
        WeightsError: no such architecture.
    """
    network, kind = _named(GENERATORS, facts)
    return network(_from_json(kind, shape))


def load_discriminator(path: Path) -> Discriminator:
    """The discriminator of a file written by `save_weights`, in float32, of the class it names."""
    tensors, facts = _read(path)
    _check_network(path, facts, "Discriminator")
    network, kind = _named(DISCRIMINATORS, facts)
    return _fill(network(_from_json(kind, facts["shape"])), tensors, path)


def transfer(source: Generator | Discriminator, target: Generator | Discriminator) -> list[str]:
    """Copy weights between an unconditional and a camera-conditioned network of one size.

    Returns the parameters that `source` lacks, which keep their initial values: none, or those of
    cameras.

    Raises:
        WeightsError: the networks differ in more than cameras.
    """
    if source.architecture != target.architecture:
        raise WeightsError(
            f"weights of architecture {source.architecture} cannot start a network of "
            f"architecture {target.architecture}: give --gan.init scratch"
        )
    given, wanted = source.state_dict(), target.state_dict()
    missing = [name for name in wanted if name not in given]
    unlike = [
        name
        for name, value in given.items()
        if name in wanted and wanted[name].shape != value.shape
    ]
    foreign = [name for name in given if name not in wanted]
    strange = [name for name in [*missing, *foreign] if not name.startswith(CAMERA_PARTS)]
    if unlike or strange:
        raise WeightsError(
            f"weights of a {source.shape} cannot start a {target.shape} "
            f"({(unlike + strange)[0]} differs): take weights of the same size and channels, "
            "or give --gan.init scratch"
        )
    with torch.no_grad():
        for name, value in wanted.items():
            if name in given:
                value.copy_(given[name])
    return missing


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}
            return tensors, file.metadata() or {}
    except FileNotFoundError as error:
        raise WeightsError(f"{path} does not exist: train it, or give another file") from error
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is not a readable safetensors file: {error}") from error


def _check_network(path: Path, facts: Mapping[str, str], network: str) -> None:
    if facts.get("network") != network:
        raise WeightsError(
            f"{path} holds {facts.get('network', 'no network of ours')}, wanted a {network}"
        )


def _named(known: Mapping[str, Kinds], facts: Mapping[str, str]) -> Kinds:
    architecture = facts.get("architecture", "unnamed")
    if architecture not in known:
        raise WeightsError(
            f"a network of architecture {architecture}: known are {', '.join(known)}"
        )
    return known[architecture]


def _from_json(kind: type[Shape], text: str) -> Shape:
    fields = json.loads(text)
    return kind(**{**fields, "channels": tuple(fields["channels"])})


def _fill(network: Network, tensors: dict[str, Tensor], path: Path) -> Network:
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise WeightsError(f"{path} does not fit the shape written in it: {error}") from error
    return channels_last(network)
