import dataclasses
import json

import numpy as np
import pytest
import torch
from PIL import Image

from train.config import Config, ConfigError, GanConfig, PhotographsConfig
from train.data.stream import PhotographStream
from train.models.weights import SHIPPED, load_discriminator, load_generator
from train.pictures.grid import CONTENTS, VIEWS
from train.running.workspace import UNCOUNTED, Workspace, WorkspaceError
from train.stages import gan
from train.steps.gan import GanTraining

pytestmark = pytest.mark.slow

COUNT, SIZE = 64, 32
SETTINGS = GanConfig(
    kimg=0.048, conditioned_kimg=0.048, batch_size=8, r1_every=2, channels=512, most_channels=16
)
CONFIG = Config(photographs=PhotographsConfig(size=SIZE, count=COUNT), gan=SETTINGS)
STEPS, KILLED_AT = 6, 3


def photographs():
    """Coloured discs, their cameras, and which of them to keep."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    images = np.full((COUNT, SIZE, SIZE, 3), 90, np.uint8)
    for image in images:
        centre, radius = random.uniform(10, 22, 2), random.uniform(5, 10)
        inside = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < radius**2
        image[inside] = random.integers(0, 256, 3)
    cameras = np.zeros((COUNT, 5), np.float32)
    cameras[:, 0], cameras[:, 2] = random.uniform(-180, 180, COUNT), 5.0
    return images, cameras, random.uniform(size=COUNT) < 0.9


@pytest.fixture
def workspace(tmp_path):
    return new_workspace(tmp_path / "run")


def new_workspace(path, side=SIZE):
    workspace = Workspace(path)
    images, cameras, keep = photographs()
    images = images.repeat(side // SIZE, axis=1).repeat(side // SIZE, axis=2)
    taken = workspace.stage("photographs")
    np.save(taken.file("images.npy"), images)
    taken.finish()
    for number in (1, 2):
        labelled = workspace.stage("cameras", number)
        labelled.save_arrays("labels.npz", {"cameras": cameras, "keep": keep})
        labelled.finish()
    return workspace


def weights_of(workspace, round=0):
    folder = workspace.stage("gan", round)
    networks = (
        load_generator(folder.require("generator.safetensors")),
        load_discriminator(folder.require("discriminator.safetensors")),
    )
    return [value for network in networks for value in network.state_dict().values()]


def new_training(settings=SETTINGS, camera_conditioned=False, augment=False):
    torch.manual_seed(CONFIG.seed + 1000 * camera_conditioned)
    networks = gan.new_networks(CONFIG, camera_conditioned=camera_conditioned)
    seed = CONFIG.seed + 1000 * camera_conditioned
    return GanTraining(settings, *networks, seed, augment=augment)


@pytest.mark.exact
@pytest.mark.parametrize("augment", ["off", "adaptive"])
@pytest.mark.parametrize("round", [0, 1])
def test_a_killed_run_ends_with_the_very_weights_of_an_unbroken_one(tmp_path, round, augment):
    # At 0.064 kimg p is moved by an eighth or more within six steps.
    settings = {"warm_start": False, "augment": augment, "augment_kimg": 0.064}
    config = dataclasses.replace(CONFIG, gan=dataclasses.replace(SETTINGS, **settings))
    unbroken, killed = new_workspace(tmp_path / "a"), new_workspace(tmp_path / "b")
    gan.run(config, unbroken, round)
    images, cameras, keep = photographs()
    stream = PhotographStream(images, cameras, keep) if round else PhotographStream(images)
    training = new_training(config.gan, camera_conditioned=round > 0, augment=augment == "adaptive")
    for step in range(KILLED_AT):
        training.step(stream, step)
    folder = killed.stage("gan", round)
    folder.save_checkpoint({**training.state_dict(), "step": KILLED_AT})
    gan.run(config, killed, round)
    for one, other in zip(weights_of(unbroken, round), weights_of(killed, round), strict=True):
        assert torch.equal(one, other)


@pytest.mark.exact
def test_two_processes_write_what_one_does(tmp_path):
    alone, shared = new_workspace(tmp_path / "a"), new_workspace(tmp_path / "b")
    for workspace, processes in ((alone, 1), (shared, 2)):
        settings = dataclasses.replace(
            SETTINGS,
            kimg=0.016,
            r1_every=1,
            processes=processes,
            augment="adaptive",  # without, torchrun's processes are compared with one
            precision="float32",  # bfloat16 rounds more, on a processor that computes it
        )
        gan.run(dataclasses.replace(CONFIG, gan=settings), workspace, 0)
    pairs = zip(weights_of(alone), weights_of(shared), strict=True)
    apart = torch.cat([(one - other).abs().flatten() for one, other in pairs])
    # Adam's first steps are the sign of the gradient, and rounding decides that of a gradient
    # near zero. Batches dealt out wrongly move a third of all weights.
    assert (apart > 1e-4).float().mean() < 0.02


def test_rounds_write_weights_pictures_and_figures(workspace, capsys):
    gan.run(CONFIG, workspace, 0)
    gan.run(CONFIG, workspace, 1)
    gan.run(CONFIG, workspace, 2)
    said = capsys.readouterr().err
    assert "new: camera_mapping.layers.0.weight" in said  # round 1 goes on from round 0
    for number, camera_conditioned in ((0, False), (1, True), (2, True)):
        folder = workspace.stage("gan", number)
        assert (
            load_generator(folder.require("generator.safetensors")).camera_conditioned
            == camera_conditioned
        )
        facts = folder.facts()
        assert facts["camera_conditioned"] == camera_conditioned
        assert np.isfinite([facts["loss_g"], facts["loss_d"], facts["r1"]]).all()
        with Image.open(next((folder.path / "images").glob("*.png"))) as grid:
            assert grid.size == (SIZE * VIEWS, SIZE * CONTENTS)
    assert '"loss_g"' in (workspace.path / "stats.jsonl").read_text()


def test_only_few_photographs_of_your_own_are_augmented(workspace):
    folder = workspace.stage("photographs")
    own = dataclasses.replace(CONFIG, photographs=PhotographsConfig(source="birds", size=SIZE))

    def of(config, count, augment="auto"):
        folder.finish(count=count)
        settings = dataclasses.replace(config.gan, augment=augment)
        return gan.augments(dataclasses.replace(config, gan=settings), workspace)

    assert of(own, 500) and not of(own, 50_000) and not of(CONFIG, 500)
    assert of(CONFIG, 50_000, "adaptive") and not of(own, 500, "off")


def test_a_run_may_go_on_with_another_number_of_processes_but_no_other_setting(workspace):
    gan.run(CONFIG, workspace)
    started = json.loads(workspace.stage("gan").file("started.json").read_text())
    assert set(started) == {*dataclasses.asdict(SETTINGS), "size", "seed"} - UNCOUNTED


@pytest.mark.parametrize(("size", "channels"), [(256, 2048), (512, 1024), (512, 0)])
def test_large_networks_take_a_step(size, channels):
    settings = dataclasses.replace(SETTINGS, channels=channels, most_channels=16, batch_size=2)
    photographs = PhotographsConfig(size=size, count=COUNT)
    config = dataclasses.replace(CONFIG, photographs=photographs, gan=settings)
    networks = gan.new_networks(config, camera_conditioned=True)
    if channels:
        assert networks[0].shape.channels[-2:] == (min(2 * channels // size, 16), channels // size)
        assert networks[1].shape.channels == networks[0].shape.channels[:-1]
    training = GanTraining(settings, *networks, 1, augment=True)
    images = np.zeros((4, size, size, 3), np.uint8)
    metrics = training.step(
        PhotographStream(images, np.tile(np.float32([0, 0, 5, 0, 0]), (4, 1))), 0
    )
    assert np.isfinite([float(value) for value in metrics]).all()


@pytest.mark.parametrize(
    ("side", "asked", "camera_conditioned", "found"),
    [(32, 0, False, 4), (64, 0, False, 6), (64, 7, False, 7), (64, 7, True, 4)],
)
def test_only_the_unconditional_generator_takes_the_view_layers(
    side, asked, camera_conditioned, found
):
    config = Config(photographs=PhotographsConfig(size=side), gan=GanConfig(view_layers=asked))
    generator, _ = gan.new_networks(config, camera_conditioned=camera_conditioned)
    assert generator.shape.view_layers == found


def test_more_view_layers_than_convolutions_are_refused():
    config = Config(photographs=PhotographsConfig(size=32), gan=GanConfig(view_layers=8))
    with pytest.raises(ConfigError, match=r"gan\.view_layers=8: this size has 7 convolutions"):
        gan.new_networks(config, camera_conditioned=False)


def test_augmentation_cannot_be_changed_on_the_way(workspace):
    gan.run(CONFIG, workspace)
    settings = dataclasses.replace(SETTINGS, augment="adaptive")
    with pytest.raises(WorkspaceError, match="augment: False -> True"):
        gan.run(dataclasses.replace(CONFIG, gan=settings), workspace)


def test_training_moves_both_networks_and_the_average_follows_slowly():
    training, stream = new_training(), PhotographStream(photographs()[0])
    start = [p.detach().clone() for p in training.generator.parameters()]
    judge = [p.detach().clone() for p in training.discriminator.parameters()]
    for step in range(3):
        training.step(stream, step)
    now = list(training.generator.parameters())
    average = list(training.average.parameters())
    moved = sum((a - b).abs().sum() for a, b in zip(now, start, strict=True))
    followed = sum((a - b).abs().sum() for a, b in zip(average, start, strict=True))
    assert moved > 0 and followed > 0
    assert sum((a - b).abs().sum() for a, b in zip(now, average, strict=True)) > 0
    changed = zip(training.discriminator.parameters(), judge, strict=True)
    assert all((a - b).abs().sum() > 0 for a, b in changed)


def test_mixing_cuts_at_every_convolution_and_sometimes_not_at_all():
    training, stream = new_training(), PhotographStream(photographs()[0])
    codes = [training.sample_codes(stream) for _ in range(200)]
    cuts = {code.cut for code in codes}
    assert cuts == {None, *range(1, training.generator.convolution_count)}
    whole = [code for code in codes if code.cut is None]
    assert 5 <= len(whole) <= 40
    assert all(torch.equal(code.content, code.view) for code in whole)


def test_camera_conditioned_fakes_get_cameras_of_kept_photographs():
    images, cameras, keep = photographs()
    codes = new_training(camera_conditioned=True).sample_codes(
        PhotographStream(images, cameras, keep)
    )
    kept = {tuple(row) for row in cameras[keep].tolist()}
    assert {tuple(row) for row in codes.view.tolist()} <= kept


def test_no_kimg_hands_the_given_weights_on(workspace, tmp_path):
    gan.run(CONFIG, workspace, 0)
    given = workspace.stage("gan", 0).path
    other = new_workspace(tmp_path / "other")
    settings = dataclasses.replace(SETTINGS, kimg=0, init=str(given))
    gan.run(dataclasses.replace(CONFIG, gan=settings), other, 0)
    made, taken = (
        load_generator(w.stage("gan").require("generator.safetensors")).state_dict()
        for w in (workspace, other)
    )
    assert all(torch.equal(made[name], taken[name]) for name in made)


def test_camera_conditioned_rounds_need_labels(tmp_path):
    workspace = new_workspace(tmp_path / "run")
    with pytest.raises(WorkspaceError, match=r"labels\.npz is missing"):
        gan.run(CONFIG, workspace, 3)


def test_the_shipped_weights_start_both_rounds(tmp_path):
    settings = GanConfig(kimg=0, conditioned_kimg=0, init="shipped", warm_start=False, processes=1)
    config = Config(photographs=PhotographsConfig(size=64, count=COUNT), gan=settings)
    workspace = new_workspace(tmp_path, side=64)
    for number, kind in enumerate(("unconditional", "camera_conditioned")):
        gan.run(config, workspace, number)
        taken = load_generator(workspace.stage("gan", number).require("generator.safetensors"))
        shipped = load_generator(SHIPPED / kind / "generator.safetensors")
        given = shipped.state_dict()
        for name, value in taken.state_dict().items():
            assert torch.equal(value, given[name]), name
