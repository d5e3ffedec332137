"""Requests and answers of `/v1/render` and `/v1/edit`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from service.schemas.options import LARGEST_TEXTURE
from service.schemas.photographs import (
    BOX_EXAMPLE,
    PNG_EXAMPLE,
    Base64,
    Box,
    CameraView,
    Content,
    Number,
    Square,
    Strict,
    Timings,
)

Renderer = Literal["graphics", "gan", "neural"]
Renderers = Annotated[list[Renderer], Field(min_length=1, max_length=3)]
Part = Literal["shape", "texture", "background", "camera"]
Fidelity = Literal["pass", "fit"]
CameraFlag = Literal["extrapolated_camera"]
CameraFlags = Annotated[
    list[CameraFlag],
    Field(
        description="extrapolated_camera: the camera's elevation or distance lies outside "
        "camera_ranges of the manifest in /v1/model, so training has seen nothing like it; models "
        "that state no ranges have no flag",
        examples=[["extrapolated_camera"]],
    ),
]
AnimationFormat = Literal["strip", "webp", "gif", "mp4"]
LARGEST_NUMBER = 1000
"""No coordinate and no angle of a reconstruction comes near it; beyond it rendering overflows."""
ID_EXAMPLE = {"id": "9f86d081884c7d659a2feaa0c55ad015"}
VIEW_EXAMPLE = {"azimuth_degrees": 45.0, "elevation_degrees": 15.0}


SOURCES = ("id", "npz", "image", "seed")


class Source(Strict):
    """Where a part comes from: exactly one of id, npz, image and seed."""

    id: str | None = Field(default=None, max_length=64, examples=[ID_EXAMPLE["id"]])
    """of a reconstruction that was made not long ago"""
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
    image: Base64 | None = Field(default=None, examples=[PNG_EXAMPLE])
    """a photograph to reconstruct first, in base64"""
    box: Box | None = Field(default=None, examples=[BOX_EXAMPLE])
    """with image: left, top, right, bottom of the object in its pixels"""
    seed: int | None = Field(default=None, ge=0, le=2**32 - 1, examples=[7])
    """a sample: a mixture of the shapes of the bundle's sample photographs, the texture and the
    background of one each, a camera around it; the same seed gives the same"""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [name for name in SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(SOURCES)}, not {given}")
        if self.box is not None and self.image is None:
            raise ValueError(f"box goes with image, not with {given[0]}: leave it out")
        return self


class Turntable(Strict):
    """Once around the object, counter-clockwise seen from above."""

    frames: int = Field(default=24, ge=2, le=256, examples=[24])
    """pictures of the turn"""
    start_degrees: Number = Field(default=0.0, ge=-360, le=360, examples=[0.0])
    """azimuth of the first, degrees"""
    elevation_degrees: Number = Field(default=15.0, ge=-90, le=90, examples=[15.0])
    """degrees; above 0 looks down"""
    distance: Number = Field(default=5.0, ge=2, le=50, examples=[5.0])
    """object units"""


class Interpolation(Strict):
    """From one object to another, in equal steps, both ends included."""

    to: Source = Field(examples=[ID_EXAMPLE])
    """the object at the end"""
    steps: int = Field(default=8, ge=2, le=256, examples=[8])
    """pictures"""
    parts: list[Part] = Field(
        default=["shape", "texture", "background", "camera"],
        min_length=1,
        max_length=4,
        examples=[["shape", "texture"]],
    )
    """what changes on the way; azimuths go the shorter way round"""


class Animation(Strict):
    """All pictures in one file, in order."""

    format: AnimationFormat = Field(examples=["webp"])
    """strip: one PNG, side by side; mp4 needs imageio-ffmpeg in the service"""
    frames_per_second: int = Field(default=12, ge=1, le=50, examples=[12])
    """pictures per second; a strip has none"""


class RenderRequest(Strict):
    """What to render. `reconstruction` stands in for each part that is not given by itself, so that
    reconstruction A with texture B swaps the texture, and A with shape B the shape."""

    reconstruction: Source | None = Field(default=None, examples=[ID_EXAMPLE])
    """shape, texture, background and camera at once"""
    shape: Source | None = Field(default=None, examples=[ID_EXAMPLE])
    """the vertices"""
    texture: Source | None = Field(default=None, examples=[{"seed": 7}])
    """the colours"""
    background: Source | None = Field(default=None, examples=[ID_EXAMPLE])
    """shown behind; by default none with graphics alone, else the reconstruction's"""
    camera: Source | None = Field(default=None, examples=[{"seed": 7}])
    """the camera of that reconstruction or sample"""
    cameras: list[CameraView] | None = Field(default=None, min_length=1, examples=[[VIEW_EXAMPLE]])
    """one picture each; without camera, cameras, turntable and interpolation the camera that the
    reconstruction, else the shape, was photographed from"""
    turntable: Turntable | None = Field(default=None, examples=[{"frames": 24}])
    """cameras all around"""
    interpolation: Interpolation | None = Field(default=None, examples=[{"to": {"seed": 7}}])
    """on the way to another object"""
    animation: Animation | None = Field(default=None, examples=[{"format": "webp"}])
    """one file in place of images"""
    renderer: Renderer | Renderers = Field(default="graphics", examples=["graphics"])
    """graphics: the mesh; gan: StyleGAN-R, a photograph; neural: the mesh made a photograph, where
    the model has that renderer; or a list of them: one after the other, side by side in an
    animation"""
    size: int | None = Field(default=None, ge=16, le=1024, examples=[256])
    """pixels per side, 256 by default; gan draws the model's resolution only, neural multiples of
    it"""

    @property
    def renderers(self) -> list[Renderer]:
        """Those asked for, one or several."""
        return self.renderer if isinstance(self.renderer, list) else [self.renderer]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        given = [name for name in ("shape", "texture") if getattr(self, name) is not None]
        if self.reconstruction is None and len(given) < 2:
            raise ValueError(f"give reconstruction, or both shape and texture, not {given}")
        if len(set(self.renderers)) < len(self.renderers):
            raise ValueError(f"renderer names one twice: {', '.join(self.renderers)}")
        photographic = [name for name in self.renderers if name != "graphics"]
        if photographic and self.reconstruction is None and self.background is None:
            raise ValueError(f"renderer {photographic[0]} needs a background, or a reconstruction")
        paths = ("cameras", "turntable")
        given = [name for name in ("camera", *paths) if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of camera, cameras and turntable, not {given}")
        if self.interpolation is not None and any(name in paths for name in given):
            raise ValueError(f"interpolation makes its own pictures: leave {given[0]} out")
        return self


class AnimationFile(Strict):
    """Pictures in one file."""

    format: AnimationFormat = Field(examples=["webp"])
    """as asked for"""
    media_type: str = Field(examples=["image/webp"])
    """of the file"""
    data: Content = Field(examples=["UklGRg=="])
    """the file in base64"""


class RenderAnswer(Strict):
    """The pictures, in the order of the cameras or steps."""

    images: list[Content] = Field(examples=[[PNG_EXAMPLE]])
    """PNG in base64; transparent outside the object where no background was asked for; empty with
    animation; of several renderers those of the first"""
    more_images: dict[Renderer, list[Content]] | None = Field(
        default=None, examples=[{"gan": [PNG_EXAMPLE]}]
    )
    """of several renderers those of the others, by name, PNG in base64"""
    animation: AnimationFile | None = Field(
        default=None, examples=[{"format": "webp", "media_type": "image/webp", "data": "UklGRg=="}]
    )
    """where it was asked for"""
    cameras: list[CameraView] = Field(examples=[[VIEW_EXAMPLE]])
    """of each picture"""
    quality_flags: list[CameraFlags] = Field(examples=[[[], ["extrapolated_camera"]]])
    """of each picture, in the order of cameras"""
    renderer: Renderer | list[Renderer] = Field(examples=["graphics"])
    """as asked for"""
    size: int = Field(ge=8, examples=[256])
    """pixels per side of a picture"""
    timings: Timings


class EditChanges(Strict):
    """What of a photograph to change; the rest stays. At least one of the first five."""

    turn_degrees: Number | None = Field(default=None, ge=-360, le=360, examples=[30.0])
    """move the camera around, degrees of azimuth, counter-clockwise from above"""
    camera: CameraView | None = Field(default=None, examples=[VIEW_EXAMPLE])
    """photograph from here instead"""
    shape: Source | None = Field(default=None, examples=[{"seed": 7}])
    """another shape"""
    texture: Source | None = Field(default=None, examples=[ID_EXAMPLE])
    """other colours"""
    background: Source | None = Field(default=None, examples=[ID_EXAMPLE])
    """another background"""
    renderer: Renderer | None = Field(default=None, examples=["neural"])
    """graphics: the mesh over the photograph, whose old object is filled in from around it; neural:
    the same made a photograph, with light and shadow; gan generates a whole photograph; by default
    neural where the model has it, else gan"""
    fidelity: Fidelity = Field(default="pass", examples=["pass"])
    """of renderer gan: pass draws what was read from the photograph; fit first draws some 300
    pictures to come nearer to it, which takes seconds, and only moves the camera"""
    size: int | None = Field(default=None, ge=16, le=1024, examples=[256])
    """pixels per side, 256 by default; gan draws the model's resolution only, neural multiples of
    it"""

    @model_validator(mode="after")
    def _fits_a_whole_photograph(self) -> Self:
        if self.fidelity == "pass":
            return self
        if self.renderer != "gan":
            raise ValueError("fidelity fit is of renderer gan: give renderer gan, or leave it out")
        for name in ("shape", "texture", "background"):
            if getattr(self, name) is not None:
                raise ValueError(
                    f"fidelity fit is of one whole photograph and keeps its {name}: leave {name} "
                    "or fidelity out"
                )
        return self

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        given = ("turn_degrees", "camera", "shape", "texture", "background")
        if all(getattr(self, name) is None for name in given):
            raise ValueError(f"give at least one of {', '.join(given)}: there is none")
        if self.turn_degrees is not None and self.camera is not None:
            raise ValueError("give turn_degrees or camera, not both")
        return self


class EditAnswer(Strict):
    """The new photograph."""

    image: Content = Field(examples=[PNG_EXAMPLE])
    """PNG in base64"""
    id: str = Field(examples=[ID_EXAMPLE["id"]])
    """names the reconstruction of the old photograph for a while"""
    frame: Square = Field(examples=[{"left": 0.0, "top": -128.0, "side": 1024.0}])
    """the square of the old photograph that the new one shows"""
    camera_before: CameraView = Field(examples=[VIEW_EXAMPLE])
    """as found"""
    camera: CameraView = Field(examples=[VIEW_EXAMPLE])
    """of the new photograph"""
    quality_flags: CameraFlags
    renderer: Renderer = Field(examples=["neural"])
    """what drew it"""
    size: int = Field(ge=8, examples=[64])
    """pixels per side"""
    timings: Timings
