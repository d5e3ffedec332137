import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from graphics.mesh import save_template, sphere_template
from train.evaluate import BundlePredictor, main, mean_prediction

SIZE = 32
TEMPLATE = sphere_template(2)


def graph(path: Path, nodes: list, tensors: tuple[list, list], constants: dict) -> None:
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    made = helper.make_graph(nodes, path.stem, *tensors, initializers)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def value(name: str, kind: int, *shape: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["batch", *shape])


IMAGES = value("images", TensorProto.UINT8, SIZE, SIZE, 3)
MASKS = value("masks", TensorProto.FLOAT, SIZE, SIZE)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest real bundle: every photograph is a ball, as bright as its red channel."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "manifest.json").write_text(json.dumps({"category": "vehicles", "resolution": SIZE}))
    save_template(folder / "template.npz", TEMPLATE)
    write_segmenter(folder)
    write_inverse_graphics(folder)
    return folder


def write_segmenter(folder: Path) -> None:
    node = helper.make_node
    graph(
        folder / "segmenter.onnx",
        [
            node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
            node("Mul", ["floats", "scale"], ["scaled"]),
            node("ReduceMax", ["scaled"], ["masks"], axes=[3], keepdims=0),
        ],
        ([IMAGES], [MASKS]),
        {"scale": np.array(1 / 255, np.float32)},
    )


def write_inverse_graphics(folder: Path) -> None:
    node = helper.make_node
    graph(
        folder / "inverse_graphics.onnx",
        [
            node("ReduceMean", ["masks"], ["bright"], axes=[1, 2], keepdims=1),
            node("Mul", ["bright", "ball"], ["vertices"]),
            node("Unsqueeze", ["bright", "one"], ["bright4"]),
            node("Mul", ["bright4", "white"], ["textures"]),
            node("Mul", ["bright", "zero_row"], ["zeros"]),
            node("Squeeze", ["zeros", "one"], ["zeros2"]),
            node("Add", ["zeros2", "camera"], ["cameras"]),
            node("Squeeze", ["bright", "both"], ["confidences"]),
        ],
        (
            [IMAGES, MASKS],
            [
                value("vertices", TensorProto.FLOAT, len(TEMPLATE.vertices), 3),
                value("textures", TensorProto.FLOAT, 4, 8, 3),
                value("cameras", TensorProto.FLOAT, 5),
                value("confidences", TensorProto.FLOAT),
            ],
        ),
        {
            "ball": TEMPLATE.vertices[None],
            "white": np.ones((1, 4, 8, 3), np.float32),
            "zero_row": np.zeros((1, 1, 5), np.float32),
            "camera": np.array([[30, 10, 5, 0, 0]], np.float32),
            "one": np.array([1], np.int64),
            "both": np.array([1, 2], np.int64),
        },
    )


def test_the_graphs_are_chained_as_the_service_chains_them(bundle: Path) -> None:
    images = np.zeros((2, SIZE, SIZE, 3), np.uint8)
    images[1] = 102
    read = BundlePredictor(bundle).predict(images)
    assert np.allclose(read.masks[1], 0.4) and not read.masks[0].any()
    assert np.allclose(read.vertices[1], TEMPLATE.vertices * 0.4)
    assert np.allclose(read.textures[1], 0.4)
    assert np.allclose(read.cameras, [[30, 10, 5, 0, 0]] * 2)
    assert np.allclose(read.confidences, [0, 0.4])


def test_the_floor_is_the_mean_of_what_is_predicted(bundle: Path) -> None:
    images = np.zeros((60, SIZE, SIZE, 3), np.uint8)
    images[:30] = 255
    floor = mean_prediction(BundlePredictor(bundle), images)
    assert np.allclose(floor.vertices, TEMPLATE.vertices * 0.5, atol=1e-6)
    assert np.allclose(floor.texture, 0.5)


def test_the_command_writes_and_prints_the_report(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--bundle", str(bundle), "--objects", "5", "--views", "2", "--out", str(tmp_path)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "| `iou2d_novel30` |" in printed and "mean_prediction" in printed
    report = json.loads((tmp_path / "report.json").read_text())
    assert list(report["rows"]) == ["bundle", "mean_prediction"]
    assert report["about"]["objects"] == 5 and report["about"]["size"] == SIZE
    for name in ("report.md", "contact_sheet.png", "azimuth_errors.png"):
        assert (tmp_path / name).stat().st_size > 200


def test_what_is_no_bundle_is_refused_with_the_reason(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--bundle", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "not a readable bundle" in capsys.readouterr().err
    assert main(["--bundle", str(bundle), "--objects", "0", "--out", str(tmp_path)]) == 2
    assert "at least 1" in capsys.readouterr().err
    broken = tmp_path / "broken"
    broken.mkdir()
    save_template(broken / "template.npz", TEMPLATE)
    (broken / "manifest.json").write_text(json.dumps({"category": "birds", "resolution": SIZE}))
    (broken / "segmenter.onnx").write_bytes(b"no graph")
    assert main(["--bundle", str(broken), "--out", str(tmp_path)]) == 2
    assert "segmenter.onnx does not open" in capsys.readouterr().err
    for name in ("segmenter.onnx", "inverse_graphics.onnx"):
        (broken / name).write_bytes((bundle / name).read_bytes())
    assert main(["--bundle", str(broken), "--out", str(tmp_path)]) == 2
    assert "knows 'birds'" in capsys.readouterr().err


def test_a_generator_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "none.safetensors"
    path.write_bytes(b"nothing")
    assert main(["--generator", str(path), "--out", str(tmp_path)]) == 2
    assert "none.safetensors" in capsys.readouterr().err
