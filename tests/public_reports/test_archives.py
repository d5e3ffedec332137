"""Archives as people's systems write them: masks in subfolders, systems' own files, names.

Reports of the kind: macOS adds `__MACOSX/._a.jpg` for every file, Windows Thumbs.db; older tools
write backslashes, or UTF-8 names without the flag that says so, which zipfile reads as code page
437.
"""

import io
import zipfile

import pytest

from graphics.picture_names import is_systems_own, nearest_masks
from service.errors import RequestError
from service.jobs.zip_upload import read_zip
from tests.service.requests import jpeg, png
from tests.service.small_bundle import draw_photograph


class AsIs(zipfile.ZipInfo):
    """Writes its name's bytes as they are, without the flag for UTF-8."""

    def __init__(self, name):
        super().__init__(name.decode("latin-1"))
        self.bytes = name

    def _encodeFilenameFlags(self):
        return self.bytes, 0


def packed(entries):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            info = AsIs(name if isinstance(name, bytes) else name.encode())
            archive.writestr(info, content)
    return file


def read(entries):
    """By name the image and the mask; and how many were left out."""
    images, left_out = read_zip(packed(entries), 10, 1 << 20)
    found = {image.name: (image.read(), image.read_mask and image.read_mask()) for image in images}
    return found, left_out


@pytest.mark.parametrize(
    "mask",
    ["cars/masks/a.jpg", "cars/Masks/a.jpg", "MASKS/cars/a.jpg", "cars\\masks\\a.jpg"],
)
def test_a_mask_beside_the_photograph_or_above_is_its_mask(mask):
    found, _ = read({"cars/a.jpg": b"a", mask: b"m", "cars/b.jpg": b"b"})
    assert found == {"cars/a.jpg": (b"a", b"m"), "cars/b.jpg": (b"b", None)}


def test_the_nearest_of_several_masks_counts_and_equally_near_ones_are_refused():
    entries = {"x/y/a.jpg": b"a", "masks/x/y/a.jpg": b"1", "x/y/masks/a.jpg": b"3"}
    entries["x/masks/y/a.jpg"] = b"2"
    assert read(entries)[0] == {"x/y/a.jpg": (b"a", b"3")}
    with pytest.raises(
        RequestError, match=r"'x/y/Masks/a.jpg'.*both the mask of 'x/y/a.jpg'"
    ) as no:
        read({**entries, "x/y/Masks/a.jpg": b"4"})
    assert (no.value.status, no.value.code) == (422, "duplicate_mask")


def test_a_mask_of_no_image_or_of_two_is_refused():
    for entries in (
        {"cars/a.jpg": b"a", "cars/masks/b.jpg": b"m"},
        {"cars/a.jpg": b"a", "cars\\a.jpg": b"a", "cars/masks/a.jpg": b"m"},
    ):
        with pytest.raises(RequestError, match="name each mask as exactly one image") as refused:
            read(entries)
        assert refused.value.code == "unmatched_mask"
    with pytest.raises(RequestError, match="has 0 images and 1 masks"):
        read({"masks/a.jpg": b"m"})


def test_what_systems_add_is_left_out_and_counted():
    added = [
        "__MACOSX/._a.jpg", "cars/__MACOSX/a.jpg", "._a.jpg", "cars/._b.jpg", "masks/._a.jpg",
        "desktop.ini", "cars/Desktop.INI", "cars/thumbs.db", "Thumbs.db", ".directory",
        ".DS_Store", "cars\\Thumbs.db", "@eaDir/a.jpg",
    ]  # fmt: skip
    entries = {"a.jpg": b"a", "masks/a.jpg": b"m", "cars/": b"", "old\\": b""}
    found, left_out = read({**entries, **dict.fromkeys(added, b"x")})
    assert found == {"a.jpg": (b"a", b"m")}
    assert left_out == len(added)
    assert not is_systems_own("masks/.a.jpg") and not is_systems_own("a._b.jpg")


def test_an_archive_of_macos_may_hold_the_most_images():
    names = [f"{number}.jpg" for number in range(10)]
    names = ["", *names, *(f"masks/{name}" for name in names)]
    doubles = [f"__MACOSX/cars/{name}" for name in names]
    found, left_out = read(dict.fromkeys([f"cars/{name}" for name in names] + doubles, b"x"))
    assert len(found) == 10 and left_out == 20


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Straße/käfer.jpg".encode(), "Straße/käfer.jpg"),
        ("車.jpg".encode(), "車.jpg"),
        ("käfer.jpg".encode("cp437"), "käfer.jpg"),
        (b"cars\\a.jpg", "cars/a.jpg"),
    ],
)
def test_a_name_is_read_as_it_was_meant(written, name):
    assert read({written: b"a"})[0] == {name: (b"a", None)}


def test_a_name_with_the_flag_is_utf_8():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("├ñ.jpg", b"a")  # what a missing flag would make of ä
    assert [image.name for image in read_zip(file, 10, 1 << 20).images] == ["├ñ.jpg"]


def test_names_that_are_no_masks_are_passed_over():
    assert nearest_masks(["masks", "masks.jpg", "a/unmasks/b.jpg"]) == {}


def test_a_job_says_what_it_left_out_of_an_archive(client):
    mask = png(draw_photograph().convert("L").point(lambda grey: 255 * (grey < 160)))
    file = packed({"cars/a.jpg": jpeg(), "cars/masks/a.jpg": mask, "cars/._a.jpg": b"x"})
    answer = client.post("/v1/jobs", files={"archive": ("cars.zip", file.getvalue())})
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (job["total"], job["left_out"]) == (1, 1)
    assert "left_out" not in client.get(f"/v1/jobs/{job['id']}").json()
    job = client.post("/v1/jobs", files={"images": ("a.jpg", jpeg())}).json()
    assert "left_out" not in job
