import numpy as np

from graphics.photographs import GREY
from train.data.grounds import cut_outs, ground, on_grounds

SIZE = 32


def photographs():
    """Three red squares with a rim that is half there: two cut out, one before a wall."""
    masks = np.zeros((3, SIZE, SIZE), np.float32)
    masks[:, 7:25, 7:25] = 0.5
    masks[:, 8:24, 8:24] = 1
    images = np.full((3, SIZE, SIZE, 3), GREY, np.uint8)
    images[2, :4] = 30
    images[masks == 1] = (200, 0, 0)
    images[masks == 0.5] = np.rint((np.array((200, 0, 0)) + GREY) / 2)
    return images, masks


def test_cut_outs_stand_on_grounds_of_their_own_and_photographs_stay_as_they_are():
    images, masks = photographs()
    chosen = cut_outs(images, masks)
    assert chosen.tolist() == [True, True, False]
    stood = on_grounds(images, masks, chosen, seed=4)
    assert np.array_equal(stood[2], images[2])
    assert np.array_equal(stood[masks == 1], images[masks == 1])
    for number in range(2):
        behind = ground(4, number, SIZE)
        assert np.array_equal(stood[number][masks[number] == 0], behind[masks[number] == 0])
        # The rim shows half of the ground, and nothing of the grey.
        wanted = (np.array((200, 0, 0)) + behind.astype(float)) / 2
        rim = masks[number] == 0.5
        assert np.abs(stood[number][rim] - wanted[rim]).max() <= 1.5
    assert np.array_equal(on_grounds(images, masks, chosen, seed=4), stood)


def test_grounds_differ_and_are_smooth_but_for_their_noise():
    several = np.stack([ground(1, number, SIZE) for number in range(8)]).astype(float)
    apart = np.abs(several[:, None] - several).mean(axis=(2, 3, 4))
    assert (apart + 100 * np.eye(8) > 20).all()
    steps = np.abs(np.diff(several, axis=1))
    assert np.median(steps) < 25 and several.std() > 40
    assert not np.array_equal(ground(2, 0, SIZE), several[0])
