"""Networks on disk: safetensors with the facts that they are built from."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import nn

from train.models.layers import Network
from train.running.workspace import write_atomically


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


def load_network(path: Path, build: Callable[[dict[str, str]], Network]) -> Network:
    """The network that `build` makes of the facts, with its weights, in evaluation mode."""
    with safe_open(path, "pt") as file:
        network = build(file.metadata())
    network.load_state_dict(load_file(path))
    return network.eval()
