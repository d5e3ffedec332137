"""Scores of pictures whose scores are known."""

import numpy as np
import pytest

from graphics.picture_fit import SHIFTS
from train.data.vehicles import Mixed
from train.evaluation.benchmark import Predicted
from train.evaluation.disentangled_benchmark import Asked, Rendered, Seen
from train.evaluation.disentangled_renderers import Rendering
from train.evaluation.disentangled_scores import (
    agreement,
    camera_scores,
    hue_scores,
    recognised,
    swap_scores,
)
from train.models.attributes import AttributeReadings

SIDE = 16


def readings(count, **given):
    values = {
        "azimuths": np.zeros(count), "confidences": np.ones(count), "elevations": np.zeros(count),
        "distances": np.full(count, 5.0), "kinds": np.zeros((count, 4)),
        "bodies": np.zeros((count, 2)), "paints": np.zeros((count, 3)), **given,
    }  # fmt: skip
    return AttributeReadings(**values)


def seen(images, silhouettes, **given):
    return Seen(images, silhouettes, silhouettes, readings(len(images), **given))


def square(left):
    mask = np.zeros((1, SIDE, SIDE), bool)
    mask[:, 4:8, left : left + 4] = True
    return mask


def test_a_swap_is_judged_outside_both_silhouettes():
    first = np.full((1, SIDE, SIDE, 3), 100, np.uint8)
    second = first.copy()
    # Wherever either silhouette is, or touches, the background may change.
    second[(square(2) | square(4))[..., None].repeat(3, -1)] = 255
    red, blue = np.array([[0.9, 0, 0]]), np.array([[0, 0, 0.3]])
    own, swapped = seen(first, square(2), paints=red), seen(second, square(4), paints=blue)
    scores = swap_scores("shape", own, swapped, second)
    assert scores["shape_swap_background_psnr"] == 60 and scores["shape_swap_psnr"] == 60
    assert scores["shape_swap_silhouette_iou"] == pytest.approx(8 / 24)
    assert scores["shape_swap_paint_change"] == pytest.approx(1.2 / 3)
    second[:, 12] = 110
    worse = swap_scores("shape", own, seen(second, square(4)), first)
    assert 20 < worse["shape_swap_background_psnr"] < 60 > worse["shape_swap_psnr"]


def test_what_lies_beyond_every_shadow_is_judged_apart():
    images = np.full((1, 64, 64, 3), 100, np.uint8)
    mask = np.zeros((1, 64, 64), bool)
    mask[:, 24:32, 24:40] = True
    shadowed = images.copy()
    shadowed[:, 32:39, 24:40] = 40  # seven pixels below it
    scores = swap_scores("shape", seen(images, mask), seen(shadowed, mask), images)
    assert scores["shape_swap_background_psnr"] < 40
    assert scores["shape_swap_untouched_psnr"] == 60
    shadowed[:, 39, 24:40] = 40
    scores = swap_scores("shape", seen(images, mask), seen(shadowed, mask), images)
    assert scores["shape_swap_untouched_psnr"] < 60


def test_silhouettes_everywhere_leave_the_whole_picture_to_compare():
    everywhere = np.ones((1, SIDE, SIDE), bool)
    images = np.full((2, 1, SIDE, SIDE, 3), 50, np.uint8)
    images[1] += 51
    scores = swap_scores(
        "camera", seen(images[0], everywhere), seen(images[1], everywhere), images[1]
    )
    assert scores["camera_swap_background_psnr"] == pytest.approx(-20 * np.log10(0.2))


def test_azimuths_are_compared_across_the_circle():
    asked = np.array([[350, 10, 5, 0, 0], [90, 0, 5, 0, 0]], np.float32)
    read = readings(2, azimuths=np.array([15.0, 130.0]), elevations=np.array([12.0, 3.0]))
    scores = camera_scores(read, asked)
    assert scores["asked_vs_read_azimuth_deg"].tolist() == [25, 40]
    assert scores["asked_vs_read_azimuth_beyond_30"].tolist() == [0, 1]
    assert scores["asked_vs_read_elevation_deg"].tolist() == [2, 3]


def test_only_saturated_paints_have_a_hue_to_miss():
    paints = np.array([[0.9, 0.1, 0.1], [0.1, 0.1, 0.9], [0.5, 0.5, 0.45]])
    read = np.array([[0.8, 0.2, 0.1], [0.1, 0.9, 0.1], [0.1, 0.1, 0.9]])
    one = seen(np.zeros((3, SIDE, SIDE, 3), np.uint8), square(2).repeat(3, 0), paints=read)
    assert hue_scores("hue", one, paints)["hue"].tolist() == [0, 1]


def test_a_picture_is_recognised_by_body_and_paint_among_the_next_hundred():
    random = np.random.default_rng(0)
    known = readings(150, paints=random.random((150, 3)), bodies=random.random((150, 2)))
    assert recognised(known, known).all()
    shifted = known._replace(
        paints=np.roll(known.paints, -1, 0), bodies=np.roll(known.bodies, -1, 0)
    )
    assert not recognised(shifted, known).any()
    first = AttributeReadings(*(values[:5] for values in known))
    assert recognised(first, known).tolist() == [1] * 5
    # The hundred and first to come is no rival.
    far = known._replace(paints=known.paints.copy(), bodies=known.bodies.copy())
    far.paints[100], far.bodies[100] = known.paints[0], known.bodies[0]
    assert recognised(known, far)[0] == 1


def test_renderers_that_draw_apart_share_no_colour():
    images = np.zeros((2, SIDE, SIDE, 3), np.uint8)
    first = seen(images, np.concatenate([square(2), square(2)]))
    second = seen(images + np.uint8(51), np.concatenate([square(2), square(10)]))
    found = agreement(first, second)
    assert found["silhouette_iou"].tolist() == [1, 0]
    assert found["colour_difference"] == pytest.approx([0.2])


def test_a_renderer_is_given_every_part_of_its_own_photograph():
    count = 120
    numbers = np.arange(count, dtype=np.float32)
    read = Predicted(
        masks=np.broadcast_to(numbers[:, None, None] / count, (count, 4, 4)),
        vertices=np.broadcast_to(numbers[:, None, None], (count, 5, 3)),
        textures=np.broadcast_to(numbers[:, None, None, None], (count, 2, 4, 3)),
        cameras=np.zeros((count, 5), np.float32),
        confidences=numbers,
        azimuth_probabilities=np.zeros((count, 24), np.float32),
    )
    images = np.broadcast_to(numbers.astype(np.uint8)[:, None, None, None], (count, 4, 4, 3))
    shifts = np.broadcast_to(numbers[:, None], (count, SHIFTS))
    given = []

    def renderer(parts):
        given.append(parts)
        return Rendering(parts.images, parts.masks)

    own = np.arange(count)
    mixed = Mixed(np.roll(own, -1), np.roll(own, -2), np.roll(own, -3))
    cameras = np.arange(count * 5, dtype=np.float32).reshape(count, 5)
    drawn = Rendered(renderer, images, read, shifts)(Asked(mixed, cameras, cameras))
    parts = [np.concatenate(values) for values in zip(*given, strict=True)]
    assert np.array_equal(parts[0], cameras)
    assert parts[1][:, 0, 0].tolist() == mixed.shapes.tolist()
    assert parts[2][:, 0, 0, 0].tolist() == mixed.colours.tolist()
    assert drawn.images[:, 0, 0, 0].tolist() == mixed.scenes.tolist()
    assert np.allclose(drawn.alphas[:, 0, 0] * count, mixed.scenes)
    assert parts[5][:, -1].tolist() == mixed.shapes.tolist()
