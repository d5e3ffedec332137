"""Trains without one part after another: how much each part of stage inverse is worth.

    python -m train.ablation --run runs/mine --inverse.steps 1500 --out runs/mine_ablation

Takes photographs, segmenter, GAN, camera labels and multi-view images of a finished run as they
are, trains the network anew once per row and seed, measures every one by the same held-out objects,
and writes `ablation.json`, `.md` and `.html`. What is finished is not done again: the same command
goes on after a kill. Exit status: 0 done, 2 a setting or the run cannot be used.
"""

import dataclasses
import importlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import tyro

from train import config as settings
from train.config import Config, ConfigError
from train.config.command_line import Values, finish, outcome, parse, parse_first
from train.config.section import Section
from train.evaluation.metrics import METRICS, Estimate, Metric
from train.evaluation.report import Report, ReportRow
from train.running.workspace import StageFolder, Workspace, WorkspaceError

FULL = "full"
"""The row that changes nothing."""
COLUMNS = (
    "iou2d_input", "iou2d_novel30", "iou3d_canonical", "psnr_novel",
    "azimuth_median_deg", "azimuth_acc30", "flipped_faces",
)  # fmt: skip
SECTIONS = ("inverse", "multiview", "evaluate")
"""The settings that may differ from the run's."""
COMPARED = "iou2d_novel30"
"""The metric whose difference to the full training is shown."""
DIFFERENCE = f"{COMPARED}_to_{FULL}"


class Row(NamedTuple):
    """One training."""

    meaning: str
    changes: Callable[[settings.InverseConfig], dict[str, Any]] = lambda full: {}
    """The settings of the full training -> those that differ."""
    images: Literal["generated", "plain_gan", "true_views", "single_photographs"] = "generated"
    """The multi-view images, or what takes their place."""


ROWS = {
    FULL: Row("everything"),
    "one_view": Row(
        "the same images, each rendered into its own view only", lambda full: {"views": 1}
    ),
    "photographs_only": Row(
        "single view without a GAN: labelled photographs alone (the paper's PASCAL3D+ row)",
        lambda full: {"views": 1, "camera_learning_rate": 0},
        "single_photographs",
    ),
    "generated_only": Row("no labelled photographs", lambda full: {"photographs": 0}),
    "plain_gan": Row(
        "round 0's images instead of the GAN's: the plain GAN's, of annotated view codes",
        images="plain_gan",
    ),
    "plain_gan_only": Row(
        "the plain GAN's images without labelled photographs, as in the paper",
        lambda full: {"photographs": 0},
        "plain_gan",
    ),
    "fixed_cameras": Row(
        "the viewpoints' cameras stay as asked for", lambda full: {"camera_learning_rate": 0}
    ),
    "no_perceptual": Row(
        "without the perceptual term", lambda full: {"perceptual_after": full.steps}
    ),
    "no_symmetry": Row(
        "both sides of shape and texture are free", lambda full: {"symmetric": "none"}
    ),
    "soft_edges": Row(
        "sigmainv stays at its first value", lambda full: {"last_sigmainv": full.sigmainv}
    ),
    "true_views": Row(
        "true renders of as many training vehicles take the GAN's place: its upper bound",
        images="true_views",
    ),
}


def read_config(run: Path) -> Config:
    """The settings of a finished run.

    Raises:
        WorkspaceError: no run, or one of another version.
    """
    path = run / "config.json"
    try:
        return settings.override(Config(), **json.loads(path.read_text()))
    except (ConfigError, OSError, ValueError, TypeError, AttributeError) as error:
        raise WorkspaceError(
            f"{path} is not the settings of a run: {error}; give the folder of a finished "
            "`python -m train.cycle --run`"
        ) from error


class Ablation:
    """Trainings of every row and seed, in folders of their own below `out`."""

    def __init__(self, run: Path, out: Path, config: Config) -> None:
        self.run, self.out, self.config = Workspace(run), out, config
        self.round = config.rounds - 1
        if self.round < 1:
            raise ConfigError(
                f"{run} is a run of {config.rounds} round: at least 2 are needed, of which the "
                "second labels photographs"
            )

    def cell(self, name: str, seed: int) -> dict[str, float]:
        """Train and measure one row with one seed; returns its metrics."""
        config = self.settings(ROWS[name], seed)
        workspace = Workspace(self.out / name / f"seed_{seed}")
        # Cells that are finished are not trained again: they must be of these settings.
        StageFolder(workspace.path).start(self._identity(config))
        self._take_over(workspace, ROWS[name])
        for stage in ("inverse", "evaluate"):
            if not workspace.stage(stage, self.round).done:
                module = importlib.import_module(f"train.stages.{stage}")
                module.run(config, workspace, self.round)
        return workspace.stage("evaluate", self.round).facts()

    def _identity(self, config: Config) -> dict[str, Any]:
        """All that a cell's metrics depend on, which the number of processes is not."""
        identity = {"run": str(self.run.path.resolve()), "seed": config.seed}
        for section in SECTIONS:
            values = dataclasses.asdict(getattr(config, section))
            identity |= {f"{section}.{key}": value for key, value in values.items()}
        del identity["inverse.processes"]
        return identity

    def settings(self, row: Row, seed: int) -> Config:
        """The settings of one training."""
        full = self.config.inverse
        inverse = replace(full, anew=True, **row.changes(full))
        if inverse.views == 1:  # as many images in each step
            inverse = replace(inverse, batch_size=inverse.batch_size * full.views)
        evaluate = replace(self.config.evaluate, single_view_baseline=False)
        return replace(self.config, seed=seed, inverse=inverse, evaluate=evaluate)

    def _take_over(self, workspace: Workspace, row: Row) -> None:
        """Show a cell the run's finished stages, and the images that it shall learn from."""
        stages = {name: self.run.stage(name) for name in ("photographs", "segmenter", "viewpoints")}
        stages |= {name: self.run.stage(name, self.round) for name in ("cameras", "gan")}
        stages["multiview"] = self._images(row)
        for name, theirs in stages.items():
            theirs.facts()  # refused where it has not run to its end
            ours = workspace.stage(name, self.round).path
            ours.parent.mkdir(parents=True, exist_ok=True)
            if not ours.is_symlink():
                ours.symlink_to(theirs.path.resolve(), target_is_directory=True)

    def _images(self, row: Row) -> StageFolder:
        if row.images in ("generated", "plain_gan"):
            return self.run.stage("multiview", self.round if row.images == "generated" else 0)
        from train.data.comparison_views import write_single_photographs, write_true_views

        folder = StageFolder(self.out / "images" / row.images)
        if row.images == "true_views":
            write_true_views(self.config, folder)
        else:
            generated = self.run.stage("multiview", self.round).facts()["images"]
            write_single_photographs(self.config, self.run, self.round, generated, folder)
        return folder


def rows_for(config: Config, asked: Sequence[str]) -> list[str]:
    """The rows asked for, or all that the run's photographs allow.

    Raises:
        ConfigError: an unknown row, or one whose ground truth the photographs have not got.
    """
    unknown = sorted(set(asked) - set(ROWS))
    if unknown:
        raise ConfigError(f"--rows {','.join(unknown)}: known are {', '.join(ROWS)}")
    procedural = config.photographs.source == settings.PROCEDURAL
    if not procedural and "true_views" in asked:
        raise ConfigError("--rows true_views: only procedural photographs have other true views")
    return [name for name in asked or ROWS if procedural or name != "true_views"]


def report_of(cells: dict[str, dict[int, dict[str, float]]], config: Config) -> Report:
    """Mean and range of every metric over the seeds, and the difference to the full training."""
    difference = Metric(f"{COMPARED} minus that of `{FULL}`, seed by seed, their mean")
    return Report(
        "Ablation",
        {
            "steps": config.inverse.steps,
            "batch_size": config.inverse.batch_size,
            "objects": config.evaluate.objects,
        },
        {name: ReportRow(_over_seeds(name, cells), ROWS[name].meaning) for name in cells},
        {name: METRICS[name]._replace(digits=3) for name in COLUMNS} | {DIFFERENCE: difference},
        "lowest and highest over the seeds",
        details={"seeds_of_rows": {name: sorted(by_seed) for name, by_seed in cells.items()}},
        metrics_down=False,
    )


def _over_seeds(name: str, cells: dict[str, dict[int, dict[str, float]]]) -> dict[str, Estimate]:
    """The metrics of one row."""
    own, full = cells[name], cells.get(FULL, {})
    found = {}
    for key in COLUMNS:
        values = [metrics[key] for metrics in own.values()]
        found[key] = Estimate(float(np.mean(values)), min(values), max(values))
    less = [own[seed][COMPARED] - full[seed][COMPARED] for seed in sorted(own) if seed in full]
    if less and name != FULL:
        found[DIFFERENCE] = Estimate(float(np.mean(less)))
    return found


@dataclass(frozen=True)
class Start(Section):
    """The option that the defaults of all settings depend on."""

    run: Path | None = None
    """A finished run of train.cycle."""


@dataclass(frozen=True)
class Command(Section):
    """The command line."""

    run: Path
    """A finished run of train.cycle, whose settings are the defaults."""
    out: Path
    """The folder to write to."""
    rows: str = ""
    """Rows to train, with commas between them; default: all."""
    seeds: str = "1,2,3"
    """Seeds of every row, whole numbers with commas between them."""
    inverse: Values[settings.InverseConfig] = field(default_factory=settings.InverseConfig)
    multiview: Values[settings.MultiviewConfig] = field(default_factory=settings.MultiviewConfig)
    evaluate: Values[settings.EvaluateConfig] = field(default_factory=settings.EvaluateConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(seed.isdigit() for seed in self.seeds.split(",")):
            raise ConfigError(f"--seeds {self.seeds}: whole numbers with commas between them")


def _command(arguments: Sequence[str] | None) -> None:
    run = parse_first(Start, arguments, "train.ablation").run
    config = Config() if run is None else read_config(run)
    beside = run or Path("RUN")
    out = beside.with_name(f"{beside.name}_ablation")
    default = Command(tyro.MISSING, out, **{name: getattr(config, name) for name in SECTIONS})
    more = "\n\nRows:" + "".join(f"\n  {name:<17s} {row.meaning}" for name, row in ROWS.items())
    given: Command = parse(Command, arguments, "train.ablation", __doc__, default, more)
    config = replace(config, **{name: getattr(given, name) for name in SECTIONS})
    names = rows_for(config, [name for name in given.rows.split(",") if name])
    ablation = Ablation(given.run, given.out, config)
    with Workspace(given.out).lock():
        print(_fill(ablation, names, [int(seed) for seed in given.seeds.split(",")]))
        print(f"table: {given.out}")


def _fill(ablation: Ablation, rows: Sequence[str], seeds: Sequence[int]) -> str:
    """Every cell, seed by seed; the table is written anew after each, and its Markdown returned."""
    cells: dict[str, dict[int, dict[str, float]]] = {}
    every = [(seed, name) for seed in seeds for name in rows]
    for number, (seed, name) in enumerate(every, 1):
        print(f"{name}, seed {seed}: {number} of {len(every)}", file=sys.stderr, flush=True)
        cells.setdefault(name, {})[seed] = ablation.cell(name, seed)
        report_of(cells, ablation.config).write(ablation.out, "ablation")
    return report_of(cells, ablation.config).markdown()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    return finish("train.ablation", *outcome(partial(_command, arguments)))


if __name__ == "__main__":
    sys.exit(main())
