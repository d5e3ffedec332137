"""What a file is that is none of the images that are taken, by its first bytes."""

from __future__ import annotations

from typing import NamedTuple

HEAD_BYTES = 4096
"""That are looked at."""
TAPE_MARK = 257
"""Where a tar says that it is one."""
PACKET_BYTES = 188
"""Of an MPEG transport stream: each begins with a G."""
UNREADABLE, BLANKS = "\ufffd", "\t\n\r\f\x1b"
"""What stands for bytes that are no text, and controls that texts have."""
BASE64_HEADS = (b"data:image", b"/9j/", b"iVBORw0KGgo", b"UklGR", b"R0lGOD")
"""Of images that somebody wrote as text."""


class Kind(NamedTuple):
    """What a file is, and what to do with it."""

    name: str
    """With its article."""
    advice: str
    damaged: bool = False
    """It has the first bytes of an image that is taken, and no more that is understood."""


ZIP = Kind("a ZIP archive", "unpack it and send the images in it")
OTHER_ARCHIVE = Kind("a packed archive", ZIP.advice)
DOCUMENT = Kind("an office document", "save the images in it and send those")
PDF = Kind("a PDF", "save the image in it as JPEG or PNG and send that")
POSTSCRIPT = Kind("a PostScript or EPS drawing", "export it as PNG")
SVG = Kind("an SVG drawing", "export it as PNG")
VIDEO = Kind("a video", "save a frame of it as JPEG and send that")
SOUND = Kind("a sound file", "send a photograph")
RAW = Kind("a raw file of a camera", "export it as JPEG")
TIFF = Kind("a TIFF or a raw file of a camera", "export it as JPEG or PNG")
MESH = Kind("a mesh", "send photographs, from which meshes are made")
PAGE = Kind("an HTML page, as failed downloads leave", "send the image itself")
BASE64 = Kind("an image in base64, as text", "send its bytes as they are")
TEXT = Kind("text", "send the image itself")
ZEROS = Kind("nothing but zeros, as failed copies leave", "copy the image again")


def _image(name: str) -> Kind:
    return Kind(name, "convert it to one")


def _damaged(name: str) -> Kind:
    return Kind(name, "save or send it again", damaged=True)


HEADS = {
    b"PK\x03\x04": ZIP, b"PK\x05\x06": ZIP, b"PK\x07\x08": ZIP,
    b"\x1f\x8b": OTHER_ARCHIVE, b"BZh": OTHER_ARCHIVE, b"\xfd7zXZ": OTHER_ARCHIVE,
    b"7z\xbc\xaf": OTHER_ARCHIVE, b"Rar!": OTHER_ARCHIVE, b"\x28\xb5\x2f\xfd": OTHER_ARCHIVE,
    b"\xd0\xcf\x11\xe0": DOCUMENT, b"%!PS": POSTSCRIPT, b"\xc5\xd0\xd3\xc6": POSTSCRIPT,
    b"\x1a\x45\xdf\xa3": VIDEO, b"FLV\x01": VIDEO, b"\0\0\x01\xba": VIDEO, b"\0\0\x01\xb3": VIDEO,
    b"\x30\x26\xb2\x75": VIDEO, b"OggS": VIDEO, b"ID3": SOUND, b"fLaC": SOUND,
    b"II*\0": TIFF, b"MM\0*": TIFF, b"II+\0": TIFF, b"MM\0+": TIFF,
    b"FUJIFILMCCD-RAW": RAW, b"IIRO": RAW, b"IIRS": RAW, b"IIU\0": RAW, b"FOVb": RAW,
    b"\0\0\0\x0cJXL ": _image("a JPEG XL"), b"\xff\x0a": _image("a JPEG XL"),
    b"\0\0\0\x0cjP": _image("a JPEG 2000"), b"\xff\x4f\xff\x51": _image("a JPEG 2000"),
    b"8BPS": _image("a Photoshop document"), b"gimp xcf": _image("a GIMP document"),
    b"DDS ": _image("a DDS texture"), b"\x76\x2f\x31\x01": _image("an OpenEXR"),
    b"#?RADIANCE": _image("a Radiance picture"), b"\0\0\x01\0": _image("an icon"),
    b"glTF": MESH, b"ply\n": MESH, b"ply\r": MESH, b"Kaydara FBX": MESH,
    b"\xff\xd8": _damaged("a JPEG"), b"\x89PNG": _damaged("a PNG"), b"GIF8": _damaged("a GIF"),
}  # fmt: skip
"""First bytes -> what has them."""
CHUNKED = {b"AVI ": VIDEO, b"WAVE": SOUND, b"WEBP": _damaged("a WebP")}
"""What stands eight bytes after RIFF."""
BRANDS = {b"crx ": RAW, b"M4A ": SOUND, b"M4B ": SOUND}
"""What stands after `ftyp`; others are videos."""
ATOMS = (b"moov", b"mdat", b"wide", b"pnot")
"""What stands in place of `ftyp` in the oldest videos of that format."""


def kind_of(content: bytes) -> Kind | None:
    """What a file is; None where its first bytes say nothing."""
    head = content[:HEAD_BYTES]
    if not head.strip(b"\0"):
        return ZEROS
    if b"%PDF-" in head[:1024]:  # readers take what stands before it
        return PDF
    for start, kind in HEADS.items():
        if head.startswith(start):
            return DOCUMENT if kind is ZIP and _is_document(head) else kind
    return _by_marks(head) or _text_of(head)


def _by_marks(head: bytes) -> Kind | None:
    """A kind whose marks stand not at the beginning, or not alone."""
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:12], VIDEO)
    if head[:4] == b"RIFF":
        return CHUNKED.get(head[8:12])
    if head[4:8] in ATOMS or head[: 3 * PACKET_BYTES : PACKET_BYTES] == b"GGG":
        return VIDEO
    if head[TAPE_MARK : TAPE_MARK + 5] == b"ustar":
        return OTHER_ARCHIVE
    if head[:2] == b"BM" and head[6:10] == bytes(4):  # between them is its size
        return _image("a BMP")
    return None


def _is_document(head: bytes) -> bool:
    first = head[30:70]  # the name of the first file
    return first.startswith((b"[Content_Types].xml", b"mimetypeapplication/"))


def _text_of(head: bytes) -> Kind | None:
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = head.decode(encoding, "replace").lstrip()
    if text.count(UNREADABLE) > 1:  # one character may be cut at the end
        return None
    if any(ord(letter) < 32 and letter not in BLANKS for letter in text):
        return None
    if text.startswith("<"):
        if "<svg" in text.lower():
            return SVG
        if text.lower().startswith(("<!doctype html", "<html")):
            return PAGE
    if text.encode().startswith(BASE64_HEADS):
        return BASE64
    return TEXT
