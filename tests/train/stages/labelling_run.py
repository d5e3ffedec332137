"""A run whose photographs can be labelled, and its labels."""

import numpy as np
import torch

from tests.train.stages.generated_run import SIZE, config, with_gan, with_segmenter_and_classifier
from train.config import CamerasConfig
from train.data import vehicles
from train.models.inverse_graphics import (
    InverseGraphics,
    InverseGraphicsShape,
    save_inverse_graphics,
)
from train.running.workspace import Workspace

COUNT = 150


def network() -> InverseGraphics:
    torch.manual_seed(0)
    return InverseGraphics(InverseGraphicsShape(SIZE, width=8, template_level=1, texture_size=16))


def ready(path) -> Workspace:
    workspace = with_segmenter_and_classifier(with_gan(path))
    inverse = workspace.stage("inverse", 0)
    save_inverse_graphics(inverse.file("inverse_graphics.safetensors"), network())
    inverse.finish()
    taken = workspace.stage("photographs")
    np.save(taken.file("images.npy"), vehicles.photographs(4, np.arange(COUNT), SIZE).images)
    taken.finish(masks=False)
    return workspace


def labelling(**settings):
    return config(
        cameras=CamerasConfig(
            **{
                "estimator": "inverse",
                "self_training_rounds": 0,
                "largest_mirror_degrees": 180,
                **settings,
            }
        )
    )


def labels_of(workspace: Workspace) -> dict[str, np.ndarray]:
    with np.load(workspace.stage("cameras", 1).require("labels.npz")) as arrays:
        return dict(arrays)


def with_views(workspace: Workspace, count=600, round=0) -> Workspace:
    """Adds multi-view images, each of a viewpoint of its own, and their cameras; after round 0
    each is of an object of its own as well, which alone has an elevation."""
    album = vehicles.photographs(5, np.arange(count), SIZE)
    folder, numbers = workspace.stage("multiview", round), np.arange(count, dtype=np.int32)
    per_object = 1 if round else 2
    np.save(folder.file("images.npy"), album.images)
    np.save(folder.file("masks.npy"), album.masks)
    folder.save_arrays("index.npz", {"object": numbers // per_object, "viewpoint": numbers})
    codes = np.zeros((count, 8), np.float32)
    folder.save_arrays("viewpoints.npz", {"cameras": np.zeros_like(album.cameras), "codes": codes})
    folder.save_arrays("contents.npz", {"codes": codes[::per_object]})
    folder.finish()
    inverse, found = workspace.stage("inverse", round), {"cameras": album.cameras}
    if round:
        found = {"cameras": album.cameras.copy(), "elevations": album.cameras[:, 1]}
        found["cameras"][:, 1] = np.nan
    inverse.save_arrays("cameras.npz", found)
    inverse.finish()
    return workspace
