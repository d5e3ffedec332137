import numpy as np
import torch

from graphics.mesh import sphere_template
from graphics.render import render
from train.data.codes import Codes
from train.data.painted_views import PaintedViews

SIDE, OBJECTS, VIEWS = 32, 6, 3
TEMPLATE = sphere_template(2)


def views(seed=0):
    """Balls of one colour each before a grey that differs from image to image."""
    random = np.random.default_rng(0)
    count = OBJECTS * VIEWS
    objects = np.repeat(np.arange(OBJECTS), VIEWS)
    cameras = np.zeros((count, 5), np.float32)
    cameras[:, 0], cameras[:, 2] = np.tile(np.arange(VIEWS) * 120, OBJECTS), 5
    vertices = np.repeat(TEMPLATE.vertices[None], count, 0) * np.float32(0.8)
    colours = random.random((OBJECTS, 3)).astype(np.float32)[objects]
    textures = np.broadcast_to(colours[:, None, None], (count, 8, 16, 3))
    grounds = np.linspace(0.1, 0.9, count, dtype=np.float32)[:, None, None, None]
    backgrounds = np.broadcast_to(grounds, (count, SIDE, SIDE, 3))
    drawn = render(vertices, np.ascontiguousarray(textures), cameras, TEMPLATE, SIDE, backgrounds)
    codes = Codes(
        torch.from_numpy((drawn.images * 255).round().astype(np.uint8)).permute(0, 3, 1, 2),
        torch.from_numpy((drawn.masks * 255).astype(np.uint8)),
        torch.from_numpy(objects),
        torch.from_numpy(np.tile(np.arange(VIEWS), OBJECTS)),
        torch.from_numpy(cameras),
        torch.from_numpy(vertices),
        torch.full((count, 3, 8, 16), 128, dtype=torch.uint8),  # as predicted: of no colour
        torch.zeros(count, 4),
    )
    return PaintedViews(codes, TEMPLATE, torch.Generator().manual_seed(seed)), colours


def test_textures_show_what_the_images_show():
    painted, colours = views()
    seen = painted.textures.reshape(len(colours), -1, 3)
    share = (np.abs(seen / 255 - colours[:, None]).max(axis=2) < 0.03).mean(axis=1)
    assert share.min() > 0.1 and np.median(share) < 0.9


def test_a_pair_is_one_object_before_the_first_views_background():
    painted, _ = views()
    given, wanted = painted.pairs(12)
    inside = given.drawings[:, 3:] == 1
    # The middle of the ball is painted in both views or neither: some of it has its colour.
    shown = torch.where(inside, (given.drawings[:, :3] - wanted).abs(), torch.nan)
    assert shown.nanmean() < 0.2
    corner = given.backgrounds[:, :, 0, 0]
    assert corner.std(dim=0).min() > 0.1
    assert (
        (given.backgrounds - corner[:, :, None, None]).abs() < 2 / 255
    ).all()  # the ball is gone
    assert (given.holes[:, 0][inside[:, 0]] == 1).all()


def test_mixtures_take_each_part_from_an_image_of_its_own():
    painted, colours = views()
    given = painted.mixtures(32)
    middle = given.backgrounds[:, 0, 0, 0]
    assert len(middle.unique()) > 6 and len(given.cameras[:, 0].unique()) == VIEWS
    images, cameras = painted.real(5)
    assert images.shape == (5, 3, SIDE, SIDE) and cameras.shape == (5, 5)
    assert len(colours) == OBJECTS * VIEWS


def test_the_same_seed_gives_the_same_pairs():
    first, again, other = (views(seed)[0].pairs(8)[1] for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
