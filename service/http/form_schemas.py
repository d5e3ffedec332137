"""What OpenAPI says of the forms, and of the options that they share with queries."""

from __future__ import annotations

from typing import Any

from service.http import answers, form
from service.jobs.zip_upload import LARGEST_ENTRY
from service.schemas import photographs as schemas
from service.settings import Settings

FILES = {"type": "array", "items": {"type": "string", "format": "binary"}}
MESH_FIELDS: dict[str, Any] = {
    "format": {
        "type": "string",
        "enum": list(schemas.MESH_FORMATS),
        "default": "glb",
        "example": "glb",
        "description": "obj is a zip of .obj, .mtl and .png; npz is what /v1/render takes",
    },
    "texture": {
        "type": "boolean",
        "default": True,
        "example": True,
        "description": "false leaves the mesh white",
    },
}
OPTION_FIELDS: dict[str, Any] = {
    **MESH_FIELDS,
    "texture_size": {
        "type": "integer",
        "minimum": form.TEXTURE_SIZES[0],
        "maximum": form.TEXTURE_SIZES[-1],
        "example": 512,
        "description": "pixels of the texture's longer side, for glb and obj; default: that of "
        "the service's settings; larger ones show more of the photograph's detail",
    },
    "preview": {
        "type": "boolean",
        "default": False,
        "example": True,
        "description": "with a picture of the mesh, 256 px",
    },
}
LINKS: dict[str, Any] = {
    form.LINKS: {
        "type": "boolean",
        "default": False,
        "example": False,
        "description": "true: mesh.data is the path of the mesh, in JSON and lines; not with "
        "texture_size",
    }
}


def _images(largest: int) -> dict[str, Any]:
    return {
        **FILES,
        "minItems": 1,
        "maxItems": largest,
        "example": ["car.jpg"],
        "description": "JPEG, PNG, WebP or GIF files (the first frame); an alpha channel is "
        "taken as the mask",
    }


def _masks(largest: int) -> dict[str, Any]:
    return {
        **FILES,
        "maxItems": largest,
        "example": ["car.jpg"],
        "description": "image files, white on the object, of the same size and the same file "
        "name as the image each belongs to; they go before alpha",
    }


def reconstruct_form(settings: Settings) -> dict[str, Any]:
    """Of `/v1/reconstruct`, with the limits that the settings give."""
    largest = settings.largest_request
    return {
        "type": "object",
        "required": ["images"],
        "additionalProperties": False,
        "description": f"at most {settings.body_limit_mebibytes} MiB together, and "
        f"{settings.pixel_limit_megapixels} megapixels an image",
        "properties": {
            "images": _images(largest),
            "masks": _masks(largest),
            **OPTION_FIELDS,
            **LINKS,
        },
    }


def job_form(settings: Settings) -> dict[str, Any]:
    """Of `/v1/jobs`."""
    largest = settings.largest_job
    return {
        "type": "object",
        "additionalProperties": False,
        "description": "files in images (and masks), or one file in archive; at most "
        f"{settings.body_limit_mebibytes} MiB",
        "properties": {
            "images": _images(largest),
            "masks": _masks(largest),
            "archive": {
                "type": "string",
                "format": "binary",
                "example": "cars.zip",
                "description": f"a ZIP of images, 1..{largest:,}, unpacked at most "
                f"{LARGEST_ENTRY >> 20} MiB each; masks/a.jpg in it is the mask of a.jpg",
            },
            **OPTION_FIELDS,
        },
    }


EDIT_FORM = {
    "type": "object",
    "required": ["image", "changes"],
    "additionalProperties": False,
    "properties": {
        "image": {
            "type": "string",
            "format": "binary",
            "example": "car.jpg",
            "description": "the photograph: JPEG, PNG, WebP or GIF",
        },
        "mask": {
            "type": "string",
            "format": "binary",
            "example": "mask.png",
            "description": "an image file of the same size, white on the object",
        },
        "changes": {
            "type": "string",
            "contentMediaType": answers.JSON,
            "contentSchema": {"$ref": "#/components/schemas/EditChanges"},
            "example": '{"turn_degrees": 30}',
            "description": "what to change: EditChanges as JSON",
        },
    },
}
