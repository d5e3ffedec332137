import dataclasses
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from tests.train.stages.tiny_run import SIZE, tiny_config, tiny_run
from train.models.stylegan_r import load_stylegan_r
from train.running.workspace import Workspace, WorkspaceError
from train.stages import disentangle
from train.steps.disentangling import CodesError


@pytest.mark.parametrize("camera_conditioned", [False, True])
def test_both_phases_run_and_leave_weights_figures_and_pictures(tmp_path, camera_conditioned):
    config = tiny_config()
    workspace = tiny_run(tmp_path, config, camera_conditioned)
    disentangle.run(config, workspace)
    folder = workspace.stage("disentangle")
    facts = folder.facts()
    for phase in ("after_warm_up", "after_fine_tuning"):
        assert set(facts[phase]) == {"style_error", "cycle", "camera", "selectors"}
        assert sum(facts[phase]["selectors"]["late"].values()) == pytest.approx(1, abs=1e-4)
        with Image.open(folder.path / f"images/{phase}.png") as grid:
            assert grid.width == 10 * SIZE * 2
    network = load_stylegan_r(folder.require("stylegan_r.safetensors"))
    assert network.generator.camera_conditioned == camera_conditioned


def test_warm_up_explains_the_styles_and_leaves_the_generator_alone(tmp_path):
    config = tiny_config(warmup_steps=60, steps=0, warmup_batch_size=32)
    workspace = tiny_run(tmp_path, config)
    training = disentangle.training_of(config, workspace, 0)
    before = training.network.generator.blocks[0].conv1.weight.clone()
    training.run()
    assert torch.equal(training.network.generator.blocks[0].conv1.weight, before)
    # The untrained inverse network says little of an object: its background has to tell most.
    assert training.facts["after_fine_tuning"]["style_error"]["own_view"] < 0.9


def test_fine_tuning_moves_the_generator_and_not_the_readers(tmp_path):
    config = tiny_config(warmup_steps=0, steps=2)
    workspace = tiny_run(tmp_path, config)
    training = disentangle.training_of(config, workspace, 0)
    initial = training.network.generator.blocks[0].conv1.weight.clone()
    read = training.encoder.inverse.code.weight.clone()
    training.run()
    assert not torch.equal(training.network.generator.blocks[0].conv1.weight, initial)
    assert torch.equal(training.encoder.inverse.code.weight, read)


def test_goes_on_from_the_previous_round(tmp_path):
    config = tiny_config(warmup_steps=1, steps=0)
    workspace = tiny_run(tmp_path, config)
    disentangle.run(config, workspace)
    tiny_run(tmp_path, config, round=1)
    disentangle.run(config, workspace, 1)
    assert workspace.stage("disentangle", 1).facts()["continued_tensors"] > 10


def test_starts_anew_where_the_generator_does(tmp_path):
    config = tiny_config(warmup_steps=1, steps=0)
    config = dataclasses.replace(config, gan=dataclasses.replace(config.gan, warm_start=False))
    workspace = tiny_run(tmp_path, config)
    disentangle.run(config, workspace)
    tiny_run(tmp_path, config, round=1)
    training = disentangle.training_of(config, workspace, 1)
    assert training.facts["continued_tensors"] == 0
    assert not training.network.selector_logits.any()
    tiny_run(tmp_path, config, round=2)
    disentangle.run(config, workspace, 1)
    later = disentangle.training_of(config, workspace, 2)
    assert later.facts["continued_tensors"] > 10 and later.network.selector_logits.any()


def test_refuses_images_of_another_generator(tmp_path):
    config = tiny_config()
    workspace = tiny_run(tmp_path, config)
    images = workspace.stage("multiview").path / "images.npy"
    np.save(images, 255 - np.load(images))
    with pytest.raises(CodesError, match="run stage `multiview` again"):
        disentangle.run(config, workspace)


def test_needs_the_stages_before_it(tmp_path):
    config = tiny_config()
    workspace = tiny_run(tmp_path, config)
    (workspace.stage("inverse").path / "done.json").unlink()
    with pytest.raises(WorkspaceError, match="stage `inverse` has to run"):
        disentangle.run(config, workspace)


class Killed(Exception):
    pass


@pytest.mark.exact
@pytest.mark.parametrize("steps_before", [4, 6])
def test_an_interrupted_run_ends_as_one_that_was_left_alone(tmp_path, monkeypatch, steps_before):
    config = tiny_config(warmup_steps=4, steps=4)
    workspace = tiny_run(tmp_path, config)
    whole = tmp_path / "whole"
    shutil.copytree(workspace.path, whole)
    disentangle.run(config, Workspace(whole))
    step = disentangle.Training._step

    def dying(training, number):
        if number == steps_before:
            raise Killed
        return step(training, number)

    monkeypatch.setattr("train.running.workspace.CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(disentangle.Training, "_step", dying)
    with pytest.raises(Killed):
        disentangle.run(config, workspace)
    monkeypatch.setattr(disentangle.Training, "_step", step)
    disentangle.run(config, workspace)
    left, right = (
        load_stylegan_r(run.stage("disentangle").require("stylegan_r.safetensors")).state_dict()
        for run in (Workspace(whole), workspace)
    )
    for name, value in left.items():
        assert torch.equal(value, right[name]), name
