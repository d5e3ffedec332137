"""Modules of a pickle as flat tensors and settings."""

from typing import Any, NamedTuple

from torch import Tensor

from train.checkpoints.refusal import CheckpointError
from train.checkpoints.safe_unpickler import PersistentObject, StoredTensor

DEEPEST = 8
"""Levels of modules in modules; StyleGAN2 has four."""


class Network(NamedTuple):
    """A persistent object, laid flat."""

    tensors: dict[str, Tensor]
    settings: dict[str, Any]
    """Plain attributes (numbers, text, None) by dotted name."""


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
