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


def test_small_objects_on_one_grey_are_different_pictures():
    pictures = np.full((300, 32, 32, 3), 128, np.uint8)
    random = np.random.default_rng(0)
    for picture in pictures:
        row, column = random.integers(8, 20, 2)
        colour = 128 + random.choice((-1, 1), 3) * random.integers(16, 28, 3)
        picture[row : row + 5, column : column + 4] = colour
    assert picture_groups(pictures).max() + 1 > 280
    again = np.clip(pictures + random.integers(-1, 2, pictures.shape), 0, 255).astype(np.uint8)
    both = picture_groups(np.concatenate([pictures, again]))
    assert np.mean(both[:300] == both[300:]) > 0.97


def test_a_thousand_copies_are_one_picture():
    assert picture_groups(smooth(1).repeat(1_500, axis=0)).max() == 0
    assert picture_groups(smooth(1)).tolist() == [0]
