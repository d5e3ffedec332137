"""A ZIP of photographs: looked over before anything in it is unpacked."""

import functools
import struct
import zipfile
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, NamedTuple

from graphics.file_kinds import HEAD_BYTES, ZIP, kind_of
from graphics.picture_names import is_mask, is_systems_own, nearest_masks
from service.errors import ItemError, RequestError
from service.schemas.photographs import Upload

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
ENTRIES_PER_IMAGE = 5
"""Its mask, what macOS adds to both, and a folder."""
UTF8_NAME = 0x800
"""General purpose bit 11 of an entry: its name is UTF-8 (section 4.4.4)."""


class Unpacked(NamedTuple):
    """What an archive holds."""

    images: list[Upload]
    left_out: int
    """Files that operating systems and file managers added."""


def read_zip(file: IO[bytes], largest: int, limit: int) -> Unpacked:
    """The images of an archive in its order, each with its mask; contents are read when asked for.

    A mask lies in a folder `masks`, in any case, of an image's folder or of one above: the nearest
    counts. At most `largest` images, `limit` bytes unpacked.

    Raises:
        RequestError: 422, for anything that is not a plain archive of plain files, or a mask that
            is not one of exactly one image.
    """
    _check_directory(file, largest)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        message = f"the archive is damaged ({error}): pack it again"
        raise _refused("unreadable_zip", message) from error
    named = {entry: _name(entry) for entry in archive.infolist()}
    files = {entry: name for entry, name in named.items() if not name.endswith("/")}
    entries = {entry: name for entry, name in files.items() if not is_systems_own(name)}
    for entry, name in entries.items():
        _check_entry(entry, name)
    if (total := sum(entry.file_size for entry in entries)) > limit:
        raise _refused(
            "zip_bomb",
            f"the archive unpacks to {total >> 20} MiB; at most {limit >> 20} are allowed: send "
            "several jobs",
        )
    return Unpacked(_items(archive, entries, largest), len(files) - len(entries))


def _items(
    archive: zipfile.ZipFile, entries: Mapping[zipfile.ZipInfo, str], largest: int
) -> list[Upload]:
    photographs = {entry: name for entry, name in entries.items() if not is_mask(name)}
    if not 1 <= len(photographs) <= largest:
        message = (
            f"the archive has {len(photographs)} images and {len(entries) - len(photographs)} "
            f"masks; 1..{largest} images are allowed"
        )
        raise _refused("wrong_count", message)
    masks = _masks(entries, Counter(photographs.values()))

    def reading(entry: zipfile.ZipInfo, name: str) -> functools.partial[bytes]:
        return functools.partial(_read, archive, entry, name)

    by_name = {name: entry for entry, name in entries.items()}
    items = []
    for entry, name in photographs.items():
        mask = masks.get(name)
        read_mask = None if mask is None else reading(by_name[mask], mask)
        items.append(Upload(name, reading(entry, name), read_mask))
    return items


def _masks(entries: Mapping[zipfile.ZipInfo, str], photographs: Counter[str]) -> dict[str, str]:
    """The mask of each photograph that has one, by their names; 422 where it is not exactly one."""
    masks: dict[str, str] = {}
    for name, (mask, *others) in nearest_masks(entries.values()).items():
        if others:
            message = (
                f"{mask[:80]!r} and {others[0][:80]!r} are both the mask of {name[:80]!r}: pack one"
            )
            raise _refused("duplicate_mask", message)
        if photographs[name] != 1:
            message = (
                f"{mask[:80]!r} is the mask of {name[:80]!r}, which {photographs[name]} images are "
                "called: name each mask as exactly one image"
            )
            raise _refused("unmatched_mask", message)
        masks[name] = mask
    return masks


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
        raise _no_archive(file.read(HEAD_BYTES))
    if tail[max(0, start - LOCATOR_SIZE) : start].startswith(ZIP64_LOCATOR):
        message = "the archive is in ZIP64 form, which is for over 4 GiB: pack it plainly"
        raise _refused("zip64", message)
    fields = END_RECORD.unpack_from(tail, start)
    count, directory = fields[4], fields[5]
    most = ENTRIES_PER_IMAGE * largest
    if count > most or directory > most * DIRECTORY_ENTRY:
        raise _refused(
            "too_many_entries",
            f"the archive lists {count} entries in {directory} bytes; at most {largest} images "
            "are allowed: send several jobs",
        )


def _check_entry(entry: zipfile.ZipInfo, name: str) -> None:
    parts = name.split("/")
    if ".." in parts or name.startswith("/") or ":" in parts[0] or "\0" in name:
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


def _name(entry: zipfile.ZipInfo) -> str:
    """As its writer meant it: many write UTF-8 without saying so, and some backslashes."""
    name = entry.filename
    if not entry.flag_bits & UTF8_NAME:
        with suppress(UnicodeError):  # else it is code page 437, as zipfile took it
            name = name.encode("cp437").decode()
    return name.replace("\\", "/")


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bytes:
    try:
        # Never more than was declared, and so checked.
        with archive.open(entry) as member:
            return member.read(entry.file_size)
    except Exception as error:  # zipfile and its decompressors raise many kinds on damaged input
        message = f"entry {name[:80]!r} is damaged ({error}): pack it again"
        raise ItemError("unreadable_zip", message) from error


def _refused(code: str, message: str) -> RequestError:
    return RequestError(422, code, message)


def _no_archive(head: bytes) -> RequestError:
    kind = kind_of(head) if head else None
    if kind is ZIP:
        message = "the end of the ZIP archive is missing or damaged: send it again, whole"
    else:
        got = kind.name if kind else "of an unknown kind" if head else "empty"
        message = f"the file is {got}, not a ZIP archive: pack the images into one"
    return _refused("unreadable_zip", message)
