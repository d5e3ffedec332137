import numpy as np
import pytest

from graphics.render import render
from tests.train.smallest_bundle import SIZE, TEMPLATE, write_bundle
from train.evaluation.predictors import BundlePredictor
from train.evaluation.refined_photos import NoObject, folder_names, refine_photo


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> BundlePredictor:
    return BundlePredictor(write_bundle(tmp_path_factory.mktemp("bundle")))


def egg(background: float) -> tuple[np.ndarray, np.ndarray]:
    """A green ellipsoid, larger than the bundle takes it for, and its mask."""
    shape = (TEMPLATE.vertices * np.array([0.5, 0.4, 0.6], np.float32))[None]
    texture = np.full((1, 4, 8, 3), (0.1, 0.8, 0.1), np.float32)
    camera = np.array([[30, 10, 5, 0, 0]], np.float32)
    behind = np.full((1, SIZE, SIZE, 3), background, np.float32)
    rendered = render(shape, texture, camera, TEMPLATE, SIZE, behind, samples=4)
    return np.rint(rendered.images[0] * 255).astype(np.uint8), rendered.masks[0]


def test_the_silhouette_grows_to_the_mask(predictor: BundlePredictor) -> None:
    image, mask = egg(0.5)
    few, many = (refine_photo(predictor, image, mask, steps) for steps in (5, 200))
    assert few.before.iou == many.before.iou < 0.1
    assert few.before.iou < few.after.iou < many.after.iou and many.after.iou > 0.5
    # The unseen side is shown from one camera before and after, so that only the shape differs.
    both = (many.before.other_view, many.after.other_view)
    covered = [int((view != 128).any(axis=-1).sum()) for view in both]
    assert both[0].shape == (SIZE, SIZE, 3) and covered[1] > 2 * covered[0] > 0


def test_without_a_mask_the_segmenter_says_where_the_object_is(
    predictor: BundlePredictor,
) -> None:
    image, mask = egg(0.0)
    # This bundle's segmenter takes what is bright for the object.
    refined = refine_photo(predictor, image, None, 1)
    assert np.array_equal(refined.before.read.masks, predictor.segment(image[None]))
    assert not np.array_equal(refined.before.read.masks[0], mask)


def test_where_nothing_is_nothing_is_fitted(predictor: BundlePredictor) -> None:
    black = np.zeros((SIZE, SIZE, 3), np.uint8)
    with pytest.raises(NoObject, match="--masks"):
        refine_photo(predictor, black, None, 5)
    with pytest.raises(NoObject):
        refine_photo(predictor, black + 200, np.zeros((SIZE, SIZE), np.float32), 5)


def test_photographs_of_one_name_have_folders_of_their_own() -> None:
    assert folder_names(["car", "van", "car", "car_2", "Car"]) == [
        "car", "van", "car_2", "car_2_2", "Car_3",
    ]  # fmt: skip
