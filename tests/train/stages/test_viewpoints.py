import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image

from tests.train.stages.generated_run import config, with_gan
from train.annotation import viewpoint_choice
from train.annotation.table import MEASURES, AnnotationNeeded, nearest_bins, read_viewpoints
from train.annotation.viewpoint_choice import choose
from train.config import ViewpointsConfig, override
from train.metrics.view_content_grid import measure_grid
from train.models.generated import sample_contents
from train.models.weights import load_generator
from train.running.workspace import Workspace, WorkspaceError
from train.stages import viewpoints


def person(**settings):
    given = {
        "candidates": 40,
        "contents": 4,
        "per_bin": 6,
        "suggested_per_bin": 0,
        "largest_std_degrees": 400,
        "classifier_steps": 2,
        "annotator": "person",
        **settings,
    }
    return config(viewpoints=ViewpointsConfig(**given))


def table(workspace: Workspace) -> list[dict[str, str]]:
    with open(workspace.stage("viewpoints").file("viewpoints.csv")) as file:
        return list(csv.DictReader(file))


def page(workspace: Workspace) -> dict:
    """What viewpoints.html holds."""
    text = workspace.stage("viewpoints").file("viewpoints.html").read_text()
    return json.loads(text.partition('id="given">')[2].partition("</script>")[0])


def fill_in(workspace: Workspace, rows: list[dict[str, str]]) -> None:
    with open(workspace.stage("viewpoints").file("viewpoints.csv"), "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def test_the_classifier_fills_in_whole_bins_and_both_measures_are_recorded(tmp_path):
    workspace = with_gan(tmp_path)
    viewpoints.run(config(), workspace)
    folder = workspace.stage("viewpoints")
    rows = table(workspace)
    assert all(int(row["azimuth_bin_degrees"]) in range(0, 360, 30) for row in rows)
    chosen = read_viewpoints(folder)
    assert chosen.codes.shape == (len(rows), 64)
    assert chosen.azimuth_bins.tolist() == [int(row["azimuth_bin_degrees"]) for row in rows]
    assert np.bincount(chosen.azimuth_bins).max() <= 6
    facts = folder.facts()
    assert facts["kept"] == len(rows) == sum(facts["kept_per_bin"].values())
    for group in ("candidates", "chosen"):
        shares = facts[group]["variance_shares_view_content"]
        assert set(shares) == {
            "azimuth", "elevation", "distance", "body_kind", "roof_height", "length", "paint"
        }  # fmt: skip
        assert facts[group]["azimuth_std_median_degrees"] >= 0
        assert 0 <= facts[group]["azimuth_std_under_20"] <= 1
    assert {"azimuth_median_degrees", "kind_correct"} <= set(facts["classifier_held_out"])
    with Image.open(folder.file("contact_sheet.png")) as sheet:
        assert sheet.width >= 2 * 4 * 32 and sheet.height >= len(rows) // 2 * 32
    assert [row["cells"] for row in page(workspace)["rows"]] == [list(r.values()) for r in rows]


def test_a_person_is_asked_and_the_answer_taken(tmp_path):
    workspace = with_gan(tmp_path)
    with pytest.raises(AnnotationNeeded, match=r"viewpoints\.csv.*0, 30, 60"):
        viewpoints.run(person(), workspace)
    assert not workspace.stage("viewpoints").done
    rows = table(workspace)
    assert {row["azimuth_bin_degrees"] for row in rows} == {""}
    content = page(workspace)
    assert content["name"] == tmp_path.name
    assert [row["cells"] for row in content["rows"]] == [list(row.values()) for row in rows]
    assert {len(row["images"]) for row in content["rows"]} == {4}
    with pytest.raises(AnnotationNeeded):
        viewpoints.run(person(), workspace)
    for number, row in enumerate(rows):
        row["azimuth_bin_degrees"] = str(30 * (number % 12))
    rows[1].update(keep="0", azimuth_bin_degrees="")
    fill_in(workspace, rows)
    viewpoints.run(person(), workspace)
    folder = workspace.stage("viewpoints")
    expected = [30 * (n % 12) for n in range(len(rows)) if n != 1]
    assert read_viewpoints(folder).azimuth_bins.tolist() == expected
    assert folder.facts()["annotator"] == "person"


def test_of_another_category_a_person_sees_the_first_codes_and_nothing_reads_vehicles(tmp_path):
    workspace, birds = with_gan(tmp_path), override(person(), export={"category": "birds"})
    with pytest.raises(AnnotationNeeded):
        # No code of an untrained GAN holds an azimuth to 1 degree: of vehicles this is refused.
        viewpoints.run(override(birds, viewpoints={"largest_std_degrees": 1}), workspace)
    folder, rows = workspace.stage("viewpoints"), table(workspace)
    assert len(rows) == 40 and not (folder.path / "attributes.safetensors").exists()
    for row in rows:
        assert {row[name] for name in MEASURES} == {""}
        row["azimuth_bin_degrees"] = "90"
    generator = load_generator(workspace.stage("gan").require("generator.safetensors")).eval()
    rng = torch.Generator().manual_seed(birds.seed)
    codes = sample_contents(generator, 40, 1.0, rng)
    fill_in(workspace, rows)
    viewpoints.run(override(birds, viewpoints={"largest_std_degrees": 1}), workspace)
    assert np.allclose(read_viewpoints(folder).codes, codes, atol=1e-6)
    assert folder.facts()["kept"] == 40 and "candidates" not in folder.facts()


def test_photographs_of_a_folder_wait_for_a_person(tmp_path):
    settings = config()
    of_folder = config(
        photographs=type(settings.photographs)(source="photographs", count=64, size=32)
    )
    with pytest.raises(AnnotationNeeded):
        viewpoints.run(of_folder, with_gan(tmp_path))


def test_a_killed_scoring_goes_on_and_ends_with_the_same_codes(tmp_path, monkeypatch):
    whole, killed = with_gan(tmp_path / "whole"), with_gan(tmp_path / "killed")
    viewpoints.run(config(), whole)
    monkeypatch.setattr("train.running.workspace.CHECKPOINT_SECONDS", -1.0)
    real, asked = viewpoint_choice.generate_grid, []

    def until_killed(*arguments):
        asked.append(1)
        if len(asked) == 6:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(viewpoint_choice, "generate_grid", until_killed)
    with pytest.raises(KeyboardInterrupt):
        viewpoints.run(config(), killed)
    viewpoints.run(config(), killed)
    # 10 steps of scoring, of which the killed sixth ran again.
    assert len(asked) == 11
    expected, got = (read_viewpoints(run.stage("viewpoints")) for run in (whole, killed))
    assert np.array_equal(expected.codes, got.codes)
    assert np.array_equal(expected.azimuth_bins, got.azimuth_bins)


def grid(azimuths: np.ndarray, roofs: np.ndarray):
    values = {name: roofs.reshape(-1, 1) for name in ("body_kind", "roof_height", "length")}
    return measure_grid(azimuths.ravel(), values, len(azimuths))


def test_the_choice_weighs_both_measures():
    contents = np.linspace(-1, 1, 6)
    azimuths = np.zeros((4, 6)) + np.array([[0], [0], [0], [90]])
    azimuths[0] += np.array([-8, 8, -8, 8, -8, 8])  # unsteady viewpoint
    roofs = np.tile(contents, (4, 1))
    roofs[1] = 1.0  # imposes a body
    measured = grid(azimuths, roofs)
    settings = ViewpointsConfig(per_bin=1, largest_std_degrees=20)
    assert choose(measured, settings).tolist() == [2, 3]
    by_viewpoint = ViewpointsConfig(per_bin=3, largest_std_degrees=20, object_weight=0.0)
    assert choose(measured, by_viewpoint).tolist() == [1, 2, 0, 3]
    by_object = ViewpointsConfig(per_bin=3, largest_std_degrees=20, object_weight=1.0)
    assert choose(measured, by_object).tolist()[2:] == [1, 3]


def test_codes_that_never_hold_still_are_refused_with_a_way_out():
    random = np.random.default_rng(0)
    measured = grid(random.uniform(-180, 180, (8, 16)), random.standard_normal((8, 16)))
    with pytest.raises(WorkspaceError, match="train the GAN longer"):
        choose(measured, ViewpointsConfig())


def test_bins_are_the_nearest_and_wrap():
    azimuths = np.array([-14.0, 14, 16, -16, 179, -179, 346, -100])
    assert nearest_bins(azimuths).tolist() == [0, 0, 30, 330, 180, 180, 0, 270]


def test_bins_that_hold_next_to_nothing_are_named():
    counts = {str(bin): 73 for bin in range(0, 360, 30)}
    assert viewpoints.thin_bins(counts) == []
    assert viewpoints.thin_bins(counts | {"0": 2, "90": 8}) == ["0"]


def test_a_person_is_shown_more_codes_filled_in_and_asked_about_them(tmp_path):
    workspace = with_gan(tmp_path)
    settings = person(suggested_per_bin=2, suggestion_steps=2)
    with pytest.raises(AnnotationNeeded):
        viewpoints.run(settings, workspace)
    first = table(workspace)
    for number, row in enumerate(first):
        row["azimuth_bin_degrees"] = str(30 * (number % 12))
    first[1].update(keep="0", azimuth_bin_degrees="")
    fill_in(workspace, first)
    with pytest.raises(AnnotationNeeded, match="suggestions"):
        viewpoints.run(settings, workspace)
    rows = table(workspace)
    assert [list(row.values())[:3] for row in rows[: len(first)]] == [
        list(row.values())[:3] for row in first
    ]
    more = rows[len(first) :]
    assert more and all(row["azimuth_bin_degrees"] == "" and row["keep"] == "1" for row in more)
    shown = [row["cells"] for row in page(workspace)["rows"]]
    assert shown[: len(first)] == [list(row.values()) for row in rows[: len(first)]]
    suggested = [int(cells[1]) for cells in shown[len(first) :]]
    assert len(suggested) == len(more) and sorted(suggested) == suggested
    for row, bin in zip(more, suggested, strict=True):
        row["azimuth_bin_degrees"] = str(bin)
    more[0].update(keep="0")
    fill_in(workspace, rows)
    viewpoints.run(settings, workspace)
    chosen = read_viewpoints(workspace.stage("viewpoints"))
    assert len(chosen.codes) == len(rows) - 2
    assert chosen.azimuth_bins[len(first) - 1 :].tolist() == suggested[1:]
    assert len(np.unique(chosen.codes, axis=0)) == len(chosen.codes)
