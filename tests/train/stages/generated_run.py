"""A run folder whose GAN, segmenter and attribute classifier are tiny and untrained."""

from pathlib import Path

import numpy as np
import torch

from train.config import Config, MultiviewConfig, PhotographsConfig, ViewpointsConfig
from train.models.attributes import AttributeClassifier, save_attributes
from train.models.generator import Generator, GeneratorShape
from train.models.segmenter import Segmenter, save_segmenter
from train.models.weights import save_weights
from train.running.workspace import Workspace

SIZE = 32
CHANNELS = (8, 8, 8, 8)


def config(**settings) -> Config:
    given = {
        "seed": 4,
        "photographs": PhotographsConfig(count=64, size=SIZE),
        "viewpoints": ViewpointsConfig(
            candidates=40,
            contents=4,
            per_bin=6,
            largest_std_degrees=400,
            classifier_steps=2,
        ),
        "multiview": MultiviewConfig(objects=12, views=4, cameras=9, smallest_mask=0.0),
        **settings,
    }
    return Config(**given)


def with_gan(path: Path, round: int = 0) -> Workspace:
    """A run in which stage gan of `round` is done."""
    torch.manual_seed(round)
    workspace = Workspace(path)
    generator = Generator(GeneratorShape(SIZE, channels=CHANNELS, camera_conditioned=round > 0))
    folder = workspace.stage("gan", round)
    save_weights(folder.file("generator.safetensors"), generator, {"command": "a test"})
    folder.finish()
    return workspace


def with_segmenter_and_classifier(workspace: Workspace) -> Workspace:
    """Adds stages segmenter and viewpoints (the attribute classifier only) as done."""
    folder = workspace.stage("segmenter")
    segmenter = Segmenter(8)
    # An untrained network's masks hover about one half; these cover the image's middle.
    segmenter.head.weight.data.zero_()
    segmenter.head.bias.data.fill_(8.0)
    save_segmenter(segmenter, folder.file("segmenter.safetensors"))
    folder.finish()
    classifier = workspace.stage("viewpoints")
    save_attributes(AttributeClassifier(SIZE), classifier.file("attributes.safetensors"))
    classifier.finish()
    return workspace


def with_labels(workspace: Workspace, distances: list[float], elevation: float = 0.0) -> Workspace:
    """Adds the photographs' labels of round 1 as done; the last one is not trusted."""
    cameras = np.zeros((len(distances), 5), np.float32)
    cameras[:, 1], cameras[:, 2] = elevation, distances
    keep = np.arange(len(distances)) + 1 < len(distances)
    folder = workspace.stage("cameras", 1)
    folder.save_arrays("labels.npz", {"cameras": cameras, "keep": keep})
    folder.finish()
    return workspace
