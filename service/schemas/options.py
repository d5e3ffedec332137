"""Options of an answer that a client may choose. Forms, queries, jobs and OpenAPI read them here.

A new option is a field of one of these models, and a line where it is used.
"""

import re
from typing import Any, Literal, get_args, get_origin

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from graphics.print_files import LENGTH_MM
from service.schemas.photographs import MeshFormat, Strict

LARGEST_TEXTURE = 2048
"""Texels of a texture's longer side, unless the model's own is larger."""
FLAGS = {"true": True, "1": True, "false": False, "0": False}
WHOLE = re.compile("[0-9]{1,11}")
DECIMAL = re.compile(r"[0-9]{1,11}(\.[0-9]{0,11})?")
SHORTEST_MM, LONGEST_MM = 1, 10_000
PRINTED = ("stl", "3mf")
"""Formats for printers, in millimetres."""
NO_TEXTURE_SIZE = {"npz": "npz has the service's own size", "stl": "stl has none"}


class Texts(Strict):
    """Fields that come as text, in a form or a query: `true`, `0`, `512`, `GLB`.

    Python's own values are taken as they are.
    """

    model_config = ConfigDict(strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _read(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, str) or info.field_name is None:
            return value
        wanted = cls.model_fields[info.field_name].annotation
        kinds = (wanted, *get_args(wanted))
        text = value.strip().lower()
        if bool in kinds:
            return FLAGS.get(text, text)
        if int in kinds:
            return int(text) if WHOLE.fullmatch(text) else text
        if float in kinds:
            return float(text) if DECIMAL.fullmatch(text) else text
        return text if get_origin(wanted) is Literal else value


class MeshOptions(Texts):
    """How a mesh file is written."""

    format: MeshFormat = Field(default="glb", examples=["glb"])
    """obj is a zip of .obj, .mtl and .png; stl (the surface alone) and 3mf (with its texture) are
    for printers: millimetres, z up, front -y, standing on z = 0; glb and obj have y up, front +z
    and units of the object's own, whose real size is not known; npz is what /v1/render takes"""
    texture: bool = Field(default=True, examples=[True])
    """false leaves the mesh white"""
    length_mm: float | None = Field(
        default=None, ge=SHORTEST_MM, le=LONGEST_MM, examples=[LENGTH_MM]
    )
    """millimetres of the longest side of the object's box, with format stl or 3mf; default: 100"""

    @field_validator("length_mm")
    @classmethod
    def _is_printed(cls, value: float | None, info: ValidationInfo) -> float | None:
        form = info.data.get("format")
        if value is not None and form not in (None, *PRINTED):
            raise ValueError(f"left out with format {form}: give format={' or '.join(PRINTED)}")
        return value


class ImageOptions(MeshOptions):
    """What an image is returned as."""

    texture_size: int | None = Field(default=None, ge=16, le=LARGEST_TEXTURE, examples=[512])
    """pixels of the texture's longer side, for glb, obj and 3mf; default: that of the service's
    settings; larger ones show more of the photograph's detail"""
    preview: bool = Field(default=False, examples=[True])
    """with a picture of the mesh, 256 px"""

    @field_validator("texture_size")
    @classmethod
    def _has_a_texture(cls, value: int | None, info: ValidationInfo) -> int | None:
        form = info.data.get("format")
        if value is not None and form in NO_TEXTURE_SIZE:
            raise ValueError(f"left out with format {form}: {NO_TEXTURE_SIZE[form]}")
        return value
