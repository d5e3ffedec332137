import pytest
import torch
from torch.autograd import grad, gradcheck

from train.renderer.texture import sample_texture, sample_texture_by_grid


def random_lookup(dtype=torch.float64, size=(7, 11), seed=0):
    generator = torch.Generator().manual_seed(seed)
    textures = torch.rand(2, 3, *size, generator=generator, dtype=torch.float64)
    uvs = torch.rand(2, 9, 5, 2, generator=generator, dtype=torch.float64)
    uvs = uvs * torch.tensor([3.0, 1.2]) - torch.tensor([1.0, 0.1])  # beyond both ends
    covered = torch.rand(2, 9, 5, generator=generator) > 0.3
    return textures.to(dtype).requires_grad_(), uvs.to(dtype).requires_grad_(), covered


@pytest.mark.parametrize("size", [(7, 11), (1, 1), (16, 2)], ids=str)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-10)])
def test_the_compiled_lookup_equals_grid_sample(dtype, tolerance, size):
    textures, uvs, covered = random_lookup(dtype, size)
    ours, theirs = (
        sample(textures, uvs, covered) for sample in (sample_texture, sample_texture_by_grid)
    )
    torch.testing.assert_close(ours, theirs, atol=tolerance, rtol=tolerance)
    upstream = torch.randn(ours.shape, generator=torch.Generator().manual_seed(1), dtype=dtype)
    our_gradients = grad((ours * upstream).sum(), [textures, uvs])
    their_gradients = grad((theirs * upstream).sum(), [textures, uvs])
    for one, other in zip(our_gradients, their_gradients, strict=True):
        torch.testing.assert_close(one, other, atol=30 * tolerance, rtol=tolerance)


def test_gradcheck():
    textures, uvs, covered = random_lookup(size=(3, 4))
    assert gradcheck(lambda *given: sample_texture(*given, covered), (textures, uvs), atol=1e-5)
