"""The options of `train.neural`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Gt, Le

from train.config import NeuralConfig
from train.config.section import (
    AnyInputFile,
    AnyInputFolder,
    AtLeast0,
    BundleFolder,
    OutputFolder,
    require,
)
from train.evaluation.options import SHIPPED


@dataclass(frozen=True, kw_only=True)
class Neural(NeuralConfig):
    """The command line: the settings of stage neural, and these."""

    bundle: BundleFolder = SHIPPED
    """The bundle whose neural renderer is trained; it may have none yet."""
    out: OutputFolder = Path("runs/neural")
    """The folder to write to; the bundle is `bundle/` in it."""
    gan: AnyInputFolder = None
    """A run's stage `gan` with a camera-conditioned generator.safetensors and its
    discriminator.safetensors; default: the shipped one, which knows vehicles."""
    begin: AnyInputFile = None
    """The neural_renderer.safetensors to go on from; default: fresh weights."""
    views: Annotated[int, Ge(2)] = 4
    """Images of one object."""
    truncation: Annotated[float, Gt(0), Le(1)] = 0.9
    """How far content codes are from their mean; 1 leaves them where they are."""
    seed: AtLeast0 = 1
    """Of all random numbers."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            (self.out / "bundle").resolve() != self.bundle.resolve(),
            f"--bundle {self.bundle} is what --out {self.out} writes: name another --out",
        )
