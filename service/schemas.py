"""What clients send and get as JSON; the OpenAPI document is made from these models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MeshFormat = Literal["glb", "obj", "npz"]
Matrix = Annotated[list[list[float]], Field(description="4x4, row by row, acting on columns")]
Base64 = Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Strict(BaseModel):
    """A field that is not known is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class Problem(Strict):
    """Why an image, or a request, failed."""

    code: str = Field(description="stable name for programs", examples=["unreadable_image"])
    message: str = Field(description="what was got, what is allowed, what to do")


class Failure(Strict):
    """The body of every 4xx and 5xx answer that refuses the whole request."""

    error: Problem


class CameraView(Strict):
    """A camera to draw from; the nominal distance frames the object."""

    azimuth_degrees: Number = Field(
        examples=[45.0], description="0 = the front, counter-clockwise seen from above"
    )
    elevation_degrees: Number = Field(0.0, ge=-90, le=90, examples=[15.0])
    distance: Number = Field(5.0, ge=2, le=50, description="object units from the origin")
    offset: tuple[Number, Number] = Field(
        (0.0, 0.0), description="shift of the image, right and up; the image is [-1, 1] x [-1, 1]"
    )


class Camera(Strict):
    """The camera a photograph was taken from, in the frame of the object."""

    azimuth_degrees: float = Field(description="-180..180")
    elevation_degrees: float
    distance: float = Field(description="object units")
    offset: tuple[float, float]
    field_of_view_degrees: float
    view_matrix: Matrix
    projection_matrix: Matrix
    convention: str


class Mesh(Strict):
    """A mesh file."""

    format: MeshFormat
    media_type: str = Field(examples=["model/gltf-binary"])
    data: Base64


class Square(Strict):
    """The square of the upright photograph that the camera and the mask refer to, in pixels."""

    left: float
    top: float
    side: float


class ImageAnswer(Strict):
    """The outcome of one image; with status error only index, name and error are set."""

    index: int = Field(description="place in the request, from 0")
    name: str = Field(description="file name as sent")
    status: Literal["ok", "error"]
    error: Problem | None = None
    mesh: Mesh | None = None
    camera: Camera | None = None
    confidence: float | None = Field(None, description="0..1, of the camera and shape")
    mask: Base64 | None = Field(None, description="PNG, grey, the model's resolution")
    frame: Square | None = None
    rerender_iou: float | None = Field(
        None, description="0..1: the mesh drawn from the camera against the mask"
    )
    preview: Base64 | None = Field(None, description="PNG of the mesh drawn from the camera")
    warnings: list[str] = []
    timings: dict[str, float] = Field({}, description="milliseconds by stage, waiting included")


class ReconstructAnswer(Strict):
    """One entry per image, in the order sent."""

    images: list[ImageAnswer]
    succeeded: int
    failed: int


class Source(Strict):
    """A reconstruction: the npz an earlier answer returned, or a photograph to take it from."""

    npz: Base64 | None = None
    image: Base64 | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Source:
        if (self.npz is None) == (self.image is None):
            raise ValueError("give exactly one of npz and image")
        return self


class RenderRequest(Strict):
    """What to draw. `reconstruction` stands in for each of the others that is not given."""

    reconstruction: Source | None = None
    shape: Source | None = None
    texture: Source | None = None
    background: Source | None = None
    cameras: list[CameraView] | None = Field(
        None, min_length=1, description="default: the camera the shape was photographed from"
    )
    renderer: Literal["graphics", "gan"] = "graphics"
    size: int | None = Field(
        None, ge=16, le=1024, description="pixels; graphics 256 by default, gan its resolution"
    )

    @model_validator(mode="after")
    def _sources_complete(self) -> RenderRequest:
        if self.reconstruction is None and (self.shape is None or self.texture is None):
            raise ValueError("give reconstruction, or both shape and texture")
        if self.renderer == "gan" and self.reconstruction is None and self.background is None:
            raise ValueError("renderer gan needs a background, or a reconstruction")
        return self


class RenderAnswer(Strict):
    """One PNG per camera, in order."""

    images: list[Base64] = Field(description="PNG; transparent outside the object where it may be")
    cameras: list[CameraView]
    renderer: Literal["graphics", "gan"]
    size: int
    timings: dict[str, float]


class ModelAnswer(Strict):
    """What is being served, and on what."""

    manifest: dict[str, object]
    camera_convention: str
    providers: dict[str, str] = Field(description="ONNX Runtime execution provider by graph")
