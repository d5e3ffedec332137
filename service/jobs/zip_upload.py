"""A ZIP of photographs: looked over before anything in it is unpacked."""

import functools
import struct
import zipfile
from typing import IO

from service.errors import ItemError, RequestError
from service.schemas.photographs import Upload

MASK_FOLDER = "masks/"
"""`masks/a.jpg` is the mask of `a.jpg`."""
LARGEST_RATIO = 100
"""Unpacked over packed size of an entry: image files, being compressed already, stay near one."""
SMALL_ENTRY = 1 << 20
"""Bytes up to which an entry may be packed as well as it likes."""
LARGEST_ENTRY = 64 << 20
"""Bytes, unpacked: more than any image within the pixel limit comes to."""
END_RECORD = struct.Struct("<4s4H2LH")
"""The end of central directory record, section 4.3.16 of PKWARE's APPNOTE."""
END_SIGNATURE, ZIP64_LOCATOR = b"PK\5\6", b"PK\6\7"
LOCATOR_SIZE = 20
DIRECTORY_ENTRY = 46 + 512
"""Bytes of an entry of the central directory with a long name."""
HIDDEN = ("__MACOSX/", ".DS_Store", "Thumbs.db")


def read_zip(file: IO[bytes], largest: int, limit: int) -> list[Upload]:
    """The images of an archive in its order, each with its mask; contents are read when asked for.

    At most `largest` images, `limit` bytes unpacked. Raises `RequestError` 422 for anything that is
    not a plain archive of plain files.
    """
    _check_directory(file, largest)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        message = f"the archive is damaged ({error}): pack it again"
        raise _refused("unreadable_zip", message) from error
    entries = [entry for entry in archive.infolist() if not _is_skipped(entry)]
    for entry in entries:
        _check_entry(entry)
    if (total := sum(entry.file_size for entry in entries)) > limit:
        raise _refused(
            "zip_bomb",
            f"the archive unpacks to {total >> 20} MiB; at most {limit >> 20} are allowed: send "
            "several jobs",
        )
    return _items(archive, entries, largest)


def _items(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], largest: int) -> list[Upload]:
    masks = {
        entry.filename.removeprefix(MASK_FOLDER): entry
        for entry in entries
        if entry.filename.startswith(MASK_FOLDER)
    }
    items = []
    for entry in entries:
        if entry.filename.startswith(MASK_FOLDER):
            continue
        mask = masks.pop(entry.filename, None)
        read_mask = mask and functools.partial(_read, archive, mask)
        items.append(Upload(entry.filename, functools.partial(_read, archive, entry), read_mask))
    if masks:
        name = next(iter(masks))
        message = f"{MASK_FOLDER}{name[:80]} has no image {name[:80]}: name it as one"
        raise _refused("unmatched_mask", message)
    if not 1 <= len(items) <= largest:
        message = f"the archive has {len(items)} images; 1..{largest} are allowed"
        raise _refused("wrong_count", message)
    return items


def _check_directory(file: IO[bytes], largest: int) -> None:
    """Its size, before zipfile turns millions of entries into objects."""
    size = file.seek(0, 2)
    file.seek(max(0, size - END_RECORD.size - 65_535 - LOCATOR_SIZE))
    tail = file.read()
    file.seek(0)
    start = len(tail) - END_RECORD.size
    # zipfile looks first for a record without a comment, then for the last one.
    if start < 0 or not (tail[start:].startswith(END_SIGNATURE) and tail.endswith(b"\0\0")):
        start = tail.rfind(END_SIGNATURE)
    if start < 0 or len(tail) - start < END_RECORD.size:
        raise _refused("unreadable_zip", "the file is no ZIP archive: pack the images into one")
    if tail[max(0, start - LOCATOR_SIZE) : start].startswith(ZIP64_LOCATOR):
        message = "the archive is in ZIP64 form, which is for over 4 GiB: pack it plainly"
        raise _refused("zip64", message)
    fields = END_RECORD.unpack_from(tail, start)
    count, directory = fields[4], fields[5]
    # As many masks as images, and folders.
    if count > 3 * largest or directory > 3 * largest * DIRECTORY_ENTRY:
        raise _refused(
            "too_many_entries",
            f"the archive lists {count} entries in {directory} bytes; at most {largest} images "
            "are allowed: send several jobs",
        )


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0] or "\0" in name:
        message = f"entry {name[:80]!r} points outside the archive: pack plain names"
        raise _refused("path_traversal", message)
    if entry.flag_bits & 1:
        message = f"entry {name[:80]!r} is encrypted: pack without a password"
        raise _refused("encrypted_zip", message)
    if (entry.external_attr >> 16) & 0o170000 == 0o120000:
        raise _refused("zip_link", f"entry {name[:80]!r} is a link: pack the file itself")
    ratio = entry.file_size / max(1, entry.compress_size)
    is_bomb = entry.file_size > SMALL_ENTRY and ratio > LARGEST_RATIO
    if is_bomb or entry.file_size > LARGEST_ENTRY:
        raise _refused(
            "zip_bomb",
            f"entry {name[:80]!r} unpacks to {entry.file_size} bytes, {ratio:.0f} times its packed "
            f"size; at most {LARGEST_ENTRY} bytes and {LARGEST_RATIO} times are allowed",
        )


def _is_skipped(entry: zipfile.ZipInfo) -> bool:
    """Folders, and what file managers add."""
    name = entry.filename
    return entry.is_dir() or name.startswith(HIDDEN[0]) or name.rsplit("/", 1)[-1] in HIDDEN


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        # Never more than was declared, and so checked.
        with archive.open(entry) as member:
            return member.read(entry.file_size)
    except Exception as error:  # zipfile and its decompressors raise many kinds on damaged input
        message = f"entry {entry.filename[:80]!r} is damaged ({error}): pack it again"
        raise ItemError("unreadable_zip", message) from error


def _refused(code: str, message: str) -> RequestError:
    return RequestError(422, code, message)
