"""Imported networks, which stage gan takes in place of training its own.

Stage photographs samples from them where there are no photographs.
"""

from pathlib import Path
from typing import NamedTuple

from train.config import Config, ConfigError, require
from train.config.checks import check_checkpoint
from train.models.discriminator import Discriminator
from train.models.generator import Generator
from train.models.weights import WeightsError, load_discriminator, load_generator, read_metadata


class Taken(NamedTuple):
    """What a folder that `train.import_stylegan` wrote holds."""

    generator: Generator  # in evaluation mode
    discriminator: Discriminator | None
    origin: dict[str, str]  # `source`: the name of the file that was imported; `source_sha256`


def load_checkpoint(config: Config) -> Taken:
    """The networks in the folder gan.checkpoint.

    Raises:
        ConfigError: none are named, there are none, or this run cannot use them: for the size of
            its photographs, its further rounds, or its perceptual term.
    """
    check_checkpoint(config)
    source = Path(config.gan.checkpoint)
    weights, judge = source / "generator.safetensors", source / "discriminator.safetensors"
    try:
        generator, facts = load_generator(weights).eval(), read_metadata(weights)
        discriminator = load_discriminator(judge) if judge.exists() else None
    except WeightsError as error:
        raise ConfigError(
            f"--gan.checkpoint {source}: {error}; give a folder that train.import_stylegan wrote"
        ) from error
    origin = {name: facts[name] for name in ("source", "source_sha256") if name in facts}
    taken = Taken(generator, discriminator, origin)
    _check(taken, source, config)
    return taken


def _check(taken: Taken, source: Path, config: Config) -> None:
    """Refuse networks that this run cannot use."""
    require(
        not taken.generator.camera_conditioned,
        f"--gan.checkpoint {source} is camera-conditioned: round 0 takes an unconditional "
        "generator",
    )
    size = config.photographs.size
    for network in filter(None, (taken.generator, taken.discriminator)):
        made = network.shape.size
        require(
            made == size,
            f"--gan.checkpoint {source} is for images of {made} px, and --photographs.size is "
            f"{size}: they must be equal",
        )
    require(
        taken.discriminator is not None or bool(config.inverse.vgg),
        f"--gan.checkpoint {source} holds no discriminator, whose features the perceptual "
        "term reads: give --inverse.vgg, or import a file that holds one",
    )
