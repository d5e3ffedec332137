"""Measure a bundle, as it is served, with the benchmark that measured the training.

    python -m train.evaluate
    python -m train.evaluate --bundle runs/cpu/export/bundle --objects procedural:1000
    python -m train.evaluate --objects scans/ --up z --front -y --views 24 --out report
    python -m train.evaluate --photos snapshots/ --masks cutouts/
    python -m train.evaluate --generator shipped --out build/generator

The ONNX graphs of the bundle read photographs of objects that no training saw: of procedural
vehicles, or of every textured mesh below a folder (GLB, glTF, OBJ, COLLADA, PLY), drawn from known
cameras before varied scenes, so that the truth is exact. Rows beside the bundle:

    refined            its predictions after test-time steps, with --set evaluate.refine_steps=40
    ceiling            its template fitted to the truth of the first objects
    mean_prediction    the mean of what it predicts, at each photograph's predicted camera
    nearest_training   the training object whose photograph is most alike
    single_view        a network taught on single views, with --single-view FILE: what stage
                       inverse leaves in single_view/inverse_graphics.safetensors

Writes `report.json` (every figure by its name), `report.md`, `report.html` (with pictures of the
best, the median and the worst), `objects.json` (every object's scores), `contact_sheet.png` and
`azimuth_errors.png` into `--out`, and prints the table.

With `--photos`, real photographs take the place of the objects: any folder of JPEG and PNG files,
with masks of the same names in `--masks` or without, a folder of images of PASCAL3D+ (with its
cameras), or CUB-200-2011 (with its masks); see `train.evaluation.photo_benchmark`. With
`--generator`, a file of stage gan or `shipped`, measures that instead (its images made smaller to
the 64 px that the instrument reads): how well it holds the camera and the object (`generator.json`,
`generator.md`, `grid.png`); the segmenter of `--bundle` finds its silhouettes. `--inception FILE`
adds the FID proper, in the features of an Inception network of yours: ONNX or TorchScript, see
`train.models.given_features`.

Exit status: 0 done, 2 an argument, the bundle, the objects or the generator cannot be used.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from train.config import PROCEDURAL_CATEGORY, Config, ConfigError, EvaluateConfig, override
from train.data.held_out import HeldOut, ObjectSource, ProceduralObjects, photograph
from train.data.mesh_files import MeshFilesError
from train.data.mesh_objects import MeshObjects
from train.data.photo_layouts import read_photo_set
from train.data.photographs import PhotographsError
from train.data.textured_object import AXES
from train.data.vehicles import HELD_OUT_SEED
from train.evaluation.baselines import NearestTraining, SingleView, mean_prediction
from train.evaluation.benchmark import Measured, Predictor, measure, score
from train.evaluation.bundle_predictor import BundlePredictor, BundleUnusable
from train.evaluation.generator_report import SHIPPED_GENERATOR, report_generator
from train.evaluation.object_report import write_object_report
from train.evaluation.oracle import oracle
from train.evaluation.photo_benchmark import measure_photos
from train.evaluation.photo_report import write_photo_report
from train.evaluation.refinement import RefinedPredictor
from train.models.given_features import FeaturesError
from train.models.weights import WeightsError
from train.running.progress import Progress
from train.running.workspace import WorkspaceError

UNUSABLE = 2
"""Exit status; see the module's docstring."""
SHIPPED = Path(__file__).resolve().parents[1] / "service" / "shipped" / "vehicles"
"""The bundle that comes with the source."""
PROCEDURAL = "procedural:"
"""Before a number of procedural objects."""
FLAGS = {
    "objects": ("views", "up", "front", "single_view", "set"),
    "photos": ("masks", "split"),
    "generator": ("inception",),
}
"""What can be measured, and the flags that go with it alone."""
FRONTS = {"y": "+z", "z": "-y"}
"""Axis that is up in a folder's meshes -> the front that goes without saying."""
STAGE_SETTINGS = ("baseline_steps", "single_view_baseline")
"""Of `evaluate`, without meaning here."""


class EvaluationError(ValueError):
    """An argument cannot be used; the message says why and what to do."""


def evaluate(options: argparse.Namespace, settings: EvaluateConfig) -> str:
    """Measure a bundle on objects with truth, write the report, return its Markdown."""
    predictor = BundlePredictor(options.bundle)
    began = time.monotonic()
    seed = HELD_OUT_SEED + settings.seed
    source = object_source(options, seed, predictor.category)
    truth = photograph(source, settings.views, predictor.resolution, seed)
    rows = measure_rows(predictor, source, truth, settings)
    if options.single_view:
        baseline = SingleView(predictor, options.single_view)
        rows["single_view"] = _measured("single_view", baseline, truth)
    about = {
        "bundle": options.bundle.name,
        "source": f"{PROCEDURAL}{len(truth.names)}",
        "held_out_seed": seed,
        "oracle_steps": settings.oracle_steps,
        "refine_steps": settings.refine_steps,
        "seconds": round(time.monotonic() - began, 1),
    }
    if isinstance(source, MeshObjects):
        about |= {
            "source": Path(options.objects).name,
            "up": source.up,
            "front": source.front,
            "without_volume": source.without_volume(),
            "skipped_count": len(source.skipped),
            "skipped": [f"{item.name}: {item.reason}" for item in source.skipped],
        }
    return write_object_report(options.out, rows, truth, about).markdown()


def evaluate_photos(options: argparse.Namespace) -> str:
    """Measure a bundle on real photographs, write the report, return its Markdown."""
    predictor = BundlePredictor(options.bundle)
    began = time.monotonic()
    photos = read_photo_set(options.photos, predictor.resolution, options.masks, options.split)
    measured = measure_photos(predictor, photos, _ticking("photographs", len(photos.names)))
    about = {
        "bundle": options.bundle.name,
        "source": options.photos.name,
        "size": predictor.resolution,
        "seconds": round(time.monotonic() - began, 1),
    }
    return write_photo_report(options.out, measured, photos, about).markdown()


def object_source(options: argparse.Namespace, seed: int, category: str) -> ObjectSource:
    """What `--objects` names."""
    named = options.objects.removeprefix(PROCEDURAL)
    if not named.isdigit():
        if named != options.objects:
            raise EvaluationError(f"--objects {options.objects}: a number has to follow the colon")
        up = options.up or "y"
        return MeshObjects(Path(named), up, options.front or FRONTS[up], seed)
    if options.up or options.front:
        raise EvaluationError("--up and --front say how a folder's meshes lie: give --objects one")
    if int(named) < 1:
        raise EvaluationError(f"--objects {options.objects}: at least 1")
    if category != PROCEDURAL_CATEGORY:
        raise EvaluationError(
            f"{options.bundle} knows {category!r}; there are procedural objects of "
            f"{PROCEDURAL_CATEGORY} only: give --objects a folder of meshes, or photographs with "
            "--photos"
        )
    return ProceduralObjects(int(named), seed)


def measure_rows(
    predictor: BundlePredictor, source: ObjectSource, truth: HeldOut, settings: EvaluateConfig
) -> dict[str, Measured]:
    """The bundle, the ceiling over it and the floors under it."""
    rows = {"bundle": _measured("bundle", predictor, truth)}
    if settings.refine_steps:
        refined = RefinedPredictor(predictor, settings.refine_steps)
        rows["refined"] = _measured("refined", refined, truth)
    if settings.oracle_objects:
        first = HeldOut(*(values[: settings.oracle_objects] for values in truth))
        height, width = predictor.predict(truth.images[:1]).textures.shape[1:3]
        on_progress, steps = _ticking("oracle", len(first.names)), settings.oracle_steps
        fitted = oracle(source, first, predictor.template, (height, width), steps, on_progress)
        rows["oracle"] = score(fitted, predictor.template, first)
    mean = mean_prediction(predictor, truth.images)
    rows["mean_prediction"] = _measured("mean_prediction", mean, truth)
    if predictor.category == PROCEDURAL_CATEGORY:
        nearest = NearestTraining(predictor, Config().seed)
        rows["nearest_training"] = _measured("nearest_training", nearest, truth)
    return rows


def _measured(row: str, predictor: Predictor, truth: HeldOut) -> Measured:
    return measure(predictor, truth, _ticking(row, len(truth.names)))


def _ticking(name: str, total: int) -> Callable[[int], None]:
    """Says on the terminal how many are done, and when all will be."""
    progress = Progress(None, name, total)
    progress.tick(0)
    return progress.tick


def parse(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, EvaluateConfig]:
    """The command line -> options and settings; raises for an impossible one."""
    defaults = EvaluateConfig()
    parser = argparse.ArgumentParser(
        prog="python -m train.evaluate", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--bundle", type=Path, default=SHIPPED, help="default: the shipped one")
    parser.add_argument(
        "--objects",
        metavar="procedural:N|FOLDER",
        help=f"default: {PROCEDURAL}{defaults.objects}",
    )
    parser.add_argument("--views", type=int, help=f"novel views each; default: {defaults.views}")
    parser.add_argument("--up", choices=list(FRONTS), help="of a folder's meshes; default: y")
    parser.add_argument(
        "--front", choices=list(AXES), help="of a folder's meshes; default: +z, with --up z -y"
    )
    parser.add_argument(
        "--single-view", type=Path, metavar="FILE", help="of a network taught on single views"
    )
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="measure on these instead")
    parser.add_argument("--masks", type=Path, metavar="FOLDER", help="of the photographs, by name")
    parser.add_argument("--split", default="", help="of PASCAL3D+ or CUB-200-2011; default: all")
    parser.add_argument("--generator", metavar="shipped|FILE", help="measure this instead")
    parser.add_argument("--inception", type=Path, metavar="FILE", help="with --generator")
    parser.add_argument("--set", action="append", default=[], metavar="evaluate.FIELD=VALUE")
    out = Path("build/report")
    parser.add_argument("--out", type=Path, default=out, help="default: %(default)s")
    options = parser.parse_args(_with_front(sys.argv[1:] if arguments is None else arguments))
    _refuse_mixed(options)
    settings = _settings(options)
    options.objects = options.objects or f"{PROCEDURAL}{settings.objects}"
    return options, settings


def _refuse_mixed(options: argparse.Namespace) -> None:
    """Raise for flags that do not go with each other: none may be without effect."""
    asked = [f"--{name}" for name in FLAGS if getattr(options, name) is not None]
    if len(asked) > 1:
        raise EvaluationError(f"{' and '.join(asked)}: one of them at a time")
    for name, flags in FLAGS.items():
        for flag in flags:
            if getattr(options, flag) and f"--{name}" not in (asked or ["--objects"]):
                raise EvaluationError(f"--{flag.replace('_', '-')} goes with --{name}")
    if options.front and options.front[-1] == (options.up or "y"):
        raise EvaluationError(f"--up and --front {options.front}: two different axes")


def _settings(options: argparse.Namespace) -> EvaluateConfig:
    """What `--set` and `--views` say."""
    config = Config()
    for assignment in options.set:
        section, _, rest = assignment.partition(".")
        if section != "evaluate":
            raise ConfigError(f"--set {assignment}: only settings of evaluate, as evaluate.seed=1")
        if rest.partition("=")[0] in STAGE_SETTINGS:
            raise ConfigError(
                f"--set {assignment}: of a training; here --single-view FILE gives the baseline"
            )
        config = override(config, assignment)
    if options.views is not None:
        config = override(config, f"evaluate.views={options.views}")
    return config.evaluate


def _with_front(arguments: Sequence[str]) -> list[str]:
    """`--front -y` as `--front=-y`: argparse takes what begins with a dash for an option."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] == "--front":
            joined[-1] = f"--front={argument}"
        else:
            joined.append(argument)
    return joined


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    try:
        options, settings = parse(arguments)
        if options.out.exists() and not options.out.is_dir():  # said before hours of measuring
            raise EvaluationError(f"--out {options.out} is a file: name a folder")
        if options.generator:
            shipped = options.generator == "shipped"
            path = SHIPPED_GENERATOR if shipped else Path(options.generator)
            report = report_generator(path, options.out, options.bundle, options.inception)
            text = report.markdown()
        elif options.photos:
            text = evaluate_photos(options)
        else:
            text = evaluate(options, settings)
    except (
        BundleUnusable,
        ConfigError,
        EvaluationError,
        FeaturesError,
        MeshFilesError,
        OSError,
        PhotographsError,
        WeightsError,
        WorkspaceError,
    ) as error:
        print(f"train.evaluate: {error}", file=sys.stderr)
        return UNUSABLE
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
