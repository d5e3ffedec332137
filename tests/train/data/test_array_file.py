import numpy as np

from train.data.array_file import ArrayFile


def test_the_file_appears_only_when_finished(tmp_path):
    path = tmp_path / "images.npy"
    file = ArrayFile(path, (5, 3))
    file.rows[:] = 7
    assert not path.exists()
    file.finish()
    assert np.array_equal(np.load(path), np.full((5, 3), 7, np.uint8))
    assert [p.name for p in tmp_path.iterdir()] == ["images.npy"]


def test_rows_of_a_killed_process_are_found_again(tmp_path):
    killed = ArrayFile(tmp_path / "images.npy", (4, 2), np.float32)
    killed.rows[:2] = 1.5
    killed.flush()
    again = ArrayFile(tmp_path / "images.npy", (4, 2), np.float32)
    assert again.resumed
    assert np.array_equal(again.rows[:, 0], [1.5, 1.5, 0, 0])


def test_rows_of_another_shape_or_type_are_begun_anew(tmp_path):
    ArrayFile(tmp_path / "images.npy", (4, 2)).rows[:] = 3
    other = ArrayFile(tmp_path / "images.npy", (5, 2))
    assert not other.resumed
    assert not other.rows.any()
    assert not ArrayFile(tmp_path / "images.npy", (5, 2), np.int16).resumed


def test_a_truncated_part_is_begun_anew(tmp_path):
    ArrayFile(tmp_path / "images.npy", (4, 2))
    part = tmp_path / ".images.npy.part"
    part.write_bytes(part.read_bytes()[:20])
    assert not ArrayFile(tmp_path / "images.npy", (4, 2)).resumed


def test_only_the_rows_kept_are_published(tmp_path):
    file = ArrayFile(tmp_path / "images.npy", (3000, 2), np.int32)
    file.rows[:] = np.arange(6000).reshape(3000, 2)
    kept = np.arange(0, 3000, 2)
    file.finish(kept)
    assert np.array_equal(np.load(tmp_path / "images.npy")[:, 0], 2 * kept)
    assert [p.name for p in tmp_path.iterdir()] == ["images.npy"]
