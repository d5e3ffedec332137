import numpy as np
import pytest

from graphics.camera import AZIMUTH, ELEVATION
from train.data.multiview import MultiviewData
from train.data.vehicles import HELD_OUT_SEED, photographs
from train.evaluation.viewpoint_cameras import FEWEST_IMAGES, viewpoint_camera_errors
from train.models.attributes import load_attributes
from train.pose.attribute_classifier import SHIPPED

WHEN = ("before", "after")
VIEWPOINTS = 24
OFF_AZIMUTH, OFF_ELEVATION = 20.0, 8.0


@pytest.fixture
def data(tmp_path) -> tuple[MultiviewData, np.ndarray]:
    """Viewpoints whose images are true photographs, said to be elsewhere, and where they are."""
    held_out = photographs(HELD_OUT_SEED, np.arange(VIEWPOINTS), 64)
    images = np.repeat(held_out.images, FEWEST_IMAGES, axis=0)[:-1]  # the last has too few
    viewpoint = np.repeat(np.arange(VIEWPOINTS), FEWEST_IMAGES)[:-1].astype(np.int32)
    said = held_out.cameras.copy()
    said[:, AZIMUTH] += OFF_AZIMUTH
    said[:, ELEVATION] -= OFF_ELEVATION
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "masks.npy", np.zeros(images.shape[:3], np.uint8))
    np.savez(tmp_path / "index.npz", object=np.zeros_like(viewpoint), viewpoint=viewpoint)
    np.savez(tmp_path / "viewpoints.npz", cameras=said, codes=np.zeros((VIEWPOINTS, 4)))
    np.savez(tmp_path / "contents.npz", codes=np.zeros((1, 4)))
    true = held_out.cameras.copy()
    true[-1, AZIMUTH] += 180  # would count if it were not left out
    return MultiviewData(tmp_path), true


def test_before_and_after_are_told_apart(data):
    views, true = data
    errors = viewpoint_camera_errors(views, true, load_attributes(SHIPPED))
    before, after = (errors[f"viewpoint_azimuth_error_median_degrees_{w}"] for w in WHEN)
    assert before == pytest.approx(OFF_AZIMUTH, abs=4) and after < 4
    before, after = (errors[f"viewpoint_elevation_error_median_degrees_{w}"] for w in WHEN)
    assert before == pytest.approx(OFF_ELEVATION, abs=3) and after < 3


def test_viewpoints_with_hardly_an_image_give_no_figures(data):
    views, true = data
    views.viewpoint = np.arange(len(views), dtype=np.int32)
    assert viewpoint_camera_errors(views, true, load_attributes(SHIPPED)) == {}
