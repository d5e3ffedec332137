"""What clients send to `/v1/render` and `/v1/edit`, and get back."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from service.schemas.options import LARGEST_TEXTURE
from service.schemas.photographs import (
    PNG_EXAMPLE,
    Base64,
    CameraView,
    Content,
    Number,
    Square,
    Strict,
    Timings,
)

Renderer = Literal["graphics", "gan", "both"]
Part = Literal["shape", "texture", "background", "camera"]
AnimationFormat = Literal["strip", "webp", "gif", "mp4"]
LARGEST_NUMBER = 1000
"""No coordinate and no angle of a reconstruction comes near it; beyond it rendering overflows."""
ID_EXAMPLE = {"id": "9f86d081884c7d659a2feaa0c55ad015"}
VIEW_EXAMPLE = {"azimuth_degrees": 45.0, "elevation_degrees": 15.0}


class Source(Strict):
    """Where a part comes from: exactly one of the fields."""

    id: str | None = Field(
        default=None,
        max_length=64,
        description="of a reconstruction this replica made not long ago",
        examples=[ID_EXAMPLE["id"]],
    )
    npz: Base64 | None = Field(
        default=None,
        description="what format=npz returned, in base64: vertices float32 [vertex_count, 3], "
        "background uint8 [resolution, resolution, 3], camera float32 [5] (azimuth_degrees, "
        "elevation_degrees, distance, offset right, offset up) and texture uint8 [Ht, Wt, 3], all "
        "as in the manifest of /v1/model, the texture in the proportions of texture_size and at "
        f"most {LARGEST_TEXTURE} texels long (brought to the service's own size); numbers within "
        f"-{LARGEST_NUMBER}..{LARGEST_NUMBER}, the distance above 0; other members are not read",
        examples=["UEsDBBQ="],
    )
    image: Base64 | None = Field(
        default=None,
        description="a photograph to reconstruct first, in base64",
        examples=[PNG_EXAMPLE],
    )
    seed: int | None = Field(
        default=None,
        ge=0,
        le=2**32 - 1,
        description="a sample: a mixture of the shapes of the bundle's sample photographs, the "
        "texture and the background of one each, a camera around it; the same seed gives the same",
        examples=[7],
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Source:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of id, npz, image and seed, not {given}")
        return self


class Turntable(Strict):
    """Once around the object, counter-clockwise seen from above."""

    frames: int = Field(default=24, ge=2, le=256, description="pictures of the turn", examples=[24])
    start_degrees: Number = Field(
        default=0.0, ge=-360, le=360, description="azimuth of the first, degrees", examples=[0.0]
    )
    elevation_degrees: Number = Field(
        default=15.0, ge=-90, le=90, description="degrees; above 0 looks down", examples=[15.0]
    )
    distance: Number = Field(default=5.0, ge=2, le=50, description="object units", examples=[5.0])


class Interpolation(Strict):
    """From one object to another, in equal steps, both ends included."""

    to: Source = Field(description="the object at the end", examples=[ID_EXAMPLE])
    steps: int = Field(default=8, ge=2, le=256, description="pictures", examples=[8])
    parts: list[Part] = Field(
        default=["shape", "texture", "background", "camera"],
        min_length=1,
        max_length=4,
        description="what changes on the way; azimuths go the shorter way round",
        examples=[["shape", "texture"]],
    )


class Animation(Strict):
    """All pictures in one file, in order."""

    format: AnimationFormat = Field(
        description="strip: one PNG, side by side; mp4 needs imageio-ffmpeg in the service",
        examples=["webp"],
    )
    frames_per_second: int = Field(
        default=12, ge=1, le=50, description="pictures per second; a strip has none", examples=[12]
    )


class RenderRequest(Strict):
    """What to render. `reconstruction` stands in for each part that is not given by itself, so that
    reconstruction A with texture B swaps the texture, and A with shape B the shape."""

    reconstruction: Source | None = Field(
        default=None,
        description="shape, texture, background and camera at once",
        examples=[ID_EXAMPLE],
    )
    shape: Source | None = Field(default=None, description="the vertices", examples=[ID_EXAMPLE])
    texture: Source | None = Field(default=None, description="the colours", examples=[{"seed": 7}])
    background: Source | None = Field(
        default=None,
        description="shown behind; by default none with graphics, the reconstruction's with gan",
        examples=[ID_EXAMPLE],
    )
    camera: Source | None = Field(
        default=None,
        description="the camera of that reconstruction or sample",
        examples=[{"seed": 7}],
    )
    cameras: list[CameraView] | None = Field(
        default=None,
        min_length=1,
        description="one picture each; without camera, cameras, turntable and interpolation the "
        "camera that the reconstruction, else the shape, was photographed from",
        examples=[[VIEW_EXAMPLE]],
    )
    turntable: Turntable | None = Field(
        default=None, description="cameras all around", examples=[{"frames": 24}]
    )
    interpolation: Interpolation | None = Field(
        default=None, description="on the way to another object", examples=[{"to": {"seed": 7}}]
    )
    animation: Animation | None = Field(
        default=None, description="one file in place of images", examples=[{"format": "webp"}]
    )
    renderer: Renderer = Field(
        default="graphics",
        description="graphics: the mesh; gan: StyleGAN-R, a photograph; both: one after the other, "
        "side by side in an animation",
        examples=["graphics"],
    )
    size: int | None = Field(
        default=None,
        ge=16,
        le=1024,
        description="pixels per side; graphics 256 by default, gan and both the model's "
        "resolution, which gan cannot leave",
        examples=[256],
    )

    @model_validator(mode="after")
    def _complete(self) -> RenderRequest:
        if self.reconstruction is None and (self.shape is None or self.texture is None):
            raise ValueError("give reconstruction, or both shape and texture")
        if self.renderer != "graphics" and self.reconstruction is None and self.background is None:
            raise ValueError(f"renderer {self.renderer} needs a background, or a reconstruction")
        paths = ("cameras", "turntable")
        given = [name for name in ("camera", *paths) if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of camera, cameras and turntable, not {given}")
        if self.interpolation is not None and any(name in paths for name in given):
            raise ValueError(f"interpolation makes its own pictures: leave {given[0]} out")
        return self


class AnimationFile(Strict):
    """Pictures in one file."""

    format: AnimationFormat = Field(description="as asked for", examples=["webp"])
    media_type: str = Field(description="of the file", examples=["image/webp"])
    data: Content = Field(description="the file in base64", examples=["UklGRg=="])


class RenderAnswer(Strict):
    """The pictures, in the order of the cameras or steps."""

    images: list[Content] = Field(
        description="PNG in base64; transparent outside the object where no background was asked "
        "for; empty with animation; with renderer both those of graphics",
        examples=[[PNG_EXAMPLE]],
    )
    gan_images: list[Content] | None = Field(
        default=None,
        description="with renderer both: the GAN's, PNG in base64",
        examples=[[PNG_EXAMPLE]],
    )
    animation: AnimationFile | None = Field(
        default=None,
        description="where it was asked for",
        examples=[{"format": "webp", "media_type": "image/webp", "data": "UklGRg=="}],
    )
    cameras: list[CameraView] = Field(description="of each picture", examples=[[VIEW_EXAMPLE]])
    renderer: Renderer = Field(description="as asked for", examples=["graphics"])
    size: int = Field(ge=8, description="pixels per side of a picture", examples=[256])
    timings: Timings


class EditChanges(Strict):
    """What of a photograph to change; the rest stays. At least one of the first five."""

    turn_degrees: Number | None = Field(
        default=None,
        ge=-360,
        le=360,
        description="move the camera around, degrees of azimuth, counter-clockwise from above",
        examples=[30.0],
    )
    camera: CameraView | None = Field(
        default=None, description="photograph from here instead", examples=[VIEW_EXAMPLE]
    )
    shape: Source | None = Field(default=None, description="another shape", examples=[{"seed": 7}])
    texture: Source | None = Field(default=None, description="other colours", examples=[ID_EXAMPLE])
    background: Source | None = Field(
        default=None, description="another background", examples=[ID_EXAMPLE]
    )
    renderer: Literal["graphics", "gan"] = Field(
        default="gan",
        description="gan generates a whole photograph; graphics the mesh over the photograph, "
        "whose old object is filled in from around it",
        examples=["gan"],
    )
    size: int | None = Field(
        default=None,
        ge=16,
        le=1024,
        description="pixels per side; graphics 256 by default, gan the model's resolution only",
        examples=[256],
    )

    @model_validator(mode="after")
    def _changes_something(self) -> EditChanges:
        given = ("turn_degrees", "camera", "shape", "texture", "background")
        if all(getattr(self, name) is None for name in given):
            raise ValueError(f"give at least one of {', '.join(given)}")
        if self.turn_degrees is not None and self.camera is not None:
            raise ValueError("give turn_degrees or camera, not both")
        return self


class EditAnswer(Strict):
    """The new photograph."""

    image: Content = Field(description="PNG in base64", examples=[PNG_EXAMPLE])
    id: str = Field(
        description="names the reconstruction of the old photograph for a while",
        examples=[ID_EXAMPLE["id"]],
    )
    frame: Square = Field(
        description="the square of the old photograph that the new one shows",
        examples=[{"left": 0.0, "top": -128.0, "side": 1024.0}],
    )
    camera_before: CameraView = Field(description="as found", examples=[VIEW_EXAMPLE])
    camera: CameraView = Field(description="of the new photograph", examples=[VIEW_EXAMPLE])
    renderer: Renderer = Field(description="as asked for", examples=["gan"])
    size: int = Field(ge=8, description="pixels per side", examples=[64])
    timings: Timings
