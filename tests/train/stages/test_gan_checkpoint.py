"""An imported StyleGAN2 in place of a trained one."""

import dataclasses

import numpy as np
import pytest
import torch

from tests.train.checkpoints.official_files import (
    discriminator_weights,
    generator_weights,
    nvidia_pickle,
)
from tests.train.stages.tiny_run import tiny_config, tiny_run
from train import cycle
from train.checkpoints.stylegan_file import import_file
from train.config import Config, ConfigError, GanConfig, InverseConfig, PhotographsConfig
from train.models.generated import generate, sample_contents
from train.models.perceptual import DiscriminatorFeatures
from train.models.stylegan2 import StyleGAN2Generator
from train.models.stylegan_r import load_stylegan_r
from train.models.weights import load_generator, read_metadata
from train.running.workspace import Workspace
from train.stages import disentangle, export, gan, neural

SIZE = 32


@pytest.fixture
def imported(tmp_path):
    judge = discriminator_weights(SIZE)
    (tmp_path / "car.pkl").write_bytes(nvidia_pickle(generator_weights(SIZE), judge))
    import_file(tmp_path / "car.pkl", tmp_path / "imported")
    return tmp_path / "imported"


def config_of(folder, size=SIZE, **fields):
    return Config(
        rounds=1,
        photographs=PhotographsConfig(size=size, count=64),
        gan=GanConfig(checkpoint=str(folder)),
        **fields,
    )


def test_round_0_takes_the_imported_networks_as_they_are(tmp_path, imported):
    workspace = Workspace(tmp_path / "run")
    gan.run(config_of(imported), workspace)
    folder = workspace.stage("gan")
    assert folder.facts()["source"] == "car.pkl"
    generator = load_generator(folder.require("generator.safetensors"))
    assert isinstance(generator, StyleGAN2Generator)
    given = load_generator(imported / "generator.safetensors").state_dict()
    for name, value in generator.state_dict().items():
        assert torch.equal(value, given[name])
    facts = read_metadata(folder.path / "generator.safetensors")
    assert (facts["source"], facts["kimg"]) == ("car.pkl", "0")
    assert folder.require("images/000000.png").stat().st_size > 1000
    contents = sample_contents(generator, 3, 0.7, torch.Generator().manual_seed(1))
    images = generate(generator, contents, contents)
    assert images.shape == (3, 3, SIZE, SIZE) and np.isfinite(images.numpy()).all()
    features = DiscriminatorFeatures(folder.require("discriminator.safetensors"))(images)
    assert [f.shape[-1] for f in features] == [32, 16, 8, 4]


@pytest.mark.parametrize(
    ("size", "without", "said"),
    [
        (64, None, "is for images of 32 px, and --photographs.size is 64"),
        (SIZE, "generator", r"generator\.safetensors does not exist"),
        (SIZE, "discriminator", "holds no discriminator"),
    ],
)
def test_networks_that_cannot_be_used_are_refused(tmp_path, imported, size, without, said):
    if without:
        (imported / f"{without}.safetensors").unlink()
    with pytest.raises(ConfigError, match=said):
        gan.run(config_of(imported, size), Workspace(tmp_path / "run"))


def test_without_a_discriminator_vgg_serves(tmp_path, imported):
    (imported / "discriminator.safetensors").unlink()
    workspace = Workspace(tmp_path / "run")
    gan.run(config_of(imported, inverse=InverseConfig(vgg="vgg16.safetensors")), workspace)
    assert workspace.stage("gan").done


def test_further_rounds_cannot_go_on_from_an_imported_generator(tmp_path, imported):
    config = dataclasses.replace(config_of(imported), rounds=2)
    with pytest.raises(ConfigError, match=r"--gan\.checkpoint with --rounds 2"):
        gan.run(config, Workspace(tmp_path / "run"))
    scratch = dataclasses.replace(config.gan, warm_start=False)
    gan.run(dataclasses.replace(config, gan=scratch), Workspace(tmp_path / "run"))


def test_the_cycle_refuses_it_before_the_first_stage(tmp_path, imported, capsys):
    run = tmp_path / "run"
    arguments = ["--gan.checkpoint", str(imported), "--rounds", "1", "--photographs.size", "64"]
    assert cycle.main(["--preset", "smoke", "--run", str(run), *arguments]) == cycle.UNUSABLE
    assert "is for images of 32 px, and --photographs.size is 64" in capsys.readouterr().err
    assert not (run / "photographs").exists()


def test_the_later_stages_take_an_imported_generator(tmp_path, imported):
    config = tiny_config(warmup_steps=2, steps=1)
    generator = load_generator(imported / "generator.safetensors")
    workspace = tiny_run(tmp_path / "run", config, camera_conditioned=False, generator=generator)
    disentangle.run(config, workspace)
    network = load_stylegan_r(workspace.stage("disentangle").require("stylegan_r.safetensors"))
    assert isinstance(network.generator, StyleGAN2Generator)
    neural.run(config, workspace)
    # The export compares what ONNX Runtime makes of the graph with torch.
    export.run(config, workspace)
    assert (workspace.stage("export").path / "bundle").is_dir()
