import base64
import io
import re

import numpy as np
import pytest
from PIL import ExifTags, Image

from tests.train.annotation.annotation_page import FrozenEncoder, island
from tests.train.annotation.photo_folder import COLOURS, photo_page_of, write_photos
from train.annotation.photo_page import LARGEST_SIDE, asking_order


@pytest.fixture
def folder(tmp_path):
    return write_photos(tmp_path)


def shown(entry) -> Image.Image:
    kind, _, content = entry["image"].partition(",")
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content, validate=True)))


def test_the_least_confident_are_asked_first_and_equals_in_their_order():
    assert asking_order(np.array([0.9, 0.2, 0.5, 0.2])).tolist() == [1, 3, 2, 0]
    assert asking_order(np.zeros(0)).tolist() == []


def test_the_page_holds_pictures_and_predictions(folder):
    photos = island(photo_page_of(folder))["photos"]
    assert [(entry["file"], entry["predicted"]) for entry in photos] == [
        ("b.jpg", 330), ("more/c.webp", 0), ("a.png", 100),
    ]  # fmt: skip
    for entry in photos:
        assert entry["row"] is entry["answer"] is None
        with shown(entry) as image:
            assert image.size == (60, 40)
            assert np.abs(np.array(image)[20, 30] - np.array(COLOURS[entry["file"]])).max() <= 6


def test_what_the_table_says_is_answered(folder):
    (folder / "photos.csv").write_text("file,azimuth_degrees,by\nnone.txt,5,us\nb.jpg,-30.25,us\n")
    (folder / "none.txt").write_text("no picture")
    content = island(photo_page_of(folder))
    assert content["columns"] == ["file", "azimuth_degrees", "by"]
    assert content["rows"] == [["none.txt", "5", "us"], ["b.jpg", "-30.25", "us"]]
    answers = {entry["file"]: (entry["row"], entry["answer"]) for entry in content["photos"]}
    none = (None, None)
    assert answers == {"b.jpg": (1, 329.75), "a.png": none, "more/c.webp": none}


def test_pictures_are_upright_small_and_opaque(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # its left is to be above
    large = Image.new("RGB", (1200, 900), (200, 30, 30))
    large.paste((30, 30, 200), (600, 0, 1200, 900))
    large.save(tmp_path / "large.jpg", exif=exif)
    clear = Image.new("RGBA", (60, 40), (0, 0, 0, 0))
    clear.paste((0, 200, 0, 255), (20, 10, 40, 30))
    clear.save(tmp_path / "clear.png")
    page = photo_page_of(tmp_path, {"large.jpg": (0, 0.1), "clear.png": (0, 0.2)})
    first, second = (np.array(shown(entry)) for entry in island(page)["photos"])
    assert first.shape == (LARGEST_SIDE, LARGEST_SIDE * 3 // 4, 3)
    assert first[20, 180, 0] > 180 and first[-20, 180, 2] > 180
    assert np.abs(second[2, 2].astype(int) - 128).max() <= 6 and second[20, 30, 1] > 180


def test_a_hundred_photographs_are_a_small_page(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (24, 36, 3), np.uint8)
    Image.fromarray(pixels).resize((1600, 1067), Image.Resampling.BICUBIC).save(tmp_path / "a.jpg")
    page = photo_page_of(tmp_path, {"a.jpg": (0, 0.5)})
    assert 100 * len(island(page)["photos"][0]["image"]) < 6e6


def test_choices_are_kept_by_name_and_content(folder):
    keys = {entry["file"]: entry["key"] for entry in island(photo_page_of(folder))["photos"]}
    (folder / "d.png").write_bytes((folder / "a.png").read_bytes())
    write_photos(folder, {"b.jpg": (1, 2, 3)})
    again = dict.fromkeys(["a.png", "b.jpg", "d.png"], (0, 0.5))
    new = {entry["file"]: entry["key"] for entry in island(photo_page_of(folder, again))["photos"]}
    assert new["a.png"] == keys["a.png"] != new["d.png"]
    assert new["b.jpg"] != keys["b.jpg"]


@pytest.mark.parametrize(
    "name", ["</script><script>alert(1)<", "<!--<script>", "&lt;\u2028'\"\\", "__SCRIPT__"]
)
def test_hostile_names_stay_text(tmp_path, name):
    file = name.replace("/", "\u2044") + ".png"
    write_photos(tmp_path, {file: (9, 9, 9), "a.png": (9, 9, 9)})
    harmless = FrozenEncoder(photo_page_of(tmp_path, {"a.png": (0, 0.5)}).read_text())
    page = photo_page_of(tmp_path, {file: (0, 0.5)}, name=name, category=name)
    content = island(page)
    assert (content["name"], content["category"]) == (name, name)
    assert content["photos"][0]["file"] == file
    hostile = FrozenEncoder(page.read_text())
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in harmless.tags]
    assert hostile.scripts[1] == harmless.scripts[1]


def test_it_needs_nothing_but_itself(folder):
    text = photo_page_of(folder).read_text()
    for _, attributes in FrozenEncoder(text).tags:
        assert not {"src", "href"} & set(attributes)
    assert not re.search(r"@import|url\(|fetch\(|https?://(?!www\.w3\.org/)", text)
    assert "default-src 'none'" in text


def test_every_button_and_field_has_a_name(folder):
    text = photo_page_of(folder).read_text()
    assert all(re.sub(r"<[^>]*>", "", one).strip() for one in re.findall(r"<button.*?</b", text))
    for tag, attributes in FrozenEncoder(text).tags:
        if attributes.get("role") == "slider" or tag == "progress":
            assert {"aria-label", "aria-labelledby"} & set(attributes)
