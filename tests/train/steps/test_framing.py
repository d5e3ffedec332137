import torch

from train.data.augmentation import BatchRandom, cut_out_views
from train.data.stream import LabelledViews
from train.steps.framing import framed


def test_cameras_go_with_what_became_of_their_images():
    masks = torch.zeros(40, 64, 64)
    masks[:, 20:40, 16:48] = 1
    cameras = torch.tensor([30.0, 10, 5, 0.1, 0]).repeat(40, 1)
    cameras[0] = torch.nan
    views = LabelledViews(torch.rand(40, 3, 64, 64), masks, cameras)
    found = framed(views, BatchRandom(torch.Generator().manual_seed(2), 40), 32)
    alone = BatchRandom(torch.Generator().manual_seed(2), 40)
    changed = cut_out_views(views.images, masks, alone, 32)
    torch.testing.assert_close(found.changed, changed)
    assert found.cameras[0].isnan().all()
    signs = torch.where(changed.mirrored[1:], -1.0, 1.0)
    torch.testing.assert_close(found.cameras[1:, 0], 30 * signs)
    torch.testing.assert_close(found.cameras[1:, 1], torch.full((39,), 10.0))
    torch.testing.assert_close(found.cameras[1:, 2], 5 * changed.distances[1:])
    torch.testing.assert_close(cameras[1:, 2], torch.full((39,), 5.0))  # those given stay
    assert found.given_masks.shape == (40, 32, 32)
    assert not torch.equal(found.given_masks, changed.masks)
