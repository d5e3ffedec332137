"""OBJ files whose names hold spaces, and whose materials have none."""

import pytest

from tests.train.data.mesh_folder import striped, write_obj
from tests.train.data.test_mesh_files import is_the_box
from train.data.mesh_files import read_folder, read_mesh
from train.data.picture_files import Skipped


@pytest.mark.parametrize("name", ["my paint.png", "lack (rot) 1.png", "grün.png", "a%20b.png"])
def test_a_texture_is_found_whatever_its_name_holds(tmp_path, name):
    path = write_obj(tmp_path, name)
    striped().save(tmp_path / name.replace("%20", " "))
    assert is_the_box(read_mesh(path))


def test_a_library_of_materials_is_found_by_a_name_with_spaces(tmp_path):
    path = write_obj(tmp_path)
    (tmp_path / "box.mtl").rename(tmp_path / "my box.mtl")
    path.write_text(path.read_text().replace("mtllib box.mtl", "mtllib my box.mtl"))
    striped().save(tmp_path / "paint.png")
    assert is_the_box(read_mesh(path))


def test_a_material_without_a_name_harms_no_other_mesh(tmp_path):
    for folder in ("bad", "good"):
        write_obj(tmp_path / folder)
        striped().save(tmp_path / folder / "paint.png")
    path = tmp_path / "bad" / "box.obj"
    path.write_text(path.read_text().replace("usemtl paint", "usemtl "))
    found = dict(read_folder(tmp_path))
    assert is_the_box(found["good/box.obj"])
    bad = found["bad/box.obj"]
    assert isinstance(bad, Skipped) or len(bad.faces) == 48
