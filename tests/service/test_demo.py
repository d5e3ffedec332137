import json

import pytest
import trimesh
from PIL import Image

from service import demo


@pytest.mark.server
def test_the_demo_leaves_a_mesh_per_photograph_a_sheet_and_a_report(
    bundle_folder, tmp_path, capsys
):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"junk")
    samples = sorted((bundle_folder / "samples").iterdir())
    arguments = ["--bundle", str(bundle_folder), "--out", str(tmp_path / "out")]
    assert demo.main([*arguments, *map(str, samples), str(broken)]) == 1
    assert (
        "broken.jpg: the file is text, not a JPEG, PNG, WebP, GIF, HEIC or AVIF"
        in capsys.readouterr().err
    )
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {
        "sample_0.glb", "sample_1.glb", "contact_sheet.png", "report.json",
    }  # fmt: skip
    assert len(trimesh.load(out / "sample_0.glb", force="mesh").faces) == 80
    report = json.loads((out / "report.json").read_text())
    assert (report["succeeded"], report["failed"]) == (2, 1)
    assert report["photographs"][1]["mesh"] == "sample_1.glb"
    # One row for each photograph that became a mesh.
    with Image.open(out / "contact_sheet.png") as sheet:
        assert 2 * demo.STYLE.cell < sheet.height < 3 * demo.STYLE.cell
        assert len(sheet.getcolors(1 << 20)) > 10
        assert sheet.width > 7 * demo.STYLE.cell


def test_a_bundle_that_cannot_be_served_is_one_line_and_a_status(tmp_path, capsys):
    assert demo.main(["--bundle", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "has no manifest.json" in capsys.readouterr().err


def test_what_is_not_there_is_refused_before_the_server_starts(bundle_folder, tmp_path, capsys):
    bundle = ["--bundle", str(bundle_folder)]
    assert demo.main([*bundle, "no/such.jpg", "--out", str(tmp_path / "out")]) == 2
    assert "no/such.jpg: no such file" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert demo.main([*bundle, "--out", str(tmp_path / "file")]) == 2
    assert "file" in capsys.readouterr().err
