import numpy as np
import pytest
import trimesh
from PIL import Image, ImageDraw

from graphics.frames import frame_around
from tests.train.data.mesh_folder import write_glb, write_obj
from train.config import Config, ConfigError, CutoutsConfig, ExportConfig
from train.config.checks import check
from train.data.cutouts import CutOutBatch
from train.data.picture_files import PhotographsError
from train.running.workspace import Workspace, WorkspaceError
from train.stages import cutouts

BOX = (20, 10, 60, 40)
"""Left, top, right, bottom of the object in photographs of 100 x 50 px."""


def cut(path, **settings) -> tuple[dict, CutOutBatch | None]:
    """The stage's facts and what it wrote."""
    workspace = Workspace(path / "run")
    cutouts.run(Config(cutouts=CutoutsConfig(size=64, **settings)), workspace)
    folder = workspace.stage("cutouts")
    written = (folder.path / "images.npy").exists()
    return folder.facts(), CutOutBatch.read(folder.path) if written else None


def write_photograph(folder, number: int, mask: bool = True) -> None:
    (folder / "masks").mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (100, 50), (0, 0, 255))
    ImageDraw.Draw(image).rectangle((20, 10, 59, 39), fill=(10 * number, 0, 0))
    image.save(folder / f"{number}.png")
    if mask:
        drawn = Image.new("L", (100, 50))
        ImageDraw.Draw(drawn).rectangle((20, 10, 59, 39), fill=255)
        drawn.save(folder / "masks" / f"{number}.png")


@pytest.fixture
def photographs(tmp_path):
    """Ten rows: number 4 has no mask, number 5 is broken."""
    folder = tmp_path / "photos"
    for number in range(10):
        write_photograph(folder, number, mask=number != 4)
    (folder / "5.png").write_bytes(b"no picture")
    rows = [f"{number}.png,{30 * number},{'' if number % 2 else number}" for number in range(10)]
    head = "file,azimuth_degrees,elevation_degrees"
    (folder / "photos.csv").write_text("\n".join([head, *rows]) + "\n")
    return folder


def test_labelled_photographs_are_cut_out_but_for_those_held_out(photographs, tmp_path):
    facts, made = cut(tmp_path, photographs=str(photographs), held_out=3)
    used = np.array([1, 2, 7, 8])  # 0, 3, 6 and 9 are held out
    np.testing.assert_array_equal(made.images[:, 32, 32, 0], 10 * used)
    np.testing.assert_array_equal(made.cameras[:, 0], 30 * used)
    np.testing.assert_array_equal(made.cameras[:, 1], [np.nan, 2, np.nan, 8])
    assert np.isnan(made.cameras[:, 2:]).all() and (made.kinds == 1).all()
    masks = made.images[..., 3] > 127
    side = frame_around(*BOX).side
    assert masks.mean((1, 2)) == pytest.approx(40 * 30 / side**2, rel=0.05)
    assert (made.images[:, 1, 1, 2] == 255).all()  # its surroundings stay
    assert facts["count"] == facts["photographed"] == 4
    assert [line.split(":")[0] for line in facts["skipped"]] == ["5.png", "4.png"]


def test_a_table_whose_rows_are_all_held_out_says_so(photographs, tmp_path):
    (photographs / "photos.csv").write_text("file,azimuth_degrees\n1.png,30\n")
    with pytest.raises(PhotographsError, match="1 rows, and all are held out"):
        cut(tmp_path, photographs=str(photographs))
    with pytest.raises(ConfigError, match=r"--cutouts\.held-out 1: must be 0, or 2 and more"):
        CutoutsConfig(held_out=1)


def test_photographs_without_any_mask_are_refused(tmp_path):
    write_photograph(tmp_path / "photos", 1, mask=False)
    (tmp_path / "photos/photos.csv").write_text("file,azimuth_degrees\n1.png,30\n")
    with pytest.raises(PhotographsError, match="names the object"):
        cut(tmp_path, photographs=str(tmp_path / "photos"), held_out=0)


def test_meshes_are_rendered_from_every_view_and_a_broken_one_harms_none(tmp_path, capsys):
    meshes = tmp_path / "meshes"
    write_glb(write_obj(meshes, texture="none.png").parent / "box.glb")
    (meshes / "ball.obj").write_text(trimesh.creation.icosphere(1).export(file_type="obj"))
    facts, made = cut(tmp_path, meshes=str(meshes), views_per_mesh=3)
    assert facts == {"count": 6, "photographed": 0, "skipped": []}
    assert "box.obj is left out: it lacks what it names" in capsys.readouterr().err
    assert (made.kinds == 0).all() and not np.isnan(made.cameras).any()
    assert len(np.unique(made.cameras[:, 0])) == 6 and (made.cameras[:, 3:] == 0).all()
    masks = made.images[..., 3] > 127
    assert (masks.mean((1, 2)) > 0.1).all()
    lines, columns = masks.any(2), masks.any(1)
    filled = np.maximum(lines.sum(1), columns.sum(1)) / 64
    assert (filled < 0.93).all() and (filled > 0.4).all()


@pytest.mark.slow
def test_procedural_vehicles_are_a_function_of_the_seed(tmp_path):
    facts, made = cut(tmp_path, procedural=3)
    again = cut(tmp_path / "again", procedural=3)[1]
    assert facts["count"] == 3 and len(np.unique(made.cameras[:, 0])) == 3
    np.testing.assert_array_equal(made.images, again.images)


def test_where_nothing_is_wanted_nothing_is_written(tmp_path):
    facts, made = cut(tmp_path)
    assert facts == {"count": 0, "photographed": 0, "skipped": []} and made is None


def test_other_settings_are_refused_on_the_same_folder(tmp_path):
    cut(tmp_path)
    with pytest.raises(WorkspaceError, match="held_out: 5 -> 4"):
        cut(tmp_path, held_out=4)


@pytest.mark.parametrize(
    ("settings", "category", "words"),
    [
        ({"photographs": "nowhere"}, "vehicles", "nowhere: no such folder, or no photos.csv"),
        ({"meshes": "nowhere"}, "vehicles", "--cutouts.meshes nowhere: no such folder"),
        ({"procedural": 9}, "birds", "--cutouts.procedural 9 renders road vehicles"),
    ],
)
def test_what_could_not_be_used_is_refused_before_the_stages_before_it(settings, category, words):
    config = Config(cutouts=CutoutsConfig(**settings), export=ExportConfig(category=category))
    with pytest.raises(ConfigError, match=words):
        check(config, ["cutouts"])
    check(config, ["export"])
