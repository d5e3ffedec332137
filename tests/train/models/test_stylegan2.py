import pytest
import torch

from train.models.discriminator import Discriminator, DiscriminatorShape
from train.models.generator import Generator, GeneratorShape
from train.models.stylegan2 import (
    StyleGAN2Discriminator,
    StyleGAN2DiscriminatorShape,
    StyleGAN2Generator,
    StyleGAN2Shape,
    published_channels,
)
from train.models.stylegan_r import StyleganR, StyleganRShape, load_stylegan_r, save_stylegan_r
from train.models.weights import (
    WeightsError,
    load_discriminator,
    load_generator,
    read_metadata,
    save_weights,
    transfer,
)

SMALL = {"size": 16, "code": 8, "channels": (8, 6, 4), "mapping_layers": 2}


@pytest.fixture
def generator():
    torch.manual_seed(5)
    return StyleGAN2Generator(StyleGAN2Shape(**SMALL)).eval()


def changed(first, second):
    return {
        index
        for index, (one, other) in enumerate(zip(first, second, strict=True))
        if not torch.equal(one, other)
    }


def test_published_channels():
    assert published_channels(256) == (512, 512, 512, 512, 512, 256, 128)
    assert published_channels(1024)[-2:] == (64, 32)
    assert StyleGAN2Shape(512).channels[-1] == 64


@pytest.mark.parametrize(
    ("cut", "early"),
    [
        (1, ["b4.conv1"]),
        (2, ["b4.conv1", "b4.to_rgb", "b8.conv0"]),
        (3, ["b4.conv1", "b4.to_rgb", "b8.conv0", "b8.conv1"]),
        (4, ["b4.conv1", "b4.to_rgb", "b8.conv0", "b8.conv1", "b8.to_rgb", "b16.conv0"]),
    ],
)
def test_the_cut_counts_codes_which_colours_share_with_the_next_convolution(generator, cut, early):
    content, view, other = torch.randn(3, 2, 8)
    before = generator.styles(content, view, cut)
    moved = changed(before, generator.styles(content, other, cut))
    assert [generator.style_names[index] for index in sorted(moved)] == early


def test_the_views_styles_are_one_slice(generator):
    content, view, other = torch.randn(3, 2, 8)
    first, second = (generator.flatten(generator.styles(content, code)) for code in (view, other))
    different = (first != second).any(dim=0)
    view_part = generator.view_dimensions
    assert different[view_part].all() and not different[view_part.stop :].any()
    for style, back in zip(
        generator.styles(content, view), generator.unflatten(first), strict=True
    ):
        assert torch.equal(style, back)


def test_first_images_are_of_order_one_and_clamped_where_asked(generator):
    w = generator.mapping(torch.randn(16, 8))
    images = generator.synthesize(generator.styles(w, w))
    assert 0.2 < images.std() < 5
    narrow = StyleGAN2Generator(StyleGAN2Shape(**SMALL, clamp=0.1))
    narrow.load_state_dict(generator.state_dict())
    assert narrow.synthesize(narrow.styles(w, w)).abs().max() < 1


def test_gradients_reach_every_weight(generator):
    z = torch.randn(2, 8)
    w = generator.mapping(z)
    generator.synthesize(generator.styles(w, w)).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in generator.parameters())


@pytest.mark.parametrize("architecture", ["light", "stylegan2"])
def test_files_come_back_as_the_class_that_their_metadata_name(tmp_path, architecture):
    judge_shape = {"size": 16, "channels": (8, 6, 4), "patch": 1}
    if architecture == "light":
        made = Generator(GeneratorShape(**SMALL))
        judge = Discriminator(DiscriminatorShape(**judge_shape))
    else:
        made = StyleGAN2Generator(StyleGAN2Shape(**SMALL, clamp=256.0))
        judge = StyleGAN2Discriminator(StyleGAN2DiscriminatorShape(**judge_shape, clamp=9.0))
    for network, load in ((made, load_generator), (judge, load_discriminator)):
        path = tmp_path / "weights.safetensors"
        save_weights(path, network, {})
        assert read_metadata(path)["architecture"] == architecture
        back = load(path)
        assert type(back) is type(network) and back.shape == network.shape
        for name, value in network.state_dict().items():
            assert torch.equal(value, back.state_dict()[name])


def test_stylegan_r_keeps_the_class_of_its_generator(tmp_path, generator):
    network = StyleganR(generator, StyleganRShape(vertices=12, texture_size=16, size=16))
    save_stylegan_r(tmp_path / "network", network)
    back = load_stylegan_r(tmp_path / "network")
    assert isinstance(back.generator, StyleGAN2Generator)
    assert back.generator.shape == generator.shape


def test_weights_of_one_architecture_do_not_start_the_other(generator):
    with pytest.raises(WeightsError, match="architecture stylegan2 cannot start"):
        transfer(generator, Generator(GeneratorShape(**SMALL)))


def test_an_unknown_architecture_is_refused(tmp_path, generator):
    generator.__class__ = type("Later", (StyleGAN2Generator,), {"architecture": "stylegan9"})
    save_weights(tmp_path / "weights", generator, {})
    with pytest.raises(WeightsError, match="architecture stylegan9: known are light, stylegan2"):
        load_generator(tmp_path / "weights")


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        (StyleGAN2Shape, {"clamp": 0.0}, "clamp=0.0"),
        (StyleGAN2DiscriminatorShape, {"clamp": -1.0}, "clamp=-1.0"),
        (StyleGAN2DiscriminatorShape, {"size": 512, "patch": 2}, "counts|patch=2"),
    ],
)
def test_impossible_shapes_are_refused(kind, fields, said):
    with pytest.raises(ValueError, match=said):
        kind(**fields)
