"""Trains a bundle's neural renderer anew: views of a GAN, as the bundle itself reads them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from graphics.camera import AZIMUTH, azimuth_difference_degrees
from train.adaptation.adapted_bundle import has_bundle, open_any, write_redrawn
from train.adaptation.neural_options import Neural
from train.config import PROCEDURAL_CATEGORY, ConfigError, MultiviewConfig
from train.data.codes import Codes
from train.data.codes import as_pixels as pixels_of
from train.data.multiview import ELEVATIONS_DEGREES, asked_cameras, plan_views
from train.data.painted_views import Buffers
from train.evaluation.predictors import BundlePredictor
from train.models.generated import as_pixels, generate, sample_contents
from train.models.generator import Generator
from train.models.inverse_graphics import completed, resized
from train.models.neural_renderer import (
    NeuralRenderer,
    averaged,
    load_neural_renderer,
    save_neural_renderer,
)
from train.models.serving_graphs import channels_first
from train.models.weights import SHIPPED, WeightsError, load_generator
from train.running.device import default_device
from train.running.fingerprint import fingerprint
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace
from train.stages.neural import PaintedCodes, Training

CHUNK = 32
"""Images that are generated and read at once."""
CAMERAS = 960
"""Cameras to choose the views from, as `multiview.cameras`."""
LARGEST_TURN_DEGREES, SMALLEST_MASK = 20.0, 0.03
"""A view is left out where the azimuth that the bundle reads is further off, or its object covers a
smaller share of it."""
FEWEST_OBJECTS = 32
EXAMPLES = 8
"""Mixtures that the graph is compared with torch on."""
WEIGHTS = "neural_renderer.safetensors"
Ranges = Mapping[str, Sequence[float]]
"""`camera_ranges` of a manifest."""


def renew(options: Neural) -> str:
    """Write the bundle with its new neural renderer into `options.out`; returns its figures.

    Raises:
        CommandError: the bundle, the GAN or the weights to go on from cannot be used, or the folder
            holds the work of other options.
    """
    workspace = Workspace(options.out / "work", flag="--out")
    with workspace.lock():
        bundle = open_any(options.bundle)
        gan = _gan(options, bundle.manifest.category)
        folder = StageFolder(workspace.path)
        folder.start(_settings(options, bundle.manifest.files, gan))
        if folder.done and has_bundle(options.out / "bundle"):
            return json.dumps(folder.facts(), indent=1)
        torch.manual_seed(options.seed)
        training = _training(options, workspace, gan, bundle.manifest.camera_ranges or {})
        training.run()
        save_neural_renderer(options.out / WEIGHTS, training.averaged.cpu())
        network = load_neural_renderer(options.out / WEIGHTS)
        examples = _examples(training.held_out.mixtures(EXAMPLES))
        write_redrawn(options.out / "bundle", bundle, network, examples, training.facts)
        folder.finish(**training.facts)
        return json.dumps(training.facts, indent=1)


def _settings(options: Neural, files: Mapping[str, str], gan: Path) -> dict[str, Any]:
    """All that the result depends on; of files what they hold, wherever they are."""
    given = {name: getattr(options, name) for name in type(options).__dataclass_fields__}
    del given["out"]
    given["bundle"] = {name: files[name] for name in sorted(files) if name.endswith(".onnx")}
    given["gan"] = fingerprint(gan, sorted(gan.glob("*.safetensors")))
    if options.begin is not None:
        given["begin"] = fingerprint(options.begin.parent, [options.begin])
    return given


def _gan(options: Neural, category: str) -> Path:
    if options.gan is None and category != PROCEDURAL_CATEGORY:
        raise ConfigError(
            f"{options.bundle} knows {category!r}, the shipped GAN {PROCEDURAL_CATEGORY} only: "
            "give the stage gan of the bundle's own run with --gan"
        )
    return options.gan or SHIPPED / "camera_conditioned"


def _training(options: Neural, workspace: Workspace, gan: Path, ranges: Ranges) -> Training:
    generator = load_generator(gan / "generator.safetensors").eval().to(default_device())
    if generator.camera_mapping is None:
        raise ConfigError(f"{gan} is unconditional: give a camera-conditioned GAN with --gan")
    reader = BundlePredictor(options.bundle)
    side = min(generator.shape.size, reader.resolution)
    if reader.resolution % side:
        raise ConfigError(
            f"the bundle draws multiples of {reader.resolution} px, the GAN {side} px, of which "
            "they are no multiples: give another GAN with --gan"
        )
    codes = _codes(options, workspace, generator, reader, ranges)
    return Training(
        options,
        StageFolder(workspace.path),
        PaintedCodes(codes, reader.template),
        gan / "discriminator.safetensors",
        Progress(workspace, "neural", options.steps),
        torch.Generator().manual_seed(options.seed * 1_000),
        _begin(options.begin, side),
    )


def _begin(path: Path | None, side: int) -> NeuralRenderer | None:
    if path is None:
        return None
    try:
        network = load_neural_renderer(path).requires_grad_(True)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(
            f"{path} is no neural renderer of this version ({error}): leave --begin out"
        ) from error
    if network.shape.size != side:
        raise WeightsError(
            f"{path} works at {network.shape.size} px, the GAN and the bundle at {side} px: leave "
            "--begin out"
        )
    return network


def _codes(
    options: Neural,
    workspace: Workspace,
    generator: Generator,
    reader: BundlePredictor,
    ranges: Ranges,
) -> Codes:
    """The GAN's views with what the bundle reads in them."""
    lowest, highest = ranges.get("elevation_degrees", ELEVATIONS_DEGREES)
    nearest, farthest = ranges.get("distance", (np.nan, np.nan))  # nan: unlabelled
    distances = (nearest, farthest) if np.isfinite(nearest) else None
    asked = asked_cameras(CAMERAS, options.seed, (lowest, highest), distances)
    count = max(1, options.images // options.views)
    plan = MultiviewConfig(objects=count, views=options.views)
    objects, viewpoints = plan_views(asked, plan, options.seed)
    random = torch.Generator().manual_seed(options.seed * 1_000)
    contents = sample_contents(generator, count, options.truncation, random)
    assert generator.camera_mapping is not None
    with torch.no_grad():
        directions = generator.camera_mapping(torch.from_numpy(asked).to(default_device()))
    progress, parts = Progress(workspace, "views", len(objects)), []
    for start in range(0, len(objects), CHUNK):
        here = slice(start, start + CHUNK)
        content = contents[torch.from_numpy(objects[here]).long()]
        direction = directions[torch.from_numpy(viewpoints[here]).long()]
        images = as_pixels(generate(generator, content, direction, reader.resolution)).numpy()
        parts.append(_read(reader, images, objects[here], asked[viewpoints[here]]))
        progress.tick(min(here.stop, len(objects)))
    codes = Codes(*map(torch.cat, zip(*parts, strict=True)))
    counts = torch.bincount(codes.objects, minlength=count)
    usable = codes.of(counts[codes.objects] > 1)
    if len(usable.objects.unique()) < FEWEST_OBJECTS:
        raise ConfigError(
            f"of {count} objects {len(usable.objects.unique())} are read twice or more within "
            f"{LARGEST_TURN_DEGREES:g} degrees of the camera asked for, and {FEWEST_OBJECTS} are "
            "needed: bundle and GAN do not know the same objects, or --images are too few"
        )
    return usable


def _read(
    reader: BundlePredictor,
    images: NDArray[np.uint8],  # [B, R, R, 3], R no larger than the bundle's
    objects: NDArray[np.int32],  # [B]
    asked: NDArray[np.float32],  # [B, 5]
) -> Codes:
    """Those of the views that are read as they were asked for; styles and viewpoints are empty."""
    side, given = images.shape[1], images
    if side != reader.resolution:
        enlarged = resized(channels_first(torch.from_numpy(images)), reader.resolution)
        given = as_pixels(enlarged).numpy()
    masks = reader.segment(given)
    read = reader.unpainted(given, masks)
    turned = azimuth_difference_degrees(read.cameras[:, AZIMUTH], asked[:, AZIMUTH])
    kept = (turned < LARGEST_TURN_DEGREES) & (masks.mean(axis=(1, 2)) > SMALLEST_MASK)
    textures = torch.from_numpy(np.ascontiguousarray(read.textures)).permute(0, 3, 1, 2)
    codes = Codes(
        images=torch.from_numpy(images).permute(0, 3, 1, 2),
        masks=pixels_of(averaged(torch.from_numpy(masks)[:, None], side)[:, 0]),
        objects=torch.from_numpy(objects).long(),
        viewpoints=torch.zeros(len(images), dtype=torch.long),
        cameras=completed(torch.from_numpy(asked), torch.from_numpy(read.cameras)),
        vertices=torch.from_numpy(read.vertices),
        textures=pixels_of(textures),
        styles=torch.zeros(len(images), 0),
    )
    return codes.of(torch.from_numpy(kept))


def _examples(given: Buffers) -> dict[str, NDArray[Any]]:
    """Layers as the graph takes them."""
    drawings, backgrounds = (one.permute(0, 2, 3, 1) for one in (given.drawings, given.backgrounds))
    return {
        "cameras": given.cameras.numpy(),
        "drawings": drawings.contiguous().numpy(),
        "backgrounds": pixels_of(backgrounds).contiguous().numpy(),
        "holes": given.holes[:, 0].numpy(),
    }
