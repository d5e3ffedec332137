"""Trainings of hardly any steps, as one tries first: whole, and of numbers.

Reports of the kind: schedules divide by the steps of a phase that has none or one; a phase that is
left out leaves out what its end was to do; NaN is written into files that are no JSON then.
"""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from tests.train.stages.test_gan import new_workspace
from tests.train.stages.test_inverse import config_of, run_folder
from tests.train.stages.tiny_run import SIZE, tiny_config, tiny_run
from train.config import CommandError, Config, GanConfig, PhotographsConfig
from train.running.progress import Progress
from train.running.workspace import Workspace
from train.stages import disentangle, gan, inverse

pytestmark = pytest.mark.slow


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


def numbers_of(workspace, stage, round=0):
    """What the stage has recorded; fails where anything of it is no number."""
    folder = workspace.stage(stage, round)
    assert folder.done
    log = workspace.path / "stats.jsonl"
    for line in log.read_text().splitlines() if log.exists() else []:
        json.loads(line, parse_constant=refuse)
    for path in folder.path.rglob("*.safetensors"):
        assert all(torch.isfinite(tensor).all() for tensor in load_file(path).values()), path
    return json.loads((folder.path / "done.json").read_text(), parse_constant=refuse)


@pytest.mark.parametrize(("round", "steps"), [(0, 0), (0, 1), (0, 2), (1, 1)])
def test_a_gan(tmp_path, round, steps):
    kimg = steps * 4 / 1000
    settings = GanConfig(
        kimg=kimg, conditioned_kimg=kimg, warm_start=False, batch_size=4, processes=1, r1_every=2
    )
    config = Config(photographs=PhotographsConfig(size=SIZE, count=64), gan=settings)
    workspace = new_workspace(tmp_path)
    gan.run(config, workspace, round)
    numbers = numbers_of(workspace, "gan", round)
    assert ("loss_g" in numbers) == (steps > 0)


@pytest.mark.parametrize("steps", [1, 2])
def test_an_inverse_network(tmp_path, steps):
    config = config_of(steps=steps, single_view=False)
    config = replace(config, inverse=replace(config.inverse, processes=1))
    workspace = run_folder(tmp_path, config)
    inverse.run(config, workspace, 0)
    numbers_of(workspace, "inverse")


@pytest.mark.parametrize("steps", [(1, 0), (0, 1)], ids=str)
def test_a_disentangled_gan(tmp_path, steps):
    config = tiny_config(images=64, warmup_steps=steps[0], steps=steps[1], batch_size=8)
    workspace = tiny_run(tmp_path, config)
    disentangle.run(config, workspace, 0)
    numbers = numbers_of(workspace, "disentangle")
    assert {"after_warm_up", "after_fine_tuning"} <= set(numbers)
    if steps[1] == 0:  # the end of the warm-up is that of the whole
        assert numbers["after_warm_up"] == numbers["after_fine_tuning"]


@pytest.mark.parametrize("lost", [float("nan"), float("inf")])
def test_a_training_whose_loss_is_no_number_ends_with_the_reason(tmp_path, lost):
    workspace = Workspace(tmp_path)
    progress = Progress(workspace, "gan", total=100, every=0)
    progress.tick(1, loss_g=0.5)
    with pytest.raises(CommandError, match=r"gan, step 2: loss_g is (nan|inf).*--redo"):
        progress.tick(2, loss_g=torch.tensor(lost), loss_d=1.0)
    assert len((tmp_path / "stats.jsonl").read_text().splitlines()) == 1


def test_the_time_left_is_not_known_before_a_step_is_timed(capsys):
    Progress(None, "photographs", total=10**9, every=0).tick(0)
    assert "left ?" in capsys.readouterr().err
