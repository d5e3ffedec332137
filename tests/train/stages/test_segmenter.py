import numpy as np
import onnx
import pytest
import torch

from train.config import Config, ConfigError, PhotographsConfig, SegmenterConfig, override
from train.data import vehicles
from train.data.masked_photographs import Labelled
from train.models.onnx_files import export_graph
from train.models.segmenter import Segmenter, SegmenterError, load_segmenter
from train.models.serving_graphs import SegmenterGraph
from train.running.workspace import Workspace
from train.stages import segmenter


def config(steps: int = 40, **settings) -> Config:
    return Config(
        seed=2,
        photographs=PhotographsConfig(size=32),
        segmenter=SegmenterConfig(steps=steps, batch_size=16, channels=8, **settings),
    )


def photographed(path, *, masks: bool = False) -> Workspace:
    workspace = Workspace(path)
    folder = workspace.stage("photographs")
    folder.file("done.json")
    rendered = vehicles.photographs(9, np.arange(40), 32)
    np.save(folder.file("images.npy"), rendered.images)
    if masks:
        np.save(folder.file("masks.npy"), rendered.masks)
        np.save(folder.file("cut_outs.npy"), np.zeros(40, np.uint8))
    folder.finish(masks=masks)
    return workspace


def test_it_learns_to_find_vehicles(tmp_path):
    workspace = photographed(tmp_path)
    segmenter.run(config(steps=60), workspace)
    folder = workspace.stage("segmenter")
    facts = folder.facts()
    assert facts["source"] == "trained"
    # Guessing everything or a centred disc stays below 0.5.
    assert facts["held_out_iou"] > 0.6
    loaded = load_segmenter(folder.path)
    held_out = vehicles.photographs(vehicles.HELD_OUT_SEED, np.arange(256), 32)
    labelled = Labelled(
        torch.from_numpy(held_out.images).permute(0, 3, 1, 2).float() / 255,
        torch.from_numpy(held_out.masks).float() / 255,
    )
    again = segmenter.held_out_iou(loaded, labelled)
    assert again == pytest.approx(facts["held_out_iou"], abs=1e-4)


def test_masks_of_a_folder_are_learned_from(tmp_path):
    workspace = photographed(tmp_path, masks=True)
    segmenter.run(config(steps=3), workspace)
    assert workspace.stage("segmenter").done


def test_of_another_category_the_own_photographs_alone_are_trained_on(tmp_path):
    workspace = photographed(tmp_path, masks=True)
    birds = override(config(steps=3), export={"category": "birds"})
    folder = workspace.stage("photographs")
    seen = segmenter._batches(birds, folder)(5).images.permute(0, 2, 3, 1).numpy()
    own = np.load(folder.file("images.npy")) / np.float32(255)
    apart = np.abs(seen[:, None] - own).mean((2, 3, 4))
    assert len(seen) == 16 and (apart[::2].min(axis=1) < 1e-6).all()
    assert set(apart[::2].argmin(axis=1)).isdisjoint({9, 19, 29, 39})
    segmenter.run(birds, workspace)
    assert workspace.stage("segmenter").facts()["held_out_images"] == 4  # every tenth of 40


def test_of_another_category_without_masks_it_says_so_and_no_figure_of_vehicles(tmp_path, capsys):
    birds = override(config(steps=3), export={"category": "birds"})
    with pytest.raises(ConfigError, match=r"--export\.category birds.*that all have an alpha"):
        segmenter.run(
            override(birds, photographs={"source": "folder"}), photographed(tmp_path / "a")
        )
    path = tmp_path / "segmenter.onnx"
    example = torch.zeros(2, 32, 32, 3, dtype=torch.uint8)
    onnx.save(export_graph(SegmenterGraph(Segmenter(4)), {"images": example}, ["masks"]), path)
    workspace = photographed(tmp_path / "b")
    segmenter.run(override(birds, segmenter={"onnx": str(path)}), workspace)
    facts = workspace.stage("segmenter").facts()
    assert [gate["name"] for gate in facts.pop("gates")] == ["masks"]
    assert facts == {"source": "onnx"}


def test_a_resumed_run_gives_the_weights_of_an_uninterrupted_one(tmp_path, monkeypatch):
    real, steps = segmenter.augment, []

    def until_killed(*arguments):
        steps.append(1)
        if len(steps) == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    whole = photographed(tmp_path / "whole")
    segmenter.run(config(steps=5), whole)
    monkeypatch.setattr("train.running.workspace.CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(segmenter, "augment", until_killed)
    killed = photographed(tmp_path / "killed")
    with pytest.raises(KeyboardInterrupt):
        segmenter.run(config(steps=5), killed)
    monkeypatch.setattr(segmenter, "augment", real)
    segmenter.run(config(steps=5), killed)
    expected, got = (
        load_segmenter(workspace.stage("segmenter").path).state_dict()
        for workspace in (whole, killed)
    )
    assert all(torch.equal(expected[name], got[name]) for name in expected)


def test_a_given_graph_of_another_kind_is_refused_before_anything_else(tmp_path):
    (tmp_path / "given.onnx").write_bytes(b"nothing")
    workspace = photographed(tmp_path / "run")
    with pytest.raises(SegmenterError, match="not a readable ONNX graph"):
        segmenter.run(config(onnx=str(tmp_path / "given.onnx")), workspace)
    assert not workspace.stage("segmenter").done


def test_the_loss_falls_with_the_overlap():
    masks = torch.zeros(1, 8, 8)
    masks[:, 2:6, 2:6] = 1
    exact, empty = 12 * (masks - 0.5), torch.full((1, 8, 8), -6.0)
    assert segmenter.mask_loss(exact, masks) < 0.1 < 1 < segmenter.mask_loss(empty, masks)
