import os
from pathlib import Path

import pytest
from PIL import Image

from graphics.frames import FRAME
from tests.train.annotation.annotation_page import island
from tests.train.annotation.photo_folder import write_photos
from tests.train.smallest_bundle import write_bundle
from train.annotate import main

BRIGHT = {"dark.png": (40,) * 3, "light.png": (250,) * 3, "more/middle.jpg": (120,) * 3}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "cars", BRIGHT)


def test_photographs_are_predicted_ordered_and_written(
    bundle: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "none.jpg").write_bytes(b"none")
    write_photos(folder / "masks", {"dark.png": (255,) * 3})
    (folder / "photos.csv").write_text("file,azimuth_degrees\nlight.png,-90\n")
    assert main([str(folder), "--bundle", str(bundle)]) == 0
    printed = capsys.readouterr()
    page = folder / "photos.html"
    assert f"page: {page} (3 photographs, 1 of them labelled, 0.0 MB)" in printed.out
    assert "train.annotate: none.jpg is left out: the file is text, not a JPEG" in printed.err
    content = island(page)
    assert (content["name"], content["category"]) == ("cars", "vehicles")
    # The bundle is as confident as its photograph is bright, and always says 30 degrees.
    asked = [(entry["file"], entry["predicted"]) for entry in content["photos"]]
    assert asked == [("dark.png", 30), ("more/middle.jpg", 30), ("light.png", 30)]
    sure = [entry["confidence"] for entry in content["photos"]]
    assert sure == pytest.approx([40 / 255, 120 / 255, 250 / 255], abs=0.01)
    assert [entry["answer"] for entry in content["photos"]] == [None, None, 270]


def test_the_page_may_lie_elsewhere(bundle: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "build" / "page.html"
    assert main([str(folder), "--bundle", str(bundle), "--out", str(out)]) == 0
    assert len(island(out)["photos"]) == 3
    assert sorted(path.name for path in folder.iterdir()) == ["dark.png", "light.png", "more"]


def test_alpha_channels_are_masks(bundle: Path, tmp_path: Path) -> None:
    cut = Image.new("RGBA", (64, 64), (255, 255, 255, 0))
    cut.paste((10, 10, 10, 255), (16, 16, 48, 48))
    cut.save(tmp_path / "cut.png")
    assert main([str(tmp_path), "--bundle", str(bundle)]) == 0
    (entry,) = island(tmp_path / "photos.html")["photos"]
    # As confident as the mask is large: a square object takes 1 / FRAME of the frame's side.
    assert entry["confidence"] == pytest.approx(1 / FRAME**2, abs=0.04)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no/such"], "no/such is not a folder"),
        (["cars", "--bundle", "cars"], "cars is not a readable bundle"),
        (["cars", "--out", "photos.csv"], "--out photos.csv: must end in .html"),
        (["cars", "--out", "cars/dark.png/page.html"], "cannot be written in cars/dark.png"),
        (["cars", "--out", "folder.html"], "folder.html is a folder: name a file"),
        (["empty"], "empty holds no picture"),
        (["broken"], "none of 1 photographs can be used"),
        (["wrong"], "row 1: there is no file 'x.png'"),
        (["cars", "--steps", "3"], "Unrecognized options: --steps"),
        ([], "Missing from python -m train.annotate: FOLDER"),
    ],
)
def test_what_cannot_be_used_is_refused(
    bundle: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(folder.parent)
    for name in ("empty", "broken", "wrong", "folder.html"):
        Path(name).mkdir()
    Path("broken/a.jpg").write_bytes(b"none")
    Path("wrong/photos.csv").write_text("file,azimuth_degrees\nx.png,3\n")
    given = [] if "--bundle" in arguments or not arguments else ["--bundle", str(bundle)]
    assert main([*given, *arguments]) == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", "").split())
    assert not list(folder.parent.rglob("photos.html"))


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_a_name_that_no_table_can_hold_is_left_out(
    bundle: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.rename(folder / "dark.png", os.fsencode(folder) + b"/\xff.png")
    assert main([str(folder), "--bundle", str(bundle)]) == 0
    assert "its name is not UTF-8" in capsys.readouterr().err
    assert len(island(folder / "photos.html")["photos"]) == 2
