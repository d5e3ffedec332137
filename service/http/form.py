"""The multipart form of a batch: files in `images`, in `masks`, and options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from service.errors import ItemError, RequestError
from service.pipeline.archive import LARGEST_TEXTURE
from service.pipeline.reconstruction import Options, Upload
from service.schemas.photographs import MESH_FORMATS

FIELDS = ("images", "masks", "format", "texture", "texture_size", "preview")
"""Of a batch that is waited for or not."""
LINKS = "links"
EDIT_FIELDS = ("image", "mask", "changes")
FLAGS = {"true": True, "1": True, "false": False, "0": False}
TEXTURE_SIZES = range(16, LARGEST_TEXTURE + 1)
"""Pixels."""
LONGEST_NAME = 255


async def open_form(request: Request, files: int, fields: int) -> FormData:
    """Parse the body; `RequestError` 400 where it is no form or has too many parts. Close it."""
    try:
        return await request.form(max_files=files, max_fields=fields)
    except HTTPException as error:
        raise RequestError(
            400,
            "malformed_multipart",
            f"{error.detail} Send at most {files} files in multipart/form-data",
        ) from error


class Batch(NamedTuple):
    """What a form asks for."""

    uploads: list[Upload]
    """Each with its mask."""
    options: Options
    texts: dict[str, str]
    """The options as they were sent."""


def read_form(form: FormData, largest: int, known: tuple[str, ...] = FIELDS) -> Batch:
    """The images of a batch, each with its mask, and the options."""
    uploads: list[Upload] = []
    masks: dict[str, Callable[[], bytes]] = {}
    texts: dict[str, str] = {}
    for field, value in form.multi_items():
        if field == "images":
            uploads.append(to_upload(value))
        elif field == "masks":
            _add_mask(masks, to_upload(value))
        else:
            add_text(texts, known, field, value)
    if not 1 <= len(uploads) <= largest:
        raise RequestError(
            400, "wrong_count", f"got {len(uploads)} images; send 1..{largest} in field images"
        )
    return Batch(with_masks(uploads, masks), read_options(texts), texts)


def read_edit(form: FormData) -> tuple[Upload, str]:
    """The photograph of an edit with its mask, and the changes as JSON text."""
    files: dict[str, Upload] = {}
    texts: dict[str, str] = {}
    for field, value in form.multi_items():
        if field not in ("image", "mask"):
            add_text(texts, EDIT_FIELDS, field, value)
        elif field in files:
            raise RequestError(400, "invalid_field", f"field {field} must be one file")
        else:
            files[field] = to_upload(value)
    if "image" not in files or "changes" not in texts:
        raise RequestError(
            400, "wrong_count", "send one file in field image and JSON in field changes"
        )
    mask = files.get("mask")
    return files["image"]._replace(read_mask=mask and mask.read), texts["changes"]


def to_upload(value: UploadFile | str) -> Upload:
    """A part as an image whose content is read later."""
    if isinstance(value, UploadFile):
        return Upload((value.filename or "")[:LONGEST_NAME], value.file.read)

    def refuse() -> bytes:
        # Never taken as an address: a service that fetches URLs reaches into its own network.
        raise ItemError("not_a_file", "the part is text, not a file: attach the image itself")

    return Upload("", refuse)


def with_masks(uploads: list[Upload], masks: dict[str, Callable[[], bytes]]) -> list[Upload]:
    """Each mask goes to the one image of its name; anything else is refused."""
    names = [upload.name for upload in uploads]
    for name in masks:
        if names.count(name) != 1:
            raise RequestError(
                400,
                "unmatched_mask",
                f"{names.count(name)} images are called {name[:80]!r} like the mask; name each "
                "mask as exactly one image",
            )
    return [upload._replace(read_mask=masks.get(upload.name)) for upload in uploads]


def add_text(
    texts: dict[str, str], known: tuple[str, ...], field: str, value: UploadFile | str
) -> None:
    """Keep the text of a known field that comes once."""
    if field not in known:
        raise RequestError(400, "unknown_field", f"field {field[:80]!r} is not one of {known}")
    if isinstance(value, UploadFile) or field in texts:
        raise RequestError(400, "invalid_field", f"field {field} must be one short text")
    texts[field] = value.strip()


def read_links(texts: dict[str, str], in_text: bool) -> bool:
    """Whether paths of the meshes are wanted in place of their contents.

    `in_text`: whether the answer would hold them in base64.
    """
    if LINKS not in texts:
        return False
    if (text := texts[LINKS].lower()) not in FLAGS:
        raise _invalid(LINKS, text, "true or false")
    if FLAGS[text] and (not in_text or "texture_size" in texts):
        reason = "with JSON or lines and without texture_size: others hold the files themselves"
        raise _invalid(LINKS, text, f"given {reason}")
    return FLAGS[text]


def read_options(texts: dict[str, str]) -> Options:
    """The options of a batch; raises `RequestError` 400 naming what is allowed."""
    given = {name: text.lower() for name, text in texts.items()}
    mesh_format = given.get("format", "glb")
    if mesh_format not in MESH_FORMATS:
        raise _invalid("format", mesh_format, f"one of {MESH_FORMATS}")
    values: dict[str, Any] = {"format": mesh_format}
    for name in ("texture", "preview"):
        if name in given:
            if given[name] not in FLAGS:
                raise _invalid(name, given[name], "true or false")
            values[name] = FLAGS[given[name]]
    if (text := given.get("texture_size")) is not None:
        size = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1
        if size not in TEXTURE_SIZES:
            span = f"{TEXTURE_SIZES[0]}..{TEXTURE_SIZES[-1]} pixels"
            raise _invalid("texture_size", text, span)
        if mesh_format in ("npz", "stl"):
            reason = "npz has the service's own size" if mesh_format == "npz" else "stl has none"
            raise _invalid("texture_size", text, f"left out with format {mesh_format}: {reason}")
        values["texture_size"] = size
    return Options(**values)


def _add_mask(masks: dict[str, Callable[[], bytes]], mask: Upload) -> None:
    if mask.name in masks:
        raise RequestError(400, "duplicate_mask", f"two masks are called {mask.name[:80]!r}")
    masks[mask.name] = mask.read


def _invalid(field: str, text: str, allowed: str) -> RequestError:
    return RequestError(400, "invalid_field", f"{field} is {text[:80]!r}; it must be {allowed}")
