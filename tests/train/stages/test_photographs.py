import numpy as np
import pytest

from train.config import Config, PhotographsConfig
from train.data import vehicles
from train.stages import photographs
from train.workspace import Workspace

COUNT = 1100


def config(count: int = COUNT, **settings) -> Config:
    return Config(seed=5, photographs=PhotographsConfig(count=count, size=32, **settings))


def test_procedural_photographs_are_those_of_seed_and_index(tmp_path):
    workspace = Workspace(tmp_path)
    photographs.run(config(), workspace)
    folder = workspace.stage("photographs")
    images = np.load(folder.require("images.npy"))
    assert images.shape == (COUNT, 32, 32, 3) and images.dtype == np.uint8
    chosen = [0, 511, 512, COUNT - 1]
    assert np.array_equal(images[chosen], vehicles.photographs(5, chosen, 32).images)
    assert folder.facts()["count"] == COUNT
    assert folder.facts()["masks"] is False


def test_a_killed_run_goes_on_behind_its_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(photographs, "CHUNK", 64)
    monkeypatch.setattr(photographs, "CHUNKS_PER_CHECKPOINT", 2)
    real, asked = photographs.photographs, []

    def until_killed(seed, indices, size):
        if indices[0] >= 192:
            raise KeyboardInterrupt
        return real(seed, indices, size)

    def watched(seed, indices, size):
        asked.append(int(indices[0]))
        return real(seed, indices, size)

    workspace = Workspace(tmp_path)
    monkeypatch.setattr(photographs, "photographs", until_killed)
    with pytest.raises(KeyboardInterrupt):
        photographs.run(config(300), workspace)
    folder = workspace.stage("photographs")
    assert not folder.done
    assert not folder.file("images.npy").exists()
    monkeypatch.setattr(photographs, "photographs", watched)
    photographs.run(config(300), workspace)
    assert asked == [128, 192, 256]
    images = np.load(folder.require("images.npy"))
    assert np.array_equal(images, real(5, np.arange(300), 32).images)
