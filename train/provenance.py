"""Where weights come from: the command that made them, as it is written beside them."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path


def training_command(arguments: Sequence[str] | None = None) -> str:
    """The command of this process (`arguments`: its sys.argv), to be typed again anywhere.

    Without the run folder, which is a place on one machine and changes nothing.
    """
    program, *rest = sys.argv if arguments is None else arguments
    module = "train.cycle" if Path(program).name == "cycle.py" else Path(program).stem
    kept, skip = [], False
    for argument in rest:
        if not skip and argument != "--run" and not argument.startswith("--run="):
            kept.append(argument)
        skip = argument == "--run"
    return shlex.join(["python", "-m", module, *kept])
