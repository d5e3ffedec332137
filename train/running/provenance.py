"""Where weights come from: the command that made them, as it is written beside them."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDERS = (
    "--data", "--photographs.source", "--cutouts.photographs", "--cutouts.meshes",
    "--photos", "--masks", "--meshes", "--bundle",
)  # fmt: skip
"""Flags of folders that a training reads, of which only the name stays."""
RESULTS = ("--run", "--out")
"""Flags of folders that it writes to, which change nothing."""


def training_command(arguments: Sequence[str] | None = None) -> str:
    """The command of this process (`arguments`: its sys.argv), to be typed again anywhere.

    The run folder, which changes nothing, is left out. Of folders that are read only the name
    stays.
    """
    program, *rest = sys.argv if arguments is None else arguments
    path = Path(program)
    module = f"train.{path.stem}" if path.parent.name == "train" else path.stem
    kept, before = [], ""
    for argument in rest:
        option, joined, value = argument.partition("=")
        if before in FOLDERS:
            kept.append(Path(argument).name)
        elif option in FOLDERS and joined:
            kept.append(f"{option}={Path(value).name}")
        elif before not in RESULTS and option not in RESULTS:
            kept.append(argument)
        before = argument
    return shlex.join(["python", "-m", module, *kept])
