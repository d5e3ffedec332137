import numpy as np
import torch

from train.data.masked_photographs import MaskedPhotographs
from train.running.workspace import Workspace

SIZE, COUNT = 32, 25


def cut_out(path) -> MaskedPhotographs:
    """White squares on mid grey, each with its mask."""
    folder = Workspace(path).stage("photographs")
    masks = np.zeros((COUNT, SIZE, SIZE), np.uint8)
    masks[:, 8:24, 8:24] = 255
    images = np.where(masks[..., None] > 0, np.uint8(255), np.uint8(128)).repeat(3, axis=3)
    np.save(folder.file("images.npy"), images)
    np.save(folder.file("masks.npy"), masks)
    np.save(folder.file("cut_outs.npy"), np.arange(COUNT) < 2)
    folder.finish(masks=True)
    return MaskedPhotographs(folder)


def test_one_of_ten_is_held_out(tmp_path):
    photographs = cut_out(tmp_path)
    assert photographs.held_out.tolist() == [9, 19]
    assert len(photographs.training) == COUNT - 2


def test_every_second_one_stands_before_a_scene_of_its_own(tmp_path):
    photographs, numbers = cut_out(tmp_path), np.arange(8)
    plain = photographs.load(numbers)
    seen = photographs.load_in_scenes(numbers, seed=3, first=0)
    assert torch.equal(seen.masks, plain.masks)
    assert torch.equal(seen.images[::2], plain.images[::2])
    inside = plain.masks[:, None].expand_as(plain.images) > 0.5
    assert torch.equal(seen.images[inside], plain.images[inside])
    behind = torch.where(inside, 0.0, seen.images)[1::2]
    assert behind.std(dim=(2, 3)).min() > 0.02  # no longer plain grey
    apart = (behind[:, None] - behind).abs().mean(dim=(2, 3, 4))
    assert (apart + torch.eye(4) > 0.01).all()
    again = photographs.load_in_scenes(numbers, seed=3, first=0)
    assert torch.equal(seen.images, again.images)


def test_what_was_cut_out_is_served_before_a_scene_and_photographs_as_they_are(tmp_path):
    photographs, numbers = cut_out(tmp_path), np.arange(4)
    scenes = photographs.scenes(numbers, seed=3)
    changed = (scenes != photographs.images[:4]).any(axis=(1, 2, 3))
    assert changed.tolist() == [True, True, False, False]
    assert (scenes[:, 8:24, 8:24] == 255).all()
