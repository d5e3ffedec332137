import numpy as np

from graphics.camera import azimuth_difference_degrees
from train.data.held_out import held_out, sample_novel_cameras


def test_objects_come_with_photographs_novel_views_and_shapes() -> None:
    truth = held_out(3, 4, 32)
    assert truth.images.shape == (3, 32, 32, 3) and truth.masks.shape == (3, 32, 32)
    assert truth.novel_images.shape == (3, 4, 32, 32, 3)
    assert truth.novel_masks.shape == (3, 4, 32, 32)
    assert truth.novel_cameras.shape == (3, 4, 5) and len(truth.shapes) == 3
    # Every novel view shows its own object: about as much of it as the photograph does.
    share = (truth.novel_masks >= 128).mean((1, 2, 3)) / (truth.masks >= 128).mean((1, 2))
    assert np.all((share > 0.5) & (share < 2))


def test_the_same_seed_gives_the_same_truth() -> None:
    first, again, other = held_out(2, 2, 32), held_out(2, 2, 32), held_out(2, 2, 32, seed=5)
    assert np.array_equal(first.novel_images, again.novel_images)
    assert not np.array_equal(first.images, other.images)


def test_novel_views_stand_away_from_the_photograph_and_centre_the_object() -> None:
    cameras = np.zeros((5, 5), np.float32)
    cameras[:, 0] = [0, 90, 170, 359, 200]
    for views in (1, 2, 8):
        novel = sample_novel_cameras(cameras, views, seed=3)
        turned = azimuth_difference_degrees(novel[..., 0], cameras[:, None, 0])
        assert turned.min() > 29.99
        assert np.all((novel[..., 0] >= 0) & (novel[..., 0] < 360))
        assert np.all((novel[..., 1] >= 0) & (novel[..., 1] <= 30))
        assert np.all(novel[..., 2] == 5) and np.all(novel[..., 3:] == 0)
