"""A finished run whose data changed outside the folder that was named: it counts as other data."""

import json

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from tests.public_reports.finished_run import finished, refused
from tests.train.data.photo_folders import annotate, car, picture, write_cub, write_pascal3d
from train.config import Config, override
from train.running.plan import Step
from train.running.record import Records, prepare
from train.running.workspace import write_json


def edited(folder, name):
    """A file of a data set whose annotators mended it."""
    path = folder / name
    path.write_bytes(path.read_bytes() + b"\n")


@pytest.mark.parametrize(
    "change",
    [
        lambda root: annotate(root / "Annotations/car_imagenet/b.mat", [car(90.0, 5.0)]),
        lambda root: (root / "Annotations/car_imagenet/b.mat").unlink(),
        lambda root: annotate(root / "Annotations/car_imagenet/g.mat", [car(90.0, 5.0)]),
        lambda root: edited(root, "Image_sets/car_imagenet_train.txt"),
    ],
    ids=["edited", "removed", "added", "list"],
)
def test_annotations_beside_the_photographs_count(tmp_path, change):
    images = write_pascal3d(tmp_path / "PASCAL3D+")
    config = override(Config(), photographs={"source": str(images)})
    workspace = finished(tmp_path / "run", config)
    assert refused(workspace, config) == []
    edited(tmp_path, "PASCAL3D+/Image_sets/car_imagenet_val.txt")  # which a training does not read
    assert refused(workspace, config) == []
    change(tmp_path / "PASCAL3D+")
    assert refused(workspace, config)[0] == "photographs"
    moved = (tmp_path / "PASCAL3D+").rename(tmp_path / "moved") / "Images" / "car_imagenet"
    config = override(Config(), photographs={"source": str(moved)})
    records = Records(config, workspace)
    prepare(records, ["photographs"])
    records.write(Step("photographs", 0))
    assert refused(workspace, config) == []


def test_masks_beside_the_photographs_count_also_where_there_were_none(tmp_path):
    folder = write_cub(tmp_path / "CUB_200_2011", segmentations=False)
    config = override(Config(), photographs={"source": str(folder)})
    workspace = finished(tmp_path / "run", config)
    write_cub(tmp_path / "other" / "CUB_200_2011", segmentations=True)
    found = next((tmp_path / "other").rglob("segmentations"))
    found.rename(tmp_path / "segmentations")
    assert refused(workspace, config)[0] == "photographs"


def test_photographs_that_a_table_names_elsewhere_count(tmp_path):
    folder, other = tmp_path / "labelled", tmp_path / "other.png"
    folder.mkdir()
    picture().save(other)
    (folder / "photos.csv").write_text("file,azimuth_degrees\n../other.png,30\n")
    config = override(Config(), cutouts={"photographs": str(folder)})
    workspace = finished(tmp_path / "run", config)
    picture((1, 2, 3)).save(other)
    assert refused(workspace, config)[0] == "cutouts"


def test_weights_beside_an_onnx_file_count(tmp_path):
    path = tmp_path / "segmenter.onnx"
    weights = numpy_helper.from_array(np.ones(2000, np.float32), "weights")
    graph = helper.make_graph([], "graph", [], [], [weights])
    onnx.save(helper.make_model(graph), path, save_as_external_data=True, location="weights.bin")
    config = override(Config(), segmenter={"onnx": str(path)})
    workspace = finished(tmp_path / "run", config)
    edited(tmp_path, "weights.bin")
    assert refused(workspace, config)[0] == "segmenter"


def test_what_an_earlier_version_left_without_a_look_outside_is_taken(tmp_path):
    images = write_pascal3d(tmp_path / "PASCAL3D+")
    config = override(Config(), photographs={"source": str(images)})
    workspace = finished(tmp_path / "run", config)
    records = Records(config, workspace)
    for step in records.steps:
        path = records.folder(step).path / "depends_on.json"
        left = json.loads(path.read_text())
        left["settings"] = {n: v for n, v in left["settings"].items() if "belong" not in n}
        write_json(path, left)
    for step in records.steps:  # whose keys were those of such records
        path = records.folder(step).path / "depends_on.json"
        now = Records(config, workspace).now(step)
        write_json(path, {**json.loads(path.read_text()), "inputs": now["inputs"]})
    assert refused(workspace, config) == []
