import numpy as np

from train.data.duplicates import picture_groups


def smooth(count: int) -> np.ndarray:
    """Pictures of random blocks, unlike each other."""
    blocks = np.random.default_rng(0).integers(20, 230, (count, 8, 8, 3), dtype=np.uint8)
    return blocks.repeat(4, axis=1).repeat(4, axis=2)


def test_copies_and_near_copies_are_one_group():
    pictures = smooth(60)
    noise = np.random.default_rng(1).integers(-12, 13, pictures.shape)
    near = (pictures[:5] + noise[:5]).astype(np.uint8)
    groups = picture_groups(np.concatenate([pictures, pictures[:7], near]))
    assert groups.max() + 1 == 60
    assert np.array_equal(groups[60:67], groups[:7]) and np.array_equal(groups[67:], groups[:5])


def test_a_thousand_copies_are_one_picture():
    assert picture_groups(smooth(1).repeat(1_500, axis=0)).max() == 0
    assert picture_groups(smooth(1)).tolist() == [0]
