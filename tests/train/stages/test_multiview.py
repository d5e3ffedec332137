import numpy as np
import pytest
import torch
from PIL import Image

from tests.train.stages.generated_run import (
    SIZE,
    config,
    with_gan,
    with_labels,
    with_segmenter_and_classifier,
)
from train.config import MultiviewConfig, override
from train.data.multiview import MultiviewData
from train.models.weights import load_generator
from train.running.workspace import Workspace, WorkspaceError
from train.stages import multiview

BINS = np.array([0, 30, 30, 120, 210, 210, 300], np.int32)


def ready(path, round: int = 0) -> Workspace:
    workspace = with_segmenter_and_classifier(with_gan(path, round))
    codes = np.random.default_rng(0).standard_normal((len(BINS), 64)).astype(np.float32)
    workspace.stage("viewpoints").save_arrays(
        "viewpoints.npz", {"codes": codes, "azimuth_bins": BINS}
    )
    return workspace


def permissive(**settings):
    given = {
        "objects": 40,
        "views": 4,
        "cameras": 9,
        "smallest_mask": 0.0,
        "largest_border": 1.0,
        **settings,
    }
    return config(multiview=MultiviewConfig(**given))


def test_round_0_shows_contents_under_the_annotated_codes(tmp_path):
    workspace = ready(tmp_path)
    multiview.run(permissive(), workspace)
    folder = workspace.stage("multiview")
    data = MultiviewData(folder.path)
    assert data.images.shape == (160, SIZE, SIZE, 3)
    assert data.masks.shape == (160, SIZE, SIZE) and data.masks.min() > 250
    assert data.initial_cameras[:, 0].tolist() == BINS.tolist()
    assert (data.initial_cameras[:, [1, 3, 4]] == [10, 0, 0]).all()
    assert np.isnan(data.initial_cameras[:, 2]).all()
    generator = load_generator(workspace.stage("gan").require("generator.safetensors"))
    for row in (0, 77, 159):
        content = torch.from_numpy(data.content_codes[data.object[row]])[None]
        view = torch.from_numpy(data.viewpoint_codes[data.viewpoint[row]])[None]
        image = generator.synthesize(generator.styles(content, view), noise=None)[0]
        wanted = ((image.detach() + 1) / 2).clamp(0, 1).permute(1, 2, 0).numpy() * 255
        assert np.abs(wanted - data.images[row]).max() <= 1
    facts = folder.facts()
    assert (facts["images"], facts["objects"]) == (160, 40)
    assert set(facts["dropped"]) == {
        "no_object", "tiny", "touches_border", "several_objects", "lonely",
    }  # fmt: skip
    assert facts["variance_shares_view_content"]["roof_height"]
    assert facts["azimuth_asked_read_median_degrees"] >= 0
    with Image.open(folder.file("contact_sheet.png")) as sheet:
        assert sheet.height == 16 * (SIZE + 2) - 2 + 2 * 6


def test_of_another_category_nothing_is_measured_on_vehicles(tmp_path):
    workspace = ready(tmp_path)
    (workspace.stage("viewpoints").path / "attributes.safetensors").unlink()
    multiview.run(override(permissive(), export={"category": "birds"}), workspace)
    assert workspace.stage("multiview").facts().keys() == {
        "gates", "images", "objects", "viewpoints", "dropped"
    }  # fmt: skip


def test_a_camera_conditioned_generator_gets_cameras(tmp_path):
    workspace = with_labels(ready(tmp_path, round=1), [5.5, 6.0, 6.5, 9.0])
    multiview.run(permissive(), workspace, round=1)
    data = MultiviewData(workspace.stage("multiview", 1).path)
    assert data.initial_cameras.shape == (9, 5)
    generator = load_generator(workspace.stage("gan", 1).require("generator.safetensors"))
    codes = generator.camera_mapping(torch.from_numpy(data.initial_cameras)).detach().numpy()
    assert np.allclose(codes, data.viewpoint_codes, atol=1e-6)
    assert not (workspace.path / "round_0" / "multiview").exists()
    asked = data.initial_cameras[:, 2]
    assert 5.5 <= asked.min() < 5.7 and 6.3 < asked.max() <= 6.5


def test_no_distance_is_asked_for_where_the_labels_tell_none(tmp_path):
    workspace = with_labels(ready(tmp_path, round=1), [np.nan] * 3)
    multiview.run(permissive(), workspace, round=1)
    data = MultiviewData(workspace.stage("multiview", 1).path)
    assert np.isnan(data.initial_cameras[:, 2]).all()
    assert np.isfinite(data.viewpoint_codes).all()


def test_no_elevation_is_asked_for_where_the_labels_tell_none(tmp_path):
    workspace = with_labels(ready(tmp_path, round=1), [5.0] * 3, elevation=np.nan)
    multiview.run(permissive(), workspace, round=1)
    data = MultiviewData(workspace.stage("multiview", 1).path)
    assert np.isnan(data.initial_cameras[:, 1]).all()
    assert np.isfinite(data.initial_cameras[:, [0, 2]]).all()
    assert np.isfinite(data.viewpoint_codes).all()


def test_truncation_draws_contents_together(tmp_path):
    spreads = []
    for factor in (1.0, 0.5):
        workspace = ready(tmp_path / str(factor))
        multiview.run(permissive(truncation=factor), workspace)
        codes = MultiviewData(workspace.stage("multiview").path).content_codes
        spreads.append(codes.std(axis=0).mean())
    assert spreads[1] == pytest.approx(spreads[0] / 2, rel=1e-4)


def test_a_killed_generation_goes_on_and_ends_with_the_same_images(tmp_path, monkeypatch):
    whole, killed = ready(tmp_path / "whole"), ready(tmp_path / "killed")
    multiview.run(permissive(), whole)
    monkeypatch.setattr("train.running.workspace.CHECKPOINT_SECONDS", -1.0)
    real, asked = multiview.filter_masks, []

    def until_killed(*arguments):
        asked.append(1)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(multiview, "filter_masks", until_killed)
    with pytest.raises(KeyboardInterrupt):
        multiview.run(permissive(), killed)
    assert not (killed.stage("multiview").path / "images.npy").exists()
    multiview.run(permissive(), killed)
    assert len(asked) == 4  # 3 batches, of which the killed second ran again
    expected, got = (MultiviewData(run.stage("multiview").path) for run in (whole, killed))
    assert np.array_equal(expected.images, got.images)
    assert np.array_equal(expected.object, got.object)


def test_when_every_image_is_dropped_the_counts_are_told(tmp_path):
    with pytest.raises(WorkspaceError, match=r"none of 160 .*'touches_border': 160"):
        multiview.run(permissive(largest_border=0.5), ready(tmp_path))


def test_objects_with_a_single_view_left_are_dropped():
    objects = np.repeat(np.arange(3), 3)
    verdicts = np.array([0, 2, 0, 3, 0, 1, 0, 0, 0])
    assert multiview._kept(objects, verdicts).tolist() == [0, 2, 6, 7, 8]
