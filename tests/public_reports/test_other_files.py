"""Files that are no image are told what they are and what to do, wherever an image is read.

Reports of the kind: "cannot identify image file" for a ZIP of photographs, a video or a page that a
failed download left.
"""

import io
import json
import zipfile

import pytest
from PIL import Image

from graphics.image_files import PhotographError, open_file
from tests.service.requests import jpeg, post

LIMIT = 1_000_000


def packed(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, jpeg())
    return file.getvalue()


def saved(form):
    file = io.BytesIO()
    Image.new("RGB", (20, 20)).save(file, form)
    return file.getvalue()


def brand(letters):
    return b"\0\0\0\x18ftyp" + letters + b"\0\0\0\0" + bytes(90)


KINDS = {
    "ZIP": (packed("a.jpg"), "unpack it"),
    "ZIP ": (b"PK\x05\x06" + bytes(18), "unpack it"),
    "office document": (packed("[Content_Types].xml", "word/media/a.jpg"), "images in it"),
    "packed archive": (b"7z\xbc\xaf\x27\x1c" + bytes(90), "unpack it"),
    "packed archive ": (b"a.jpg" + bytes(252) + b"ustar\x0000" + bytes(300), "unpack it"),
    "PDF": (b"\n\n%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "JPEG or PNG"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "PNG"),
    "SVG ": ("<?xml version='1.0'?>\n<!-- K\u00e4fer -->\n<SVG/>".encode("utf-16"), "PNG"),
    "video": (brand(b"isom"), "a frame"),
    "video ": (brand(b"qt  "), "a frame"),
    "video  ": (b"\x1a\x45\xdf\xa3" + bytes(90), "a frame"),
    "video   ": (b"RIFF\0\0\0\0AVI LIST", "a frame"),
    "video    ": ((b"G" + bytes(187)) * 3, "a frame"),
    "sound": (b"RIFF\0\0\0\0WAVEfmt ", "a photograph"),
    "raw file": (brand(b"crx "), "JPEG"),
    "TIFF or a raw file": (saved("TIFF"), "JPEG or PNG"),
    "BMP": (saved("BMP"), "convert"),
    "JPEG 2000": (saved("JPEG2000"), "convert"),
    "mesh": (b"glTF\2\0\0\0" + bytes(90), "photographs"),
    "HTML page": (b"\r\n<!DOCTYPE HTML><title>404</title>", "image itself"),
    "base64": (b"data:image/jpeg;base64,/9j/4AAQ", "bytes as they are"),
    "text": ("{'name': 'K\u00e4fer'}".encode()[:16], "image itself"),
    "zeros": (bytes(9000), "copy"),
}


def read(content):
    with pytest.raises(PhotographError) as caught:
        open_file(content, LIMIT)
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_another_file_is_told_what_it_is_and_what_to_do(kind):
    content, advice = KINDS[kind]
    error = read(content)
    assert error.code == "unsupported_format"
    said, _, todo = error.message.partition(": ")
    assert kind.strip() in said and "not a JPEG, PNG, WebP, GIF, HEIC or AVIF" in said
    assert advice in todo


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
def test_an_image_of_a_taken_format_is_never_said_to_be_another(form):
    content = saved(form)
    for size in range(16, len(content), 5):
        try:
            open_file(content[:size], LIMIT)
        except PhotographError as error:
            assert error.code == "unreadable_image", size
            assert "not a JPEG" not in error.message


def test_bytes_of_no_kind_are_said_to_be_none_that_is_taken():
    error = read(bytes(range(128, 256)))
    assert (error.code, error.message.count(":")) == ("unsupported_format", 1)


def test_a_zip_of_photographs_is_sent_on_to_jobs(client):
    content = packed("a.jpg", "b.jpg")
    answer = post(client, content, jpeg())
    first, second = answer.json()["images"]
    assert "a ZIP archive" in first["error"]["message"]
    assert "POST /v1/jobs in field archive" in first["error"]["message"]
    assert second["status"] == "ok"
    form = {"data": {"changes": json.dumps({"turn_degrees": 30})}}
    answer = client.post("/v1/edit", files={"image": ("a.zip", content)}, **form)
    assert answer.status_code == 422
    assert "POST /v1/jobs in field archive" in answer.json()["error"]["message"]


def test_a_video_beside_a_photograph_is_named_alone(client):
    first, second = post(client, jpeg(), brand(b"mp42")).json()["images"]
    assert first["status"] == "ok"
    assert "the file is a video" in second["error"]["message"]


def test_a_mask_that_is_none_says_what_it_is(client):
    files = [("images", ("a.jpg", jpeg())), ("masks", ("a.jpg", b"%PDF-1.7"))]
    (found,) = client.post("/v1/reconstruct", files=files).json()["images"]
    assert found["error"]["code"] == "unreadable_mask"
    assert "mask: the file is a PDF" in found["error"]["message"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (jpeg(), "a JPEG, not a ZIP archive"),
        (b"\x1f\x8b\x08" + bytes(90), "a packed archive, not a ZIP archive"),
        (packed("a.jpg")[:-30], "the end of the ZIP archive is missing"),
        (b"", "empty, not a ZIP archive"),
        (bytes(range(128, 256)), "of an unknown kind, not a ZIP archive"),
    ],
)
def test_an_archive_that_is_none_is_told_what_it_is(client, content, said):
    answer = client.post("/v1/jobs", files={"archive": ("a.zip", content)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "unreadable_zip")
    assert said in answer.json()["error"]["message"]
