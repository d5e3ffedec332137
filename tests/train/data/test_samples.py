import pytest
from PIL import Image

from train.data.samples import SamplesError, write_folder_samples, write_procedural_samples


def test_procedural_samples_are_jpegs_of_the_size_asked_for(tmp_path):
    paths = write_procedural_samples(tmp_path, 2, 96)
    assert [path.name for path in paths] == ["00.jpg", "01.jpg"]
    for path in paths:
        with Image.open(path) as photograph:
            assert photograph.format == "JPEG" and photograph.size == (96, 96)


def test_folder_samples_are_the_first_readable_ones_made_smaller(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / "a.png").write_bytes(b"broken")
    Image.new("RGBA", (400, 200)).save(source / "b.png")
    Image.new("L", (50, 60)).save(source / "c.jpeg")
    Image.new("RGB", (50, 60)).save(source / "d.jpg")
    paths = write_folder_samples(target, source, 2, 100)
    for path, size in zip(paths, [(100, 50), (50, 60)], strict=True):
        with Image.open(path) as photograph:
            assert photograph.size == size


def test_a_sample_with_an_alpha_channel_keeps_it_and_nothing_a_camera_wrote(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    bird = Image.new("RGBA", (80, 60), (200, 30, 30, 0))
    bird.paste((10, 200, 10, 255), (20, 20, 60, 40))
    exif = Image.Exif()
    exif[0x013B] = "a person"
    bird.save(source / "bird.png", exif=exif)
    (path,) = write_folder_samples(target, source, 2, 40)
    assert path.name == "00.png"
    with Image.open(path) as photograph:
        assert photograph.mode == "RGBA" and not dict(photograph.getexif())
        assert photograph.getpixel((20, 15)) == (10, 200, 10, 255)
        assert photograph.getchannel("A").getextrema() == (0, 255)


def test_a_folder_without_a_readable_photograph_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"broken")
    with pytest.raises(SamplesError, match="can be read"):
        write_folder_samples(tmp_path, tmp_path, 2, 100)
