import json
import subprocess
import sys

import pytest
import torch

from train.config import InverseConfig, SegmenterConfig
from train.running.workspace import StepLoop, Workspace, WorkspaceError, write_atomically


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "a.json"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "text, not bytes")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_stages_of_a_round_have_a_folder_per_round_and_the_others_one(tmp_path):
    workspace = Workspace(tmp_path)
    assert workspace.stage("inverse", 1).path == tmp_path / "round_1" / "inverse"
    assert workspace.stage("export", 1).path == tmp_path / "export"


def test_a_started_stage_refuses_other_settings_and_names_them(tmp_path):
    folder = Workspace(tmp_path).stage("segmenter")
    folder.start(SegmenterConfig())
    folder.start(SegmenterConfig())
    with pytest.raises(WorkspaceError, match="steps: 800 -> 5"):
        folder.start(SegmenterConfig(steps=5))


def test_a_result_of_an_unfinished_stage_is_refused(tmp_path):
    folder = Workspace(tmp_path).stage("inverse")
    folder.start(InverseConfig())
    folder.file("mean.npz").write_bytes(b"half")
    with pytest.raises(WorkspaceError, match="`inverse` has to run to its end first"):
        folder.require("mean.npz")
    folder.finish(iou=0.5)
    assert folder.require("mean.npz").exists()
    assert folder.facts() == {"iou": 0.5}


def test_a_checkpoint_comes_back_and_goes_when_the_stage_ends(tmp_path):
    folder = Workspace(tmp_path).stage("inverse")
    assert folder.load_checkpoint() is None
    folder.save_checkpoint({"step": 3, "weights": torch.arange(4)})
    saved = folder.load_checkpoint()
    assert saved["step"] == 3
    assert saved["weights"].tolist() == [0, 1, 2, 3]
    folder.finish()
    assert folder.load_checkpoint() is None


def test_a_stopped_loop_goes_on_at_its_last_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr("train.running.workspace.CHECKPOINT_SECONDS", 0.0)
    folder = Workspace(tmp_path).stage("inverse")
    total = 0
    loop = StepLoop(folder, 10, lambda: {"total": total})
    for step in loop:
        if step == 6:
            break
        total += step
    saved = folder.load_checkpoint()
    assert (saved["step"], saved["total"]) == (6, sum(range(6)))
    again = StepLoop(folder, 10, dict)
    restored = []
    again.resume(restored.append)
    assert restored == [saved]
    assert list(again) == [6, 7, 8, 9]


def test_a_run_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceError, match="give another with --run"):
        Workspace(tmp_path / "file" / "run")


def test_stats_are_one_json_object_a_line(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.append("stats.jsonl", {"step": 1})
    workspace.append("stats.jsonl", {"step": 2})
    lines = (tmp_path / "stats.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2]


HOLDER = """
import sys, time
from pathlib import Path
from train.running.workspace import Workspace
with Workspace(Path(sys.argv[1])).lock():
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_is_used_by_one_command_at_a_time_and_free_again_after_a_kill(tmp_path):
    workspace = Workspace(tmp_path)
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE) as one:
        assert one.stdout.readline() == b"held\n"
        with pytest.raises(WorkspaceError, match="another command is using"), workspace.lock():
            pytest.fail("two hold the folder")
        one.kill()
    with workspace.lock():
        pass
