import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from train.config import Config, EvaluateConfig, PhotographsConfig, override
from train.evaluation.metrics import METRICS
from train.models.inverse_graphics import (
    InverseGraphics,
    InverseGraphicsShape,
    save_inverse_graphics,
)
from train.models.segmenter import Segmenter, save_segmenter
from train.running.workspace import Workspace, WorkspaceError
from train.stages import evaluate

CONFIG = Config(
    rounds=1,
    photographs=PhotographsConfig(size=32),
    evaluate=EvaluateConfig(objects=6, views=3),
)


def trained(path: Path, single_view: bool) -> Workspace:
    """A run folder whose segmenter and inverse stages are done, with networks fresh from a seed."""
    torch.manual_seed(0)
    workspace = Workspace(path)
    segmenter = workspace.stage("segmenter")
    save_segmenter(Segmenter(4), segmenter.file("segmenter.safetensors"))
    segmenter.finish()
    inverse = workspace.stage("inverse")
    network = InverseGraphics(InverseGraphicsShape(32, 4, 2, 8))
    save_inverse_graphics(inverse.file("inverse_graphics.safetensors"), network)
    if single_view:
        single = inverse.file("single_view/inverse_graphics.safetensors")
        save_inverse_graphics(single, network)
    inverse.save_arrays(
        "mean.npz",
        {
            "vertices": network.shape_head.sphere.numpy(),
            "texture": np.full((3, 8, 16), 0.25, np.float32),
        },
    )
    inverse.finish()
    return workspace


def test_the_report_has_the_network_and_both_baselines(tmp_path: Path) -> None:
    workspace = trained(tmp_path, single_view=True)
    evaluate.run(CONFIG, workspace)
    folder = workspace.stage("evaluate")
    report = json.loads(folder.require("report.json").read_text())
    assert list(report["rows"]) == ["inverse_graphics", "mean_prediction", "single_view"]
    assert report["about"]["objects"] == 6 and report["about"]["round"] == 0
    rows = json.loads(folder.require("objects.json").read_text())
    # An equal network scores equally; the baseline stands at the same camera.
    assert rows["single_view"] == rows["inverse_graphics"]
    assert rows["mean_prediction"]["azimuth_degrees"] == rows["inverse_graphics"]["azimuth_degrees"]
    assert rows["mean_prediction"]["psnr_novel"] != rows["inverse_graphics"]["psnr_novel"]
    facts = folder.facts()
    assert facts["objects"] == 6 and set(METRICS) <= set(facts)
    assert set(METRICS) == set(facts["mean_prediction"]) == set(facts["single_view"])
    assert (folder.path / "report.md").exists()
    assert (folder.path / "contact_sheet.png").exists()
    assert "iou2d_novel30" in (tmp_path / "metric-evaluate.jsonl").read_text()


def test_the_single_view_network_is_only_asked_for_in_the_last_round(tmp_path: Path) -> None:
    workspace = trained(tmp_path, single_view=False)
    with pytest.raises(WorkspaceError, match="single_view"):
        evaluate.run(CONFIG, workspace)
    evaluate.run(replace(CONFIG, rounds=2), workspace)
    assert "single_view" not in workspace.stage("evaluate").facts()


def test_photographs_from_a_folder_are_said_to_be_another_domain(tmp_path: Path) -> None:
    workspace = trained(tmp_path, single_view=True)
    photographs = replace(CONFIG.photographs, source="pictures")
    evaluate.run(replace(CONFIG, photographs=photographs), workspace)
    about = json.loads(workspace.stage("evaluate").require("report.json").read_text())["about"]
    assert "other photographs" in about["note"]


@pytest.mark.parametrize("masks", [True, False])
def test_of_another_category_the_own_photographs_are_measured(tmp_path: Path, masks: bool) -> None:
    workspace = trained(tmp_path, single_view=False)
    taken = workspace.stage("photographs")
    images = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    given = np.zeros((20, 32, 32), np.uint8)
    given[:, 8:24, 8:24] = 255
    np.save(taken.file("images.npy"), images)
    np.save(taken.file("masks.npy"), given)
    np.save(taken.file("cut_outs.npy"), np.zeros(20, np.uint8))
    names = [f"bird {number}.png" for number in range(20)]
    taken.file("names.json").write_text(json.dumps(names))
    taken.finish(count=20, masks=masks)
    evaluate.run(override(CONFIG, export={"category": "birds"}), workspace)
    folder = workspace.stage("evaluate")
    report = json.loads(folder.require("report.json").read_text())
    chosen = (9, 19) if masks else (0, 4, 8, 11, 15, 19)  # the segmenter has not seen the first
    assert [entry["name"] for entry in report["photographs"]] == [names[n] for n in chosen]
    assert report["about"]["category"] == "birds" and report["about"]["with_mask"] == 2 * masks
    facts = folder.facts()
    assert list(report["rows"]) == ["inverse_graphics", "mean_prediction"]
    mean = report["rows"]["mean_prediction"]["iou2d_rerender"]["value"]
    assert facts["mean_prediction"]["iou2d_rerender"] == pytest.approx(mean, abs=1e-4)
    (gate,) = facts["gates"]
    margin = facts["iou2d_rerender"] - facts["mean_prediction"]["iou2d_rerender"]
    assert gate["measured"] == pytest.approx(margin, abs=2e-4) and gate["verdict"] == "failed"
    assert report["gates"] == [gate] and gate["sentence"] in (folder.path / "report.md").read_text()
    assert facts["photographs"] == len(chosen) and 0 <= facts["iou2d_rerender"] <= 1
    assert ("iou2d_segmenter" in facts) == masks
    assert not facts.keys() & {"iou2d_novel30", "iou3d_canonical", "psnr_novel"}
    assert (folder.path / "contact_sheet.png").exists()


def test_an_inverse_stage_that_has_not_ended_is_named(tmp_path: Path) -> None:
    workspace = trained(tmp_path, single_view=True)
    (workspace.stage("inverse").path / "done.json").unlink()
    with pytest.raises(WorkspaceError, match="stage `inverse` has to run"):
        evaluate.run(CONFIG, workspace)
