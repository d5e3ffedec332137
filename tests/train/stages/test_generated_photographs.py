"""Photographs drawn from an imported StyleGAN2, where there are no others."""

import numpy as np
import onnx
import pytest
import torch

from tests.train.checkpoints.official_files import (
    discriminator_weights,
    generator_weights,
    nvidia_pickle,
)
from train import cycle
from train.checkpoints.stylegan_file import import_file
from train.config import Config, ConfigError, GanConfig, PhotographsConfig, override
from train.models.onnx_files import export_graph
from train.models.segmenter import Segmenter
from train.models.serving_graphs import SegmenterGraph
from train.models.weights import load_generator
from train.running.workspace import Workspace, WorkspaceError
from train.stages import photographs, segmenter

SIZE, COUNT = 32, 150
pytestmark = pytest.mark.slow
BIRDS = ["export.category=birds", "viewpoints.annotator=auto"]


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imported")
    judge = discriminator_weights(SIZE)
    (folder / "car.pkl").write_bytes(nvidia_pickle(generator_weights(SIZE), judge))
    import_file(folder / "car.pkl", folder)
    return folder


@pytest.fixture(scope="module")
def middle(tmp_path_factory):
    """A segmenter as others may bring it, which finds everything."""
    path = tmp_path_factory.mktemp("given") / "segmenter.onnx"
    network = Segmenter(4)
    network.head.weight.data.zero_()
    network.head.bias.data.fill_(8.0)
    example = torch.zeros(2, SIZE, SIZE, 3, dtype=torch.uint8)
    onnx.save(export_graph(SegmenterGraph(network), {"images": example}, ["masks"]), path)
    return path


def config_of(folder, count=COUNT, seed=3, **settings):
    given = {"source": "checkpoint", "count": count, "size": SIZE, **settings}
    return Config(
        seed=seed,
        rounds=1,
        photographs=PhotographsConfig(**given),
        gan=GanConfig(checkpoint=str(folder)),
    )


def drawn(path, config):
    workspace = Workspace(path)
    photographs.run(config, workspace)
    return np.load(workspace.stage("photographs").require("images.npy"))


def test_they_are_those_of_checkpoint_truncation_seed_and_index(tmp_path, imported):
    images = drawn(tmp_path / "a", config_of(imported))
    assert images.shape == (COUNT, SIZE, SIZE, 3) and images.dtype == np.uint8
    fewer = drawn(tmp_path / "b", config_of(imported, count=70))
    assert np.array_equal(images[:70], fewer)
    assert len(np.unique(images.reshape(COUNT, -1), axis=0)) == COUNT
    assert not np.array_equal(images, drawn(tmp_path / "c", config_of(imported, seed=4)))
    alike = drawn(tmp_path / "d", config_of(imported, truncation=0.1))
    assert alike.std(axis=0).mean() < 0.5 * images.std(axis=0).mean()


def test_they_are_what_the_generator_makes_of_one_code(tmp_path, imported):
    generator = load_generator(imported / "generator.safetensors").eval()
    first = drawn(tmp_path, config_of(imported, truncation=1.0))[0]
    z = torch.randn((64, generator.shape.code), generator=torch.Generator().manual_seed(3_000_009))
    with torch.no_grad():
        w = generator.mapping(z)[:1]
        image = generator.synthesize(generator.styles(w, w), noise=None)[0]
    wanted = ((image + 1) / 2).clamp(0, 1).permute(1, 2, 0) * 255
    assert np.abs(first - wanted.numpy()).max() < 1


def test_a_killed_run_goes_on_behind_its_checkpoint(tmp_path, imported, monkeypatch):
    real, asked = photographs.generate, []

    def until_killed(generator, contents, views):
        asked.append(1)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return real(generator, contents, views)

    whole = drawn(tmp_path / "whole", config_of(imported))
    monkeypatch.setattr("train.running.workspace.CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(photographs, "generate", until_killed)
    with pytest.raises(KeyboardInterrupt):
        drawn(tmp_path / "killed", config_of(imported))
    folder = Workspace(tmp_path / "killed").stage("photographs")
    assert not folder.done and not folder.file("images.npy").exists()
    again = drawn(tmp_path / "killed", config_of(imported))
    assert len(asked) == 4  # the third batch alone was drawn again
    assert np.array_equal(whole, again)
    facts = folder.facts()
    assert (facts["source"], facts["count"], facts["masks"]) == ("checkpoint", COUNT, False)
    assert facts["imported"]["source"] == "car.pkl"


def test_another_truncation_does_not_go_on(tmp_path, imported):
    drawn(tmp_path, config_of(imported))
    with pytest.raises(WorkspaceError, match=r"truncation: 0\.7 -> 0\.9"):
        drawn(tmp_path, config_of(imported, truncation=0.9))


def test_without_a_checkpoint_they_are_refused(tmp_path, capsys):
    with pytest.raises(ConfigError, match=r"name its folder with --gan\.checkpoint"):
        drawn(tmp_path / "a", config_of(""))
    arguments = ["--preset", "smoke", "--run", str(tmp_path / "b"), "--data", "checkpoint"]
    assert cycle.main(arguments) == cycle.UNUSABLE
    assert "name its folder with --gan.checkpoint" in capsys.readouterr().err


def run_cycle(path, imported, *settings):
    given = [
        f"photographs.size={SIZE}", "photographs.count=64", "photographs.source=checkpoint",
        f"gan.checkpoint={imported}", "gan.init=scratch", "gan.warm_start=false",
        "gan.conditioned_kimg=0.016", "gan.batch_size=8", "viewpoints.classifier=train",
        "viewpoints.classifier_steps=2", "viewpoints.candidates=40", "viewpoints.contents=4",
        "viewpoints.largest_std_degrees=400", "viewpoints.annotator=classifier",
        "multiview.objects=12", "multiview.views=4", "multiview.cameras=9",
        "multiview.smallest_mask=0", "multiview.largest_border=1", "inverse.steps=2",
        "inverse.batch_size=4", "inverse.width=8", "inverse.template_level=1",
        "inverse.texture_size=16", "evaluate.single_view_baseline=false",
        "cameras.largest_mirror_degrees=400", *settings,
    ]  # fmt: skip
    stages = "photographs,segmenter,gan,viewpoints,cameras,multiview,inverse"
    flags = [f"--{setting}" for setting in given]
    return cycle.main(["--preset", "smoke", "--run", str(path), "--stages", stages, *flags])


def test_the_cycle_reaches_camera_conditioned_rounds_from_nothing_but_a_checkpoint(
    tmp_path, imported, middle
):
    assert run_cycle(tmp_path, imported, f"segmenter.onnx={middle}") == 0
    workspace = Workspace(tmp_path)
    assert workspace.stage("inverse", 1).done
    camera_conditioned = load_generator(workspace.stage("gan", 1).require("generator.safetensors"))
    assert camera_conditioned.camera_conditioned and camera_conditioned.shape.size == SIZE
    assert workspace.stage("cameras", 1).facts()["photographs"] == 64


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (BIRDS, "is trained on procedural vehicles and would find nothing else"),
        (["segmenter.onnx=none.onnx"], "--segmenter.onnx none.onnx: no such file"),
    ],
)
def test_masks_that_nothing_can_find_are_refused_before_the_first_stage(
    tmp_path, imported, capsys, settings, said
):
    assert run_cycle(tmp_path, imported, *settings) == cycle.UNUSABLE
    assert said in capsys.readouterr().err
    assert not (tmp_path / "photographs").exists()


def test_a_segmenter_of_another_kind_ends_with_status_2(tmp_path, imported, capsys):
    (tmp_path / "given.onnx").write_bytes(b"nothing")
    assert run_cycle(tmp_path, imported, f"segmenter.onnx={tmp_path / 'given.onnx'}") == 2
    assert "is not a readable ONNX graph" in capsys.readouterr().err


def test_vehicles_of_a_checkpoint_are_masked_by_what_a_segmenter_of_procedural_ones(
    tmp_path, capsys
):
    workspace = Workspace(tmp_path)
    workspace.stage("photographs").file("done.json").write_text('{"masks": false}')
    config = override(config_of("imported"), segmenter={"steps": 1})
    segmenter.run(config, workspace)
    assert (
        "is trained on procedural vehicles, for these photographs bring" in capsys.readouterr().err
    )
