"""The networks in a StyleGAN2 file that others trained: NVIDIA's .pkl and rosinality's .pt."""

import hashlib
import json
import shlex
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch

from train.checkpoints import VIEW_LAYERS, nvidia, rosinality
from train.checkpoints.keys import Part, take
from train.checkpoints.refusal import CheckpointError
from train.models.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator
from train.models.weights import read_metadata, save_weights

LEGACY_TORCH_MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""How a file of torch.save began before version 1.6."""
PICKLE_MAGIC = b"\x80"
MEAN_SAMPLES = 10_000  # codes that a missing mean of w is measured from
MEAN = "mapping.mean"

Network = TypeVar("Network", StyleGAN2Generator, StyleGAN2Discriminator)


class Networks(NamedTuple):
    """What a file holds."""

    generator: StyleGAN2Generator
    discriminator: StyleGAN2Discriminator | None
    report: list[str]  # one line per key: taken or ignored, and why


def read_checkpoint(content: bytes, view_layers: int = VIEW_LAYERS) -> Networks:
    """The networks in the bytes of a file; `view_layers`: codes that shall hold the viewpoint.

    Raises:
        CheckpointError: an unknown file, one that is not safe to read, or another network.
    """
    if content.startswith((rosinality.ZIP_MAGIC, LEGACY_TORCH_MAGIC)):
        found = rosinality.read(content, view_layers)
    elif content.startswith(PICKLE_MAGIC):
        found = nvidia.read(content, view_layers)
    else:
        raise CheckpointError(
            f"is neither a pickle nor a file of torch.save (it begins with {content[:4]!r}); "
            "wanted is NVIDIA's .pkl or rosinality's .pt of a StyleGAN2"
        )
    for part in filter(None, (found.generator, found.discriminator)):
        # One storage behind many tensors would let a file declare far more than it holds.
        if sum(tensor.nbytes for tensor in part.tensors.values()) > len(content):
            raise CheckpointError(f"declares more numbers in {part.name} than it holds")
    generator, report = _build(StyleGAN2Generator, found.generator)
    discriminator = None
    if found.discriminator is not None:
        discriminator, lines = _build(StyleGAN2Discriminator, found.discriminator)
        report = report + lines
    return Networks(generator, discriminator, report + found.ignored)


def _build(kind: type[Network], part: Part) -> tuple[Network, list[str]]:
    """The network of one part of a file, in evaluation mode, and the report of its keys."""
    # Of a shape that the file claims nothing is allocated until the file has shown to hold it.
    with torch.device("meta"):
        network = kind(part.shape)
    try:
        weights, report = take(part.tensors, part.keys, network)
    except CheckpointError as error:
        raise CheckpointError(f"in {part.name} {error}") from error
    measured = isinstance(network, StyleGAN2Generator) and MEAN not in weights
    if measured:
        weights[MEAN] = torch.zeros(part.shape.code)
    network.load_state_dict(weights, assign=True)
    network = network.eval()
    if measured:
        _measure_mean(network)
        report = [*report, f"measured {MEAN}: the file has none; from {MEAN_SAMPLES} codes"]
    return network, report


@torch.no_grad()
def _measure_mean(generator: StyleGAN2Generator) -> None:
    rng = torch.Generator().manual_seed(0)
    z = torch.randn((MEAN_SAMPLES, generator.shape.code), generator=rng)
    generator.mapping.mean.copy_(generator.mapping(z).mean(dim=0))


def import_file(path: Path, out: Path, view_layers: int = VIEW_LAYERS) -> list[str]:
    """Read the file at `path` and write its networks into the folder `out`; returns the report.

    Raises:
        CheckpointError: see `read_checkpoint`.
        OSError: the file cannot be read, or the folder not be written.
    """
    content = path.read_bytes()
    try:
        networks = read_checkpoint(content, view_layers)
    except CheckpointError as error:
        raise CheckpointError(f"{path} {error}") from error
    facts = {
        "command": f"python -m train.import_stylegan {shlex.quote(path.name)}",
        "source": path.name,
        "source_sha256": hashlib.sha256(content).hexdigest(),
    }
    report = networks.report
    for name in ("generator", "discriminator"):
        network, file = getattr(networks, name), out / f"{name}.safetensors"
        if network is not None:
            save_weights(file, network, facts)
            report = [*report, f"wrote    {file}: {network.shape.size} px"]
        else:
            file.unlink(missing_ok=True)  # of another file, imported here before
    return report


def size_of(folder: Path) -> int:
    """Side in pixels of the images of a generator that `import_file` has written."""
    return json.loads(read_metadata(folder / "generator.safetensors")["shape"])["size"]
