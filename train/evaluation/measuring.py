"""The sub-commands of `train.evaluate`: each measures, writes its report, returns its Markdown."""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from service.process import ServerError, serving
from train.config import PROCEDURAL_CATEGORY, Config, ConfigError
from train.data.albums import albums
from train.data.held_out import HeldOut, ObjectSource, ProceduralObjects, photograph
from train.data.labelled_photos import TABLE, read_labels
from train.data.mesh_objects import MeshObjects
from train.data.photo_layouts import read_photo_set
from train.data.vehicles import HELD_OUT_SEED
from train.evaluation.benchmark import Measured, Predictor, measure, score
from train.evaluation.disentangled_subjects import evaluate_disentangled
from train.evaluation.fused_benchmark import Fuser, measure_fused
from train.evaluation.fused_report import write_fused_report
from train.evaluation.generator_report import SHIPPED_GENERATOR, report_generator
from train.evaluation.object_report import write_object_report
from train.evaluation.options import (
    FRONTS,
    PROCEDURAL,
    Disentangled,
    Fused,
    Generator,
    Objects,
    Photos,
)
from train.evaluation.oracle import oracle
from train.evaluation.photo_benchmark import measure_photos, write_photo_report
from train.evaluation.predictors import (
    BundlePredictor,
    NearestTraining,
    SingleView,
    mean_prediction,
)
from train.evaluation.refinement import RefinedPredictor
from train.evaluation.served_photos import post_photos
from train.evaluation.served_report import write_served_report
from train.running.progress import Progress

TIMEOUT_SECONDS = 300
"""Of one request."""


def evaluate(options: Objects | Fused | Photos | Generator | Disentangled) -> str:
    """Measure what a sub-command asks for; returns the report's Markdown.

    Raises:
        CommandError, OSError: the bundle, the objects, the photographs or a network in a file
            cannot be used.
    """
    if isinstance(options, Objects):
        return evaluate_objects(options)
    if isinstance(options, Fused):
        return evaluate_fused(options)
    if isinstance(options, Photos):
        return evaluate_photos(options)
    if isinstance(options, Disentangled):
        return evaluate_disentangled(options)
    path = SHIPPED_GENERATOR if options.file == "shipped" else Path(options.file)
    return report_generator(path, options.out, options.bundle, options.inception).markdown()


def evaluate_objects(options: Objects) -> str:
    """Measure a bundle on objects whose ground truth is known."""
    predictor = BundlePredictor(options.bundle)
    single = SingleView(predictor, options.single_view) if options.single_view else None
    began = time.monotonic()
    seed = HELD_OUT_SEED + options.seed
    source = object_source(options, seed, predictor.category)
    truth = photograph(source, options.views, predictor.resolution, seed)
    rows = measure_rows(predictor, source, truth, options)
    if single is not None:
        rows["single_view"] = _measured("single_view", single, truth)
    about = {
        "bundle": options.bundle.name,
        "source": f"{PROCEDURAL}{len(truth.names)}",
        "held_out_seed": seed,
        "oracle_steps": options.oracle_steps,
        "refine_steps": options.refine_steps,
        "seconds": round(time.monotonic() - began, 1),
    }
    if isinstance(source, MeshObjects):
        about |= {
            "source": Path(options.source).name,
            "up": source.up,
            "front": source.front,
            "without_volume": source.without_volume(),
            "skipped_count": len(source.skipped),
            "skipped": [f"{item.name}: {item.reason}" for item in source.skipped],
        }
    return write_object_report(options.out, rows, truth, about).markdown()


def evaluate_fused(options: Fused) -> str:
    """Measure a bundle on several photographs of each object."""
    predictor = BundlePredictor(options.bundle)
    began = time.monotonic()
    seed = HELD_OUT_SEED + options.seed
    source = object_source(options, seed, predictor.category)
    truth = albums(source, options.views, predictor.resolution, seed)
    fuser = Fuser(predictor, options.refine)
    measured = measure_fused(fuser, truth, _ticking("fused", len(truth.names)))
    about = {
        "bundle": options.bundle.name,
        "source": Path(options.source).name,
        "held_out_seed": seed,
        "refine": options.refine,
        "seconds": round(time.monotonic() - began, 1),
    }
    return write_fused_report(options.out, measured, truth, source, predictor, about).markdown()


def evaluate_photos(options: Photos) -> str:
    """Measure a bundle on real photographs; labelled ones are posted to a service."""
    if (options.folder / TABLE).is_file():
        return evaluate_served(options)
    predictor = BundlePredictor(options.bundle)
    began = time.monotonic()
    photos = read_photo_set(options.folder, predictor.resolution, options.masks, options.split)
    measured = measure_photos(predictor, photos, _ticking("photographs", len(photos.names)))
    about = {
        "bundle": options.bundle.name,
        "source": options.folder.name,
        "size": predictor.resolution,
        "seconds": round(time.monotonic() - began, 1),
    }
    return write_photo_report(options.out, measured, photos, about).markdown()


def evaluate_served(options: Photos) -> str:
    """Post labelled photographs to a service that is started for it.

    Raises:
        ConfigError: the service does not start; the message has the end of its log.
    """
    photos, began = read_labels(options.folder, options.masks), time.monotonic()
    settings = {"INVERSE_GRAPHICS_BUNDLE": str(options.bundle.absolute())}
    on_progress, served = _ticking("photographs", len(photos)), []
    try:
        with TemporaryDirectory() as home, serving(Path(home), settings) as started:
            with httpx.Client(base_url=started.address, timeout=TIMEOUT_SECONDS) as client:
                for one in post_photos(client, photos):
                    served.append(one)
                    on_progress(len(served))
    except ServerError as error:
        raise ConfigError(f"--bundle {options.bundle}: {error}") from error
    about = {
        "bundle": options.bundle.name,
        "source": options.folder.name,
        "seconds": round(time.monotonic() - began, 1),
    }
    return write_served_report(options.out, served, about, options.folds).markdown()


def object_source(options: Objects | Fused, seed: int, category: str) -> ObjectSource:
    """The objects that the command line names."""
    if (count := options.procedural) is None:
        up = options.up or "y"
        return MeshObjects(Path(options.source), up, options.front or FRONTS[up], seed)
    if category != PROCEDURAL_CATEGORY:
        raise ConfigError(
            f"{options.bundle} knows {category!r}; there are procedural objects of "
            f"{PROCEDURAL_CATEGORY} only: give `objects` a folder of meshes, or photographs to "
            "`photos`"
        )
    return ProceduralObjects(count, seed)


def measure_rows(
    predictor: BundlePredictor, source: ObjectSource, truth: HeldOut, options: Objects
) -> dict[str, Measured]:
    """The bundle, the oracle above it and the baselines below it."""
    rows = {"bundle": _measured("bundle", predictor, truth)}
    if options.refine_steps:
        refined = RefinedPredictor(predictor, options.refine_steps)
        rows["refined"] = _measured("refined", refined, truth)
    if options.oracle_objects:
        first = HeldOut._make(values[: options.oracle_objects] for values in truth)
        height, width = predictor.predict(truth.images[:1]).textures.shape[1:3]
        on_progress, steps = _ticking("oracle", len(first.names)), options.oracle_steps
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
