import json
import sys

import torch

from tests.benchmarks import renderer
from tests.benchmarks.contestants import contestants
from tests.benchmarks.measure import interleaved, peak_mebibytes
from tests.benchmarks.scenes import scene

CPU = torch.device("cpu")


def test_contestants_draw_the_same_picture():
    drawn = scene(1_280, 32, 1, CPU)
    for soft in (False, True):
        sums = {w.name: w.draw(drawn).item() for w in contestants(CPU) if w.soft == soft}
        assert {"numba", "torch autograd"} <= set(sums)
        ours = sums["numba"]
        assert abs(sums["torch autograd"] - ours) < 1e-3 * ours
        # PyTorch3D takes other candidates and its own blending; the picture is the same one.
        assert all(abs(other - ours) < 0.05 * ours for other in sums.values()), sums


def test_interleaved_takes_turns_and_does_not_repeat_the_slow(monkeypatch):
    calls, took = [], {"fast": 0.1, "slow": 5.0}
    monkeypatch.setattr("tests.benchmarks.measure.seconds", lambda run, device: run())

    def run(name):
        calls.append(name)
        return took[name]

    runs = [lambda: run("fast"), lambda: run("slow")]
    fast, slow = interleaved(runs, CPU, repeats=3, patience=1.0)
    assert fast == [0.1] * 3 and slow == [5.0]
    assert calls == ["fast", "slow", "fast", "fast", "fast"]


def test_peak_memory_is_that_of_the_run():
    peak = peak_mebibytes(lambda: torch.ones(64, 2**18).sum(), CPU)
    assert peak is None or 60 < peak < 100


def test_the_command_writes_a_table(tmp_path, monkeypatch):
    monkeypatch.setattr(renderer, "contestants", lambda device: contestants(device)[:4])
    arguments = ["--faces", "1280", "--sizes", "16", "--batch", "2", "--repeats", "1"]
    monkeypatch.setattr(sys, "argv", ["renderer", *arguments, "--out", str(tmp_path)])
    before = torch.get_num_threads()
    try:
        renderer.main()
    finally:
        torch.set_num_threads(before)
    found = json.loads((tmp_path / "renderer.json").read_text())
    kinds = {(row["soft"], row["backward"]) for row in found["rows"]}
    assert len(kinds) == 4 and all(row["ms"] > 0 for row in found["rows"])
    assert min(row["ratio"] for row in found["rows"] if row["contestant"] == "numba") == 1.0
    text = (tmp_path / "renderer.md").read_text()
    assert "| 1,280 | 16 | soft, backward |" in text and "| faces | px | | numba |" in text
