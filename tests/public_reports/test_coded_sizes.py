"""AVIF and HEIC files whose pictures are larger than the files say."""

import struct
import subprocess
import sys

import pytest
from PIL import Image

from graphics.coded_sizes import CodedPicture, coded_pictures
from graphics.image_files import PhotographError, read_upright
from graphics.unpacking import pixels_unpacked
from tests.graphics.photograph_files import encoded
from tests.service.requests import post
from tests.service.small_bundle import draw_photograph

LIMIT, CLAIMED = 4_000_000, (64, 48)
SIDES = {"AVIF": 3000, "HEIF": 600}  # HEIC is slow to write
CODECS = {"AVIF": (b"avif", b"av01", b"av1C"), "HEIF": (b"heic", b"hvc1", b"hvcC")}


def plain(side, form):
    """Of one colour, so that few bytes hold many pixels."""
    options = {"speed": 10} if form == "AVIF" else {"enc_params": {"preset": "ultrafast"}}
    return encoded(Image.new("RGB", (side, side), (10, 90, 50)), form, **options)


def claiming(content, width, height):
    """The same streams under another size in every `ispe`."""
    at = 0
    while (at := content.find(b"ispe", at) + 8) > 7:
        content = content[:at] + struct.pack(">2I", width, height) + content[at + 8 :]
    return content


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind, *parts, version=0):
    return box(kind, bytes([version, 0, 0, 0]), *parts)


def grid(form, columns, rows, tile, claimed, shared=False):
    """One picture of tiles that are all alike, each in two extents; `shared`: the very same."""
    brand, item, record_kind = CODECS[form]
    start = tile.index(record_kind) - 4
    record = tile[start : start + struct.unpack_from(">I", tile, start)[0]]
    stream = tile[tile.index(b"mdat") + 4 :]
    count = columns * rows
    grid_data = struct.pack(">4B2H", 0, 0, rows - 1, columns - 1, *claimed)
    names = [full(b"infe", struct.pack(">2H4sB", 1, 0, b"grid", 0), version=2)]
    names += [
        full(b"infe", struct.pack(">2H4sB", 2 + n, 0, item, 0), version=2) for n in range(count)
    ]
    sizes = [full(b"ispe", struct.pack(">2I", *size)) for size in (claimed, (64, 64))]
    pixi = full(b"pixi", b"\3\x08\x08\x08")
    owned = struct.pack(">HB2B", 1, 2, 1, 3)
    owned += b"".join(struct.pack(">HB3B", 2 + n, 3, 2, 3, 0x84) for n in range(count))
    links = struct.pack(">2H", 1, count) + b"".join(struct.pack(">H", 2 + n) for n in range(count))

    def meta(at):
        half = len(stream) // 2
        places = struct.pack(">4H2I", 1, 1, 0, 1, 0, len(grid_data))
        for n in range(count):
            begin = at + (0 if shared else n * len(stream))
            extents = (begin, half, begin + half, len(stream) - half)
            places += struct.pack(">4H4I", 2 + n, 0, 0, 2, *extents)
        return full(
            b"meta",
            full(b"hdlr", bytes(4), b"pict", bytes(13)),
            full(b"pitm", struct.pack(">H", 1)),
            full(b"iloc", struct.pack(">BBH", 0x44, 0, 1 + count), places, version=1),
            full(b"iinf", struct.pack(">H", 1 + count), *names),
            full(b"iref", box(b"dimg", links)),
            box(
                b"iprp",
                box(b"ipco", *sizes, pixi, record),
                full(b"ipma", struct.pack(">I", 1 + count), owned),
            ),
            box(b"idat", grid_data),
        )

    head = box(b"ftyp", brand, bytes(4), brand, b"mif1", b"miaf")
    return (
        head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", stream * (1 if shared else count))
    )


def memory_taken(tmp_path, content, limit=LIMIT):
    """MiB that a process of its own grows by while it reads the file, and what that ends with."""
    (tmp_path / "file").write_bytes(content)
    code = (
        "import resource, sys\n"
        "from graphics.image_files import PhotographError, read_upright\n"
        "most = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "content, before = open(sys.argv[1], 'rb').read(), most()\n"
        "try:\n"
        "    read_upright(content, 32, int(sys.argv[2]))\n"
        "    code = 'read'\n"
        "except PhotographError as error:\n"
        "    code = error.code\n"
        "print(most() - before, code)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "file"), str(limit)]
    grown, ending = subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout.split()
    return int(grown), ending


@pytest.mark.parametrize("form", CODECS)
def test_a_stream_larger_than_is_said_is_not_decoded(tmp_path, form):
    """Nine megapixels, or less where libheif looks by itself, that say they are 3,072 pixels."""
    grown, ending = memory_taken(tmp_path, claiming(plain(SIDES[form], form), *CLAIMED))
    assert ending == ("image_too_large" if form == "AVIF" else "unreadable_image")
    assert grown < 12, f"grew by {grown} MiB"


@pytest.mark.parametrize("form", CODECS)
def test_nor_are_tiles_that_are(tmp_path, form):
    """Twelve tiles, none of which is too large alone, of 108 megapixels together."""
    tile = plain(SIDES[form], form)
    content = grid(form, 4, 3, tile, (256, 192))
    grown, ending = memory_taken(tmp_path, content, SIDES["AVIF"] ** 2)
    assert ending == ("image_too_large" if form == "AVIF" else "unreadable_image")
    assert grown < 12, f"grew by {grown} MiB"


@pytest.mark.parametrize("form", CODECS)
def test_honest_tiles_are_read(form):
    content = grid(form, 3, 2, plain(64, form), (170, 120))
    assert read_upright(content, 32, LIMIT)[1] == (170, 120)
    if form == "AVIF":
        assert coded_pictures(content) == [CodedPicture(64 * 64, 64 * 64)] * 6


def test_what_is_allowed_counts_as_large_as_it_is_decoded():
    content = claiming(plain(1900, "AVIF"), *CLAIMED)
    assert read_upright(content, 32, LIMIT)[1] == CLAIMED
    assert pixels_unpacked(content, 32, LIMIT) == 1900 * 1900


def test_alpha_channels_and_animations_count_all_that_is_decoded():
    image = draw_photograph().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    one = CodedPicture(image.width * image.height, image.width * image.height)
    assert coded_pictures(encoded(image, "AVIF")) == [one] * 2
    animated = encoded(image, "AVIF", save_all=True, append_images=[image.rotate(90)] * 2)
    assert b"moov" in animated and {found.pixels for found in coded_pictures(animated)} == {
        one.pixels
    }
    assert read_upright(animated, 32, LIMIT)[1] == image.size


def test_a_frame_may_say_its_own_size_within_the_bits_it_has():
    """No still picture's header, as of hardware that always writes sides of 16 bits."""
    bits = "0000" + "0" + "0" + "0" + "00000" + "0" * 12 + "00000" + "1111" * 2
    bits += f"{63:016b}{47:016b}"
    header = int(bits.ljust(96, "0"), 2).to_bytes(12, "big")
    content = plain(64, "AVIF")
    stream = bytes([0x0A, len(header)]) + header
    at = content.index(b"mdat") + 4
    (found,) = coded_pictures(content[:at] + stream.ljust(len(content) - at, b"\0"))
    assert found == CodedPicture(64 * 48, 1 << 32)


def test_a_stream_that_says_no_size_is_refused(client):
    content = plain(64, "AVIF")
    at = content.index(b"\x12\0\x0a") + 2
    silent = content[:at] + b"\x7a" + content[at + 1 :]  # padding, which decoders skip
    entries = post(client, silent, encoded(draw_photograph())).json()["images"]
    assert [entry["status"] for entry in entries] == ["error", "ok"]
    assert entries[0]["error"]["code"] == "unreadable_image"


def test_a_small_file_cannot_keep_a_thread_busy():
    """Thousands of items that are all the same megabyte of empty parts."""
    tile = plain(64, "AVIF")
    content = grid("AVIF", 60, 60, tile + b"\x12\0" * 500_000, (3840, 3840), shared=True)
    with pytest.raises(PhotographError) as caught:
        read_upright(content, 32, 4 * LIMIT)
    assert caught.value.code == "unreadable_image" and "parts" in caught.value.message
