"""Labelled photographs, posted to a running service as a user posts them.

Masks of theirs, see `train.data.labelled_photos`, are what the served mask is compared with.
"""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from graphics.camera import azimuth_difference_degrees
from graphics.image_files import WHOLE, read_upright
from graphics.mask_files import read_mask
from train.data.labelled_photos import LabelledPhoto
from train.data.photo_set import PIXEL_LIMIT

OBJECT = 128
"""Mask bytes from here on are the object's."""
TURNS_DEGREES = (45, 135, 225, 315)
"""Azimuths from which each mesh is shown."""
ELEVATION_DEGREES = 15
SIZE = 256
"""Pixels of these pictures."""


class ServedPhoto(NamedTuple):
    """What the service answered for one photograph."""

    photo: LabelledPhoto
    entry: dict[str, Any]
    """Its part of the answer."""
    azimuth_error_degrees: float
    """0..180; 180 where the photograph was refused."""
    second_error_degrees: float
    """Of the most probable alternative, 0..180; 180 where the answer has none."""
    elevation_error_degrees: float
    """nan where it is not labelled."""
    mask_iou: float
    """Over the whole photograph; nan where no mask is given."""
    pictures: list[list[NDArray[np.uint8]]]
    """Photograph | mask | re-render | four views, each [SIZE, SIZE, 3]; empty where refused."""


def post_photos(client: httpx.Client, photos: list[LabelledPhoto]) -> Iterator[ServedPhoto]:
    """Post one photograph after the other; yields what comes back."""
    for photo in photos:
        content = photo.path.read_bytes()
        answer = client.post(
            "/v1/reconstruct",
            files=[("images", (photo.path.name, content))],
            data={"preview": "true"},
        ).json()
        if "images" not in answer:  # the request as a whole was refused
            answer["images"] = [{"status": "error", "error": answer["error"]}]
        entry = answer["images"][0]
        if entry["status"] != "ok":
            missed = np.nan if photo.mask is None else 0.0
            yield ServedPhoto(photo, entry, 180.0, 180.0, np.nan, missed, [])
            continue
        camera = entry["camera"]
        second = camera["alternatives"][0] if camera["alternatives"] else None
        yield ServedPhoto(
            photo,
            entry,
            _azimuth_error(photo, camera),
            180.0 if second is None else _azimuth_error(photo, second),
            abs(camera["elevation_degrees"] - photo.elevation_degrees),
            _mask_iou(photo, entry),
            _pictures(client, photo, entry),
        )


def _azimuth_error(photo: LabelledPhoto, found: dict[str, Any]) -> float:
    """Of a camera or a hypothesis, 0..180 degrees."""
    return float(azimuth_difference_degrees(found["azimuth_degrees"], photo.azimuth_degrees))


def _mask_iou(photo: LabelledPhoto, entry: dict[str, Any]) -> float:
    """IoU of the served mask with the given one; what the frame cuts off counts as missed."""
    if photo.mask is None:
        return np.nan
    width, height = _upright(photo.path).size
    mask = read_mask(photo.mask.read_bytes(), (width, height), PIXEL_LIMIT, scaled=True)
    given = np.asarray(mask.resize((width, height))) >= OBJECT
    left, top, side = _frame(entry)
    whole = Image.new("L", (width, height))
    whole.paste(_picture(entry["mask"]).convert("L").resize((side, side)), (left, top))
    found = np.asarray(whole) >= OBJECT
    return float((given & found).sum() / max(1, (given | found).sum()))


def _pictures(
    client: httpx.Client, photo: LabelledPhoto, entry: dict[str, Any]
) -> list[list[NDArray[np.uint8]]]:
    views = client.post(
        "/v1/render",
        json={
            "reconstruction": {"id": entry["id"]},
            "cameras": [
                {"azimuth_degrees": azimuth, "elevation_degrees": ELEVATION_DEGREES}
                for azimuth in TURNS_DEGREES
            ],
            "size": SIZE,
        },
    )
    left, top, side = _frame(entry)
    # Transparent where the square reaches outside the photograph.
    framed = _upright(photo.path).convert("RGBA").crop((left, top, left + side, top + side))
    turned = [_picture(text) for text in views.raise_for_status().json()["images"]]
    groups = [[framed], [_picture(entry["mask"])], [_picture(entry["preview"])], turned]
    return [[_square(picture) for picture in group] for group in groups]


def _frame(entry: dict[str, Any]) -> tuple[int, int, int]:
    """Left, top and side of the square that the service looked at, in whole pixels."""
    frame = entry["frame"]
    return round(frame["left"]), round(frame["top"]), max(1, round(frame["side"]))


def _upright(path: Path) -> Image.Image:
    return read_upright(path.read_bytes(), WHOLE, PIXEL_LIMIT)[0].convert("RGB")


def _picture(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


def _square(picture: Image.Image) -> NDArray[np.uint8]:
    ground = Image.new("RGBA", picture.size, (228, 231, 235, 255))
    opaque = Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB")
    return np.asarray(opaque.resize((SIZE, SIZE), Image.Resampling.BICUBIC))
