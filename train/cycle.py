"""The whole cycle: photographs -> GAN -> inverse graphics -> disentangled GAN, round after round.

    python -m train.cycle --preset smoke
    python -m train.cycle --preset cpu --data photographs/ --run runs/birds
    python -m train.cycle --preset cpu --set inverse.batch_size=8 --dry-run
    torchrun --nproc-per-node 8 -m -- train.cycle --preset gpu --run runs/large

Under torchrun the given processes share the batches of stages gan and inverse; all else runs in the
first one, and the others wait. (Without the two dashes torchrun takes --run for its own option.)

The same command again goes on where the last one ended, also after a crash or a kill. Exit status:
0 done, 2 a setting or the photographs cannot be used, 3 a person has to fill in viewpoints.csv.
"""

import argparse
import dataclasses
import importlib
import json
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from train.config import CHECKPOINT, Config, ConfigError, category, override
from train.config.presets import PRESETS
from train.config.refusal import require
from train.running.progress import Progress
from train.running.workspace import Workspace, WorkspaceError, write_json

FAILED, UNUSABLE, WAITING = 1, 2, 3
"""Exit statuses; see the module's docstring."""


class Step(NamedTuple):
    """One stage in one round."""

    stage: str
    round: int


def plan(rounds: int) -> list[Step]:
    """The stages in their order. Round 0 is the plain GAN's; from round 1 on it knows cameras."""
    steps = [Step("photographs", 0), Step("segmenter", 0), Step("gan", 0), Step("viewpoints", 0)]
    for number in range(rounds):
        if number > 0:
            steps += [Step("cameras", number), Step("gan", number)]
        steps += [
            Step(stage, number) for stage in ("multiview", "inverse", "disentangle", "evaluate")
        ]
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
    category.check(config, stages)
    gan = config.gan
    require(
        gan.kimg > 0 or gan.init != "scratch" or bool(gan.checkpoint) or "gan" not in stages,
        "gan.kimg=0 and gan.init=scratch: the GAN would draw noise; train it, or give another init",
    )
    drawn = config.photographs.source == CHECKPOINT and "photographs" in stages
    if drawn or (gan.checkpoint and "gan" in stages):
        importlib.import_module("train.checkpoints.imported").load_checkpoint(config)
    if config.inverse.vgg and "inverse" in stages:
        importlib.import_module("train.models.perceptual").VggFeatures(Path(config.inverse.vgg))
    if "segmenter" in stages:
        importlib.import_module("train.stages.segmenter").check(config)


def parse(arguments: Sequence[str] | None) -> tuple[Config, argparse.Namespace]:
    """The command line -> settings and options.

    Raises:
        ConfigError: a preset, setting or stage that does not exist, or an impossible value.
    """
    parser = argparse.ArgumentParser(
        prog="python -m train.cycle", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--preset", default="cpu", help=f"one of: {', '.join(PRESETS)}")
    parser.add_argument("--data", help="a folder of JPEG or PNG photographs")
    parser.add_argument("--run", type=Path, help="the run folder (default: runs/<preset>)")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.FIELD=VALUE")
    parser.add_argument("--stages", default=",".join(STAGES), help="comma-separated; default: all")
    parser.add_argument("--dry-run", action="store_true", help="print the settings and the plan")
    options = parser.parse_args(arguments)
    if options.preset not in PRESETS:
        raise ConfigError(f"--preset {options.preset}: one of {', '.join(PRESETS)}")
    options.stages = options.stages.split(",")
    unknown = sorted(set(options.stages) - set(STAGES))
    if unknown:
        raise ConfigError(f"--stages {','.join(unknown)}: known are {', '.join(STAGES)}")
    config = PRESETS[options.preset]
    if options.data is not None:
        config = override(config, f"photographs.source={options.data}")
    for assignment in options.set:
        config = override(config, assignment)
    options.run = options.run or Path("runs") / options.preset
    return config, options


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return conduct(partial(_command, arguments))


def conduct(command: Callable[[], None]) -> int:
    """Run `command`, under torchrun in rank 0 alone; returns the exit status of all processes.

    The other ranks do the work that rank 0 sends them, and report only where they fail first.
    """
    from train.running.device import follow_rank_zero
    from train.running.torchrun import process_group

    if (group := process_group()) is None:
        return _tell(*_outcome(command))
    try:
        status, message = _outcome(
            command if group.is_rank_zero else partial(follow_rank_zero, group)
        )
    except Exception:
        status, message = FAILED, traceback.format_exc()
    status, reports = group.agree(status)
    _tell(status, message if reports else "")
    group.close(status)
    return status


def _command(arguments: Sequence[str] | None) -> None:
    config, options = parse(arguments)
    if options.dry_run:
        steps = [f"{s.stage} (round {s.round})" for s in plan(config.rounds)]
        print(json.dumps({"config": dataclasses.asdict(config), "plan": steps}, indent=1))
        return
    workspace = Workspace(options.run)
    with workspace.lock():
        run(config, workspace, options.stages)


def _outcome(work: Callable[[], None]) -> tuple[int, str]:
    """The exit status and what there is to say about it."""
    from train.data.photographs import PhotographsError
    from train.models.segmenter import SegmenterError
    from train.models.weights import WeightsError
    from train.stages.viewpoints import AnnotationNeeded

    try:
        work()
    except (ConfigError, PhotographsError, SegmenterError, WeightsError, WorkspaceError) as error:
        return UNUSABLE, str(error)
    except AnnotationNeeded as needed:
        return WAITING, str(needed)
    except SystemExit as ended:  # argparse's, which has said why
        return int(ended.code or 0), ""
    return 0, ""


def _tell(status: int, message: str) -> int:
    if message:
        print(f"train.cycle: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
