import numpy as np
import pytest

from graphics.azimuth import BINS
from graphics.frames import Frame
from graphics.mesh import sphere_template
from train.data.photo_set import PhotoSet, of_squares
from train.evaluation.benchmark import Predicted
from train.evaluation.photo_benchmark import measure_photos, photo_estimates

SIZE = 48


class Ball:
    """Takes everything for a ball at the camera and of the confidence that it is given.

    `doubt`: the probability that the camera looks from behind.
    """

    def __init__(self, cameras: np.ndarray, confidence: float = 0.9, doubt: float = 0.0) -> None:
        self.template = sphere_template(2)
        self.cameras, self.confidence = cameras.astype(np.float32), confidence
        self.azimuths = np.zeros((1, BINS), np.float32)
        self.azimuths[0, 0], self.azimuths[0, BINS // 2] = 1 - doubt, doubt

    def segment(self, images: np.ndarray) -> np.ndarray:
        return (images[..., 0] > 100).astype(np.float32)

    def reconstruct(self, images: np.ndarray, masks: np.ndarray) -> Predicted:
        count = len(images)
        return Predicted(
            masks,
            np.repeat(self.template.vertices[None] * 0.7, count, 0),
            np.full((count, 4, 8, 3), 0.8, np.float32),
            self.cameras[:count],
            np.full(count, self.confidence, np.float32),
            np.repeat(self.azimuths, count, 0),
        )


def photographs(masks: list[np.ndarray], known: bool = False) -> PhotoSet:
    stacked = np.stack(masks)
    return of_squares(
        np.repeat((stacked * 200).astype(np.uint8)[..., None], 3, -1),
        stacked.astype(np.float32) if known else None,
        [f"{number}.png" for number in range(len(masks))],
    )


def circle(radius: float, x: float = 0.0) -> np.ndarray:
    axis = (2 * np.arange(SIZE) + 1 - SIZE) / SIZE
    return np.hypot(axis[None] - x, axis[:, None]) < radius


FRONT = np.array([[0.0, 0, 5, 0, 0]])
BALL_RADIUS = 0.7 / np.sqrt(25 - 0.49) / np.tan(np.radians(12.5))


def test_a_ball_is_rendered_where_it_was() -> None:
    found = measure_photos(Ball(FRONT), photographs([circle(BALL_RADIUS)]))
    assert found.scores.iou2d_rerender[0] > 0.95 and found.flags == [[]]
    assert found.renders.shape == (1, 6, SIZE, SIZE, 3)
    assert found.scores.watertight == 1 and found.scores.flipped_faces == 0
    metrics = photo_estimates(found)
    assert "azimuth_median_deg" not in metrics and "iou2d_segmenter" not in metrics


def test_a_given_mask_is_what_counts() -> None:
    photos = photographs([circle(BALL_RADIUS)], known=True)
    photos = photos._replace(scenes=np.zeros_like(photos.images))
    found = measure_photos(Ball(FRONT), photos)
    assert found.scores.iou2d_rerender[0] > 0.95
    assert found.scores.iou2d_segmenter[0] == 0  # it reads what is around the object
    assert np.array_equal(found.masks, photos.masks)


def test_what_a_person_should_look_at_is_flagged() -> None:
    two = circle(0.3, -0.5) | circle(0.25, 0.5)
    masks = [np.zeros((SIZE, SIZE), bool), circle(0.1), circle(0.6, 0.9), two, circle(BALL_RADIUS)]
    found = measure_photos(Ball(np.repeat(FRONT, 5, 0)), photographs(masks))
    assert [flags[0] if flags else "" for flags in found.flags] == [
        "no_object", "tiny", "touches_border", "several_objects", "",
    ]  # fmt: skip
    assert found.flags[0] == ["no_object"]
    assert all("low_iou" in flags for flags in found.flags[1:4])
    unsure = measure_photos(Ball(FRONT, confidence=0.2), photographs([circle(BALL_RADIUS)]))
    assert unsure.flags == [["unlike_training"]]
    torn = measure_photos(Ball(FRONT, doubt=0.4), photographs([circle(BALL_RADIUS)]))
    assert torn.flags == [["ambiguous_front_back"]]
    dark = photographs([circle(BALL_RADIUS)], known=True)
    dark = dark._replace(images=np.zeros_like(dark.images))
    assert measure_photos(Ball(FRONT), dark).flags == [["unlike_training"]]


def test_the_flags_are_those_of_the_photograph_s_own_pixels_and_edges() -> None:
    photos = photographs([circle(BALL_RADIUS)])
    left = round(SIZE * (1 - BALL_RADIUS) / 2)
    cut = photos._replace(frames=[Frame(-left - 2, 0, SIZE)], sizes=[(SIZE, SIZE)])
    assert measure_photos(Ball(FRONT), cut).flags == [["touches_border"]]
    few = photos._replace(frames=[Frame(0, 0, 8)], sizes=[(8, 8)])
    assert measure_photos(Ball(FRONT), few).flags == [["tiny"]]


def test_cameras_are_compared_the_short_way_round() -> None:
    photos = photographs([circle(BALL_RADIUS)] * 2)
    photos.cameras[0, :2] = (10, 8)
    found = measure_photos(Ball(FRONT + [[350, 5, 0, 0, 0]] * np.ones((2, 1))), photos)
    assert found.scores.azimuth_degrees[0] == pytest.approx(20)
    assert found.scores.elevation_degrees[0] == pytest.approx(3)
    assert np.isnan(found.scores.azimuth_degrees[1])
    assert photo_estimates(found)["azimuth_median_deg"].value == pytest.approx(20)
