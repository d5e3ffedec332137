"""Which photographs a batch is of: a folder, a list or a table of them."""

# pyright: reportMissingImports=false
from __future__ import annotations

from pathlib import PurePosixPath
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from graphics.picture_names import folder_of, is_mask, is_systems_own, nearest_masks
from service.batch.errors import BatchError
from service.batch.places import locate
from service.jobs.members import grouped

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".heic", ".heif", ".avif")
"""Of photographs and masks in a folder."""
TABLE = ".parquet"
LISTS = (".txt", ".list")
FOLDER = "folder"
SCHEMA = pa.schema([("photograph", pa.string()), ("mask", pa.string()), ("object", pa.string())])
"""Addresses; `mask` is null where there is none, `object` where it is not said."""


class Named(NamedTuple):
    """A photograph as it is named."""

    photograph: str
    mask: str | None
    object: str | None


def find(address: str, objects: str | None = None) -> pa.Table:
    """The photographs that an address names, each once, by `SCHEMA`; those of an object together.

    A folder is looked through with all below it, in the order of names; there
    `cars/masks/a.png` is the mask of `cars/a.jpg`. A file `.txt` or `.list` has an address a line.
    A `.parquet` has columns `photograph` and, where masks are known, `mask`. Relative addresses are
    those from the file's folder.

    `objects`: what says which object a photograph shows: `folder` the one in which it lies, or a
    column of a table. None: nothing does.

    Raises:
        BatchError: there is nothing to be read, no photograph in it, or nothing called `objects`.
    """
    system, path = locate(address)
    scheme = address[: address.index("://") + 3] if "://" in address else ""
    suffix = PurePosixPath(path).suffix.lower()
    if suffix != TABLE and objects not in (None, FOLDER):
        raise BatchError(f"--objects is {objects}; of a folder or a list it must be {FOLDER}")
    try:
        if suffix == TABLE:
            found = _of_table(system, path, objects)
        else:
            found = _of_list(system, path) if suffix in LISTS else _of_folder(system, path)
            if objects is None:
                found = [one._replace(object=None) for one in found]
    except OSError as error:
        raise BatchError(f"{address} cannot be read ({error}): give what can be") from error
    folder = path if suffix not in (TABLE, *LISTS) else str(PurePosixPath(path).parent)
    unique = list({(one.photograph, one.object): one for one in found}.values())
    rows = [
        Named(
            _absolute(one.photograph, folder, scheme),
            one.mask and _absolute(one.mask, folder, scheme),
            one.object,
        )
        for _, numbers in grouped([one.object for one in unique])
        for one in (unique[number] for number in numbers)
    ]
    if not rows:
        raise BatchError(
            f"{address} names no photograph: give a folder with {', '.join(SUFFIXES)}, a list "
            f"({', '.join(LISTS)}) of addresses, or a {TABLE} with a column photograph"
        )
    return pa.table([list(column) for column in zip(*rows, strict=True)], schema=SCHEMA)


def _absolute(address: str, folder: str, scheme: str) -> str:
    if "://" in address:
        return address
    return scheme + str(PurePosixPath(folder) / address)


def _of_folder(system: fs.FileSystem, path: str) -> list[Named]:
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
    named = []
    for name in photographs:
        mask, *others = masks.get(_without_suffix(name), [None])
        if others:
            raise BatchError(f"{mask} and {others[0]} are both the mask of {name}: keep one")
        named.append(Named(name, mask, folder_of(name) or None))
    return named


def _without_suffix(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _of_list(system: fs.FileSystem, path: str) -> list[Named]:
    with system.open_input_file(path) as file:
        content = file.read()
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError as error:
        raise BatchError(f"{path} is no text ({error}): write an address a line") from error
    names = [line.strip() for line in lines if line.strip()]
    return [Named(name, None, folder_of(name) or None) for name in names]


def _of_table(system: fs.FileSystem, path: str, objects: str | None) -> list[Named]:
    wanted = "it must have a column photograph of texts, and may have a column mask of texts"
    try:
        table = pq.read_table(path, filesystem=system)
    except pa.ArrowInvalid as error:
        raise BatchError(f"{path} is no Parquet file ({error}); {wanted}") from error
    got = ", ".join(f"{field.name} {field.type}" for field in table.schema)
    nothing = pa.nulls(len(table), pa.string())
    photographs, masks = (
        table.column(name) if name in table.column_names else nothing
        for name in ("photograph", "mask")
    )
    if not _is_text(photographs) or not _is_text(masks) or photographs.null_count:
        raise BatchError(f"{path} has the columns {got}; {wanted}, no photograph being null")
    named = nothing if objects is None else _objects_of(table, objects, f"{path} has {got}")
    columns = (column.to_pylist() for column in (photographs, masks, named))
    return list(map(Named._make, zip(*columns, strict=True)))


def _objects_of(table: pa.Table, column: str, got: str) -> pa.ChunkedArray:
    """The names of the objects as texts; numbers name some too."""
    if column in table.column_names:
        names = table.column(column)
        if _is_text(names) or pa.types.is_integer(names.type):
            return pc.cast(names, pa.string())
    raise BatchError(f"--objects is {column}; {got}: name a column of texts or whole numbers")


def _is_text(column: pa.ChunkedArray) -> bool:
    return pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
