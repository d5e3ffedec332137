"""No network of a stage stays behind on the CPU where there is a GPU.

`meta` stands for one: nothing can be copied back from it. So a stage must fail at exactly that, and
every network that it loaded until then must be there.
"""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from tests.train.stages import generated_run
from tests.train.stages.tiny_run import tiny_config, tiny_run
from train.config import CamerasConfig, SegmenterConfig, override
from train.pose import attribute_classifier as classifier
from train.pose import estimators
from train.stages import cameras, multiview, segmenter, viewpoints

META = torch.device("meta")
LOADERS = ("load_generator", "load_attributes", "load_segmenter", "load_inverse_graphics")
NETWORKS = ("AttributeClassifier", "Segmenter")


@pytest.fixture
def loaded(monkeypatch):
    """All networks that stages load or begin, on a device that gives nothing back."""
    networks: list[nn.Module] = []

    def watched(function):
        def load(*arguments):
            networks.append(function(*arguments))
            return networks[-1]

        return load

    for module in (classifier, estimators, multiview, segmenter, viewpoints):
        monkeypatch.setattr(module, "default_device", lambda: META)
        for name in (*LOADERS, *NETWORKS):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, watched(getattr(module, name)))
    return networks


def fails_at_the_way_back(stage, config, workspace, round=0):
    with pytest.raises((NotImplementedError, RuntimeError)) as raised:
        stage.run(config, workspace, round)
    said = str(raised.value)
    assert "copy out of meta tensor" in said or "cannot be called on meta tensors" in said, said


def places(networks):
    return [(type(one).__name__, next(one.parameters()).device.type) for one in networks]


def generated(path, round=0):
    """A run whose stages up to multiview are done."""
    workspace = generated_run.with_segmenter_and_classifier(generated_run.with_gan(path, round))
    folder = workspace.stage("photographs")
    np.save(folder.file("images.npy"), np.zeros((64, 32, 32, 3), np.uint8))
    folder.finish(masks=False)
    return workspace


def labelled(path):
    """A run whose round 1 is done up to multiview."""
    return generated_run.with_labels(generated(path, round=1), [5.5, 6.0])


def test_multiview_images_are_made_and_read_there(tmp_path, loaded):
    fails_at_the_way_back(multiview, generated_run.config(), labelled(tmp_path), 1)
    assert places(loaded) == [("Generator", "meta"), ("AttributeClassifier", "meta")]


def test_multiview_masks_are_found_there(tmp_path, loaded, monkeypatch):
    pixels = torch.zeros(64, 32, 32, 3, dtype=torch.uint8)
    monkeypatch.setattr(multiview, "as_pixels", lambda images: pixels[: len(images)])
    unmeasured = override(generated_run.config(), export={"category": "birds"})
    fails_at_the_way_back(multiview, unmeasured, labelled(tmp_path), 1)
    assert places(loaded) == [("Generator", "meta"), ("Segmenter", "meta")]


def test_viewpoints_are_scored_there(tmp_path, loaded):
    workspace = generated_run.with_gan(tmp_path)
    weights = workspace.stage("viewpoints").file("attributes.safetensors")
    classifier.save_attributes(classifier.AttributeClassifier(generated_run.SIZE), weights)
    loaded.clear()
    fails_at_the_way_back(viewpoints, generated_run.config(), workspace)
    assert places(loaded) == [("AttributeClassifier", "meta"), ("Generator", "meta")]


def test_the_attribute_classifier_is_trained_there(tmp_path, loaded):
    fails_at_the_way_back(viewpoints, generated_run.config(), generated_run.with_gan(tmp_path))
    assert places(loaded) == [("AttributeClassifier", "meta")]


@pytest.mark.parametrize(
    ("estimator", "networks"),
    [
        ("inverse", [("InverseGraphics", "meta"), ("Segmenter", "meta")]),
        ("attributes", [("AttributeClassifier", "meta")]),
    ],
)
def test_cameras_are_read_there(tmp_path, loaded, estimator, networks):
    config = dataclasses.replace(tiny_config(), cameras=CamerasConfig(estimator=estimator))
    workspace = generated_run.with_segmenter_and_classifier(tiny_run(tmp_path, config))
    loaded.clear()
    fails_at_the_way_back(cameras, config, workspace, 1)
    assert places(loaded) == networks


def test_segmenters_are_trained_there(tmp_path, loaded):
    settings = SegmenterConfig(steps=1, batch_size=4, channels=4)
    config = dataclasses.replace(generated_run.config(), segmenter=settings)
    workspace = generated(tmp_path)
    loaded.clear()
    fails_at_the_way_back(segmenter, config, workspace)
    assert places(loaded) == [("Segmenter", "meta")]
