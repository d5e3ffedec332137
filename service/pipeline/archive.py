"""A reconstruction as an npz archive: what `format=npz` returns and `/v1/render` takes back."""

import io
import zipfile
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import DISTANCE
from graphics.mesh import Template
from service.errors import ItemError
from service.imaging.images import resize_longer, scaled
from service.model.manifest import Manifest
from service.schemas.options import LARGEST_TEXTURE
from service.schemas.rendering import LARGEST_NUMBER

ATTRIBUTES = dict(shape="vertices", texture="texture", background="background", camera="camera")
"""Attributes of `Archive`, by the field of a request that names their source."""


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


def to_kept(archive: Archive, until: float) -> bytes:
    """A file for other processes of this service, which is quicker to write than an npz.

    `until`: seconds since 1970, until when it is good.
    """
    file = io.BytesIO()
    for array in map(np.ascontiguousarray, (np.float64(until), *archive)):
        # As `write_array`, which copies it in pieces.
        header = np.lib.format.header_data_from_array_1_0(array)
        np.lib.format.write_array_header_1_0(file, header)
        file.write(array.data)
    return file.getvalue()


def from_kept(content: bytes) -> tuple[float, Archive]:
    """Until when a reconstruction is good, and what it is; the content is our own."""
    file = io.BytesIO(content)
    until, *arrays = (np.lib.format.read_array(file, allow_pickle=False) for _ in range(5))
    return until.item(), Archive(*arrays)


class _Member(NamedTuple):
    """An array that the npz must hold."""

    dtype: str
    largest: tuple[int, ...]
    fits: Callable[[tuple[int, ...]], bool]
    """Whether a shape is allowed."""
    shapes: str
    """The allowed shapes in words."""


def unpack(content: bytes, manifest: Manifest, texture_size: int) -> Archive:
    """Read an npz of a client: no pickle, no bomb, the bundle's shapes, finite numbers.

    Its texture is brought to a longer side of `texture_size` texels. Raises `ItemError`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as members:
            arrays = {
                name: _read(members, name, member) for name, member in _members(manifest).items()
            }
    except ItemError:
        raise
    except Exception as error:  # zipfile, zlib and numpy raise many kinds on damaged input
        message = f"the npz is damaged ({error}): send one that format=npz returned"
        raise ItemError("unreadable_npz", message) from error
    read = Archive(**arrays)
    if (distance := read.camera[DISTANCE]) <= 0:
        message = f"the camera's distance is {distance:g}; it must be above 0, object units"
        raise ItemError("wrong_npz", message)
    if max(read.texture.shape[:2]) != texture_size:
        read = read._replace(texture=resize_longer(read.texture, texture_size))
    return read


def _members(manifest: Manifest) -> dict[str, _Member]:
    side = manifest.resolution
    return {
        "vertices": _exactly("float32", manifest.vertex_count, 3),
        "texture": _texture(*manifest.texture_size),
        "background": _exactly("uint8", side, side, 3),
        "camera": _exactly("float32", 5),
    }


def _exactly(dtype: str, *shape: int) -> _Member:
    return _Member(dtype, shape, lambda got: got == shape, str(shape))


def _texture(height: int, width: int) -> _Member:
    """Textures may have any size in the model's proportions: services differ in their settings."""
    largest = (*scaled(height, width, max(height, width, LARGEST_TEXTURE)), 3)

    def fits(got: tuple[int, ...]) -> bool:
        return (
            len(got) == 3
            and 1 <= max(got[:2]) <= max(largest)
            and got == (*scaled(height, width, max(got[:2])), 3)
        )

    return _Member("uint8", largest, fits, f"{(height, width, 3)} or in proportion, to {largest}")


def _read(members: zipfile.ZipFile, name: str, member: _Member) -> NDArray:
    dtype = np.dtype(member.dtype)
    wanted = f"it must be {dtype} {member.shapes}, as format=npz of this model returns it"
    try:
        size = members.getinfo(f"{name}.npy").file_size
    except KeyError:
        raise ItemError("incomplete_npz", f"the npz has no {name}; {wanted}") from None
    # Checked before anything is unpacked: a small file can claim to hold gigabytes. An npy's header
    # is allowed 4096 bytes.
    if size > dtype.itemsize * int(np.prod(member.largest)) + 4096:
        raise ItemError("wrong_npz", f"{name} holds {size} bytes; {wanted}")
    with members.open(f"{name}.npy") as file:
        npy = np.lib.format
        first = npy.read_magic(file) == (1, 0)
        read_header = npy.read_array_header_1_0 if first else npy.read_array_header_2_0
        got_shape, fortran_order, got_dtype = read_header(file)
        if not member.fits(got_shape) or got_dtype != dtype or fortran_order:
            order = " in Fortran order" if fortran_order else ""
            raise ItemError("wrong_npz", f"{name} is {got_dtype} {got_shape}{order}; {wanted}")
        array = np.frombuffer(file.read(size), dtype).reshape(got_shape)
    # Written so that NaN is caught too.
    outside = ~(np.abs(array.astype(np.float64)) <= LARGEST_NUMBER)
    if outside.any():
        raise ItemError(
            "wrong_npz",
            f"{name} holds {array[outside].flat[0]:g}; its numbers must be within "
            f"-{LARGEST_NUMBER}..{LARGEST_NUMBER}",
        )
    return array
