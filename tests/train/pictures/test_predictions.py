import pytest
import torch
from torch import Tensor

from train.models.inverse_graphics import InverseGraphics, InverseGraphicsShape, Prediction
from train.pictures.predictions import pictures_of
from train.renderer.render import Renderer

SIZE = 32


@pytest.fixture(scope="module", params=[16, 32])
def pictured(request: pytest.FixtureRequest) -> tuple[Tensor, Tensor, Prediction]:
    """Cells [2, 8, 3, R, R], masks [2, 1, R, R] and prediction of noise, whose second mask is
    empty but for a corner; textures as wide as the pictures, and twice as wide."""
    torch.manual_seed(0)
    shape = InverseGraphicsShape(SIZE, 8, template_level=1, texture_size=request.param)
    network = InverseGraphics(shape).eval()
    images, masks = torch.rand(2, 3, SIZE, SIZE), torch.zeros(2, SIZE, SIZE)
    masks[0, 6:26, 4:28], masks[1, :3, :3] = 1, 1
    cells = pictures_of(network, Renderer(network.template, SIZE), images, masks)
    with torch.no_grad():
        return cells, masks[:, None], network(images, masks[:, None])


def test_the_error_is_the_difference_inside_the_mask(
    pictured: tuple[Tensor, Tensor, Prediction],
) -> None:
    cells, masks, _ = pictured
    given, rerender, error = cells[:, :3].unbind(1)
    inside = masks.expand_as(error) == 1
    assert torch.equal(error[inside], (given - rerender).abs()[inside]) and error[0].max() > 0.2
    assert not error[~inside].any()
    # The corner is not covered by the prediction: its colours are held against grey.
    corner = error[1, :, :3, :3]
    assert torch.allclose(corner, (given[1, :, :3, :3] - 0.5).abs()) and corner.max() > 0.2
    assert (given[~inside] == 0.5).all()


def test_the_texture_is_shown_whole_and_in_its_proportions(
    pictured: tuple[Tensor, Tensor, Prediction],
) -> None:
    cells, _, prediction = pictured
    textures = prediction.textures  # [2, 3, Ht, 2 Ht]
    shown, quarter = cells[:, -1], SIZE // 4
    assert (shown[..., :quarter, :] == 0.5).all() and (shown[..., -quarter:, :] == 0.5).all()
    middle = shown[..., quarter:-quarter, :]
    if textures.shape[-1] == SIZE:
        assert torch.allclose(middle, textures, atol=1e-6)
    assert torch.allclose(middle.mean((2, 3)), textures.mean((2, 3)), atol=0.01)
    assert middle.std() > 0.3 * textures.std() > 0


def test_views_are_turned(pictured: tuple[Tensor, Tensor, Prediction]) -> None:
    cells, _, _ = pictured
    assert cells.shape == (2, 8, 3, SIZE, SIZE)
    views = cells[0, 3:7]
    for first in range(4):
        assert (views[first] != 0.5).float().mean() > 0.02
        assert not any(torch.equal(views[first], views[other]) for other in range(first))
