import copy
import math

import pytest
import torch

from train.models.generator import Generator, GeneratorShape, default_channels

SMALL = {"size": 16, "code": 8, "channels": (8, 8, 4)}


@pytest.fixture
def plain():
    torch.manual_seed(5)
    return Generator(GeneratorShape(**SMALL, view_layers=3)).eval()


@pytest.fixture
def camera_conditioned():
    torch.manual_seed(5)
    return Generator(GeneratorShape(**SMALL, view_layers=3, camera_conditioned=True)).eval()


def changed_styles(first, second):
    return [
        index
        for index, (one, other) in enumerate(zip(first, second, strict=True))
        if not torch.equal(one, other)
    ]


def test_the_64_pixel_generator_has_nine_convolutions_and_five_colour_layers():
    generator = Generator(GeneratorShape())
    assert len(generator.style_names) == 14
    assert generator.style_names[:4] == ["b4.conv1", "b8.conv0", "b8.conv1", "b16.conv0"]
    assert generator.style_names[-1] == "b64.to_rgb"
    assert generator.view_dimensions == slice(0, 512)
    styles = generator.styles(torch.randn(2, 64), torch.randn(2, 64))
    assert generator.synthesize(styles).shape == (2, 3, 64, 64)


def test_first_images_are_of_order_one(plain):
    w = plain.mapping(torch.randn(16, 8))
    images = plain.synthesize(plain.styles(w, w))
    assert 0.2 < images.std() < 5


def test_unconditional_view_code_drives_exactly_the_early_convolutions(plain):
    content, view, other = torch.randn(3, 2, 8)
    before, after = plain.styles(content, view), plain.styles(content, other)
    assert changed_styles(before, after) == [0, 1, 2]
    moved = plain.styles(other, view)
    assert changed_styles(before, moved) == [3, 4, 5, 6, 7]


@pytest.mark.parametrize("cut", [1, 2, 4, 5])
def test_cut_counts_convolutions_and_leaves_colours_to_the_content(plain, cut):
    content, view, other = torch.randn(3, 2, 8)
    changed = changed_styles(plain.styles(content, view, cut), plain.styles(content, other, cut))
    assert changed == list(range(cut))


def test_camera_conditioned_early_styles_follow_camera_and_content(camera_conditioned):
    content, other = torch.randn(2, 1, 8)
    cameras = torch.tensor([[10.0, 5, 5, 0, 0], [80.0, 5, 5, 0, 0]])
    views = camera_conditioned.camera_mapping(cameras)
    first, second = (camera_conditioned.styles(content, view[None]) for view in views)
    assert changed_styles(first, second) == [0, 1, 2]
    assert changed_styles(first, camera_conditioned.styles(other, views[:1])) == list(range(8))
    early = camera_conditioned.affines[0]((views[:1] + content) / math.sqrt(2))
    torch.testing.assert_close(first[0], early)


def test_camera_code_depends_on_azimuth_elevation_and_distance_only(camera_conditioned):
    camera_conditioned = copy.deepcopy(camera_conditioned)
    assert not camera_conditioned.knows_elevations
    camera_conditioned.camera_mapping.layers[
        0
    ].weight.data.normal_()  # as if it had been trained on all labels
    assert camera_conditioned.knows_elevations
    cameras = torch.tensor(
        [[10.0, 5, 5, 0, 0], [370.0, 5, 5, 0.1, -0.1], [10.0, 6, 5, 0, 0], [11.0, 5, 5, 0, 0],
         [10.0, 5, 5.1, 0, 0]]
    )  # fmt: skip
    codes = camera_conditioned.camera_mapping(cameras)
    torch.testing.assert_close(codes[0], codes[1], atol=1e-5, rtol=1e-5)
    for other in codes[2:]:
        assert (codes[0] - other).abs().max() > 1e-4


def test_flatten_and_unflatten_are_inverse_and_slices_name_the_layers(plain):
    styles = plain.styles(torch.randn(2, 8), torch.randn(2, 8))
    vector = plain.flatten(styles)
    assert vector.shape == (2, plain.style_size)
    for name, style, back in zip(plain.style_names, styles, plain.unflatten(vector), strict=True):
        assert torch.equal(style, back)
        assert torch.equal(style, vector[:, plain.style_slices[name]])
    early = torch.cat(styles[:3], dim=1)
    assert torch.equal(early, vector[:, plain.view_dimensions])


def test_unflatten_refuses_another_size(plain):
    with pytest.raises(ValueError, match=r"must be \[B, 60\]|must be"):
        plain.unflatten(torch.zeros(2, 3))


def test_noise_is_random_fixed_or_absent(plain):
    for block in plain.blocks:
        for convolution in filter(None, (block.conv0, block.conv1)):
            torch.nn.init.constant_(convolution.noise_strength, 0.5)
    styles = plain.styles(torch.randn(1, 8), torch.randn(1, 8))
    random = [
        plain.synthesize(styles, "random", torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    ]
    assert torch.equal(random[0], random[1])
    assert not torch.equal(random[0], random[2])
    for kind in ("fixed", None):
        assert torch.equal(plain.synthesize(styles, kind), plain.synthesize(styles, kind))
    assert not torch.equal(plain.synthesize(styles, "fixed"), plain.synthesize(styles, None))


def test_truncation_draws_codes_towards_the_tracked_mean(plain):
    z = torch.randn(4, 8)
    for _ in range(2000):
        plain.mapping.track_mean(plain.mapping(z), rate=0.01)
    torch.testing.assert_close(plain.mapping(z, 0.0), plain.mapping(z).mean(0).expand(4, -1))
    half = (plain.mapping(z) + plain.mapping.mean) / 2
    torch.testing.assert_close(plain.mapping(z, 0.5), half)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"size": 48, "channels": (8, 8, 8)}, "power of two"),
        ({"size": 16, "channels": (8, 8)}, "2 channel counts"),
        ({"size": 16, "view_layers": 6}, "5 convolutions"),
    ],
)
def test_impossible_shapes_are_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        GeneratorShape(**fields)


def test_default_channels_refuse_unknown_sizes():
    assert default_channels(32) == (128, 128, 64, 32)
    with pytest.raises(ValueError, match="image size 33"):
        default_channels(33)
