import json
from types import SimpleNamespace

import torch

from train.running.progress import Progress
from train.running.workspace import Workspace


def test_a_due_report_goes_to_the_terminal_and_to_the_file(tmp_path, capsys):
    progress = Progress(Workspace(tmp_path), "inverse", total=100, round=1, every=0)
    progress.tick(5, loss=torch.tensor(0.25))
    record = json.loads((tmp_path / "stats.jsonl").read_text())
    assert (record["stage"], record["round"], record["step"]) == ("inverse", 1, 5)
    assert record["loss"] == 0.25
    assert "loss 0.25" in capsys.readouterr().err


def test_steps_that_come_several_at_once_are_timed_from_the_beginning(capsys, monkeypatch):
    now = iter((0.0, 0.0, 20.0))
    clock = SimpleNamespace(monotonic=lambda: next(now))
    monkeypatch.setattr("train.running.progress.time", clock)
    progress = Progress(None, "bundle", total=150)
    progress.tick(0)
    progress.tick(50)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.split() == ["bundle", "50/150", "2.50/s", "left", "0:00:40"]


def test_nothing_is_reported_before_its_time_but_the_last_step_always(tmp_path):
    progress = Progress(Workspace(tmp_path), "inverse", total=3, every=1e9)
    progress.tick(1)
    progress.tick(2)
    assert not (tmp_path / "stats.jsonl").exists()
    progress.tick(3)
    assert json.loads((tmp_path / "stats.jsonl").read_text())["step"] == 3
