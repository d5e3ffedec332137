import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from graphics.azimuth import BINS
from graphics.mesh import save_template
from tests.train.data.mesh_folder import striped, write_glb, write_obj, write_ply
from tests.train.data.photo_folders import mask, picture, write_pascal3d
from tests.train.smallest_bundle import SIZE, TEMPLATE, write_bundle
from train.evaluate import main
from train.evaluation.predictors import BundlePredictor
from train.models.inverse_graphics import (
    InverseGraphics,
    InverseGraphicsShape,
    save_inverse_graphics,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundle"))


def test_the_graphs_are_chained_as_the_service_chains_them(bundle: Path) -> None:
    images = np.zeros((2, SIZE, SIZE, 3), np.uint8)
    images[1] = 102
    read = BundlePredictor(bundle).predict(images)
    assert np.allclose(read.masks[1], 0.4) and not read.masks[0].any()
    assert np.allclose(read.vertices[1], TEMPLATE.vertices * 0.4)
    assert np.allclose(read.textures[1], 0.4)
    assert np.allclose(read.cameras, [[30, 10, 5, 0, 0]] * 2)
    assert np.allclose(read.confidences, [0, 0.4])
    assert read.azimuth_probabilities.tolist() == [np.eye(BINS)[2].tolist()] * 2


def test_textures_show_what_the_photograph_shows(bundle: Path) -> None:
    images = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    images[..., 1] = 102
    read = BundlePredictor(bundle).reconstruct(images, np.ones((1, SIZE, SIZE), np.float32))
    painted = np.isclose(read.textures, [0, 0.4, 0], atol=0.02).all(axis=-1)
    left = np.isclose(read.textures, 1, atol=0.02).all(axis=-1)
    assert painted.mean() > 0.2 and left.mean() > 0.05


FAST = ["--oracle-steps", "4", "--oracle-objects", "2"]


def test_the_command_writes_and_prints_the_report(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["objects", "5", "--bundle", str(bundle), "--views", "2", "--out", str(tmp_path)]
    assert main([*arguments, *FAST]) == 0
    labelled = capsys.readouterr()
    printed = labelled.out
    assert "| `iou2d_novel30` |" in printed and "mean_prediction" in printed
    assert "oracle (2 objects)" in printed
    for row, count in (("bundle", 5), ("oracle", 2), ("mean_prediction", 5)):
        assert re.search(rf"^{row} +{count}/{count} .* left 0:00:00", labelled.err, re.MULTILINE)
    report = json.loads((tmp_path / "report.json").read_text())
    assert set(report["definitions"]) == set(report["rows"]["bundle"])
    assert list(report["rows"]) == ["bundle", "oracle", "mean_prediction", "nearest_training"]
    assert report["objects_of_rows"] == {
        "bundle": 5, "oracle": 2, "mean_prediction": 5, "nearest_training": 5,
    }  # fmt: skip
    wanted = {
        "iou2d_input", "iou2d_novel30", "iou3d_canonical", "iou3d_canonical_icp", "iou3d_bbox",
        "chamfer", "fscore", "azimuth_median_deg", "azimuth_acc30", "elevation_median_deg",
        "psnr_input", "psnr_novel", "psnr_novel_image", "ssim_novel",
        "watertight", "flipped_faces", "self_intersections",
    }  # fmt: skip
    assert all(wanted <= set(row) for row in report["rows"].values())
    assert report["about"]["objects"] == 5 and report["about"]["size"] == SIZE
    assert report["rows"]["bundle"]["watertight"]["value"] == 1
    for name in ("report.md", "report.html", "contact_sheet.png", "azimuth_errors.png"):
        assert (tmp_path / name).stat().st_size > 200


def test_a_folder_of_meshes_is_measured_and_broken_ones_are_named(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "meshes"
    write_obj(folder)
    striped().save(folder / "paint.png")
    write_glb(folder / "box.glb")
    write_ply(folder / "box.ply")
    (folder / "sheet.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    (folder / "broken.dae").write_text("<COLLADA")
    out = tmp_path / "out"
    arguments = ["objects", str(folder), "--bundle", str(bundle), "--out", str(out), *FAST]
    arguments += ["--refine-steps", "2"]
    assert main([*arguments, "--views", "2", "--up", "z", "--front", "-x"]) == 0
    report = json.loads((out / "report.json").read_text())
    assert list(report["rows"])[:3] == ["bundle", "refined", "oracle"]
    about = report["about"]
    assert (about["oracle_steps"], about["refine_steps"]) == (4, 2)
    assert about["objects"] == 4 and about["without_volume"] == ["sheet.obj"]
    assert about["source"] == "meshes" and (about["up"], about["front"]) == ("z", "-x")
    assert about["skipped_count"] == 1 and about["skipped"][0].startswith("broken.dae: ")
    objects = json.loads((out / "objects.json").read_text())
    # One object in three formats: its shape scores alike but for the camera of each.
    *boxes, sheet = objects["bundle"]["iou3d_bbox"]
    assert np.ptp(boxes) < 0.01 and sheet == 0
    assert "broken.dae" in capsys.readouterr().out


def test_another_seed_is_other_objects(bundle: Path, tmp_path: Path) -> None:
    arguments = ["objects", "procedural:2", "--bundle", str(bundle), "--views", "1"]
    arguments += ["--oracle-objects", "0", "--out", str(tmp_path)]
    reports = []
    for seed in ("0", "7", "7"):
        assert main([*arguments, "--seed", seed]) == 0
        report = json.loads((tmp_path / "report.json").read_text())
        assert "oracle" not in report["rows"]
        reports.append((report["about"]["held_out_seed"], report["rows"]))
    assert reports[0] != reports[1] == reports[2]


def test_a_network_trained_on_single_views_is_measured_beside(bundle: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    path = tmp_path / "inverse_graphics.safetensors"
    save_inverse_graphics(path, InverseGraphics(InverseGraphicsShape(SIZE, 4, 2, 8)))
    arguments = ["objects", "2", "--bundle", str(bundle), "--views", "1", "--out", str(tmp_path)]
    arguments += ["--oracle-objects", "0"]
    assert main([*arguments, "--single-view", str(path)]) == 0
    rows = json.loads((tmp_path / "objects.json").read_text())
    assert len(rows["names"]) == 2
    assert rows["single_view"]["iou2d_segmenter"] == rows["bundle"]["iou2d_segmenter"]
    assert rows["single_view"]["iou2d_novel30"] != rows["bundle"]["iou2d_novel30"]
    report = json.loads((tmp_path / "report.json").read_text())
    assert set(report["rows"]["single_view"]) == set(report["definitions"])


def test_what_is_no_network_for_the_bundle_is_refused(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    larger, junk = tmp_path / "larger.safetensors", tmp_path / "junk.safetensors"
    save_inverse_graphics(larger, InverseGraphics(InverseGraphicsShape(64, 4, 2, 8)))
    junk.write_bytes(b"no weights")
    arguments = ["objects", "1", "--bundle", str(bundle), "--out", str(tmp_path / "out")]
    for path, message in (
        (larger, "of 64 px, the bundle of 32 px"),
        (junk, "is not an inverse graphics network"),
        (tmp_path / "none", "none cannot be read: no such file"),
    ):
        assert main([*arguments, "--single-view", str(path)]) == 2
        assert message in capsys.readouterr().err


def test_photographs_with_masks_are_measured_without_truth(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / "photos").mkdir(exist_ok=True)
        picture().save(tmp_path / "photos" / name)
    (tmp_path / "photos" / "d.jpg").write_bytes(b"none")
    (tmp_path / "masks").mkdir()
    for name in ("a.png", "b.png", "d.png"):
        mask().save(tmp_path / "masks" / name)
    arguments = ["photos", str(tmp_path / "photos"), "--bundle", str(bundle)]
    arguments += ["--out", str(tmp_path / "out")]
    assert main([*arguments, "--masks", str(tmp_path / "masks")]) == 0
    assert "| `iou2d_rerender` |" in capsys.readouterr().out
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["about"]["photographs"] == 2 == report["about"]["with_mask"]
    assert {item["name"] for item in report["skipped"]} == {"c.png", "d.jpg"}
    assert report["about"]["skipped_count"] == 2
    assert {"iou2d_rerender", "iou2d_segmenter", "watertight"} <= set(report["rows"]["bundle"])
    assert "azimuth_median_deg" not in report["rows"]["bundle"]
    first = report["photographs"][0]
    assert first["name"] == "a.png" and first["camera"]["azimuth_degrees"] == 30
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 2 and "http" not in page
    for name in ("report.md", "contact_sheet.png"):
        assert (tmp_path / "out" / name).stat().st_size > 200


def test_photographs_with_cameras_say_how_far_the_predicted_ones_are(
    bundle: Path, tmp_path: Path
) -> None:
    images = write_pascal3d(tmp_path / "PASCAL3D+_release1.1")
    arguments = ["photos", str(images), "--bundle", str(bundle), "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    # The bundle always says 30 and 10 degrees; the cars are at (30, 12) and (200, 5).
    assert [item["azimuth_degrees"] for item in report["photographs"]] == [0, 170]
    assert report["rows"]["bundle"]["azimuth_acc30"]["value"] == 0.5
    assert report["rows"]["bundle"]["elevation_median_deg"]["value"] == pytest.approx(3.5)
    assert "iou2d_segmenter" not in report["rows"]["bundle"]
    assert main([*arguments, "--split", "val"]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [item["name"] for item in report["photographs"]] == ["a#0"]


def test_what_is_no_bundle_is_refused_with_the_reason(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["objects", "--bundle", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "not a readable bundle" in capsys.readouterr().err
    broken = tmp_path / "broken"
    broken.mkdir()
    save_template(broken / "template.npz", TEMPLATE)
    (broken / "manifest.json").write_text(json.dumps({"category": "birds", "resolution": SIZE}))
    (broken / "segmenter.onnx").write_bytes(b"no graph")
    assert main(["objects", "--bundle", str(broken), "--out", str(tmp_path)]) == 2
    assert "segmenter.onnx does not open" in capsys.readouterr().err
    for name in ("segmenter.onnx", "inverse_graphics.onnx"):
        (broken / name).write_bytes((bundle / name).read_bytes())
    assert main(["objects", "--bundle", str(broken), "--out", str(tmp_path)]) == 2
    assert "knows 'birds'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("manifest.json", b"[]", "not a readable bundle"),
        ("template.npz", b"PK half a file", "not a readable bundle"),
        ("manifest.json", b'{"category": "birds", "resolution": 48}', "not images of 48 x 48"),
    ],
)
def test_a_damaged_bundle_is_refused(
    bundle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes,
    message: str,
) -> None:
    copied = tmp_path / "damaged"
    shutil.copytree(bundle, copied)
    (copied / name).write_bytes(content)
    assert main(["objects", "1", "--bundle", str(copied), "--out", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err


def test_a_bundle_of_before_the_azimuths_probabilities_is_refused(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied = shutil.copytree(bundle, tmp_path / "older")
    model = onnx.load(copied / "inverse_graphics.onnx")
    model.graph.output.pop()
    onnx.save(model, copied / "inverse_graphics.onnx")
    assert main(["objects", "1", "--bundle", str(copied), "--out", str(tmp_path)]) == 2
    assert "has no output azimuth_probabilities" in capsys.readouterr().err


def test_a_generator_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "none.safetensors"
    path.write_bytes(b"nothing")
    assert main(["generator", str(path), "--out", str(tmp_path)]) == 2
    assert "none.safetensors" in capsys.readouterr().err


def test_several_photographs_of_each_object_are_measured_and_shown(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["fused", "2", "--bundle", str(bundle), "--views", "2", "--out", str(tmp_path)]
    assert main(arguments) == 0
    report = json.loads((tmp_path / "fused.json").read_text())
    assert list(report["rows"]) == ["1 photograph", "2 photographs", "4 photographs"]
    for row in report["rows"].values():
        assert 0 < row["iou2d_novel30"]["value"] < 1 and row["cpu_milliseconds"]["value"] > 0
    # The bundle sees every object from one side: of opposite ones it is wrong once at least.
    assert report["rows"]["4 photographs"]["flipped_alone"]["value"] >= 0.25
    assert (tmp_path / "meshes.png").read_bytes().startswith(b"\x89PNG")
    assert "above 1, object by object" in capsys.readouterr().out
