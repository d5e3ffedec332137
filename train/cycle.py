"""The whole cycle: photographs -> GAN -> inverse graphics -> disentangled GAN, round after round.

    python -m train.cycle --preset smoke
    python -m train.cycle --preset cpu --data photographs/ --run runs/birds
    python -m train.cycle --preset cpu --inverse.batch-size 8 --dry-run
    torchrun --nproc-per-node 8 -m -- train.cycle --preset gpu --run runs/large

Every setting is a flag; --help lists them. Under torchrun the given processes share the batches of
stages gan and inverse; all else runs in rank 0, and the others wait. (Without the two dashes
torchrun takes --run for its own option.)

The same command again goes on where the last one ended, also after a crash or a kill. Exit status:
0 done, 2 a setting or the photographs cannot be used, 3 a person has to fill in viewpoints.csv.
"""

import dataclasses
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from train.config import Config, ConfigError, PresetName, checks
from train.config.command_line import Settings, finish, outcome, parse, parse_first
from train.config.presets import PRESETS, PURPOSES
from train.config.section import OutputFolder, Section
from train.running.progress import Progress
from train.running.workspace import Workspace, write_json

FAILED, UNUSABLE = 1, ConfigError.status
"""Exit statuses; see the module's docstring."""


class Step(NamedTuple):
    """One stage in one round."""

    stage: str
    round: int


def plan(rounds: int) -> list[Step]:
    """The stages in their order. Round 0's GAN is unconditional, later ones know cameras."""
    steps = [Step("photographs", 0), Step("segmenter", 0), Step("gan", 0), Step("viewpoints", 0)]
    steps += [Step("cutouts", 0)]
    for number in range(rounds):
        if number > 0:
            steps += [Step("cameras", number), Step("gan", number)]
        stages = ("multiview", "inverse", "disentangle", "evaluate")
        steps += [Step(stage, number) for stage in stages]
    return [*steps, Step("export", rounds - 1)]


STAGES = tuple(dict.fromkeys(step.stage for step in plan(2)))


def run(config: Config, workspace: Workspace, stages: Sequence[str] = STAGES) -> None:
    """Run every stage named in `stages` that is not done yet, in the order of `plan`."""
    _check(config, [name for name in stages if not workspace.stage(name).done])
    write_json(workspace.path / "config.json", dataclasses.asdict(config))
    for step in plan(config.rounds):
        folder = workspace.stage(step.stage, step.round)
        if step.stage not in stages or folder.done:
            continue
        progress = Progress(workspace, step.stage, 0, step.round)
        progress.say("starts")
        began = time.monotonic()
        importlib.import_module(f"train.stages.{step.stage}").run(config, workspace, step.round)
        facts = json.dumps(folder.facts())
        progress.say(f"done in {time.monotonic() - began:.0f} s  {facts[:400]}")


def _check(config: Config, stages: Sequence[str]) -> None:
    """Refuse what a stage to come could not use, before hours are spent on those before it."""
    checks.check(config, stages)
    if checks.takes_checkpoint(config, stages):
        importlib.import_module("train.checkpoints.imported").load_checkpoint(config)
    if config.inverse.vgg and "inverse" in stages:
        importlib.import_module("train.models.perceptual").VggFeatures(Path(config.inverse.vgg))
    if config.segmenter.onnx and "segmenter" in stages:
        module = importlib.import_module("train.models.segmenter")
        module.load_segmenter(Path(config.segmenter.onnx))


@dataclass(frozen=True)
class Start(Section):
    """The option that the defaults of all settings depend on."""

    preset: PresetName = "cpu"
    """The settings to start from."""


@dataclass(frozen=True)
class Command(Section):
    """The command line."""

    config: Settings[Config]
    run: OutputFolder = Path("runs")
    """The run folder."""
    stages: str = ",".join(STAGES)
    """The stages to run, with commas between them."""
    dry_run: bool = False
    """Print the settings and the plan, and do nothing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        unknown = sorted(set(self.stages.split(",")) - set(STAGES))
        if unknown:
            raise ConfigError(f"--stages {','.join(unknown)}: known are {', '.join(STAGES)}")


def parse_command(arguments: Sequence[str] | None) -> Command:
    """The options of the command line.

    Raises:
        ConfigError: an impossible value or a stage that does not exist.
        SystemExit: status 2, an unknown preset or setting, or 0, --help.
    """
    preset = parse_first(Start, arguments, "train.cycle").preset
    more = "\n\nPresets:" + "".join(f"\n  {name:<9s} {text}" for name, text in PURPOSES.items())
    default = Command(PRESETS[preset], Path("runs") / preset)
    return parse(Command, arguments, "train.cycle", __doc__, default, more)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return conduct(partial(_command, arguments))


def conduct(command: Callable[[], None]) -> int:
    """Do `command`, under torchrun in rank 0 alone; returns the exit status of all.

    The other processes do what rank 0 shares out, and say nothing unless they fail first.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return finish("train.cycle", *outcome(command))
    from train.running.device import follow_rank_zero
    from train.running.torchrun import process_group

    group = process_group()
    assert group is not None
    try:
        work = command if group.is_rank_zero else partial(follow_rank_zero, group)
        status, message = outcome(work)
    except Exception:
        status, message = FAILED, traceback.format_exc()
    status, reports = group.agree(status)
    finish("train.cycle", status, message if reports else "")
    group.close(status)
    return status


def _command(arguments: Sequence[str] | None) -> None:
    command = parse_command(arguments)
    config = command.config
    if command.dry_run:
        steps = [f"{s.stage} (round {s.round})" for s in plan(config.rounds)]
        print(json.dumps({"config": dataclasses.asdict(config), "plan": steps}, indent=1))
        return
    workspace, stages = Workspace(command.run), command.stages.split(",")
    with workspace.lock():
        run(config, workspace, stages)
        if workspace.stage("export").done:
            bundle = workspace.stage("export").path / "bundle"
            print(f"done: {bundle}; serve it with: make serve BUNDLE={bundle}")
        else:
            print(f"done: stages {command.stages} in {command.run}")


if __name__ == "__main__":
    sys.exit(main())
