"""A run folder as stages before `disentangle` leave it: real files of tiny, untrained networks."""

import json
from pathlib import Path

import numpy as np
import torch

from train.config import (
    Config,
    DisentangleConfig,
    ExportConfig,
    InverseConfig,
    NeuralConfig,
    PhotographsConfig,
)
from train.data.codes import as_pixels
from train.models.attributes import AttributeClassifier, save_attributes
from train.models.discriminator import Discriminator, DiscriminatorShape
from train.models.generator import Generator, GeneratorShape
from train.models.inverse_graphics import (
    InverseGraphics,
    InverseGraphicsShape,
    save_inverse_graphics,
)
from train.models.segmenter import Segmenter, save_segmenter
from train.models.weights import save_weights
from train.running.workspace import Workspace

SIZE, OBJECTS, VIEWS = 32, 12, 6


def tiny_config(**disentangle: float) -> Config:
    settings = {
        "images": 64, "warmup_steps": 4, "warmup_batch_size": 8, "steps": 3, "batch_size": 8,
        **disentangle,
    }  # fmt: skip
    return Config(
        photographs=PhotographsConfig(count=64, size=SIZE),
        inverse=InverseConfig(width=8, template_level=1, texture_size=16, size=SIZE),
        disentangle=DisentangleConfig(**settings),
        neural=NeuralConfig(images=64, steps=2, batch_size=4, width=4),
        export=ExportConfig(samples=2, sample_size=64),
    )


def tiny_generator(camera_conditioned: bool) -> Generator:
    torch.manual_seed(3)
    shape = GeneratorShape(
        size=SIZE, code=16, channels=(16, 16, 8, 8), camera_conditioned=camera_conditioned
    )
    return Generator(shape)


def tiny_run(
    path: Path,
    config: Config,
    camera_conditioned: bool = True,
    round: int = 0,
    generator: Generator | None = None,
) -> Workspace:
    """Write every file that `disentangle`, `neural` and `export` of `round` read."""
    workspace = Workspace(path)
    generator = generator or tiny_generator(camera_conditioned)
    gan = workspace.stage("gan", round)
    save_weights(gan.file("generator.safetensors"), generator, {})
    discriminator = Discriminator(DiscriminatorShape(SIZE, (8, 8, 8, 8), 1, camera_conditioned))
    save_weights(gan.file("discriminator.safetensors"), discriminator, {})
    gan.finish()
    _write_multiview(workspace, generator, round)
    inverse = workspace.stage("inverse", round)
    shape = InverseGraphicsShape(
        SIZE, config.inverse.width, config.inverse.template_level, config.inverse.texture_size
    )
    save_inverse_graphics(inverse.file("inverse_graphics.safetensors"), InverseGraphics(shape))
    inverse.save_arrays("cameras.npz", {"cameras": cameras_of_views()})
    inverse.finish()
    segmenter = workspace.stage("segmenter")
    save_segmenter(Segmenter(4), segmenter.file("segmenter.safetensors"))
    segmenter.finish()
    classifier = workspace.stage("viewpoints")
    save_attributes(AttributeClassifier(SIZE), classifier.file("attributes.safetensors"))
    classifier.finish()
    photographs = workspace.stage("photographs")
    images = np.random.default_rng(0).integers(0, 256, (64, SIZE, SIZE, 3), dtype=np.uint8)
    np.save(photographs.file("images.npy"), images)
    photographs.finish()
    evaluate = workspace.stage("evaluate", round)
    evaluate.file("report.json").write_text(json.dumps({"iou2d_input": 0.5}))
    evaluate.finish()
    return workspace


def cameras_of_views() -> np.ndarray:
    azimuths = np.arange(VIEWS) * 360.0 / VIEWS
    return np.array([[a, 15.0, 5.0, 0.0, 0.0] for a in azimuths], np.float32)


@torch.no_grad()
def _write_multiview(workspace: Workspace, generator: Generator, round: int) -> None:
    folder = workspace.stage("multiview", round)
    contents = generator.mapping(torch.randn(OBJECTS, 16))
    cameras = torch.from_numpy(cameras_of_views())
    if generator.camera_conditioned:
        viewpoints = generator.camera_mapping(cameras)
    else:
        viewpoints = generator.mapping(torch.randn(VIEWS, 16))
    objects, views = (i.reshape(-1) for i in np.indices((OBJECTS, VIEWS)))
    styles = generator.styles(contents[objects], viewpoints[views])
    images = as_pixels(generator.synthesize(styles, noise=None) * 0.5 + 0.5)
    rows = np.arange(SIZE)
    disc = np.hypot(rows[:, None] - SIZE / 2, rows - SIZE / 2) < SIZE / 3
    masks = np.broadcast_to(np.where(disc, 255, 0).astype(np.uint8), (len(images), SIZE, SIZE))
    np.save(folder.file("images.npy"), images.permute(0, 2, 3, 1).numpy())
    np.save(folder.file("masks.npy"), masks)
    index = {"object": objects.astype(np.int32), "viewpoint": views.astype(np.int32)}
    folder.save_arrays("index.npz", index)
    folder.save_arrays("viewpoints.npz", {"cameras": cameras.numpy(), "codes": viewpoints.numpy()})
    folder.save_arrays("contents.npz", {"codes": contents.numpy()})
    folder.finish()
