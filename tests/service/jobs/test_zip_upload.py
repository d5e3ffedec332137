import io
import random
import struct
import zipfile

import pytest

from service.errors import ItemError, RequestError
from service.jobs.zip_upload import read_zip

MIB = 1 << 20


def packed(*entries, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return file


def read(file, largest=10, limit=10 * MIB):
    return read_zip(file, largest, limit).images


def refusal(file, **limits):
    with pytest.raises(RequestError) as caught:
        read(file, **limits)
    assert caught.value.status == 422
    assert ": " in caught.value.message or "; " in caught.value.message
    return caught.value.code


def test_images_come_in_order_with_their_masks():
    items = read(
        packed(
            ("cars/", b""), ("cars/b.jpg", b"1"), ("a.jpg", b"2"), ("masks/cars/b.jpg", b"3"),
            ("__MACOSX/a.jpg", b"x"), ("cars/.DS_Store", b"x"),
        )
    )  # fmt: skip
    assert [(item.name, item.read()) for item in items] == [("cars/b.jpg", b"1"), ("a.jpg", b"2")]
    assert items[0].read_mask() == b"3"
    assert items[1].read_mask is None


@pytest.mark.parametrize(
    "name", ["../a.jpg", "cars/../../a.jpg", "/etc/passwd", "..\\a.jpg", "C:\\a.jpg", "C:/a.jpg"]
)
def test_a_name_that_leads_outside_is_refused(name):
    assert refusal(packed((name, b"x"))) == "path_traversal"


def test_a_bomb_is_refused_unopened():
    assert refusal(packed(("a.jpg", bytes(2 * MIB)))) == "zip_bomb"
    noise = random.Random(0).randbytes(4 * MIB)
    several = packed(*((f"{i}.jpg", noise) for i in range(3)))
    assert refusal(several) == "zip_bomb"
    assert len(read(several, limit=20 * MIB)) == 3


def test_too_many_entries_are_refused_by_the_directory_s_size():
    assert refusal(packed(*((f"{i}.jpg", b"") for i in range(11)))) == "wrong_count"
    assert refusal(packed(*((f"{i}.jpg", b"") for i in range(51)))) == "too_many_entries"


def test_a_directory_that_lies_about_its_count_is_measured():
    content = bytearray(packed(*((f"{i:0500}.jpg", b"") for i in range(200))).getvalue())
    content[-14:-10] = struct.pack("<2H", 1, 1)
    assert refusal(io.BytesIO(content)) == "too_many_entries"


def test_an_archive_of_a_later_format_is_refused():
    content = bytearray(packed(("a.jpg", b"x")).getvalue())
    content[content.index(b"PK\1\2") + 6] = 255  # the version needed to extract it
    with pytest.raises(NotImplementedError):
        zipfile.ZipFile(io.BytesIO(content))
    assert refusal(io.BytesIO(content)) == "unreadable_zip"


def test_what_is_no_plain_archive_is_refused():
    link = zipfile.ZipInfo("a.jpg")
    link.external_attr = 0o120777 << 16
    assert refusal(packed((link, "/etc/passwd"))) == "zip_link"
    assert refusal(io.BytesIO(b"")) == "unreadable_zip"
    assert refusal(io.BytesIO(b"PK\3\4 not a zip")) == "unreadable_zip"
    assert refusal(packed()) == "wrong_count"
    assert refusal(packed(("masks/a.jpg", b"x"), ("b.jpg", b"x"))) == "unmatched_mask"
    content = packed(("a.jpg", b"x")).getvalue()
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1)
    assert refusal(io.BytesIO(content[:-22] + locator + content[-22:])) == "zip64"
    encrypted = bytearray(content)
    encrypted[content.index(b"PK\1\2") + 8] |= 1
    assert refusal(io.BytesIO(encrypted)) == "encrypted_zip"


def test_a_damaged_entry_harms_itself_only():
    content = bytearray(packed(("a.jpg", b"a" * 50), ("b.jpg", b"b"), method=0).getvalue())
    content[content.index(b"aaaa") + 7] ^= 0xFF
    damaged, fine = read(io.BytesIO(content))
    with pytest.raises(ItemError, match="damaged"):
        damaged.read()
    assert fine.read() == b"b"


def test_any_flipped_byte_is_a_refusal_or_readable():
    content = packed(("a.jpg", b"abc" * 50), ("b.jpg", b"b" * 50)).getvalue()
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 0xFF
        try:
            for item in read(io.BytesIO(flipped)):
                assert len(item.read()) <= 10 * MIB
        except (RequestError, ItemError):
            continue
