"""Networks on disk: safetensors with the facts that they are built from.

A GAN's facts are its class, its shape and the command that made it.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from train.config import CommandError
from train.models.discriminator import Discriminator
from train.models.generator import Generator
from train.models.layers import channels_last
from train.models.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator
from train.running.workspace import write_atomically

SHIPPED = Path(__file__).resolve().parent.parent / "shipped"
"""The generators of `unconditional/` and `camera_conditioned/`, and the latter's discriminator."""
CAMERA_PARTS = ("camera_mapping.", "camera.")
"""Parameters that only camera-conditioned networks have."""

GENERATORS = {kind.architecture: kind for kind in (Generator, StyleGAN2Generator)}
"""Classes by the architecture that a file names."""
DISCRIMINATORS = {kind.architecture: kind for kind in (Discriminator, StyleGAN2Discriminator)}

Network = TypeVar("Network", Generator, Discriminator)
AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)


class WeightsError(CommandError):
    """A weights file is missing, broken or of another network; the message says which."""


def save_network(
    path: Path,
    network: nn.Module,
    facts: Mapping[str, str],
    dtype: torch.dtype | None = None,
) -> None:
    """Write the network's state and `facts`, atomically.

    `dtype` is that of the stored floating-point tensors; None: as they are.
    """
    weights = {
        name: value.detach().to("cpu", dtype if value.is_floating_point() else None).contiguous()
        for name, value in network.state_dict().items()
    }
    write_atomically(path, save(weights, dict(facts)))


def load_network(path: Path, build: Callable[[dict[str, str]], AnyNetwork]) -> AnyNetwork:
    """The network that `build` makes of the facts, with its weights, in evaluation mode."""
    with safe_open(path, "pt") as file:
        network = build(file.metadata())
    network.load_state_dict(load_file(path))
    return network.eval()


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
    return _load(path, "Generator", GENERATORS)


def load_discriminator(path: Path) -> Discriminator:
    """The discriminator of a file written by `save_weights`, in float32, of the class it names."""
    return _load(path, "Discriminator", DISCRIMINATORS)


def new_network(known: Mapping[str, type[Network]], facts: dict[str, str], shape: str) -> Network:
    """A new network of `facts["architecture"]`, one of the `known`, with the JSON of its `shape`.

    Raises:
        WeightsError: no such architecture.
    """
    architecture = facts.get("architecture", "unnamed")
    if architecture not in known:
        raise WeightsError(f"architecture {architecture}: known are {', '.join(known)}")
    kind: Any = known[architecture]
    fields = json.loads(shape)
    return kind(kind.shape_class(**{**fields, "channels": tuple(fields["channels"])}))


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
    foreign = [name for name in given if name not in wanted]
    unlike = [n for n in given if n in wanted and wanted[n].shape != given[n].shape]
    strange = [n for n in [*missing, *foreign] if not n.startswith(CAMERA_PARTS)]
    if unlike or strange:
        raise WeightsError(
            f"weights of a {source.shape} cannot start a {target.shape} "
            f"({(unlike + strange)[0]} differs): take weights of the same size and channels, "
            "or give --gan.init scratch"
        )
    target.load_state_dict(given, strict=False)
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


def _load(path: Path, name: str, known: Mapping[str, type[Network]]) -> Network:
    tensors, facts = _read(path)
    if facts.get("network") != name:
        found = facts.get("network", "no network of ours")
        raise WeightsError(f"{path} holds {found}, wanted a {name}")
    network = new_network(known, facts, facts["shape"])
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise WeightsError(f"{path} does not fit the shape written in it: {error}") from error
    return channels_last(network)
