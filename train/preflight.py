"""Before a training on photographs: whether they are enough, and how long it takes on this machine.

    python -m train.preflight birds/ --export.category birds
    python -m train.preflight birds/ --export.category birds --masks masks/ --run runs/birds

It reads the whole folder as the training would, and times a few steps of each training. All
settings of train.cycle are taken. It writes `preflight.json` and `preflight.txt` into the run
folder, and its last line is the command that begins. Exit status: 0 it can begin, 2 it cannot, 3 it
would stop at a gate.
"""

import importlib
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tyro.conf import Positional

from train.config import Config, checks, override
from train.config.command_line import Settings, finish, outcome, parse
from train.config.section import InputFolder, OutputFolder, Section
from train.cycle import first_options
from train.running.gate import GateFailed
from train.running.workspace import Workspace, write_atomically, write_json

SAID = (("export", "category"), ("photographs", "source"))
"""Settings that the command names anyway."""


@dataclass(frozen=True)
class Command(Section):
    """The command line."""

    folder: Positional[InputFolder]
    """The photographs."""
    config: Settings[Config]
    run: OutputFolder = Path("runs")
    """The run folder, to write to."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    return finish("train.preflight", *outcome(partial(_command, given), OSError))


def _command(arguments: Sequence[str]) -> None:
    preset, default = first_options(arguments, "train.preflight")
    command = parse(
        Command,
        arguments,
        "train.preflight",
        __doc__,
        Command(Path("."), default, Path("runs") / preset),
    )
    config = override(command.config, photographs={"source": str(command.folder)})
    checks.check(config, ("photographs", "segmenter", "gan", "viewpoints", "cameras", "inverse"))
    # They bring torch and numba, which a refused argument does not wait for.
    reading = importlib.import_module("train.preparing.reading")
    probe = importlib.import_module("train.preparing.probe")
    found = reading.read_folder(config)
    times = probe.stage_times(config, augment=found.count < probe.FEW_PHOTOGRAPHS)
    text = list(reading.lines(found, config, times))
    begin = f"python -m train.cycle --data {shlex.quote(str(command.folder))}"
    begin += f" --run {shlex.quote(str(command.run))} {settings_of(config, default)}"
    folder = Workspace(command.run).path
    timed = [{**stage._asdict(), "minutes": stage.minutes} for stage in times]
    write_json(folder / "preflight.json", {**found.json(), "times": timed, "command": begin})
    write_atomically(folder / "preflight.txt", ("\n".join([*text, begin]) + "\n").encode())
    print("\n".join(text))
    print(f"preflight: {folder / 'preflight.txt'}; next: {begin}")
    if failed := [gate for gate in found.gates if gate.failed]:
        raise GateFailed("; ".join(gate.sentence for gate in failed))


def settings_of(config: Config, default: Config) -> str:
    """The flags that make `config` of the preset's settings."""
    flags = ["--preset", config.preset, "--export.category", config.export.category]
    for name, given, usual in _pairs(config, default):
        if is_dataclass(given):
            for field_, value, before in _pairs(given, usual):
                if value != before and (name, field_) not in SAID:
                    flags += [f"--{name}.{field_.replace('_', '-')}", _text(value)]
        elif given != usual and name != "preset":
            flags += [f"--{name}", _text(given)]
    return shlex.join(flags)


def _pairs(given: Any, usual: Any) -> list[tuple[str, Any, Any]]:
    return [(f.name, getattr(given, f.name), getattr(usual, f.name)) for f in fields(given)]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.exit(main())
