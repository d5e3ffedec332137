"""The whole cycle: photographs -> GAN -> inverse graphics -> disentangled GAN, round after round.

    python -m train.cycle --preset smoke
    python -m train.cycle --preset cpu --data photographs/ --run runs/birds
    python -m train.cycle --preset cpu --inverse.batch-size 8 --dry-run
    torchrun --nproc-per-node 8 -m -- train.cycle --preset gpu --run runs/large

Every setting is a flag; --help lists them. Under torchrun the given processes share the batches of
stages gan and inverse; all else runs in rank 0, and the others wait. (Without the two dashes
torchrun takes --run for its own option.)

The same command again goes on where the last one ended, also after a crash or a kill. With other
settings or changed data it ends with status 2 and says what --redo would make anew. Exit status:
0 done, 2 a setting or the photographs cannot be used, 3 a person has to fill in viewpoints.csv, or
to look at what a stage has made: a gate failed, and the message says what to do.
"""

import dataclasses
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from train.config import PROCEDURAL_CATEGORY, Config, ConfigError, PresetName, checks
from train.config.command_line import Settings, finish, outcome, parse, parse_first
from train.config.presets import PURPOSES, of_category
from train.config.section import NotNegative, OutputFolder, Section
from train.running.gate import check_accepted, gates_of, hold
from train.running.plan import STAGES, Step, after, plan, reads
from train.running.progress import Progress
from train.running.record import Records, prepare, steps_named
from train.running.threads import CONVOLVING, choose
from train.running.watching import watched
from train.running.workspace import Workspace, WorkspaceError, write_json

SMOKE_ONLY = (
    "This was --preset smoke: it proves that every stage runs on this machine and with these "
    "photographs. Its shapes, looks and cameras mean nothing; train with another preset"
)
FAILED, UNUSABLE = 1, ConfigError.status
"""Exit statuses; see the module's docstring."""


def run(
    config: Config,
    workspace: Workspace,
    stages: Sequence[str] = STAGES,
    redo: Sequence[str] = (),
    accept: Sequence[str] = (),
    begins: Callable[[Step], None] = lambda step: None,
) -> None:
    """Run every stage named in `stages` that is not done yet, in the order of `plan`.

    `redo`: steps to make anew, and with them all that reads from them; see train.running.record.
    `accept`: gates that may fail; see train.running.gate. `begins`: told each step that begins.

    Raises:
        GateFailed: a stage, or one that it would read from, has made something unusable.
    """
    check_accepted(accept)
    records = Records(config, workspace)
    again = {step.stage for step in after(records.steps, steps_named(records.steps, redo))}
    _check(config, [name for name in stages if name in again or not workspace.stage(name).done])
    prepare(records, redo)
    write_json(workspace.path / "config.json", dataclasses.asdict(config))
    waiting, began = [], False
    for step in records.steps:
        if step.stage not in stages:
            continue
        if records.folder(step).done:
            _hold(records, [step], accept)
            continue
        if missing := _missing(records, step):
            waiting.append(f"{step} waits for {missing}")
            continue
        began = True
        _hold(records, reads(step), accept)
        begins(step)
        _run_step(config, records, step)
        _hold(records, [step], accept)
    if waiting and not began:
        raise WorkspaceError(f"{waiting[0]}, which has to run to its end first: name it too")
    for line in waiting:
        print(f"{line}, which --stages does not name")


def _hold(records: Records, steps: Sequence[Step], accept: Sequence[str]) -> None:
    for step in steps:
        hold(records.folder(step), str(step), accept)


def _missing(records: Records, step: Step) -> str:
    """What a step of a later round would wait for: --stages does not name all of its round."""
    if step.round == 0 or step.stage == "export":
        return ""
    return ", ".join(str(read) for read in reads(step) if not records.folder(read).done)


def _run_step(config: Config, records: Records, step: Step) -> None:
    progress = Progress(records.workspace, step.stage, 0, step.round)
    progress.say("starts")
    began = time.monotonic()
    records.write(step)
    stage = importlib.import_module(f"train.stages.{step.stage}")
    if step.stage in CONVOLVING and (threads := choose(config.threads)) is not None:
        progress.say(threads.line())
    stage.run(config, records.workspace, step.round)
    records.write(step)
    folder, seconds = records.folder(step), round(time.monotonic() - began, 1)
    write_json(folder.file("done.json"), {**folder.facts(), "seconds": seconds})
    for gate in gates_of(folder):
        progress.say(gate.line())
    facts = json.dumps({k: v for k, v in folder.facts().items() if k not in ("gates", "seconds")})
    progress.say(f"done in {seconds:.0f} s  {facts[:400]}")


def _check(config: Config, stages: Sequence[str]) -> None:
    """Refuse what a stage to come could not use, before hours are spent on those before it."""
    checks.check(config, stages)
    if checks.takes_checkpoint(config, stages):
        importlib.import_module("train.checkpoints.imported").load_checkpoint(config)
    if config.inverse.vgg and "inverse" in stages:
        importlib.import_module("train.models.perceptual").VggFeatures(Path(config.inverse.vgg))
    if config.inverse.template and "inverse" in stages:
        module = importlib.import_module("train.data.template_file")
        module.read_template(Path(config.inverse.template), config.inverse.symmetric == "x")
    if config.segmenter.onnx and "segmenter" in stages:
        module = importlib.import_module("train.models.segmenter")
        module.load_segmenter(Path(config.segmenter.onnx))


@dataclass(frozen=True)
class StartExport(Section):
    """Of section export, what the defaults of other settings depend on."""

    category: str = PROCEDURAL_CATEGORY
    """What the photographs show."""


@dataclass(frozen=True)
class Start(Section):
    """The options that the defaults of all settings depend on."""

    preset: PresetName = "cpu"
    """The settings to start from."""
    export: StartExport = field(default_factory=StartExport)


@dataclass(frozen=True)
class Command(Section):
    """The command line."""

    config: Settings[Config]
    run: OutputFolder = Path("runs")
    """The run folder."""
    stages: str = ",".join(STAGES)
    """The stages to run, with commas between them."""
    redo: str = ""
    """Steps to make anew, with all that reads from them, and commas between them: `gan` for all
    rounds, `gan:1` for one. What they had written is removed."""
    accept: str = ""
    """Gates that may fail, with commas between them, or `all`: go on with what a stage has made. A
    gate that is accepted stays so until its stage is made anew."""
    live_seconds: NotNegative = 10.0
    """Least seconds between two states of `live.html`, the page of the run folder that shows
    curves, pictures and the time left; 0: none is written."""
    tensorboard: bool = False
    """Also write TensorBoard's event files, into the folder `events` of the run folder. They need
    the package `tensorboard`."""
    dry_run: bool = False
    """Print the settings and the plan, and do nothing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_accepted(_names(self.accept))
        unknown = sorted(set(self.stages.split(",")) - set(STAGES))
        if unknown:
            raise ConfigError(f"--stages {','.join(unknown)}: known are {', '.join(STAGES)}")


def first_options(arguments: Sequence[str] | None, module: str) -> tuple[PresetName, Config]:
    """The preset that a command line names, and its settings, fit for the category it names."""
    start = parse_first(Start, arguments, module)
    return start.preset, of_category(start.preset, start.export.category)


def parse_command(arguments: Sequence[str] | None) -> Command:
    """The options of the command line.

    Raises:
        ConfigError: an impossible value or a stage that does not exist.
        SystemExit: status 2, an unknown preset or setting, or 0, --help.
    """
    preset, settings = first_options(arguments, "train.cycle")
    more = "\n\nPresets:" + "".join(f"\n  {name:<9s} {text}" for name, text in PURPOSES.items())
    accept = "all" if preset == "smoke" else ""  # it proves the machinery, and can do no more
    default = Command(settings, Path("runs") / preset, accept=accept)
    return parse(Command, arguments, "train.cycle", __doc__, default, more)


def _names(given: str) -> list[str]:
    return [name for name in given.split(",") if name]


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


def _next(command: Command) -> str:
    """What to do once some stages are done."""
    page = command.run / "live.html" if command.live_seconds else command.run / "stats.jsonl"
    return f"the same command without --stages runs the rest; curves and pictures: {page}"


def _command(arguments: Sequence[str] | None) -> None:
    command = parse_command(arguments)
    config = command.config
    if command.dry_run:
        steps = [f"{s.stage} (round {s.round})" for s in plan(config.rounds)]
        print(json.dumps({"config": dataclasses.asdict(config), "plan": steps}, indent=1))
        return
    workspace, stages = Workspace(command.run), command.stages.split(",")
    with workspace.lock():
        with watched(config, workspace, command.live_seconds, command.tensorboard) as begins:
            run(config, workspace, stages, _names(command.redo), _names(command.accept), begins)
        if workspace.stage("export").done:
            bundle = workspace.stage("export").path / "bundle"
            print(f"done: {bundle}; serve it with: make serve BUNDLE={bundle}")
            if config.preset == "smoke":
                print(SMOKE_ONLY)
        else:
            print(f"done: stages {command.stages} in {command.run}; next: {_next(command)}")


if __name__ == "__main__":
    sys.exit(main())
