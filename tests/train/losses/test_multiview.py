import torch

from train.config import InverseConfig
from train.losses.multiview import MultiviewLoss, Views, crosswise, farthest
from train.models.inverse_graphics import InverseGraphics, InverseGraphicsShape
from train.renderer.render import Renderer


def test_two_views_are_rendered_crosswise_and_one_view_into_itself():
    objects = torch.tensor([0, 0, 1, 1, 2])
    source, target = crosswise(objects)
    assert list(zip(source.tolist(), target.tolist(), strict=True)) == [
        (0, 0), (0, 1), (1, 0), (1, 1), (2, 2), (2, 3), (3, 2), (3, 3), (4, 4),
    ]  # fmt: skip
    chosen = farthest(objects, source, target)
    assert list(zip(source[chosen].tolist(), target[chosen].tolist(), strict=True)) == [
        (0, 1), (1, 0), (2, 3), (3, 2), (4, 4),
    ]  # fmt: skip


def pooled(images):
    return [torch.nn.functional.avg_pool2d(images, 4)]


def test_every_part_of_a_prediction_is_taught_and_the_total_is_the_weighted_sum():
    torch.manual_seed(0)
    settings = InverseConfig(width=8, template_level=2, texture_size=16)
    network = InverseGraphics(InverseGraphicsShape(32, 8, 2, 16))
    renderer = Renderer(network.template, 32, sigmainv=settings.sigmainv, boxlen=0.1, knum=60)
    masks = torch.zeros(4, 32, 32)
    masks[:, 8:24, 4:28] = 1
    images = torch.rand(4, 3, 32, 32)
    cameras = torch.tensor([[40.0, 10, 5, 0, 0]]).repeat(4, 1).requires_grad_()
    prediction = network(images, masks[:, None])
    for value in prediction[:4]:
        value.retain_grad()
    loss = MultiviewLoss(renderer, pooled, settings)
    objects = torch.tensor([0, 0, 1, 1])
    views = Views(images, images, masks, cameras, objects)
    terms = loss.terms(views, prediction, perceptual=True)
    total = loss.total(terms)
    assert torch.isfinite(total)
    by_hand = (
        20 * terms["color"] + 0.5 * terms["perceptual"] + 10 * terms["iou"] + 5 * terms["flatten"]
        + 5 * terms["laplacian"] + 2.5 * terms["movement"] + terms["camera"] + terms["distance"]
    )  # fmt: skip
    torch.testing.assert_close(total, by_hand)
    total.backward()
    assert prediction.vertices.grad.abs().sum() > 0
    assert prediction.textures.grad.abs().sum() > 0
    assert (prediction.cameras.grad[:, 1:].abs().sum(0) > 0).all()
    assert (cameras.grad[:, :2].abs().sum(0) > 0).all()
