"""The benchmark of disentanglement for the networks of a run, at the end of their training."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphics.mesh import Template
from train.evaluation.benchmark import Predicted
from train.evaluation.disentangled_benchmark import DisentangledBenchmark, Rendered
from train.evaluation.disentangled_renderers import (
    DEFINITIONS,
    GAN,
    GRAPHICS,
    NEURAL,
    Renderer,
    gan_renderer,
    graphics_renderer,
    network_gan,
    network_neural,
)
from train.evaluation.disentangled_report import (
    NAME,
    Subject,
    disentangled_report,
    measure_subjects,
)
from train.evaluation.predictors import NetworkPredictor, painted
from train.models.attributes import load_attributes
from train.models.neural_renderer import NeuralRenderer
from train.models.segmenter import Segment
from train.models.stylegan_r import StyleganR
from train.pose.attribute_classifier import SHIPPED as CLASSIFIER
from train.running.device import default_device

OBJECTS, REFERENCE = 64, 512
"""Vehicles that are measured, and photographs that Fréchet distances are taken to: a few, as a
training waits for them."""


def measure_network(
    network: StyleganR, segment: Segment, inverse: Path, size: int, folder: Path
) -> dict[str, Any]:
    """Measure StyleGAN-R beside the graphics renderer, and write the report into the folder.

    `inverse`: the run's inverse_graphics.safetensors; `size`: of its photographs in pixels.

    Returns:
        The report's JSON without the definitions; `skipped` alone, with the reason, where the
        attribute classifier cannot read such pictures.
    """

    def renderers(template: Template) -> dict[str, Renderer]:
        gan = gan_renderer(network_gan(network, size))
        return {GAN: gan, GRAPHICS: graphics_renderer(template)}

    return _measure(renderers, partial(NetworkPredictor, segment, inverse), size, folder)


def measure_neural(
    network: NeuralRenderer, segment: Segment, inverse: Path, size: int, folder: Path
) -> dict[str, Any]:
    """Measure the neural renderer beside the graphics renderer, as `measure_network` does."""

    def renderers(template: Template) -> dict[str, Renderer]:
        return {NEURAL: network_neural(network, template), GRAPHICS: graphics_renderer(template)}

    return _measure(renderers, partial(NetworkPredictor, segment, inverse), size, folder)


def _measure(
    renderers: Callable[[Template], dict[str, Renderer]],
    opened: Callable[[], NetworkPredictor],
    size: int,
    folder: Path,
) -> dict[str, Any]:
    classifier = load_attributes(CLASSIFIER).to(default_device())
    if size % classifier.size:
        reason = f"the attribute classifier reads {classifier.size} px, the photographs have {size}"
        return {"skipped": reason}
    predictor = opened()
    benchmark = DisentangledBenchmark(predictor.segment, classifier, OBJECTS, size)
    read = benchmark.read(_painting(predictor))
    images = benchmark.photographs.images
    subjects = {
        name: Subject(Rendered(renderer, images, read), DEFINITIONS[name], read.cameras)
        for name, renderer in renderers(predictor.template).items()
    }
    result = measure_subjects(benchmark, subjects, benchmark.reference(REFERENCE))
    about = {"objects": OBJECTS, "reference": REFERENCE, "held_out_seed": benchmark.seed,
             "size": size}  # fmt: skip
    report = disentangled_report(result, about)
    report.write(folder, NAME)
    return {key: value for key, value in report.json().items() if "definitions" not in key}


def _painting(predictor: NetworkPredictor) -> Callable[[NDArray[np.uint8]], Predicted]:
    """Reads photographs with textures as the service paints them."""

    def predict(images: NDArray[np.uint8]) -> Predicted:
        return painted(predictor.predict(images), images, predictor.template)

    return predict
