import math

import pytest
import torch
import torch.nn.functional as F

from train.models.layers import (
    ACTIVATION_GAIN,
    LEAKY_SLOPE,
    EqualisedConvolution,
    EqualisedLinear,
    enlarged,
    halve,
    normalise_second_moment,
    spread,
    upsample,
)
from train.models.modulation import ModulatedConvolution, ToRGB


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(3)


def textbook_convolution(layer, features, style, noise):
    """StyleGAN2's form: weights modulated and demodulated per image, one image at a time."""
    outputs = []
    for image, scale in zip(features, style, strict=True):
        weight = layer.weight * layer.gain * scale[None, :, None, None]
        weight = weight / weight.square().sum(dim=(1, 2, 3), keepdim=True).add(1e-8).sqrt()
        outputs.append(F.conv2d(image[None], weight, padding=1)[0])
    outputs = torch.stack(outputs)
    if layer.upsample:
        outputs = upsample(outputs)
    outputs = outputs + noise * layer.noise_strength + layer.bias[None, :, None, None]
    return F.leaky_relu(outputs, LEAKY_SLOPE) * ACTIVATION_GAIN


@pytest.mark.parametrize("doubled", [False, True])
def test_modulated_convolution_equals_the_textbook_form_with_gradients(doubled):
    layer = ModulatedConvolution(5, 7, upsample=doubled).double()
    torch.nn.init.normal_(layer.bias)
    torch.nn.init.constant_(layer.noise_strength, 0.3)
    features = torch.randn(3, 5, 6, 4, dtype=torch.float64, requires_grad=True)
    style = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    noise = torch.randn(3, 1, 12 if doubled else 6, 8 if doubled else 4, dtype=torch.float64)
    ours = layer(features, style, noise)
    theirs = textbook_convolution(layer, features, style, noise)
    torch.testing.assert_close(ours, theirs)
    towards = torch.randn_like(ours)
    leaves = [features, style, *layer.parameters()]
    for mine, yours in zip(
        torch.autograd.grad(ours, leaves, towards),
        torch.autograd.grad(theirs, leaves, towards),
        strict=True,
    ):
        torch.testing.assert_close(mine, yours)


def test_demodulation_gives_unit_variance_whatever_the_style():
    layer = ModulatedConvolution(64, 32)
    features = torch.randn(4, 64, 32, 32)
    style = torch.randn(4, 64).exp() * torch.tensor([0.01, 1.0, 10.0, 100.0])[:, None]
    outputs = F.conv2d(features * style[:, :, None, None], layer.weight * layer.gain, padding=0)
    scaled = outputs * layer.demodulation(style)[:, :, None, None]
    torch.testing.assert_close(scaled.var(dim=(1, 2, 3)), torch.ones(4), atol=0.1, rtol=0)


def test_equalised_layers_keep_unit_variance():
    linear = EqualisedLinear(256, 512, rate=0.01, activate=True)
    codes = linear(torch.randn(64, 256))
    assert codes.detach().square().mean().sqrt() == pytest.approx(1.0, abs=0.1)
    convolution = EqualisedConvolution(32, 64, 3)
    maps = convolution(torch.randn(4, 32, 16, 16))[:, :, 1:-1, 1:-1]
    assert maps.detach().square().mean().sqrt() == pytest.approx(1.0, abs=0.1)


def test_linear_bias_starts_at_the_asked_value_at_any_rate():
    for rate in (1.0, 0.01):
        layer = EqualisedLinear(4, 3, bias=1.0, rate=rate)
        torch.testing.assert_close(layer(torch.zeros(2, 4)), torch.ones(2, 3))


@pytest.mark.parametrize(("kernel", "stride", "side"), [(3, 1, 10), (1, 1, 10), (2, 2, 5)])
def test_convolution_keeps_the_side_divided_by_the_stride(kernel, stride, side):
    layer = EqualisedConvolution(3, 4, kernel, stride=stride)
    assert layer(torch.randn(2, 3, 10, 10)).shape == (2, 4, side, side)


def test_to_rgb_is_a_modulated_one_by_one_convolution():
    layer = ToRGB(6)
    torch.nn.init.normal_(layer.bias)
    features, style = torch.randn(2, 6, 5, 3), torch.randn(2, 6)
    modulated = features * style[:, :, None, None] / math.sqrt(6)
    expected = F.conv2d(modulated, layer.weight[:, :, None, None], layer.bias)
    torch.testing.assert_close(layer(features, style), expected)


def test_upsampling_is_the_1331_filter_inside():
    images = torch.randn(1, 1, 6, 6)
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 4
    spread = torch.zeros(1, 1, 12, 12)
    spread[:, :, ::2, ::2] = images
    filtered = F.conv2d(F.pad(spread, (2, 1, 2, 1)), torch.outer(taps, taps)[None, None])
    torch.testing.assert_close(upsample(images)[..., 1:-1, 1:-1], filtered[..., 1:-1, 1:-1])


@pytest.mark.parametrize("side", [4, 5])
def test_enlarging_by_a_matrix_is_upsampling(side):
    images = torch.randn(2, 3, side, side)
    torch.testing.assert_close(enlarged(images, spread(side)), upsample(images))


def test_second_moment_is_one_after_normalisation():
    codes = normalise_second_moment(torch.randn(5, 64) * 7)
    torch.testing.assert_close(codes.square().mean(dim=1), torch.ones(5))


def test_halving_is_average_pooling_with_both_its_gradients():
    images = torch.randn(2, 3, 4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.equal(halve(images), F.avg_pool2d(images, 2))
    assert torch.autograd.gradcheck(halve, images)
    assert torch.autograd.gradgradcheck(halve, images)


@pytest.mark.parametrize("doubled", [False, True])
def test_features_stay_in_the_precision_of_the_convolution(doubled):
    layer, features = ModulatedConvolution(5, 7, upsample=doubled), torch.randn(2, 5, 4, 4)
    style, side = torch.randn(2, 5), 8 if doubled else 4
    with torch.autocast("cpu", torch.bfloat16):
        lowered = layer(features, style, torch.randn(2, 1, side, side))
    assert lowered.dtype == torch.bfloat16
    assert layer(features, style, None).dtype == torch.float32
