import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from tests.train.data.photo_folders import mask, picture
from tests.train.smallest_bundle import SIZE, TEMPLATE, write_bundle
from train.refine import main

STEPS = ["--steps", "20"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A disc, the same in red in another folder, black, what is none; masks of the discs."""
    for name, colour in (("car", (230, 200, 40)), ("other/car", (200, 10, 10))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        picture(colour).save(tmp_path / f"{name}.png")
    Image.new("RGB", (40, 40)).save(tmp_path / "black.png")
    (tmp_path / "none.jpg").write_bytes(b"none")
    (tmp_path / "masks").mkdir()
    mask().save(tmp_path / "masks" / "car.png")
    return tmp_path


def report_of(folder: Path) -> dict:
    return json.loads((folder / "refinement.json").read_text())


def test_photographs_are_refined_and_unusable_ones_named(
    bundle: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = photos / "out"
    names = ["car.png", "missing.jpg", "none.jpg", "black.png", "other/car.png"]
    arguments = [str(photos / name) for name in names]
    arguments += ["--bundle", str(bundle), "--out", str(out), *STEPS]
    assert main([*arguments, "--masks", str(photos / "masks")]) == 0
    printed = capsys.readouterr()
    report = report_of(out)
    assert [Path(item["name"]).name for item in report["skipped"]] == [
        "missing.jpg", "none.jpg", "black.png",
    ]  # fmt: skip
    assert "no mask named black" in printed.err and "missing.jpg is left out: no su" in printed.err
    assert report["about"]["photographs"] == 2 == report["about"]["with_mask"]
    assert report["about"]["steps"] == 20
    for entry, folder in zip(report["photographs"], ("car", "car_2"), strict=True):
        assert entry["iou2d_rerender_after"] > entry["iou2d_rerender_before"] + 0.02
        assert entry["seconds"] > 0
        assert entry["camera_before"]["azimuth_degrees"] == 30
        assert entry["mesh_after"] == f"{folder}/after.glb"
        assert entry["name"] in printed.out
    with Image.open(out / "contact_sheet.png") as sheet:
        assert sheet.size == (5 * 128 + 2 * (2 + 12) + 2 * 12, 40 + 2 * (128 + 22 + 2) - 2 + 2 * 12)
    for row, name in (("before", "iou2d_rerender_before"), ("after", "iou2d_rerender_after")):
        mean = np.mean([entry[name] for entry in report["photographs"]])
        assert abs(report["rows"][row]["iou2d_rerender"]["value"] - mean) < 1e-4
    assert "car.png  re-render IoU" in (out / "refinement.md").read_text()


def test_the_meshes_are_the_prediction_and_what_the_steps_made_of_it(
    bundle: Path, photos: Path
) -> None:
    arguments = [str(photos / "other" / "car.png"), "--bundle", str(bundle)]
    arguments += ["--masks", str(photos / "masks"), "--out", str(photos / "out"), *STEPS]
    assert main(arguments) == 0
    before, after = (
        trimesh.load(photos / "out" / "car" / f"{name}.glb", force="mesh")
        for name in ("before", "after")
    )
    # The bundle's ball, in the size that the mask gives it; then another shape.
    lengths = np.linalg.norm(before.vertices, axis=1)
    assert np.ptp(lengths) < 1e-5 and len(before.faces) == len(TEMPLATE.faces) == len(after.faces)
    assert np.abs(np.linalg.norm(after.vertices, axis=1) - lengths).max() > 0.01
    painted = np.asarray(after.visual.material.baseColorTexture.convert("RGB"))
    assert (painted[..., 0].astype(int) - painted[..., 1]).max() > 100


def test_a_bad_photograph_changes_nothing_of_a_good_one(bundle: Path, photos: Path) -> None:
    entries = []
    for number, names in enumerate((["car.png"], ["none.jpg", "black.png", "car.png"])):
        out = photos / f"out{number}"
        arguments = [str(photos / name) for name in names]
        assert main([*arguments, "--bundle", str(bundle), "--out", str(out), *STEPS]) == 0
        entries.append(report_of(out))
        assert (out / "car" / "after.glb").read_bytes() == (
            photos / "out0" / "car" / "after.glb"
        ).read_bytes()
    assert entries[0]["skipped"] == [] and len(entries[1]["skipped"]) == 2
    # Without masks the segmenter is asked, and finds nothing in what is black.
    assert "no object is found" in entries[1]["skipped"][1]["reason"]
    assert entries[1]["about"]["with_mask"] == 0 and entries[1]["about"]["size"] == SIZE


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["car.png", "--steps", "0"], "--steps 0: must be >= 1"),
        ([], "name one photograph or more"),
        (["car.png", "--masks", "no/such"], "no/such is not a folder"),
        (["car.png", "--bundle", "no/such"], "no/such is not a readable bundle"),
        (["masks"], "masks (it is a folder: name the files in it)"),
        (["none.jpg", "missing.jpg"], "none of 2 photographs can be used"),
        (["black.png"], "none of 1 photographs can be used"),
        (["car.png", "--out", "car.png"], "car.png"),
    ],
)
def test_unusable_arguments_are_refused(
    bundle: Path,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(photos)
    assert main(["--bundle", str(bundle), "--out", "out", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (photos / "out" / "refinement.json").exists()
