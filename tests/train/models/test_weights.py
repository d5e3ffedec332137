import pytest
import torch
from safetensors.torch import save_file

from train.models.discriminator import Discriminator, DiscriminatorShape
from train.models.generator import Generator, GeneratorShape
from train.models.weights import (
    WeightsError,
    load_discriminator,
    load_generator,
    read_metadata,
    save_weights,
    transfer,
)

CHANNELS = (8, 8, 4)


def generator(**fields):
    return Generator(GeneratorShape(16, 8, CHANNELS, view_layers=3, **fields))


def discriminator(**fields):
    return Discriminator(DiscriminatorShape(16, CHANNELS, 1, **fields))


@pytest.mark.parametrize("camera_conditioned", [False, True])
def test_networks_come_back_with_shape_weights_and_metadata(tmp_path, camera_conditioned):
    for made, load in (
        (generator(camera_conditioned=camera_conditioned), load_generator),
        (discriminator(camera_conditioned=camera_conditioned), load_discriminator),
    ):
        path = tmp_path / "weights.safetensors"
        save_weights(path, made, {"command": "python -m train.cycle"})
        back = load(path)
        assert back.shape == made.shape
        assert read_metadata(path)["command"] == "python -m train.cycle"
        for name, value in made.state_dict().items():
            assert torch.equal(value, back.state_dict()[name])


def test_half_precision_storage_halves_the_file_and_keeps_the_images(tmp_path):
    made = Generator(GeneratorShape(32))
    save_weights(tmp_path / "full", made, {})
    save_weights(tmp_path / "half", made, {}, torch.float16)
    assert (tmp_path / "half").stat().st_size < 0.52 * (tmp_path / "full").stat().st_size
    w = torch.randn(2, 64)
    with torch.no_grad():
        images = made.synthesize(made.styles(w, w), "fixed")
        back = load_generator(tmp_path / "half")
        torch.testing.assert_close(
            back.synthesize(back.styles(w, w), "fixed"), images, atol=0.02, rtol=0.02
        )


def test_a_missing_broken_or_other_file_is_refused_with_the_reason(tmp_path):
    with pytest.raises(WeightsError, match="does not exist"):
        load_generator(tmp_path / "none")
    (tmp_path / "broken").write_bytes(b"not safetensors")
    with pytest.raises(WeightsError, match="not a readable safetensors"):
        load_generator(tmp_path / "broken")
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign")
    with pytest.raises(WeightsError, match="holds no network of ours, wanted a Generator"):
        load_generator(tmp_path / "foreign")
    save_weights(tmp_path / "other", discriminator(), {})
    with pytest.raises(WeightsError, match="holds Discriminator, wanted a Generator"):
        load_generator(tmp_path / "other")


def test_a_camera_conditioned_network_takes_the_unconditional_ones_weights():
    for source, target, part in (
        (generator(), generator(camera_conditioned=True), "camera_mapping."),
        (discriminator(), discriminator(camera_conditioned=True), "camera."),
    ):
        new = transfer(source, target)
        assert new and all(name.startswith(part) for name in new)
        for name, value in source.state_dict().items():
            assert torch.equal(value, target.state_dict()[name])
        assert transfer(target, source) == []


def test_transfer_between_sizes_is_refused():
    with pytest.raises(WeightsError, match="same size and channels"):
        transfer(Generator(GeneratorShape(64)), Generator(GeneratorShape(32)))
    with pytest.raises(WeightsError, match="same size and channels"):
        transfer(Discriminator(DiscriminatorShape(32)), Discriminator(DiscriminatorShape(64)))
