from pathlib import Path

import numpy as np
import pytest

from graphics.camera import AZIMUTH, DISTANCE, ELEVATION
from tests.train.data.mesh_folder import striped, write_glb, write_obj, write_ply
from train.data.held_out import photograph
from train.data.mesh_files import MeshFilesError
from train.data.mesh_objects import MeshObjects
from train.metrics.mask_iou import mask_iou


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("meshes")
    write_glb(place / "a.glb")
    write_obj(place / "b")
    striped().save(place / "b" / "paint.png")
    write_ply(place / "c.ply")
    (place / "d.glb").write_bytes(b"none")
    (place / "flat.obj").write_text("v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n")
    return place


def test_every_readable_mesh_is_an_object_and_the_others_are_named(folder: Path) -> None:
    source = MeshObjects(folder, "y", "+z", seed=1)
    assert source.names == ["a.glb", "b/box.obj", "c.ply"]
    assert [item.name for item in source.skipped] == ["d.glb", "flat.obj"]
    with pytest.raises(MeshFilesError, match=r"none of its 1 meshes is usable: d\.glb"):
        (folder.parent / "bad").mkdir(exist_ok=True)
        (folder.parent / "bad" / "d.glb").write_bytes(b"none")
        MeshObjects(folder.parent / "bad", "y", "+z", seed=1)


def test_equal_objects_of_any_format_are_equal_pictures_before_other_scenes(folder: Path) -> None:
    source = MeshObjects(folder, "y", "+z", seed=1)
    cameras = np.repeat(np.array([[25.0, 12, 5, 0, 0]], np.float32), 3, 0)
    taken = source.views(np.arange(3), cameras, 48)
    assert mask_iou(taken.masks[0], taken.masks[1]) == 1
    assert mask_iou(taken.masks[0], taken.masks[2]) == 1
    corners = taken.images[:, :6, :6].reshape(3, -1).astype(float)
    assert np.abs(corners[0] - corners[1]).mean() > 5
    middle = taken.images[0][taken.masks[0] == 255].astype(int)
    assert (middle[:, 1] > middle[:, 0]).any() and (middle[:, 0] > middle[:, 1]).any()


def test_the_front_is_seen_from_azimuth_0(folder: Path) -> None:
    source = MeshObjects(folder, "y", "+z", seed=1)
    for azimuth, channel in ((0, 1), (180, 0)):
        taken = source.views(np.array([0]), np.array([[azimuth, 0, 5, 0, 0]], np.float32), 32)
        assert taken.images[0, 16, 16].argmax() == channel
    turned = MeshObjects(folder, "y", "-z", seed=1)
    taken = turned.views(np.array([0]), np.array([[0, 0, 5, 0, 0]], np.float32), 32)
    assert taken.images[0, 16, 16].argmax() == 0


def test_truth_is_the_same_for_a_seed_and_another_for_another(folder: Path) -> None:
    first, again, other = (
        photograph(MeshObjects(folder, "y", "+z", seed), 3, 32, seed) for seed in (4, 4, 5)
    )
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.novel_images, again.novel_images)
    assert not np.array_equal(first.cameras, other.cameras)
    assert not np.array_equal(first.images, other.images)
    assert first.names == ["a.glb", "b/box.obj", "c.ply"]
    assert np.all((first.cameras[:, AZIMUTH] >= 0) & (first.cameras[:, AZIMUTH] < 360))
    assert np.all((first.cameras[:, ELEVATION] >= 0) & (first.cameras[:, ELEVATION] <= 30))
    assert np.all((first.cameras[:, DISTANCE] >= 5) & (first.cameras[:, DISTANCE] <= 6.2))
    # Nothing is cut off.
    edges = np.concatenate([first.masks[:, 0], first.masks[:, -1], first.masks[:, :, 0]], axis=1)
    assert edges.max() == 0 and first.masks.max() == 255
    assert all(shape.hollow for shape in first.shapes)
