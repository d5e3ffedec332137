import numpy as np
import pytest
from PIL import Image

from train.config import Config, PhotographsConfig, override
from train.data import vehicles
from train.data.picture_files import PhotographsError
from train.running.workspace import Workspace
from train.stages import photographs

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
    monkeypatch.setattr(photographs.os, "sched_getaffinity", lambda process: {0})
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


def of_folder(path) -> Config:
    return Config(photographs=PhotographsConfig(source=str(path), size=32))


def test_a_folder_gives_its_readable_photographs_and_names_the_others(tmp_path):
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (50, 40), (40 * number, 0, 0)).save(folder / f"{number}.png")
    (folder / "broken.jpg").write_bytes(b"no photograph")
    workspace = Workspace(tmp_path / "run")
    photographs.run(of_folder(folder), workspace)
    stage = workspace.stage("photographs")
    images = np.load(stage.require("images.npy"))
    assert images.shape == (3, 32, 32, 3)
    assert images[:, 16, 16, 0].tolist() == [0, 40, 80]
    facts = stage.facts()
    assert (facts["count"], facts["masks"]) == (3, False)
    assert [line.split(":")[0] for line in facts["skipped"]] == ["broken.jpg"]


def test_transparency_gives_masks(tmp_path):
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(2):
        picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
        picture.paste((200, 10, 10, 255), (16, 16, 48, 48))
        picture.save(folder / f"{number}.png")
    workspace = Workspace(tmp_path / "run")
    photographs.run(of_folder(folder), workspace)
    masks = np.load(workspace.stage("photographs").require("masks.npy"))
    assert masks.shape == (2, 32, 32)
    assert masks[0, 16, 16] == 255 and masks[0, 2, 2] == 0
    # On one grey a GAN would draw one view: each stands on a ground of its own.
    images = np.load(workspace.stage("photographs").require("images.npy"))
    assert np.load(workspace.stage("photographs").require("cut_outs.npy")).tolist() == [1, 1]
    around = images[:, masks[0] == 0].astype(float)
    assert around.std(axis=(1, 2)).min() > 20 and np.abs(around[0] - around[1]).mean() > 20
    assert images[0, 16, 16].tolist() == [200, 10, 10]


def test_photographs_without_the_mask_that_the_others_bring_are_named(tmp_path, capsys):
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(3):
        picture = Image.new("RGBA", (64, 64), (9, 9, 9, 255 if number == 1 else 0))
        picture.paste((200, 10, 10, 255), (16, 16, 48, 48))
        picture.save(folder / f"{number}.png")
    workspace = Workspace(tmp_path / "run")
    photographs.run(override(of_folder(folder), export={"category": "birds"}), workspace)
    said = capsys.readouterr().err
    assert "1 of 3 bring no mask (an alpha channel), so none is used: 1.png" in said
    assert "taken for" not in said and not workspace.stage("photographs").facts()["masks"]


def test_photographs_are_said_to_be_taken_for_vehicles(tmp_path, capsys):
    Image.new("RGB", (50, 40)).save(tmp_path / "a.png")
    photographs.run(of_folder(tmp_path), Workspace(tmp_path / "run"))
    said = capsys.readouterr().err
    assert "taken for vehicles: if they show something else" in said and "no mask" not in said


def test_a_folder_of_nothing_usable_is_refused(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no photograph")
    with pytest.raises(PhotographsError):
        photographs.run(of_folder(tmp_path), Workspace(tmp_path / "run"))
