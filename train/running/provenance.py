"""Where weights come from: the command that made them, as it is written beside them."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

PHOTOGRAPHS = ("--data", "--photographs.source")  # flags that name the photographs' folder


def training_command(arguments: Sequence[str] | None = None) -> str:
    """The command of this process (`arguments`: its sys.argv), to be typed again anywhere.

    The run folder, which changes nothing, is left out. Of the photographs' folder only the name
    stays.
    """
    program, *rest = sys.argv if arguments is None else arguments
    module = "train.cycle" if Path(program).name == "cycle.py" else Path(program).stem
    kept, before = [], ""
    for argument in rest:
        option, joined, value = argument.partition("=")
        if before in PHOTOGRAPHS:
            kept.append(Path(argument).name)
        elif option in PHOTOGRAPHS and joined:
            kept.append(f"{option}={Path(value).name}")
        elif before != "--run" and option != "--run":
            kept.append(argument)
        before = argument
    return shlex.join(["python", "-m", module, *kept])
