import dataclasses
import json
import shutil

import pytest
import torch
from PIL import Image

from tests.train.stages.tiny_run import SIZE, tiny_config, tiny_run
from train.config import NeuralConfig
from train.models.discriminator import Discriminator, DiscriminatorShape
from train.models.neural_renderer import load_neural_renderer
from train.models.weights import save_weights
from train.running.workspace import Workspace, WorkspaceError
from train.stages import neural


def config_of(**settings):
    section = NeuralConfig(**{"images": 64, "steps": 4, "batch_size": 4, "width": 4, **settings})
    return dataclasses.replace(tiny_config(), neural=section)


def weights_of(workspace):
    path = workspace.stage("neural").require("neural_renderer.safetensors")
    return load_neural_renderer(path).state_dict()


@pytest.mark.parametrize("adversary_weight", [0, 0.1])
def test_it_trains_and_leaves_weights_errors_and_a_picture(tmp_path, adversary_weight):
    config = config_of(adversary_weight=adversary_weight, steps=30, learning_rate=5e-3)
    workspace = tiny_run(tmp_path, config)
    neural.run(config, workspace)
    facts = workspace.stage("neural").facts()
    assert facts["neural_error"] < facts["graphics_error"]
    assert facts["renderers"] == {
        "skipped": f"the attribute classifier reads 64 px, the photographs have {SIZE}"
    }
    with Image.open(workspace.stage("neural").path / "images.png") as picture:
        assert picture.width > 4 * SIZE
    logged = [json.loads(line) for line in (tmp_path / "stats.jsonl").read_text().splitlines()]
    assert ("adversary_r1" in logged[-1]) == bool(adversary_weight)


def test_it_works_at_the_side_that_gan_and_bundle_share(tmp_path):
    config = config_of(steps=1)
    config = dataclasses.replace(config, inverse=dataclasses.replace(config.inverse, size=64))
    workspace = tiny_run(tmp_path, config)
    training = neural.training_of(config, workspace, 0)
    assert training.side == training.network.shape.size == SIZE


@pytest.mark.exact
def test_an_interrupted_run_ends_as_one_that_was_left_alone(tmp_path, monkeypatch):
    config = config_of(steps=5, adversary_weight=0.1)
    workspace = tiny_run(tmp_path, config)
    shutil.copytree(workspace.path, tmp_path / "whole")
    whole = Workspace(tmp_path / "whole")
    neural.run(config, whole)
    step = neural.Training._step

    def dying(training, number):
        if number == 3:
            raise KeyboardInterrupt
        return step(training, number)

    monkeypatch.setattr("train.running.workspace.CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(neural.Training, "_step", dying)
    with pytest.raises(KeyboardInterrupt):
        neural.run(config, workspace)
    monkeypatch.setattr(neural.Training, "_step", step)
    neural.run(config, workspace)
    ours = weights_of(workspace)
    for name, value in weights_of(whole).items():
        assert torch.equal(value, ours[name]), name


def test_it_needs_the_stages_before_it(tmp_path):
    config = config_of()
    workspace = tiny_run(tmp_path, config)
    (workspace.stage("inverse").path / "done.json").unlink()
    with pytest.raises(WorkspaceError, match="stage `inverse` has to run"):
        neural.run(config, workspace)


def test_an_adversary_may_be_unconditional(tmp_path):
    config = config_of(adversary_weight=0.1, steps=2)
    workspace = tiny_run(tmp_path, config, camera_conditioned=False)
    network = Discriminator(DiscriminatorShape(SIZE, (8, 8, 8, 8), 1))
    path = workspace.stage("gan").path / "discriminator.safetensors"
    save_weights(path, network, {})
    neural.run(config, workspace)
    assert weights_of(workspace)
