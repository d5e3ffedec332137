import numpy as np
import pytest
import torch

from graphics.frames import frame_around
from train.data.cutouts import (
    PHOTOGRAPHED,
    RENDERED,
    CutOutBatch,
    CutOuts,
    CutOutsError,
    CutOutSource,
    cut_out,
    write_cutouts,
)
from train.running.workspace import StageFolder


def batch(first: int, count: int, kind: int, each: int = 1) -> CutOutBatch:
    """Cut-outs of 8 px, `each` of an object, that are as bright as their number, which is their
    azimuth too."""
    numbers = np.arange(first, first + count)
    images = np.broadcast_to(numbers[:, None, None, None], (count, 8, 8, 4)).astype(np.uint8)
    cameras = np.full((count, 5), np.nan, np.float32)
    cameras[:, 0] = numbers
    objects = np.arange(count, dtype=np.int32) // each
    return CutOutBatch(images, cameras, np.full(count, kind, np.int32), objects)


BOTH = CutOutBatch.joined([batch(0, 30, RENDERED), batch(100, 5, PHOTOGRAPHED)])


def sampled(data: CutOutBatch, photographed: float, count: int, **more: slice) -> torch.Tensor:
    """The numbers of the cut-outs sampled, which images and cameras agree on."""
    generator = torch.Generator().manual_seed(3)
    views = CutOuts(data, photographed).sample(count, generator, **more)
    assert views.images.shape[1:] == (3, 8, 8) and views.masks.shape[1:] == (8, 8)
    torch.testing.assert_close(views.images[:, 0, 0, 0] * 255, views.cameras[:, 0])
    torch.testing.assert_close(views.masks[:, 3, 3] * 255, views.cameras[:, 0])
    return views.cameras[:, 0]


def test_photographs_have_their_share_however_few_they_are():
    numbers = sampled(BOTH, 0.3, 2_000)
    assert (numbers >= 100).float().mean() == pytest.approx(0.3, abs=0.04)
    assert len(numbers.unique()) == 35


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_of_one_kind_alone_all_are_sampled_whatever_the_share(share):
    assert len(sampled(batch(0, 4, RENDERED), share, 100).unique()) == 4
    assert len(sampled(batch(0, 4, PHOTOGRAPHED), share, 100).unique()) == 4


def test_the_shards_of_a_batch_are_the_batch():
    whole = sampled(BOTH, 0.5, 9)
    first, second = (sampled(BOTH, 0.5, 9, shard=slice(rank, 9, 2)) for rank in (0, 1))
    assert torch.equal(whole[::2], first) and torch.equal(whole[1::2], second)


def pairs(data: CutOutBatch, count: int, **more: slice) -> np.ndarray:
    """Numbers [N, 2] of the pairs sampled."""
    generator = torch.Generator().manual_seed(4)
    views = CutOuts(data, 0.5).sample_pairs(count, generator, **more)
    return views.cameras[:, 0].reshape(-1, 2).numpy()


def test_pairs_are_two_cut_outs_of_one_object_and_the_same_one_where_there_is_no_other():
    first = batch(0, 30, RENDERED, 3)
    mixed = first._replace(objects=np.tile(np.arange(10, dtype=np.int32), 3))  # not in a row
    found = pairs(CutOutBatch.joined([mixed, batch(100, 5, PHOTOGRAPHED)]), 2_000)
    one, other = found[found[:, 0] < 100].T
    assert (one % 10 == other % 10).all() and (one != other).all()
    assert len(np.unique(np.stack((one, other)), axis=1).T) == 60  # every pair, in both orders
    alone = found[found[:, 0] >= 100]
    assert len(alone) > 800 and (alone[:, 0] == alone[:, 1]).all()


def test_the_shards_of_pairs_are_the_batch_object_by_object():
    whole = pairs(BOTH, 9)
    first, second = (pairs(BOTH, 9, shard=slice(rank, 9, 2)) for rank in (0, 1))
    np.testing.assert_array_equal(whole[::2], first)
    np.testing.assert_array_equal(whole[1::2], second)


def test_without_a_cut_out_there_is_nothing_to_sample():
    with pytest.raises(ValueError, match="no cut-out"):
        CutOuts(batch(0, 0, RENDERED), 0.5)


def test_what_is_cut_out_is_in_the_middle_and_looks_as_far_away_as_it_is_large():
    image, mask = np.full((60, 60, 3), 9, np.uint8), np.zeros((60, 60), np.uint8)
    mask[10:20, 5:35], image[10:20, 5:35] = 255, 200
    square, camera = cut_out(image, mask, np.array([40.0, 10, 5, 0.3, -0.2]), 64)
    side = frame_around(5, 10, 35, 20).side
    np.testing.assert_allclose(camera, [40, 10, 5 * side / 60, 0, 0], rtol=1e-6)
    rows, columns = np.nonzero(square[..., 3] > 127)
    assert abs(rows.mean() - 31.5) < 1.5 and abs(columns.mean() - 31.5) < 1.5
    assert np.ptp(columns) + 1 == pytest.approx(30 * 64 / side, abs=2)
    assert square[32, 32, 0] == 200 and square[32, 1, 0] == 9  # what is around it stays
    with pytest.raises(ValueError, match="mask is empty"):
        cut_out(image, mask * 0, camera, 64)


def test_what_is_written_is_what_was_made_also_where_less_was_made_than_announced(tmp_path):
    folder, seen = StageFolder(tmp_path), []
    parts = [batch(0, 3, RENDERED, 2), batch(3, 2, RENDERED)]
    sources = [CutOutSource(9, iter(parts)), CutOutSource(2, iter([batch(100, 2, PHOTOGRAPHED)]))]
    kinds = write_cutouts(folder, sources, 8, seen.append)
    found = CutOutBatch.read(tmp_path)
    np.testing.assert_array_equal(found.cameras[:, 0], [0, 1, 2, 3, 4, 100, 101])
    np.testing.assert_array_equal(found.images[:, 0, 0, 0], found.cameras[:, 0])
    np.testing.assert_array_equal(found.kinds, kinds)
    # Objects of one source are the same in all of its batches; other sources have others.
    assert found.objects.tolist() == [0, 0, 1, 0, 1, 2, 3]
    assert kinds.tolist() == [RENDERED] * 5 + [PHOTOGRAPHED] * 2 and seen == [3, 5, 7]
    assert {path.name for path in tmp_path.iterdir()} == {"images.npy", "cameras.npz"}


@pytest.mark.parametrize("most", [0, 4])
def test_nothing_is_written_where_nothing_was_made(most, tmp_path):
    source = CutOutSource(most, iter([batch(0, 0, RENDERED)]))
    with pytest.raises(CutOutsError, match="give"):
        write_cutouts(StageFolder(tmp_path), [source], 8)
    assert not (tmp_path / "images.npy").exists()
