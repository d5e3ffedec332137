"""The command line."""

from dataclasses import dataclass
from typing import Annotated

import tyro
from pydantic import ValidationError

from service.batch.errors import BatchError
from service.schemas.options import ImageOptions
from service.schemas.photographs import MeshFormat


@dataclass(frozen=True)
class Options:
    """The command line. The service's settings are read from the environment."""

    photographs: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="PHOTOGRAPHS")]
    """A folder, a list (.txt, an address a line), or a .parquet with a column photograph."""
    results: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RESULTS")]
    """The folder to write to."""
    format: MeshFormat = "glb"
    """Of the mesh files."""
    texture_size: int | None = None
    """Texels of a texture's longer side; default: that of the service's settings."""
    shard_size: int = 256
    """Photographs in a shard, 1 to 10000. A shard that was not finished is made anew."""
    actors: int = 0
    """Processes; 0: as many as fit."""
    cores_each: int = 1
    """Cores of a process."""
    gpus_each: float = 0.0
    """GPUs of a process, a fraction where several share one; 0: the networks run on the CPU."""

    def mesh(self) -> ImageOptions:
        """What the pipeline is told; raises `BatchError` where something is not allowed."""
        for flag, value, least, most in (
            ("shard-size", self.shard_size, 1, 10_000),
            ("actors", self.actors, 0, 10_000),
            ("cores-each", self.cores_each, 1, 1024),
            ("gpus-each", self.gpus_each, 0, 64),
        ):
            if not least <= value <= most:
                raise BatchError(f"--{flag} is {value:g}; {least}..{most} are allowed")
        try:
            return ImageOptions(format=self.format, texture_size=self.texture_size)
        except ValidationError as error:
            raise BatchError(
                f"--texture-size is {self.texture_size}: {error.errors()[0]['msg']}"
            ) from error
