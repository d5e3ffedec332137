"""What each part of the inverse graphics training is worth: trainings with a part left out.

    python -m train.ablation --run runs/mine --set inverse.steps=1500 --out runs/mine_ablation

Takes photographs, segmenter, GAN, camera labels and multi-view images of a finished run as they
are, trains the network anew once per row and seed, measures every one by the same held-out objects,
and writes `ablation.json`, `.md` and `.html`. What is finished is not done again: the same command
goes on after a kill. Exit status: 0 done, 2 a setting or the run cannot be used.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import numpy as np

from train.config import PROCEDURAL, Config, ConfigError, override
from train.data.comparison_views import write_single_photographs, write_true_views
from train.evaluation.metrics import METRICS, Estimate, Metric
from train.evaluation.report import Report, ReportRow
from train.models.weights import WeightsError
from train.running.workspace import StageFolder, Workspace, WorkspaceError
from train.stages import evaluate, inverse

UNUSABLE = 2
"""Exit status; see the module's docstring."""
FULL = "full"
GENERATED, PLAIN_GAN = "generated", "plain_gan"
TRUE_VIEWS, SINGLE_PHOTOGRAPHS = "true_views", "single_photographs"
"""What stands in the place of the multi-view images."""
COLUMNS = (
    "iou2d_input", "iou2d_novel30", "iou3d_canonical", "psnr_novel",
    "azimuth_median_deg", "azimuth_acc30", "flipped_faces",
)  # fmt: skip
COMPARED = "iou2d_novel30"
"""The metric whose difference to the full training is shown."""
DIFFERENCE = f"{COMPARED}_to_{FULL}"


class Row(NamedTuple):
    """One training."""

    meaning: str
    settings: tuple[str, ...] = ()
    """As `--set` takes them; `{steps}` is inverse.steps."""
    images: str = GENERATED


ROWS = {
    FULL: Row("everything"),
    "one_view": Row(
        "the same images, each drawn into its own view only", ("inverse.views=1",)
    ),
    "photographs_only": Row(
        "single view without a GAN: labelled photographs alone (the paper's PASCAL3D+ row)",
        ("inverse.views=1", "inverse.camera_learning_rate=0"),
        SINGLE_PHOTOGRAPHS,
    ),
    "generated_only": Row("no labelled photographs", ("inverse.photographs=0",)),
    "plain_gan": Row(
        "round 0's images in the GAN's place: the plain GAN's, of annotated view codes",
        images=PLAIN_GAN,
    ),
    "plain_gan_only": Row(
        "the same without labelled photographs, as in the paper",
        ("inverse.photographs=0",),
        PLAIN_GAN,
    ),
    "fixed_cameras": Row(
        "the viewpoints' cameras stay as asked for", ("inverse.camera_learning_rate=0",)
    ),
    "no_perceptual": Row("without the perceptual term", ("inverse.perceptual_after={steps}",)),
    "no_symmetry": Row("both sides of shape and texture are free", ("inverse.symmetric=false",)),
    "soft_edges": Row(
        "sigmainv stays at its first value", ("inverse.last_sigmainv={sigmainv}",)
    ),
    "true_views": Row(
        "true renders of as many training vehicles take the GAN's place: its upper bound",
        images=TRUE_VIEWS,
    ),
}  # fmt: skip


def read_config(run: Path) -> Config:
    """The settings of a finished run.

    Raises:
        WorkspaceError: no run, or one of another version.
    """
    path = run / "config.json"
    try:
        given = dict(json.loads(path.read_text()))
        kinds = get_type_hints(Config)
        sections = {
            name: kinds[name](**value) if dataclasses.is_dataclass(kinds[name]) else value
            for name, value in given.items()
        }
        return Config(**sections)
    except (OSError, ValueError, TypeError, KeyError) as error:
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
                f"rounds={config.rounds}: a run of at least 2, which labelled photographs"
            )

    def cell(self, name: str, seed: int) -> dict[str, float]:
        """Train and measure one row with one seed; returns its metrics."""
        config = self.settings(ROWS[name], seed)
        workspace = Workspace(self.out / name / f"seed_{seed}")
        # Cells that are finished are not trained again: they must be of these settings.
        StageFolder(workspace.path).start(self._identity(config))
        self._take_over(workspace, ROWS[name])
        for stage in (inverse, evaluate):
            folder = workspace.stage(stage.__name__.rpartition(".")[2], self.round)
            if not folder.done:
                stage.run(config, workspace, self.round)
        return workspace.stage("evaluate", self.round).facts()

    def _identity(self, config: Config) -> dict[str, Any]:
        """All that a cell's metrics depend on, which the number of processes is not."""
        identity = {"run": str(self.run.path.resolve()), "seed": config.seed}
        for section in ("inverse", "multiview", "evaluate"):
            values = dataclasses.asdict(getattr(config, section))
            identity |= {f"{section}.{key}": value for key, value in values.items()}
        del identity["inverse.processes"]
        return identity

    def settings(self, row: Row, seed: int) -> Config:
        """Of one training."""
        config = override(self.config, f"seed={seed}")
        config = override(config, "inverse.anew=true")
        config = override(config, "evaluate.single_view_baseline=false")
        values = {"steps": config.inverse.steps, "sigmainv": config.inverse.sigmainv}
        for assignment in row.settings:
            config = override(config, assignment.format(**values))
        if config.inverse.views == 1:  # as many images in each step
            doubled = config.inverse.batch_size * self.config.inverse.views
            config = override(config, f"inverse.batch_size={doubled}")
        return config

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
        if row.images == GENERATED:
            return self.run.stage("multiview", self.round)
        if row.images == PLAIN_GAN:
            return self.run.stage("multiview", 0)
        folder = StageFolder(self.out / "images" / row.images)
        if row.images == TRUE_VIEWS:
            write_true_views(self.config, folder)
        else:
            generated = self.run.stage("multiview", self.round).facts()["images"]
            write_single_photographs(self.config, self.run, self.round, generated, folder)
        return folder


def rows_for(config: Config, asked: Sequence[str]) -> list[str]:
    """The rows asked for, or all that the run's photographs allow.

    Raises:
        ConfigError: an unknown row, or one that needs truth that the photographs have not got.
    """
    unknown = sorted(set(asked) - set(ROWS))
    if unknown:
        raise ConfigError(f"--rows {','.join(unknown)}: known are {', '.join(ROWS)}")
    procedural = config.photographs.source == PROCEDURAL
    if not procedural and "true_views" in asked:
        raise ConfigError("--rows true_views: only procedural photographs have a truth to draw")
    return [name for name in asked or ROWS if procedural or name != "true_views"]


def report_of(cells: dict[str, dict[int, dict[str, float]]], config: Config) -> Report:
    """Mean and range of every metric over the seeds, and the difference to the full training."""
    return Report(
        "Ablation",
        {
            "steps": config.inverse.steps,
            "batch_size": config.inverse.batch_size,
            "objects": config.evaluate.objects,
        },
        {
            name: ReportRow(_over_seeds(name, cells), ROWS[name].meaning)
            for name in cells
        },
        {name: METRICS[name]._replace(digits=3) for name in COLUMNS} | {
            DIFFERENCE: Metric(f"{COMPARED} minus that of `{FULL}`, seed by seed, their mean")
        },
        "lowest and highest over the seeds",
        details={"seeds_of_rows": {name: sorted(by_seed) for name, by_seed in cells.items()}},
        metrics_down=False,
    )  # fmt: skip


def _over_seeds(name: str, cells: dict[str, dict[int, dict[str, float]]]) -> dict[str, Estimate]:
    """The metrics of one row."""
    by_seed = cells[name]
    found = {}
    for key in COLUMNS:
        values = [metrics[key] for metrics in by_seed.values()]
        found[key] = Estimate(float(np.mean(values)), min(values), max(values))
    both = sorted(set(by_seed) & set(cells.get(FULL, {})))
    if both and name != FULL:
        less = [by_seed[seed][COMPARED] - cells[FULL][seed][COMPARED] for seed in both]
        found[DIFFERENCE] = Estimate(float(np.mean(less)))
    return found


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m train.ablation", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--run", type=Path, required=True, help="a finished run of train.cycle")
    parser.add_argument("--out", type=Path, help="default: beside the run, RUN_ablation")
    parser.add_argument("--rows", default="", help=f"of {', '.join(ROWS)}; default: all")
    parser.add_argument("--seeds", default="1,2,3", help="default: %(default)s")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.FIELD=VALUE")
    options = parser.parse_args(arguments)
    options.out = options.out or options.run.with_name(f"{options.run.name}_ablation")
    return options


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
    options = parse(arguments)
    try:
        config = read_config(options.run)
        for assignment in options.set:
            config = override(config, assignment)
        seeds = options.seeds.split(",")
        if not all(seed.isdigit() for seed in seeds):
            raise ConfigError(f"--seeds {options.seeds}: whole numbers with commas between them")
        rows = rows_for(config, [name for name in options.rows.split(",") if name])
        ablation = Ablation(options.run, options.out, config)
        with Workspace(options.out).lock():
            print(_fill(ablation, rows, [int(seed) for seed in seeds]))
    except (ConfigError, WeightsError, WorkspaceError) as error:
        print(f"train.ablation: {error}", file=sys.stderr)
        return UNUSABLE
    return 0


if __name__ == "__main__":
    sys.exit(main())
