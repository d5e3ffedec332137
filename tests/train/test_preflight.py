import json
import shlex

import numpy as np
import pytest

from tests.public_reports.test_silent_failures import coloured, folder_of
from train import cycle, preflight
from train.preparing import probe
from train.preparing.probe import StageTime
from train.preparing.reading import expectations

pytestmark = pytest.mark.slow


def test_a_folder_is_read_timed_and_the_command_that_begins_is_given(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(probe, "SECONDS", 0.0)  # its least number of steps
    pictures = [coloured(number) for number in range(6)]
    folder = folder_of(tmp_path / "my birds", [*pictures, pictures[0]])
    (folder / "notes.txt").write_text("no picture")
    run = tmp_path / "run"
    small = ["--preset", "smoke", "--photographs.size", "32", "--inverse.width", "8"]
    given = [str(folder), *small, "--export.category", "birds", "--run", str(run)]
    assert preflight.main(given) == 3
    out, err = capsys.readouterr()
    assert "6 different photographs (1 of 7 are copies or near-copies)" in err
    assert "photographs: 7, of which 6 are different" in out
    assert "1 of 8 files are left out:" in out and "it is not named as a picture" in out
    assert "all photographs bring one" in out and "the gaps between legs" in out
    assert "time, whole presets on this machine, roughly: smoke " in out
    found = json.loads((run / "preflight.json").read_text())
    assert (found["count"], found["distinct"], found["masked"]) == (7, 6, 7)
    assert [time["name"] for time in found["times"]] == [
        "gan", "segmenter", "viewpoints, cameras", "inverse"
    ]  # fmt: skip
    assert all(time["seconds_per_step"] > 0 for time in found["times"])
    last = out.splitlines()[-1]
    assert last.endswith(found["command"]) and str(run / "preflight.txt") in last
    words = shlex.split(found["command"])
    assert words[:3] == ["python", "-m", "train.cycle"]
    again = cycle.parse_command(words[3:])
    wanted = cycle.parse_command([*given[1:], "--data", str(folder)])
    assert (again.config, again.run) == (wanted.config, wanted.run)


def test_what_cannot_begin_is_said_at_once(tmp_path, capsys):
    assert preflight.main([str(tmp_path), "--run", str(tmp_path / "run")]) == 2
    assert "holds no picture" in capsys.readouterr().err
    assert preflight.main([str(tmp_path / "nowhere")]) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_one_row_of_the_table_counts():
    for distinct in (0, 499, 500, 3_000, 60_000, 10**6):
        marks = [mark for mark, _, _ in expectations(distinct)]
        assert marks.count(">") == 1
    assert [mark for mark, _, _ in expectations(500)].index(">") == 1
    assert StageTime("gan", 120, 0.5).minutes == np.float64(1)
