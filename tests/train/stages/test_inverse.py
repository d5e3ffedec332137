import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from tests.train.stages.tiny_run import SIZE, VIEWS, tiny_config, tiny_run
from train.config import Config, EvaluateConfig
from train.models.discriminator import Discriminator, DiscriminatorShape
from train.models.inverse_graphics import (
    InverseGraphics,
    InverseGraphicsShape,
    load_inverse_graphics,
)
from train.models.weights import save_weights
from train.running.device import Device, launch
from train.running.workspace import Workspace
from train.stages import inverse
from train.steps.inverse import InverseTraining

pytestmark = pytest.mark.slow

LABELLED_ELEVATION = 21.0
"""Degrees, unlike that of any generated view."""
LABELLED_DISTANCE = 5.6


class Interrupted(Exception):
    """Stands for a kill between two steps."""


def config_of(steps: int, single_view: bool) -> Config:
    config = tiny_config()
    return replace(
        config,
        rounds=1,
        inverse=replace(config.inverse, steps=steps, batch_size=4, perceptual_after=1),
        evaluate=EvaluateConfig(single_view_baseline=single_view, baseline_steps=2),
    )


def run_folder(path, config: Config) -> Workspace:
    """The tiny run with a discriminator and without the inverse stage's own results."""
    workspace = tiny_run(path, config)
    torch.manual_seed(0)
    discriminator = Discriminator(DiscriminatorShape(SIZE, camera_conditioned=True))
    save_weights(workspace.stage("gan").file("discriminator.safetensors"), discriminator, {})
    for file in workspace.stage("inverse").path.iterdir():
        file.unlink()
    return workspace


def test_the_stage_leaves_networks_cameras_and_the_mean(tmp_path):
    config = config_of(steps=3, single_view=True)
    workspace = run_folder(tmp_path, config)
    inverse.run(config, workspace, 0)
    folder = workspace.stage("inverse")
    assert folder.done
    for name in ("inverse_graphics", "single_view/inverse_graphics"):
        load_inverse_graphics(folder.require(f"{name}.safetensors"))
    with np.load(folder.require("cameras.npz")) as cameras:
        assert cameras["cameras"].shape == cameras["initial"].shape == (VIEWS, 5)
        assert np.abs(cameras["cameras"][:, :2] - cameras["initial"][:, :2]).max() > 0
        assert np.array_equal(cameras["cameras"][:, 2:], cameras["initial"][:, 2:])
    with np.load(folder.require("mean.npz")) as mean:
        assert mean["texture"].shape == (3, 16, 32)
    assert {"loss", "color", "iou", "perceptual", "camera"} <= folder.facts().keys()
    with Image.open(folder.require("images/000003.png")) as grid:
        assert grid.size == (8 * SIZE * 2, 8 * SIZE * 2)


@pytest.mark.exact
def test_an_interrupted_run_ends_as_one_that_was_left_alone(tmp_path, monkeypatch):
    config = config_of(steps=4, single_view=False)
    whole, broken = (run_folder(tmp_path / name, config) for name in ("whole", "broken"))
    inverse.run(config, whole, 0)
    monkeypatch.setattr("train.running.workspace.CHECKPOINT_SECONDS", 0.0)
    step = InverseTraining.step

    def stopping(training, number):
        if number == 2:
            raise Interrupted
        return step(training, number)

    monkeypatch.setattr(InverseTraining, "step", stopping)
    with pytest.raises(Interrupted):
        inverse.run(config, broken, 0)
    monkeypatch.setattr(InverseTraining, "step", step)
    inverse.run(config, broken, 0)
    files = [w.stage("inverse").require("inverse_graphics.safetensors") for w in (whole, broken)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_round_0_takes_its_own_number_of_steps_where_rounds_follow(tmp_path):
    config = config_of(steps=9, single_view=False)
    config = replace(config, inverse=replace(config.inverse, first_steps=2))
    for rounds, steps in ((2, 2), (1, 9)):
        workspace = run_folder(tmp_path / str(rounds), config)
        inverse.run(replace(config, rounds=rounds), workspace, 0)
        ticks = (workspace.path / "stats.jsonl").read_text().splitlines()
        assert json.loads(ticks[-1])["step"] == steps


def labelled_run(path, config: Config) -> Workspace:
    """A run whose round 1 has labelled photographs, a third of them trusted."""
    workspace = tiny_run(path, config)
    tiny_run(path, config, round=1)
    discriminator = Discriminator(DiscriminatorShape(SIZE, camera_conditioned=True))
    gan = workspace.stage("gan", 1)
    save_weights(gan.file("discriminator.safetensors"), discriminator, {})
    count = config.photographs.count
    cameras = np.tile(np.float32([0, LABELLED_ELEVATION, LABELLED_DISTANCE, 0, 0]), (count, 1))
    keep = np.arange(count) % 3 == 0
    labels = {"cameras": cameras, "keep": keep, "confidences": np.ones(count, np.float32)}
    folder = workspace.stage("cameras", 1)
    folder.save_arrays("labels.npz", labels)
    folder.finish()
    return workspace


def training_of(
    config: Config, workspace: Workspace, photographs: int, device: Device | None = None
) -> InverseTraining:
    """What the stage trains in round 1."""
    settings = replace(config.inverse, photographs=photographs)
    shape = InverseGraphicsShape(SIZE, settings.width, settings.template_level, 16)
    examples = inverse._examples(config, workspace, 1, settings, torch.device("cpu"))
    features = inverse._features(workspace, 1, settings)
    torch.manual_seed(5)
    return InverseTraining(settings, InverseGraphics(shape), examples, features, 5, device)


def test_from_round_1_on_labelled_photographs_join_as_objects_with_one_view(tmp_path):
    config = replace(config_of(steps=2, single_view=False), rounds=2)
    workspace = labelled_run(tmp_path, config)
    folder = workspace.stage("inverse", 1)
    for photographs in (3, 0):
        views = training_of(config, workspace, photographs).views()
        assert views.objects.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, *range(4, 4 + photographs)]
        assert len(views.images) == len(views.masks) == len(views.cameras) == 8 + photographs
        taken = views.cameras[:, 1] == LABELLED_ELEVATION
        assert taken.tolist() == [False] * 8 + [True] * photographs
        # What the framing of an image magnifies is so much closer than its label says.
        closer = views.cameras[taken, 2] / LABELLED_DISTANCE
        assert (closer != 1).all() and ((0.01 < closer) & (closer < 3)).all()
    inverse.run(config, workspace, 1)
    assert folder.done


def test_unlabelled_elevations_are_the_network_s_own_and_one_for_each_object(tmp_path):
    config = replace(config_of(steps=2, single_view=False), rounds=2)
    workspace = labelled_run(tmp_path, config)
    viewpoints = workspace.stage("multiview", 1).file("viewpoints.npz")
    with np.load(viewpoints) as arrays:
        labelled = dict(arrays)
    labelled["cameras"][:, 1] = np.nan
    np.savez(viewpoints, **labelled)
    training = training_of(config, workspace, 3)
    assert training.views().cameras[:, 1].isnan().tolist() == [True] * 8 + [False] * 3
    assert all(value.isfinite() for value in training.step(0).values())
    assert all(p.isfinite().all() for p in (*training.network.parameters(), training.moves))
    inverse.run(config, workspace, 1)
    with np.load(workspace.stage("inverse", 1).require("cameras.npz")) as found:
        assert np.isnan(found["cameras"][:, 1]).all()
        assert found["elevations"].shape == (len(training.data.content_codes),)
        said = found["elevations"]
    network = load_inverse_graphics(
        workspace.stage("inverse", 1).require("inverse_graphics.safetensors")
    )
    data = training.data
    for number in (0, 3):
        images, masks = data.load(np.flatnonzero(data.object == number)[: inverse.ELEVATION_VIEWS])
        read = network.eval()(images, masks[:, None]).cameras[:, 1]
        assert said[number] == pytest.approx(read.mean().item(), abs=0.3)  # in bfloat16
    assert "elevation_moved_median_degrees" not in workspace.stage("inverse", 1).facts()


def camera_conditioned(
    device: Device, config: Config, workspace: Workspace, steps: int
) -> tuple[list[float], list[list[float]]]:
    """The loss of each step, and the mean of each of the first images and its labels."""
    views = training_of(config, workspace, 5, device).views()
    views = views._replace(objects=views.objects[:, None])
    training = training_of(config, workspace, 4, device)
    found = []
    for step in range(steps):
        loss = training.step(step)["loss"].clone()
        device.average([loss])
        found.append(float(loss))
    return found, [values.detach().double().flatten(1).mean(1).tolist() for values in views]


@pytest.mark.exact
def test_two_processes_follow_the_loss_curve_of_one(tmp_path):
    config = replace(config_of(steps=8, single_view=False), rounds=2)
    workspace = labelled_run(tmp_path, config)
    (alone, every), (shared, part) = (
        launch(camera_conditioned, count, "float32", config, workspace, 6) for count in (1, 2)
    )
    np.testing.assert_allclose(alone, shared, rtol=0.05)
    assert alone != shared
    assert part[-1] == [0, 0, 2, 2, 4, 6, 8]
    own = np.asarray(every[-1]) % 2 == 0
    np.testing.assert_allclose(part, np.asarray(every)[:, own], atol=1e-5)


def test_the_soft_mask_sharpens_from_the_first_step_to_the_last(tmp_path):
    config = replace(config_of(steps=3, single_view=False), rounds=2)
    config = replace(config, inverse=replace(config.inverse, sigmainv=100, last_sigmainv=10_000))
    training = training_of(config, labelled_run(tmp_path, config), 0)
    found = []
    for step in range(3):
        training.step(step)
        found.append(training.renderer.sigmainv)
    np.testing.assert_allclose(found, [100, 1_000, 10_000])


def test_cameras_of_viewpoints_that_are_seldom_seen_go_faster(tmp_path):
    config = replace(config_of(steps=3, single_view=False), rounds=2)
    workspace = labelled_run(tmp_path, config)
    rates = {}
    for steps in (1, 20, 40, 600_000):
        longer = replace(config, inverse=replace(config.inverse, steps=steps))
        rates[steps] = training_of(longer, workspace, 0).optimizer.param_groups[1]["rate"]
    usual = config.inverse.camera_learning_rate
    assert rates[20] == pytest.approx(2 * rates[40])
    assert 30 * usual == rates[1] > rates[20] > rates[40] > rates[600_000] == usual
    fixed = replace(config, inverse=replace(config.inverse, camera_learning_rate=0))
    assert training_of(fixed, workspace, 0).optimizer.param_groups[1]["rate"] == 0


@torch.no_grad()
def test_no_face_beyond_the_soft_mask_s_reach_would_have_shown(tmp_path):
    config = replace(config_of(steps=3, single_view=False), rounds=2)
    training = training_of(config, labelled_run(tmp_path, config), 0)
    views = training.views()
    shapes = training.average(views.seen, views.masks[:, None])
    rendered = training.renderer(shapes.vertices, shapes.textures, shapes.cameras).masks
    training.renderer.boxlen, training.renderer.knum = 1.0, len(training.renderer.faces)
    everywhere = training.renderer(shapes.vertices, shapes.textures, shapes.cameras).masks
    assert ((rendered > 0) & (rendered < 1)).any()
    torch.testing.assert_close(rendered, everywhere, rtol=0, atol=1e-3)
