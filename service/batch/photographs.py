"""Which photographs a batch is of: a folder, a list or a table of them."""

# pyright: reportMissingImports=false
from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from graphics.picture_names import is_mask, is_systems_own, nearest_masks
from service.batch.errors import BatchError
from service.batch.places import locate

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".heic", ".heif", ".avif")
"""Of photographs and masks in a folder."""
TABLE = ".parquet"
LISTS = (".txt", ".list")
SCHEMA = pa.schema([("photograph", pa.string()), ("mask", pa.string())])
"""Addresses; `mask` is null where there is none."""


def find(address: str) -> pa.Table:
    """The photographs that an address names, each once, by `SCHEMA`.

    A folder is looked through with all below it, in the order of names; there
    `cars/masks/a.png` is the mask of `cars/a.jpg`. A file `.txt` or `.list` has an address a line.
    A `.parquet` has columns `photograph` and, where masks are known, `mask`. Relative addresses are
    those from the file's folder.

    Raises:
        BatchError: there is nothing to be read, or no photograph in it.
    """
    system, path = locate(address)
    scheme = address[: address.index("://") + 3] if "://" in address else ""
    suffix = PurePosixPath(path).suffix.lower()
    try:
        if suffix == TABLE:
            pairs = _of_table(system, path)
        elif suffix in LISTS:
            pairs = _of_list(system, path)
        else:
            pairs = _of_folder(system, path)
    except OSError as error:
        raise BatchError(f"{address} cannot be read ({error}): give what can be") from error
    folder = path if suffix not in (TABLE, *LISTS) else str(PurePosixPath(path).parent)
    unique = dict(pairs)
    rows = [
        (_absolute(photograph, folder, scheme), mask and _absolute(mask, folder, scheme))
        for photograph, mask in unique.items()
    ]
    if not rows:
        raise BatchError(
            f"{address} names no photograph: give a folder with {', '.join(SUFFIXES)}, a list "
            f"({', '.join(LISTS)}) of addresses, or a {TABLE} with a column photograph"
        )
    photographs, masks = zip(*rows, strict=True)
    return pa.table([photographs, masks], schema=SCHEMA)


def _absolute(address: str, folder: str, scheme: str) -> str:
    if "://" in address:
        return address
    return scheme + str(PurePosixPath(folder) / address)


def _of_folder(system: fs.FileSystem, path: str) -> list[tuple[str, str | None]]:
    found = system.get_file_info(fs.FileSelector(path, recursive=True))
    names = sorted(
        name
        for one in found
        if one.type == fs.FileType.File
        for name in [str(PurePosixPath(one.path).relative_to(path))]
        if PurePosixPath(name).suffix.lower() in SUFFIXES and not is_systems_own(name)
    )
    masks = nearest_masks(names, _without_suffix)
    photographs = [name for name in names if not is_mask(name)]
    pairs = []
    for name in photographs:
        mask, *others = masks.get(_without_suffix(name), [None])
        if others:
            raise BatchError(f"{mask} and {others[0]} are both the mask of {name}: keep one")
        pairs.append((name, mask))
    return pairs


def _without_suffix(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _of_list(system: fs.FileSystem, path: str) -> Iterable[tuple[str, None]]:
    with system.open_input_file(path) as file:
        content = file.read()
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError as error:
        raise BatchError(f"{path} is no text ({error}): write an address a line") from error
    return [(line.strip(), None) for line in lines if line.strip()]


def _of_table(system: fs.FileSystem, path: str) -> Iterable[tuple[str, str | None]]:
    wanted = "it must have a column photograph of texts, and may have a column mask of texts"
    try:
        table = pq.read_table(path, filesystem=system)
    except pa.ArrowInvalid as error:
        raise BatchError(f"{path} is no Parquet file ({error}); {wanted}") from error
    names = [name for name in SCHEMA.names if name in table.column_names]
    texts = [table.column(name) for name in names]
    strings = all(pa.types.is_string(t.type) or pa.types.is_large_string(t.type) for t in texts)
    if "photograph" not in names or not strings or texts[0].null_count:
        got = ", ".join(f"{field.name} {field.type}" for field in table.schema)
        raise BatchError(f"{path} has the columns {got}; {wanted}, no photograph being null")
    columns = [column.to_pylist() for column in texts]
    masks = columns[1] if len(columns) == 2 else [None] * len(table)
    return zip(columns[0], masks, strict=True)
