import pytest
import torch

from train.models.row_activation import activated


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
