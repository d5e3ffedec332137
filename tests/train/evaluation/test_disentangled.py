"""The command on the shipped bundle, whose figures must not change unseen."""

import json

import numpy as np
import pytest
from PIL import Image

from train.evaluate import main

pytestmark = pytest.mark.slow

OBJECTS = 64
SHIPPED = {
    "gan": {
        "asked_vs_read_azimuth_deg": (0.8, 1.7),
        "asked_vs_read_azimuth_beyond_30": (0, 0.02),
        "hue_beyond_45": (0, 0.13),
        "own_psnr": (20.6, 22.1),
        "own_silhouette_iou": (0.840, 0.885),
        "own_paint_error": (0.050, 0.085),
        "turned_60_psnr": (20.3, 21.8),
        "identity_first": (0.45, 0.85),
        "texture_swap_silhouette_iou": (0.885, 0.930),
        "texture_swap_background_psnr": (32.6, 35.4),
        "shape_swap_background_psnr": (33.2, 36.2),
        "background_swap_paint_change": (0.015, 0.045),
    },
    "graphics": {
        "asked_vs_read_azimuth_beyond_30": (0.041, 0.241),
        "hue_beyond_45": (0, 0.015),
        "own_psnr": (25.6, 27.4),
        "own_paint_error": (0.023, 0.043),
        "turned_30_psnr": (22.8, 24.6),
        "turned_60_psnr": (21.2, 23.1),
        "turned_60_ring_psnr": (19.7, 22.5),
        "identity_first": (0.481, 0.831),
        "texture_swap_silhouette_iou": (0.925, 0.965),
        "texture_swap_background_psnr": (60.0, 60.0),
        "shape_swap_background_psnr": (60.0, 60.0),
    },
    "neural": {
        "hue_beyond_45": (0, 0.015),
        "own_psnr": (25.8, 27.6),
        "own_paint_error": (0.014, 0.034),
        "turned_30_psnr": (23.5, 25.3),
        "turned_60_psnr": (22.1, 24.0),
        "turned_60_ring_psnr": (21.6, 24.4),
        "identity_first": (0.544, 0.894),
        "texture_swap_silhouette_iou": (0.928, 0.968),
        "texture_swap_background_psnr": (52.2, 56.2),
        "texture_swap_untouched_psnr": (60.0, 60.0),
        "shape_swap_untouched_psnr": (60.0, 60.0),
        "shape_swap_background_psnr": (36.0, 40.0),
    },
}
"""Row -> metric -> bounds around docs/results.md's figures, wide enough for 64 of its vehicles."""


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("disentangled")
    arguments = ["disentangled", "--objects", str(OBJECTS), "--reference", "256"]
    latents = ["--latent-objects", "4", "--latent-steps", "60"]
    assert main([*arguments, *latents, "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def report(out):
    return json.loads((out / "disentangled.json").read_text())


@pytest.mark.parametrize("row", SHIPPED)
def test_the_shipped_bundle_keeps_its_figures(report, row):
    found = {name: report["rows"][row][name]["value"] for name in SHIPPED[row]}
    for name, (low, high) in SHIPPED[row].items():
        assert low <= found[name] <= high, (name, found[name])


def test_the_renderers_disagree_by_as_much_as_is_known(report):
    found = report["agreements"]
    assert 0.82 < found["gan and graphics"]["silhouette_iou"]["value"] < 0.89
    assert 0.07 < found["gan and graphics"]["colour_difference"]["value"] < 0.13
    assert found["graphics and neural"]["silhouette_iou"]["value"] > 0.90


def test_every_metric_tells_the_truth_from_other_vehicles(report):
    truth, others = report["rows"]["ground_truth"], report["rows"]["other_vehicles"]
    assert set(truth) == set(others) == set(report["rows"]["gan"])
    higher = [name for name in truth if name.startswith(("own", "turned")) and "error" not in name]
    for name in [*higher, "identity_first"]:
        assert truth[name]["value"] > 1.3 * others[name]["value"], name
    lower = [name for name in truth if "error" in name or "hue" in name or "asked" in name]
    for name in lower:
        assert truth[name]["value"] < 0.5 * others[name]["value"], name
    for part in ("shape", "texture", "background", "camera"):
        assert truth[f"{part}_swap_psnr"]["value"] == 60
    # What a swap of the truth leaves alone is what the readers get wrong.
    for kept in ("texture_swap_silhouette_iou", "background_swap_silhouette_iou"):
        assert truth[kept]["value"] > 0.95
    assert truth["shape_swap_paint_change"]["value"] < 0.06
    assert truth["texture_swap_paint_change"]["value"] > 0.15


def test_the_gan_itself_and_fitted_codes_stand_beside(report):
    rows = report["rows"]
    assert set(rows["generator"]) == {
        "asked_vs_read_azimuth_deg", "asked_vs_read_azimuth_beyond_30",
        "asked_vs_read_elevation_deg", "fd_own",
    }  # fmt: skip
    assert rows["generator"]["asked_vs_read_azimuth_deg"]["value"] < 3
    code, styles = rows["latents_w"], rows["latents_w_star"]
    assert "shape_swap_psnr" not in code and "fd_own" not in code
    assert code["own_psnr"]["value"] > 20 and styles["own_psnr"]["value"] > 20
    # The paper: all style vectors fit better, and break more when turned.
    lost = [row["own_psnr"]["value"] - row["turned_180_psnr"]["value"] for row in (code, styles)]
    assert lost[1] > lost[0]
    fitted = rows["gan_fitted"]
    for name, gained in (("own_psnr", 1.5), ("turned_30_psnr", 0)):
        assert fitted[name]["value"] > rows["gan"][name]["value"] + gained, name


def test_it_is_written_for_people_too(out, report):
    text = (out / "disentangled.md").read_text()
    assert "| metric | gan | graphics | neural | gan_fitted (4 objects) |" in text
    assert "gan and graphics, of the objects' own pictures: silhouette IoU" in text
    assert set(report["definitions"]) == set(report["rows"]["gan"])
    assert (out / "disentangled.html").exists()
    sheets = {path.name for path in out.glob("sheet_*.png")}
    assert sheets == {f"sheet_{n}.png" for n in ("gan", "graphics", "neural", "ground_truth")}
    for name in sheets:
        with Image.open(out / name) as sheet:
            assert sheet.width > 14 * 64 and sheet.height > 8 * 64
            assert np.asarray(sheet).std() > 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no/such"], "no/such is no folder, no file, nor shipped"),
        (["shipped", "shipped"], "name each source once"),
        (["--objects", "7"], "--objects 7: must be >= 8"),
        (["--objects", "8", "--latent-objects", "9"], "--latent-objects 9: at most --objects, 8"),
        ([__file__, "--objects", "8"], "is no StyleGAN-R"),
        (["--objects", "8", "--generator", "train/shipped/unconditional/generator.safetensors"],
         "is unconditional: give a camera-conditioned one"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_refused(arguments, message, tmp_path, capsys):
    assert main(["disentangled", *arguments, "--out", str(tmp_path)]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
