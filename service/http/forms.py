"""The forms and queries of `/v1`: one model each, by which they are read, refused and described.

Their options stand in service.schemas.options.
"""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

from pydantic import ConfigDict, Field, Json, PlainValidator, WithJsonSchema, WrapValidator
from starlette.datastructures import UploadFile

from graphics.picture_names import folder_of
from service.errors import ItemError, RequestError
from service.http.json_errors import DoubledKey, check_keys
from service.http.requests import validated
from service.jobs.zip_upload import LARGEST_ENTRY
from service.schemas.objects import ItemOptions, ObjectNames, ObjectOptions
from service.schemas.options import ImageOptions, Texts
from service.schemas.photographs import BOX_EXAMPLE, Upload
from service.schemas.rendering import EditChanges

LARGEST_COORDINATE = 1e9
"""Of a box: further away than any photograph reaches."""
LONGEST_NAME = 255
"""Characters of an object's."""
MOST_LISTED = 1000
"""Items of a job in one answer."""
BINARY = WithJsonSchema({"type": "string", "format": "binary"})


def to_upload(value: UploadFile | str) -> Upload:
    """A part as an image whose content is read later."""
    if isinstance(value, UploadFile):
        file = value.file

        def read() -> bytes:
            file.seek(0)  # it is read again where it had to wait for room in memory
            return file.read()

        return Upload((value.filename or "")[:255], read)

    def refuse() -> bytes:
        # Never taken as an address: a service that fetches URLs reaches into its own network.
        raise ItemError("not_a_file", "the part is text, not a file: attach the image itself")

    return Upload("", refuse)


def _to_file(value: UploadFile | str) -> UploadFile:
    if not isinstance(value, UploadFile):
        raise ValueError("one ZIP file")
    return value


def _to_changes(value: UploadFile | str, _: Callable[[Any], EditChanges]) -> EditChanges:
    if not isinstance(value, str):
        raise ValueError("JSON")
    return validated(EditChanges, value, "changes")


Image = Annotated[Upload, PlainValidator(to_upload), BINARY]


def _to_boxes(value: UploadFile | str) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            check_keys(value)
        except DoubledKey:
            raise ValueError("JSON with one box for each name") from None
    with suppress(ValueError, RecursionError):
        boxes = json.loads(value) if isinstance(value, str) else None
        if isinstance(boxes, dict):
            return boxes
    raise ValueError(f"JSON: boxes by file name, as in {BOXES_EXAMPLE}")


def _to_box(value: UploadFile | str) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        raise ValueError(f"JSON, as in {json.dumps(BOX_EXAMPLE)}") from None


def _boxed(image: Upload, box: Any) -> Upload:
    """With a client's box, null being none; what is no box fails the image alone."""
    if box is None:
        return image
    if isinstance(box, list) and len(box) == 4 and all(map(_is_finite, box)):
        return image._replace(box=tuple(map(float, box)))

    def refuse() -> bytes:
        raise ItemError(
            "bad_box",
            f"the box is {json.dumps(box)[:80]}; it must be four numbers: left, top, right, bottom "
            "in pixels of the upright photograph",
        )

    return image._replace(read=refuse)


def _is_finite(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < LARGEST_COORDINATE


BOXES_EXAMPLE = json.dumps({"car.jpg": BOX_EXAMPLE})
Boxes = Annotated[
    dict[str, Any], PlainValidator(_to_boxes), WithJsonSchema({"type": "string", "format": "json"})
]
"""Boxes by file name, which are looked at one by one."""


def check_names(names: list[str], images: int) -> list[str]:
    """The names of the objects of images; raises `RequestError` 400 where they are not such."""
    if len(names) != images:
        message = (
            f"got {len(names)} names in field object for {images} images; send one for each "
            "image, in their order"
        )
        raise RequestError(400, "wrong_count", message)
    for name in names:
        if not 1 <= len(name) <= LONGEST_NAME:
            message = f"an object's name has {len(name)} characters; 1..{LONGEST_NAME} are allowed"
            raise RequestError(400, "invalid_field", message)
    return names


class Photographs(Texts):
    """Images, their masks and boxes."""

    images: list[Image] = Field(default_factory=list, min_length=1, examples=[["car.jpg"]])
    """JPEG, PNG, WebP, GIF, HEIC or AVIF files (the first frame); colours are taken to sRGB by the
    file's ICC profile; an alpha channel is the mask where it makes at least 0.05 of the pixels more
    than half transparent, else it is left out of account"""
    masks: list[Image] = Field(default_factory=list, examples=[["car.jpg"]])
    """image files, white on the object, of the same size and the same file name as the image each
    belongs to; they go before alpha; one that is transparent in at least 0.01 of its pixels is read
    by its alpha channel instead; with black and one other value or colour, as 0 and 1, that other
    one is the object; a picture of several labels is refused"""
    boxes: Boxes = Field(default_factory=dict, examples=[BOXES_EXAMPLE])
    """JSON: by file name the left, top, right and bottom of the object, in pixels of the upright
    photograph; what a photograph without a mask shows there is segmented, and what fills the box
    best is the object"""

    def uploads(self, largest: int) -> list[Upload]:
        """1..`largest` images, each with its mask and box.

        Raises:
            RequestError: 400, for another number of images, or a mask or box that fits not exactly
                one.
        """
        if not 1 <= len(self.images) <= largest:
            message = f"got {len(self.images)} images; send 1..{largest} in field images"
            raise RequestError(400, "wrong_count", message)
        names = Counter(image.name for image in self.images)
        masks: dict[str, Callable[[], bytes]] = {}
        for mask in self.masks:
            if mask.name in masks:
                message = f"two masks are called {mask.name[:80]!r}"
                raise RequestError(400, "duplicate_mask", message)
            if names[mask.name] != 1:
                message = (
                    f"{names[mask.name]} images are called {mask.name[:80]!r} like the mask; name "
                    "each mask as exactly one image"
                )
                raise RequestError(400, "unmatched_mask", message)
            masks[mask.name] = mask.read
        images = [image._replace(read_mask=masks.get(image.name)) for image in self.images]
        return self.with_boxes(images)

    def with_boxes(self, images: list[Upload]) -> list[Upload]:
        """The images, each with its box.

        Raises:
            RequestError: 400, for a box that fits not exactly one.
        """
        names = Counter(image.name for image in images)
        for name in self.boxes:
            if names[name] != 1:
                message = (
                    f"{names[name]} images are called {name[:80]!r} like the box; name each box as "
                    "exactly one image"
                )
                raise RequestError(400, "unmatched_box", message)
        return [_boxed(image, self.boxes.get(image.name)) for image in images]


class ReconstructForm(ObjectOptions, ImageOptions, Photographs):
    """Photographs, which of them show one object, and what to return of them."""

    model_config = ConfigDict(json_schema_extra={"required": ["images"]})

    links: bool = Field(default=False, examples=[False])
    """true: mesh.data is the path of the mesh, in JSON and lines; not with texture_size"""

    def check_links(self, in_text: bool) -> None:
        """Raise `RequestError` 400 for links where the answer holds the files themselves.

        `in_text`: whether it would hold them in base64.
        """
        if self.links and (not in_text or self.texture_size is not None):
            message = (
                "links is true; it must be given with JSON or lines and without texture_size: "
                "others hold the files themselves"
            )
            raise RequestError(400, "invalid_field", message)


class JobForm(ObjectNames, ItemOptions, Photographs):
    """Photographs or a ZIP of them, and what to return of them."""

    archive: Annotated[UploadFile, PlainValidator(_to_file), BINARY] | None = Field(
        default=None,
        description=f"a ZIP of images, unpacked at most {LARGEST_ENTRY >> 20} MiB each; "
        "cars/masks/a.jpg or masks/cars/a.jpg in it is the mask of cars/a.jpg, the nearer one "
        "where there are both; files that operating systems add are left out",
        examples=["cars.zip"],
    )

    def grouping(self) -> ItemOptions:
        """The options, with what field object implies; raises `RequestError` 400."""
        if not self.object:
            if self.objects == "named":
                message = "objects is named, and field object is missing: send it for each image"
                raise RequestError(400, "invalid_field", message)
            return self
        if self.objects == "folder" or self.archive is not None:
            message = (
                "field object names the objects of images one by one: leave it out with "
                "objects=folder and with archive"
            )
            raise RequestError(400, "invalid_field", message)
        return self.model_copy(update={"objects": "named"})

    def with_objects(self, images: list[Upload]) -> list[Upload]:
        """The images, each with the name of its object if it has one; raises `RequestError` 400."""
        if self.object:
            names = check_names(self.object, len(images))
            return [one._replace(object=n) for one, n in zip(images, names, strict=True)]
        if self.objects == "folder":
            return [one._replace(object=folder_of(one.name) or None) for one in images]
        return images


class EditForm(Texts):
    """A photograph and what of it to change."""

    image: Image = Field(examples=["car.jpg"])
    """the photograph: JPEG, PNG, WebP, GIF, HEIC or AVIF"""
    mask: Image | None = Field(default=None, examples=["mask.png"])
    """an image file of the same size, white on the object, as those of /v1/reconstruct"""
    box: Annotated[Any, PlainValidator(_to_box), WithJsonSchema({"type": "string"})] = Field(
        default=None, examples=[json.dumps(BOX_EXAMPLE)]
    )
    """JSON: left, top, right, bottom of the object, where there is no mask"""
    changes: Annotated[Json[EditChanges], WrapValidator(_to_changes)] = Field(
        examples=['{"turn_degrees": 30}']
    )
    """what to change: EditChanges as JSON"""

    @property
    def upload(self) -> Upload:
        """The photograph with its mask."""
        masked = self.image._replace(read_mask=self.mask and self.mask.read)
        return _boxed(masked, self.box)


class ItemsPage(Texts):
    """The query of a job: which of its items to list."""

    first: int = Field(default=0, ge=0, le=2**31, examples=[0])
    """number of the first item listed"""
    limit: int = Field(MOST_LISTED, ge=1, le=MOST_LISTED, examples=[100])
    """items listed"""


def describe(model: type[Texts], reference: str) -> dict[str, Any]:
    """OpenAPI's schema of a form, or of a query's fields.

    OpenAPI 3.0 has no null, which a form cannot send either, and one example a field.
    `reference`: the path to other models, with `{model}` in place of the name.
    """
    schema = model.model_json_schema(ref_template=reference)
    fields = {}
    for name, field in schema["properties"].items():
        kind = field.pop("anyOf", [{}])[0]
        example = field.pop("examples")[0]
        kept = {key: field[key] for key in field if key != "title" and field[key] is not None}
        fields[name] = {**kind, **kept, "example": example}
    kept = {key: schema[key] for key in schema if key not in ("title", "$defs")}
    return {**kept, "properties": fields}
