"""`train.evaluate disentangled`: whatever the command line names, measured side by side."""

import time
from pathlib import Path

import torch
from safetensors import SafetensorError

from train.config import PROCEDURAL_CATEGORY, ConfigError
from train.data.vehicles import HELD_OUT_SEED
from train.evaluation.benchmark import Predicted
from train.evaluation.disentangled_benchmark import OWN, DisentangledBenchmark, Rendered
from train.evaluation.disentangled_renderers import (
    DEFINITIONS,
    GAN,
    STYLEGAN_R_FILE,
    Generating,
    Rendering,
    bundle_gan,
    gan_renderer,
    network_gan,
    renderers_of,
)
from train.evaluation.disentangled_report import Subject, disentangled_report, measure_subjects
from train.evaluation.disentangled_scores import camera_scores, estimates_of
from train.evaluation.fitted_pictures import DEFINITION as FITTED_DEFINITION
from train.evaluation.fitted_pictures import fitted
from train.evaluation.generator_report import SHIPPED_GENERATOR
from train.evaluation.latent_optimisation import FittedLatents, Space
from train.evaluation.metrics import Estimate
from train.evaluation.options import SHIPPED, Disentangled
from train.evaluation.predictors import BundlePredictor
from train.evaluation.report import ReportRow
from train.metrics.frechet import Moments, frechet_distance
from train.models.attributes import load_attributes
from train.models.generated import as_pixels, generate, sample_contents
from train.models.generator import Generator
from train.models.inverse_graphics import resized
from train.models.stylegan_r import StyleganR, load_stylegan_r
from train.models.weights import WeightsError, load_generator
from train.pose.attribute_classifier import SHIPPED as SHIPPED_CLASSIFIER
from train.pose.attribute_classifier import classifier_errors
from train.running.device import default_device
from train.running.progress import Progress

GENERATOR, FITTED = "generator", "gan_fitted"
GENERATED = "images of the camera-conditioned GAN itself, of random contents"
LATENTS: dict[Space, str] = {
    "w": "the GAN's content code fitted to each photograph, its camera given",
    "w_star": "all style vectors of the GAN fitted to each photograph, its camera given",
}


def evaluate_disentangled(options: Disentangled) -> str:
    """Measure renderers on held-out procedural vehicles; returns the report's Markdown.

    Raises:
        CommandError, OSError: a bundle, a file or the generator cannot be used.
    """
    began = time.monotonic()
    reader = BundlePredictor(options.bundle)
    _check_category(reader, options.bundle)
    benchmark = _benchmark(reader, options)
    generator = load_generator(options.generator or SHIPPED_GENERATOR).to(default_device())
    _check_generator(generator, options)
    read = benchmark.read(reader.predict)
    subjects = _subjects(options, benchmark, reader, read)
    if options.latent_objects:
        subjects |= _latents(options, benchmark, read, generator)
    reference = benchmark.reference(options.reference)
    progress = Progress(None, options.report_name, len(subjects) + 2, every=0.0)
    result = measure_subjects(benchmark, subjects, reference, progress.tick)
    result.rows[GENERATOR] = _generator_row(benchmark, generator, reference)
    about = {
        "sources": [_named(source) for source in options.sources],
        "reader": options.bundle.name,
        "objects": options.objects,
        "reference": options.reference,
        "held_out_seed": benchmark.seed,
        "size": benchmark.size,
        "latent_objects": options.latent_objects,
        "latent_steps": options.latent_steps,
        "classifier_errors": classifier_errors(benchmark.classifier),
        "seconds": round(time.monotonic() - began, 1),
    }
    report = disentangled_report(result, about)
    report.write(options.out, options.report_name)
    return report.markdown()


def _check_category(reader: BundlePredictor, folder: Path) -> None:
    if reader.category != PROCEDURAL_CATEGORY:
        raise ConfigError(
            f"{folder} knows {reader.category!r}; there are procedural objects of "
            f"{PROCEDURAL_CATEGORY} only: give a bundle of {PROCEDURAL_CATEGORY}"
        )


def _check_generator(generator: Generator, options: Disentangled) -> None:
    if generator.camera_mapping is None:
        raise ConfigError(
            f"--generator {options.generator} is unconditional: give a camera-conditioned one"
        )


def _benchmark(reader: BundlePredictor, options: Disentangled) -> DisentangledBenchmark:
    seed = HELD_OUT_SEED + options.seed
    classifier = load_attributes(SHIPPED_CLASSIFIER).to(default_device())
    try:
        return DisentangledBenchmark(
            reader.segment, classifier, options.objects, reader.resolution, seed
        )
    except ValueError as error:
        raise ConfigError(f"--bundle {options.bundle}: {error}") from error


def _subjects(
    options: Disentangled,
    benchmark: DisentangledBenchmark,
    reader: BundlePredictor,
    read: Predicted,  # by --bundle
) -> dict[str, Subject]:
    """The renderers of all sources; those of several are named after them too."""
    images, subjects = benchmark.photographs.images, {}
    for source in options.sources:
        path = SHIPPED if source == "shipped" else Path(source)
        own = read
        if path.is_file():
            gan = network_gan(_network(path, reader, read), reader.resolution)
            renderers = {GAN: gan_renderer(gan)}
        else:
            if path.resolve() != options.bundle.resolve():
                own = _read_by(path, benchmark)
            gan = bundle_gan(path / STYLEGAN_R_FILE)
            renderers = renderers_of(path, BundlePredictor(path).template)
        named = "" if len(options.sources) == 1 else f" of {_named(source)}"
        for name, renderer in renderers.items():
            painter = Rendered(renderer, images, own)
            subjects[f"{name}{named}"] = Subject(painter, DEFINITIONS[name], own.cameras)
        if options.latent_objects:
            subjects[f"{FITTED}{named}"] = _fitted(options, benchmark, own, gan)
    return subjects


def _fitted(
    options: Disentangled, benchmark: DisentangledBenchmark, read: Predicted, gan: Generating
) -> Subject:
    """The first photographs by StyleGAN-R, brought near to each."""
    count = options.latent_objects
    progress = Progress(None, FITTED, count)
    painter = fitted(gan, benchmark.photographs.images[:count], read, progress.tick)
    return Subject(painter, FITTED_DEFINITION, read.cameras, count)


def _read_by(folder: Path, benchmark: DisentangledBenchmark) -> Predicted:
    """What another bundle than --bundle reads."""
    predictor = BundlePredictor(folder)
    _check_category(predictor, folder)
    if predictor.resolution != benchmark.size:
        raise ConfigError(
            f"{folder} reads {predictor.resolution} px, --bundle {benchmark.size} px: measure them "
            "one by one, each with --bundle too"
        )
    return benchmark.read(predictor.predict)


def _network(path: Path, reader: BundlePredictor, read: Predicted) -> StyleganR:
    """StyleGAN-R of a file, if it takes what the bundle reads."""
    try:
        network = load_stylegan_r(path)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(
            f"{path} is no StyleGAN-R ({error}): give the stylegan_r.safetensors of a run's stage "
            "disentangle"
        ) from error
    wanted = (network.shape.vertices, network.shape.texture_size)
    given = (read.vertices.shape[1], read.textures.shape[1])
    if wanted != given:
        raise WeightsError(
            f"{path} takes {wanted[0]} vertices and textures {wanted[1]} texels high; the bundle "
            f"reads {given[0]} and {given[1]}: give the bundle of the same run with --bundle"
        )
    return network


def _latents(
    options: Disentangled,
    benchmark: DisentangledBenchmark,
    read: Predicted,
    generator: Generator,
) -> dict[str, Subject]:
    """The first photographs' latent codes, in both spaces."""
    count, subjects = options.latent_objects, {}
    images = benchmark.photographs.images[:count]
    for space, definition in LATENTS.items():
        progress = Progress(None, f"latents {space}", count)
        fitted = FittedLatents(
            generator, space, images, read.cameras[:count], options.latent_steps, progress.tick
        )
        subjects[f"latents_{space}"] = Subject(fitted, definition, read.cameras, count)
    return subjects


def _generator_row(
    benchmark: DisentangledBenchmark, generator: Generator, reference: Moments
) -> ReportRow:
    """Images of random contents, from the photographs' cameras."""
    assert generator.camera_mapping is not None
    cameras = benchmark.photographs.cameras
    rng = torch.Generator().manual_seed(benchmark.seed)
    contents = sample_contents(generator, len(cameras), 1.0, rng)
    with torch.no_grad():
        views = generator.camera_mapping(torch.from_numpy(cameras).to(contents.device))
    made = generate(generator, contents, views, min(generator.shape.size, benchmark.size))
    images = as_pixels(resized(made, benchmark.size)).numpy()
    seen = benchmark.see(Rendering(images))
    metrics = estimates_of(camera_scores(seen.readings, cameras))
    apart = frechet_distance(benchmark.moments(images), reference)
    return ReportRow({**metrics, f"fd_{OWN}": Estimate(apart)}, GENERATED)


def _named(source: str) -> str:
    """A source without where it lies: a bundle's folder, or a file's run and round."""
    return source if source == "shipped" else "/".join(Path(source).absolute().parts[-4:])
