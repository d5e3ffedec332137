"""Long computations by chunks whose results are checkpointed, so that a kill loses little."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch

from train.running.workspace import StageFolder, StepLoop

Arrays = TypeVar("Arrays", bound=tuple[np.ndarray, ...])
"""A NamedTuple of arrays that share their first axis."""


def joined(parts: Sequence[Arrays]) -> Arrays:
    """Concatenate every field of several batches."""
    return type(parts[0])(*(np.concatenate(field) for field in zip(*parts, strict=True)))


def computed_chunks(
    folder: StageFolder, count: int, kind: type[Arrays], compute: Callable[[int], Arrays]
) -> Arrays:
    """Join `compute(0)` … `compute(count - 1)`, each of type `kind`; goes on after a kill."""
    done: list[Arrays] = []

    def state() -> dict[str, dict[str, torch.Tensor]]:
        fields = zip(kind._fields, joined(done), strict=True)  # pyright: ignore
        return {"chunks": {name: torch.from_numpy(values) for name, values in fields}}

    loop = StepLoop(folder, count, state)
    checkpoint = folder.load_checkpoint()
    # It may be that of a training which left its weights in the same folder.
    if checkpoint is not None and "chunks" in checkpoint:
        done.append(kind(**{name: v.numpy() for name, v in checkpoint["chunks"].items()}))
        loop.first = checkpoint["step"]
    for chunk in loop:
        done.append(compute(chunk))
    return joined(done)
