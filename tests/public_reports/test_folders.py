"""Folders as people's systems leave them: masks in subfolders, systems' own files.

The conventions are those of archives, see `test_archives.py`.
"""

import pytest

from tests.train.data.photo_folders import mask, picture
from train.adaptation.served import photographs_of
from train.data.labelled_photos import read_labels
from train.data.mesh_files import MeshFilesError, mesh_paths
from train.data.photo_layouts import read_training
from train.data.picture_files import PhotographsError

ADDED = ["__MACOSX/cars/._a.jpg", "cars/._a.jpg", "cars/@eaDir/a.jpg", "cars/Thumbs.db"]


@pytest.fixture
def folder(tmp_path):
    """Two photographs, one with a mask beside it, and what systems add."""
    names = ["cars/a.jpg", "b.jpg", "cars/Masks/a.png", *ADDED]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shown = mask() if "Masks" in name else picture()
        shown.save(tmp_path / name, "PNG" if name.endswith("png") else "JPEG")
    return tmp_path


def test_a_training_takes_masks_beside_photographs_for_masks(folder):
    found = read_training(folder, 32)
    assert found.names == ["b.jpg", "cars/a.jpg"]
    assert found.masked.tolist() == [False, True]
    assert found.masks[1].max() == 1 and not found.masks[0].any()
    assert found.skipped == []


def test_the_nearest_mask_counts_and_one_without_a_photograph_is_named(folder):
    (folder / "masks/cars").mkdir(parents=True)
    picture().save(folder / "masks/cars/a.png")  # white nowhere
    mask().save(folder / "masks/nobody.png")
    found = read_training(folder, 32)
    assert found.masks[1].max() == 1
    (skipped,) = found.skipped
    assert skipped.name == "masks/nobody.png" and "no photograph of its name" in skipped.reason


def test_a_table_s_photographs_have_the_masks_beside_them(folder):
    (folder / "photos.csv").write_text("file,azimuth_degrees\ncars/a.jpg,0\nb.jpg,90\n")
    assert [label.mask for label in read_labels(folder)] == [folder / "cars/Masks/a.png", None]
    (folder / "masks").mkdir()
    mask().save(folder / "masks/b.png")
    assert read_labels(folder)[1].mask == folder / "masks/b.png"


def test_an_adaptation_takes_no_mask_for_a_photograph(folder):
    assert photographs_of(folder, None) == [folder / "b.jpg", folder / "cars/a.jpg"]


def test_a_folder_of_nothing_but_masks_says_so(tmp_path):
    (tmp_path / "masks").mkdir()
    mask().save(tmp_path / "masks/a.png")
    with pytest.raises(PhotographsError, match="no picture outside folders called masks"):
        read_training(tmp_path, 32)


def test_what_systems_add_is_no_mesh(tmp_path):
    (tmp_path / "__MACOSX").mkdir()
    for name in ("a.glb", "._a.glb", "__MACOSX/a.glb"):
        (tmp_path / name).write_bytes(b"x")
    assert mesh_paths(tmp_path) == [tmp_path / "a.glb"]
    (tmp_path / "a.glb").unlink()
    with pytest.raises(MeshFilesError, match="holds no"):
        mesh_paths(tmp_path)


def test_the_folder_itself_may_lie_anywhere(tmp_path):
    inside = tmp_path / "masks" / "@eaDir"
    inside.mkdir(parents=True)
    picture().save(inside / "a.jpg")
    assert read_training(inside, 32).names == ["a.jpg"]
