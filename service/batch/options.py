"""The command line."""

from dataclasses import dataclass
from typing import Annotated

import tyro
from pydantic import ValidationError

from graphics.fusing import STEPS
from service.batch.errors import BatchError
from service.schemas.objects import ItemOptions
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
    objects: str | None = None
    """What says which photographs show one object, and become one mesh: folder, the one in which
    each lies, or the column of a .parquet; default: each becomes a mesh of its own."""
    symmetric: bool = True
    """Whether what no photograph of an object shows is taken from its mirror image."""
    refine: int = STEPS
    """Steps by which an object is fitted to all its masks, 0 to 50."""
    shard_size: int = 256
    """Photographs in a shard, 1 to 10000. A shard that was not finished is made anew."""
    actors: int = 0
    """Processes; 0: as many as fit."""
    cores_each: int = 1
    """Cores of a process."""
    gpus_each: float = 0.0
    """GPUs of a process, a fraction where several share one; 0: the networks run on the CPU."""

    def items(self) -> ItemOptions:
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
            return ItemOptions(
                format=self.format,
                texture_size=self.texture_size,
                objects="none" if self.objects is None else "named",
                symmetric=self.symmetric,
                refine=self.refine,
            )
        except ValidationError as error:
            wrong = error.errors()[0]
            name = str(wrong["loc"][0])
            flag = name.replace("_", "-")
            raise BatchError(f"--{flag} is {getattr(self, name)}: {wrong['msg']}") from error
