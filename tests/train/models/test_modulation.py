import pytest
import torch

from train.models.modulation import activated, projected


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("channels", [5, 16, 32])
def test_rows_in_bfloat16_are_what_float32_gives_with_gradients(channels, layout):
    torch.manual_seed(4)
    leaves = [torch.randn(3, channels, 6, 4), torch.randn(3, channels), torch.randn(channels)]
    towards = torch.randn(3, channels, 6, 4).bfloat16().contiguous(memory_format=layout)
    lowered = [leaf.bfloat16() for leaf in leaves]
    lowered[0] = lowered[0].contiguous(memory_format=layout)
    results = []
    for given in (lowered, [leaf.float() for leaf in lowered]):
        given = [leaf.requires_grad_() for leaf in given]
        output = activated(*given)
        results.append((output, *torch.autograd.grad(output, given, towards.to(output.dtype))))
    for rows, plain in zip(*results, strict=True):
        assert rows.shape == plain.shape
        torch.testing.assert_close(rows.float(), plain, atol=0.05, rtol=0.02)


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_every_pixel_is_projected_with_exact_gradients_twice(layout):
    torch.manual_seed(5)
    features = torch.randn(2, 5, 3, 4, dtype=torch.float64).contiguous(memory_format=layout)
    weight, bias = torch.randn(2, 3, 5).double(), torch.randn(3).double()
    expected = torch.einsum("bchw,bkc->bkhw", features, weight) + bias[:, None, None]
    torch.testing.assert_close(projected(features, weight, bias), expected)
    given = [leaf.requires_grad_() for leaf in (features, weight, bias)]
    assert torch.autograd.gradcheck(projected, given)
    assert torch.autograd.gradgradcheck(projected, given)


def test_the_gradient_lies_in_memory_as_the_features_do():
    features = torch.randn(2, 16, 8, 8).to(memory_format=torch.channels_last).requires_grad_()
    colours = projected(features, torch.randn(2, 3, 16), torch.zeros(3))
    (gradient,) = torch.autograd.grad(colours, features, torch.randn(2, 3, 8, 8))
    assert gradient.is_contiguous(memory_format=torch.channels_last)


def test_the_precision_is_the_features():
    features, weight = torch.randn(2, 16, 8, 8).bfloat16(), torch.randn(2, 3, 16)
    colours = projected(features, weight, torch.zeros(3))
    assert colours.dtype == torch.bfloat16
    plain = torch.einsum("bchw,bkc->bkhw", features.float(), weight)
    torch.testing.assert_close(colours.float(), plain, atol=0.1, rtol=0.02)
