"""The command as it is given: photographs and a bundle in, a bundle out."""

import json
import shutil

import pytest
from safetensors.torch import load_file

from service.model import bundle as bundles
from service.model.manifest import WEIGHTS_FILE
from tests.service.small_bundle import write_small_bundle
from tests.train.adaptation.adaptable import write_adaptable, write_photographs
from tests.train.data.mesh_folder import write_glb
from train.adapt import main
from train.models.efficientnet_lite import EfficientNetLite, PretrainedUnavailable
from train.models.inverse_graphics import (
    InverseGraphics,
    InverseGraphicsShape,
    load_inverse_graphics,
    save_inverse_graphics,
)
from train.models.weights import save_network


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_adaptable(tmp_path_factory.mktemp("run"))


def arguments(bundle, photos, out, *more: str) -> list[str]:
    fixed = ["--steps", "2", "--folds", "2", "--procedural", "0"]
    return ["--photos", str(photos), "--bundle", str(bundle), "--out", str(out), *fixed, *more]


@pytest.fixture(scope="module")
def adapted(bundle, tmp_path_factory):
    """What one call made of eight photographs, five of them labelled, and a broken one."""
    photos = write_photographs(tmp_path_factory.mktemp("photos"), 8, labels=5)
    (photos / "broken.png").write_bytes(b"none")
    out = tmp_path_factory.mktemp("adapted") / "out"
    assert main(arguments(bundle, photos, out, "--held-out")) == 0
    return photos, out


def test_it_writes_a_bundle_that_the_service_loads_and_that_says_what_it_is(bundle, adapted):
    _, out = adapted
    before, after = bundles.load(bundle), bundles.load(out / "bundle")
    report = json.loads((out / "adaptation.json").read_text())
    assert after.manifest.metrics["adaptation"] == report
    assert report["bundle"]["weights_sha256"] == before.manifest.files[WEIGHTS_FILE]
    assert (report["photographs"], report["labelled"], report["self_labelled"]) == (8, 5, 0)
    assert report["before"]["photographs"] == report["by_folds"]["photographs"] == 5
    assert report["held_out"]["photographs"] == 3 and 0.5 <= report["temperature"] <= 5
    commands = after.manifest.training_command.split("; ")
    assert commands[0] == before.manifest.training_command and len(commands) == 2
    assert after.samples() and after.manifest.licence == before.manifest.licence


def changed_by(bundle, out) -> set[str]:
    """Names of the weights that differ."""
    before, after = (load_file(folder / WEIGHTS_FILE) for folder in (bundle, out / "bundle"))
    return {name for name in before if not before[name].equal(after[name])}


CAMERA = {f"camera_head.{name}" for name in ("temperature", "azimuth.weight", "azimuth.bias")}
REST = {"camera_head.rest.weight", "camera_head.rest.bias"}


def test_shapes_and_last_layers_are_changed_and_nothing_that_azimuths_are_read_by(bundle, adapted):
    changed = changed_by(bundle, adapted[1])
    parts = {name.split(".")[0] for name in changed}
    assert parts == {"camera_head", "code", "encoder", "shape_head", "texture_head"}
    assert {name for name in changed if name.startswith("camera_head")} == CAMERA | REST
    for name in ("segmenter.onnx", "stylegan_r.onnx", "template.npz"):
        assert (bundle / name).read_bytes() == (adapted[1] / "bundle" / name).read_bytes()


def test_its_silhouettes_are_compared_with_the_masks_before_and_after(adapted):
    report = json.loads((adapted[1] / "adaptation.json").read_text())
    ious = report["rerender_iou"]
    assert ious["before"] != ious["after"] and all(0 < iou < 1 for iou in ious.values())


def test_without_shapes_only_the_last_layer_of_azimuths_is_changed(bundle, tmp_path):
    photos = write_photographs(tmp_path / "photos", 3)
    out = tmp_path / "out"
    assert main(arguments(bundle, photos, out, "--folds", "1", "--no-shapes")) == 0
    assert changed_by(bundle, out) == CAMERA - {"camera_head.temperature"}


def adapted_to_meshes(bundle, folder, *more: str) -> int:
    """Status of a call with one mesh and no photograph."""
    (folder / "meshes").mkdir()
    write_glb(folder / "meshes/block.glb")
    given = ["--meshes", str(folder / "meshes"), "--views-per-mesh", "3", "--procedural", "0"]
    others = ["--bundle", str(bundle), "--out", str(folder / "out"), "--steps", "1"]
    return main([*given, *others, *more])


def test_a_bundle_is_adapted_to_meshes_without_any_photograph(bundle, tmp_path, capsys):
    assert adapted_to_meshes(bundle, tmp_path, "--camera-steps", "0") == 0
    assert "without --photos nothing is measured" in capsys.readouterr().err
    report = json.loads((tmp_path / "out/adaptation.json").read_text())
    assert report["photographs"] == report["labelled"] == 0 and "by_folds" not in report
    parts = {name.split(".")[0] for name in changed_by(bundle, tmp_path / "out")}
    assert {"camera_encoder", "encoder"} <= parts


@pytest.mark.slow
def test_the_camera_learns_from_meshes_on_a_trunk_that_knows_photographs(bundle, tmp_path):
    try:
        EfficientNetLite.pretrained()
    except PretrainedUnavailable as error:
        pytest.skip(str(error))
    assert adapted_to_meshes(bundle, tmp_path, "--camera-steps", "2") == 0
    network = load_inverse_graphics(tmp_path / "out/bundle" / WEIGHTS_FILE)
    assert network.shape.camera == "pretrained"
    assert (
        bundles.load(tmp_path / "out/bundle").manifest.parity["inverse_graphics"]["cameras"] < 1e-3
    )


def copied(adapted, tmp_path):
    for source, name in zip(adapted, ("photos", "out"), strict=True):
        shutil.copytree(source, tmp_path / name)
    return tmp_path / "photos", tmp_path / "out"


def stamps(folder) -> dict:
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file() and p.name != "lock"}


def test_the_same_command_again_does_nothing_anew(bundle, adapted, tmp_path, capsys):
    photos, out = copied(adapted, tmp_path)  # wherever the photographs lie
    before = stamps(out)
    assert main(arguments(bundle, photos, out, "--held-out")) == 0
    assert stamps(out) == before
    printed = capsys.readouterr().out
    report = printed[: printed.index("bundle: ")]
    assert json.loads(report) == json.loads((out / "adaptation.json").read_text())


def test_an_interrupted_one_trains_only_what_it_has_not_trained(bundle, adapted, tmp_path):
    photos, out = copied(adapted, tmp_path)
    weights = (out / "bundle" / WEIGHTS_FILE).read_bytes()
    shutil.rmtree(out / "bundle")
    shutil.rmtree(out / "work/last")
    (out / "work/done.json").unlink()
    folds = stamps(out / "work/fold_0") | stamps(out / "work/fold_1")
    assert main(arguments(bundle, photos, out, "--held-out")) == 0
    assert stamps(out / "work/fold_0") | stamps(out / "work/fold_1") == folds
    assert (out / "bundle" / WEIGHTS_FILE).read_bytes() == weights


def test_other_options_labels_or_photographs_are_refused_on_the_same_folder(
    bundle, adapted, tmp_path, capsys
):
    photos, out = copied(adapted, tmp_path)
    before = stamps(out)
    assert main(arguments(bundle, photos, out, "--held-out", "--seed", "2")) == 2
    assert "started with other settings (seed: 1 -> 2)" in capsys.readouterr().err
    table = photos / "photos.csv"
    table.write_text(table.read_text() + "7.png,3\n")
    assert main(arguments(bundle, photos, out, "--held-out")) == 2
    assert "photos: '10 files, sha256" in capsys.readouterr().err
    assert stamps(out) == before


def test_with_few_labels_nothing_is_measured_by_folds_and_a_calibration_stays(
    bundle, adapted, tmp_path, capsys
):
    photos = write_photographs(tmp_path / "photos", 3, labels=1)
    assert main(arguments(adapted[1] / "bundle", photos, tmp_path / "out")) == 0
    assert "with 1 labels and --folds 2 nothing is measured" in capsys.readouterr().err
    report = json.loads((tmp_path / "out/adaptation.json").read_text())
    first = json.loads((adapted[1] / "adaptation.json").read_text())
    assert report["temperature"] == pytest.approx(first["temperature"], rel=1e-3)
    assert "by_folds" not in report and report["before"]["photographs"] == 1


@pytest.mark.parametrize(
    ("labels", "more", "words"),
    [
        (0, [], "none of 3 photographs is labelled, and the bundle is sure of none"),
        (1, ["--held-out"], "--held-out needs 2 labels"),
        (3, ["--held-out", "--folds", "1"], "would leave out every label"),
        (3, ["--out", "PHOTOS/out"], "lies in --photos"),
        (3, ["--out", "BUNDLE/.."], "is what --out"),
        (3, ["--photos", "PHOTOS/empty"], "is not a folder"),
    ],
)
def test_what_it_cannot_be_adapted_with_is_said(labels, more, words, bundle, tmp_path, capsys):
    photos = write_photographs(tmp_path / "photos", 3, labels)
    places = {"PHOTOS": str(photos), "BUNDLE": str(bundle)}
    for name, place in places.items():
        more = [word.replace(name, place) for word in more]
    assert main(arguments(bundle, photos, tmp_path / "out", *more)) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out/bundle").exists()


def test_without_photographs_and_meshes_there_is_nothing_to_adapt_to(bundle, tmp_path, capsys):
    assert main(["--bundle", str(bundle), "--out", str(tmp_path / "out")]) == 2
    assert "give --photos, --meshes or both" in capsys.readouterr().err
    meshes = ["--meshes", str(tmp_path), "--no-shapes", "--out", str(tmp_path / "out")]
    assert main(["--bundle", str(bundle), *meshes]) == 2
    assert "leaves nothing to learn" in capsys.readouterr().err


def test_a_bundle_without_weights_or_with_others_than_its_own_is_refused(tmp_path, capsys):
    photos = write_photographs(tmp_path / "photos", 2)
    folder = tmp_path / "small"
    manifest = write_small_bundle(folder)
    assert main(arguments(folder, photos, tmp_path / "out")) == 2
    assert f"has no {WEIGHTS_FILE}" in capsys.readouterr().err
    network = InverseGraphics(InverseGraphicsShape(64, 8, 1, 16))
    save_inverse_graphics(folder / WEIGHTS_FILE, network)
    bundles.write_manifest(folder, manifest)
    assert main(arguments(folder, photos, tmp_path / "out")) == 2
    assert "reads 64 px, the bundle 32 px" in capsys.readouterr().err
    save_network(folder / WEIGHTS_FILE, network.camera_head, {"shape": "{}"})
    bundles.write_manifest(folder, manifest)
    assert main(arguments(folder, photos, tmp_path / "out")) == 2
    assert "is not of this version's network" in capsys.readouterr().err
