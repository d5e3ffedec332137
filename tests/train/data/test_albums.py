import numpy as np
import pytest

from graphics.camera import AZIMUTH, azimuth_difference_degrees
from train.data.albums import PHOTOGRAPHS, albums, azimuths_apart
from train.data.held_out import ProceduralObjects, held_out
from train.data.vehicles import HELD_OUT_SEED


@pytest.fixture(scope="module")
def made():
    return albums(ProceduralObjects(3), 5, 32, HELD_OUT_SEED)


def test_novel_views_are_far_from_every_photograph(made):
    apart = azimuth_difference_degrees(
        made.novel_cameras[:, :, None, AZIMUTH], made.cameras[:, None, :, AZIMUTH]
    )
    assert apart.min() >= 30 - 1e-3
    assert made.novel_images.shape == (3, 5, 32, 32, 3) and made.novel_masks.any()


def test_two_photographs_are_opposite_and_four_a_quarter_apart(made):
    turns = (made.cameras[..., AZIMUTH] - made.cameras[:, :1, AZIMUTH]) % 360
    for number, (turn, spread) in {4: (180, 30), 1: (90, 20), 2: (180, 20), 3: (270, 20)}.items():
        assert (np.abs(turns[:, number] - turn) <= spread + 1e-3).all()
    assert PHOTOGRAPHS == {1: (0,), 2: (0, 4), 4: (0, 1, 2, 3)}


def test_the_first_photograph_is_the_one_that_is_measured_alone(made):
    alone = held_out(3, 1, 32)
    assert np.array_equal(made.images[:, 0], alone.images)
    assert np.array_equal(made.cameras[:, 0], alone.cameras)


def test_photographs_all_round_leave_no_novel_view():
    with pytest.raises(ValueError, match="no azimuth is 30 degrees from all"):
        azimuths_apart(np.arange(0, 360, 45.0), 3)
