"""The options that a renderer of a bundle is trained anew by."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le

from train.config import DisentangleConfig, NeuralConfig
from train.config.section import (
    AnyInputFile,
    AnyInputFolder,
    AtLeast0,
    BundleFolder,
    OutputFolder,
    Section,
    require,
)
from train.evaluation.options import SHIPPED


@dataclass(frozen=True, kw_only=True)
class Renewing(Section):
    """Of every renderer."""

    trained_by: ClassVar[str]
    """The module whose `renew` takes these."""

    bundle: BundleFolder = SHIPPED
    """The bundle whose renderer is trained; it may have none yet."""
    out: OutputFolder = Path("runs/renderer")
    """The folder to write to; the bundle is `bundle/` in it."""
    gan: AnyInputFolder = None
    """A run's stage `gan` with a camera-conditioned generator.safetensors and its
    discriminator.safetensors; default: the shipped one, which knows vehicles."""
    begin: AnyInputFile = None
    """The weights to go on from, a renderer's safetensors file; default: fresh ones."""
    images: Annotated[int, Ge(64)] = 4_000
    """Images of the GAN."""
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


@dataclass(frozen=True, kw_only=True)
class Neural(NeuralConfig, Renewing):
    """The command line of `train.neural`: the settings of stage neural, and these."""

    trained_by = "train.adaptation.neural"

    out: OutputFolder = Path("runs/neural")
    """The folder to write to; the bundle is `bundle/` in it."""


@dataclass(frozen=True, kw_only=True)
class Disentangle(DisentangleConfig, Renewing):
    """The command line of `train.disentangle`: the settings of stage disentangle, and these."""

    trained_by = "train.adaptation.disentangling"

    out: OutputFolder = Path("runs/disentangled")
    """The folder to write to; the bundle is `bundle/` in it."""
    images: Annotated[int, Ge(64)] = 12_000
    """Images of the GAN."""
