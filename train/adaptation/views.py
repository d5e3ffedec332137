"""Views of a GAN as a bundle itself reads them, for renderers that are trained anew."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphics.camera import AZIMUTH, azimuth_difference_degrees
from train.adaptation.renewing_options import Renewing
from train.config import PROCEDURAL_CATEGORY, ConfigError, MultiviewConfig
from train.data.codes import Codes
from train.data.codes import as_pixels as pixels_of
from train.data.multiview import ELEVATIONS_DEGREES, asked_cameras, plan_views
from train.evaluation.predictors import BundlePredictor
from train.models.generated import as_pixels, generate, sample_contents
from train.models.generator import Generator
from train.models.inverse_graphics import completed, resized
from train.models.neural_renderer import averaged
from train.models.serving_graphs import channels_first
from train.models.weights import SHIPPED, load_generator
from train.running.device import default_device
from train.running.fingerprint import fingerprint
from train.running.progress import Progress
from train.running.workspace import Workspace

CHUNK = 32
"""Images that are generated and read at once."""
CAMERAS = 960
"""Cameras to choose the views from, as `multiview.cameras`."""
LARGEST_TURN_DEGREES, SMALLEST_MASK = 20.0, 0.03
"""A view is left out where the azimuth that the bundle reads is further off, or its object covers a
smaller share of it."""
FEWEST_OBJECTS = 32
Ranges = Mapping[str, Sequence[float]]
"""`camera_ranges` of a manifest."""


class GeneratedViews(NamedTuple):
    """What a renderer is trained on."""

    codes: Codes
    """Images of the GAN's side, or the bundle's where that is less; textures as predicted."""
    contents: Tensor
    """[K, C] content codes of all objects."""
    generator: Generator


def gan_of(options: Renewing, category: str) -> Path:
    """The folder of the GAN.

    Raises:
        ConfigError: none is given, and the shipped one does not know the category.
    """
    if options.gan is None and category != PROCEDURAL_CATEGORY:
        raise ConfigError(
            f"{options.bundle} knows {category!r}, the shipped GAN {PROCEDURAL_CATEGORY} only: "
            "give the stage gan of the bundle's own run with --gan"
        )
    return options.gan or SHIPPED / "camera_conditioned"


def settings_of(options: Renewing, files: Mapping[str, str], gan: Path) -> dict[str, Any]:
    """All that a renderer depends on; of files what they hold, wherever they are."""
    given = {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}
    del given["out"]
    given["bundle"] = {name: files[name] for name in sorted(files) if name.endswith(".onnx")}
    given["gan"] = fingerprint(gan, sorted(gan.glob("*.safetensors")))
    if options.begin is not None:
        given["begin"] = fingerprint(options.begin.parent, [options.begin])
    return given


def generated_views(
    options: Renewing, workspace: Workspace, gan: Path, reader: BundlePredictor, ranges: Ranges
) -> GeneratedViews:
    """The GAN's views with what the bundle reads in them.

    Raises:
        ConfigError: the GAN takes no camera, or it and the bundle do not fit.
    """
    generator = load_generator(gan / "generator.safetensors").eval().to(default_device())
    if generator.camera_mapping is None:
        raise ConfigError(f"{gan} is unconditional: give a camera-conditioned GAN with --gan")
    side = min(generator.shape.size, reader.resolution)
    if reader.resolution % side:
        raise ConfigError(
            f"the bundle draws multiples of {reader.resolution} px, the GAN {side} px, of which "
            "they are no multiples: give another GAN with --gan"
        )
    lowest, highest = ranges.get("elevation_degrees", ELEVATIONS_DEGREES)
    nearest, farthest = ranges.get("distance", (np.nan, np.nan))  # nan: unlabelled
    distances = (nearest, farthest) if np.isfinite(nearest) else None
    asked = asked_cameras(CAMERAS, options.seed, (lowest, highest), distances)
    count = max(1, options.images // options.views)
    plan = MultiviewConfig(objects=count, views=options.views)
    objects, viewpoints = plan_views(asked, plan, options.seed)
    random = torch.Generator().manual_seed(options.seed * 1_000)
    contents = sample_contents(generator, count, options.truncation, random)
    with torch.no_grad():
        directions = generator.camera_mapping(torch.from_numpy(asked).to(default_device()))
    progress, parts = Progress(workspace, "views", len(objects)), []
    for start in range(0, len(objects), CHUNK):
        here = slice(start, start + CHUNK)
        content = contents[torch.from_numpy(objects[here]).long()]
        direction = directions[torch.from_numpy(viewpoints[here]).long()]
        with torch.no_grad():
            styles = generator.flatten(generator.styles(content, direction)).cpu()
        images = as_pixels(generate(generator, content, direction, reader.resolution)).numpy()
        parts.append(_read(reader, images, objects[here], asked[viewpoints[here]], styles))
        progress.tick(min(here.stop, len(objects)))
    return GeneratedViews(_usable(parts, count), contents, generator)


def _usable(parts: Sequence[Codes], count: int) -> Codes:
    """The views of objects that have two or more."""
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
    styles: Tensor,  # [B, N]
) -> Codes:
    """Those of the views that are read as they were asked for; viewpoints are empty."""
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
        styles=styles,
    )
    return codes.of(torch.from_numpy(kept))
