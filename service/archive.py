"""A reconstruction as an npz archive: what `format=npz` returns and `/v1/render` takes back."""

from __future__ import annotations

import io
import zipfile
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.mesh import Template
from service.errors import ItemError
from service.manifest import Manifest

HEADER_ALLOWANCE = 4096
"""Bytes an npy member may be larger than its numbers."""
LARGEST_NUMBER = 1000
"""No coordinate and no angle of a reconstruction comes near it; beyond it drawing overflows."""


class Archive(NamedTuple):
    """A reconstruction without its mesh topology, which belongs to the bundle."""

    vertices: NDArray[np.float32]
    """[V, 3]"""
    texture: NDArray[np.uint8]
    """[Ht, Wt, 3], row 0 is the top"""
    background: NDArray[np.uint8]
    """[R, R, 3], mid grey where the object was"""
    camera: NDArray[np.float32]
    """[5], the convention of graphics.camera"""


def pack(archive: Archive, template: Template) -> bytes:
    """The npz, with faces and face_uvs added so that it is a complete mesh by itself."""
    file = io.BytesIO()
    np.savez_compressed(file, **archive._asdict(), faces=template.faces, face_uvs=template.face_uvs)
    return file.getvalue()


def unpack(content: bytes, manifest: Manifest) -> Archive:
    """Read an npz of a client: no pickle, no bomb, the bundle's shapes, finite numbers."""
    height, width = manifest.texture_size
    side = manifest.resolution
    shapes = {
        "vertices": ((manifest.vertex_count, 3), np.float32),
        "texture": ((height, width, 3), np.uint8),
        "background": ((side, side, 3), np.uint8),
        "camera": ((5,), np.float32),
    }
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as members:
            arrays = {
                name: _read(members, name, shape, np.dtype(dtype))
                for name, (shape, dtype) in shapes.items()
            }
    except ItemError:
        raise
    except Exception as error:  # zipfile, zlib and numpy raise many kinds on damaged input
        raise ItemError(
            "unreadable_npz", f"the npz is damaged ({error}): send one that format=npz returned"
        ) from error
    return Archive(**arrays)


def _read(members: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: np.dtype) -> NDArray:
    wanted = f"it must be {dtype} {shape}, as format=npz of this model returns it"
    try:
        size = members.getinfo(f"{name}.npy").file_size
    except KeyError:
        raise ItemError("incomplete_npz", f"the npz has no {name}; {wanted}") from None
    # Checked before anything is unpacked: a small file can claim to hold gigabytes.
    if size > dtype.itemsize * int(np.prod(shape)) + HEADER_ALLOWANCE:
        raise ItemError("wrong_npz", f"{name} holds {size} bytes; {wanted}")
    with members.open(f"{name}.npy") as member:
        header = np.lib.format.read_magic(member)
        read_header = (
            np.lib.format.read_array_header_1_0
            if header == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        got_shape, fortran_order, got_dtype = read_header(member)
        if got_shape != shape or got_dtype != dtype or fortran_order:
            raise ItemError("wrong_npz", f"{name} is {got_dtype} {got_shape}; {wanted}")
        array = np.frombuffer(member.read(size), dtype).reshape(shape)
    if not np.all(np.abs(array.astype(np.float64)) <= LARGEST_NUMBER):
        raise ItemError("wrong_npz", f"{name} has numbers beyond {LARGEST_NUMBER}; {wanted}")
    return array
