"""A photograph as a client sent it, and the models of what is answered, which OpenAPI shows."""

import base64
from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
)

from graphics import quality
from graphics.camera import CONVENTION

MeshFormat = Literal["glb", "obj", "stl", "3mf", "npz"]
Matrix = Annotated[list[list[float]], Field(min_length=4, max_length=4)]
Base64 = Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})]
"""A file that a client sends in JSON."""
Number = Annotated[float, Field(allow_inf_nan=False)]
VIEW_EXAMPLE = [[0.7, 0, -0.7, 0], [-0.2, 1, -0.2, 0], [0.7, 0.3, 0.7, -5], [0, 0, 0, 1]]
PROJECTION_EXAMPLE = [[4.5, 0, 0, 0], [0, 4.5, 0, 0], [0, 0, -1, -0.2], [0, 0, -1, 0]]
PNG_EXAMPLE = "iVBORw0KGgo="
SEGMENTER_EXAMPLE = {
    "kind": "general",
    "side": 288,
    "origin": "https://github.com/xuebinqin/U-2-Net",
    "licence": "Apache-2.0",
    "sha256": "0" * 64,
}
TIMINGS_EXAMPLE = {"decode": 2.1, "reconstruct": 14.9, "total": 21.7}
Timings = Annotated[
    dict[str, float],
    Field(description="milliseconds by stage, waiting included", examples=[TIMINGS_EXAMPLE]),
]


def _from_json(value: bytes | str, info: ValidationInfo) -> bytes | str:
    return base64.b64decode(value) if info.mode == "json" else value


def _to_json(value: bytes | str) -> str:
    return value if isinstance(value, str) else base64.b64encode(value).decode("ascii")


Content = Annotated[
    bytes | str,
    BeforeValidator(_from_json),
    PlainSerializer(_to_json, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
"""A file that a client gets: bytes here, base64 in JSON. A text stands for it: a path or a name."""


Box = tuple[float, float, float, float]
"""Left, top, right, bottom of an object in pixels of the upright photograph."""
BOX_EXAMPLE = [120, 80, 410, 300]


class Upload(NamedTuple):
    """One image of a request or job; contents are read off the event loop, as often as needed.

    Reading raises `ItemError` where there is no file to read.
    """

    name: str
    """As sent."""
    read: Callable[[], bytes]
    read_mask: Callable[[], bytes] | None = None
    """None where no mask came with the image."""
    box: Box | None = None
    """Where the object is, if the client says so."""
    object: str | None = None
    """Name of the object that it shows, if the client says so."""


class Strict(BaseModel):
    """A field that is not known is refused, not ignored. Docstrings below fields describe them in
    the OpenAPI document."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    def to_json(self) -> bytes:
        """Without the fields that have no value."""
        return self.model_dump_json(exclude_none=True).encode()


class Problem(Strict):
    """Why an image, or a request, failed."""

    code: str = Field(examples=["unreadable_image"])
    """stable name for programs"""
    message: str = Field(examples=["the image is damaged or cut short (truncated): save it again"])
    """what was got, what is allowed, what to do"""


Failed = Annotated[
    Problem | None,
    Field(
        description="why it failed",
        examples=[{"code": "empty_file", "message": "the file has 0 bytes: send a JPEG"}],
    ),
]


class Failure(Strict):
    """The body of every 4xx and 5xx answer that refuses the whole request."""

    error: Problem = Field(examples=[{"code": "overloaded", "message": "..."}])
    """why"""


class CameraView(Strict):
    """A camera to render from; the nominal distance frames the object."""

    azimuth_degrees: Number = Field(ge=-1000, le=1000, examples=[45.0])
    """degrees; 0 = the front, counter-clockwise seen from above, 360 = 0"""
    elevation_degrees: Number = Field(default=0.0, ge=-90, le=90, examples=[15.0])
    """degrees; above 0 looks down"""
    distance: Number = Field(default=5.0, ge=2, le=50, examples=[5.0])
    """object units from the origin"""
    offset: tuple[
        Annotated[Number, Field(ge=-1000, le=1000)], Annotated[Number, Field(ge=-1000, le=1000)]
    ] = Field(default=(0.0, 0.0), examples=[[0.0, 0.0]])
    """shift of the image, right and up, in half image sides: -1..1 is the image"""


class Intrinsics(Strict):
    """The pinhole camera in pixels of the upright photograph: x right, y down, no distortion."""

    focal_length: float = Field(gt=0, examples=[2255.4])
    """pixels, both axes"""
    principal_point: tuple[float, float] = Field(examples=[[512.0, 384.0]])
    """pixels from the left and top edge of the photograph; it may lie outside"""


class Alternative(Strict):
    """Another azimuth that the photograph may have been taken from."""

    azimuth_degrees: float = Field(ge=-180, le=180, examples=[-138.5])
    """degrees"""
    probability: float = Field(ge=0, le=1, examples=[0.31])
    """0..1, that this azimuth is about right, as confidence says it of the camera's"""


class Camera(Strict):
    """The camera a photograph was taken from, in the frame of the object."""

    azimuth_degrees: float = Field(ge=-180, le=180, examples=[43.2])
    """degrees"""
    alternatives: list[Alternative] = Field(
        examples=[[{"azimuth_degrees": -138.5, "probability": 0.31}]]
    )
    """azimuths beside it, the most probable first; empty where there is no doubt"""
    elevation_degrees: float = Field(examples=[12.5])
    """degrees; above 0 looks down"""
    distance: float = Field(examples=[5.1])
    """object units from the origin"""
    offset: tuple[float, float] = Field(examples=[[0.02, -0.05]])
    """right and up, in half sides of the frame"""
    field_of_view_degrees: float = Field(gt=0, lt=180, examples=[25.0])
    """degrees, of the whole frame, both axes"""
    intrinsics: Intrinsics = Field(
        examples=[{"focal_length": 2255.4, "principal_point": [512.0, 384.0]}]
    )
    """in pixels of the photograph"""
    view_matrix: Matrix = Field(examples=[VIEW_EXAMPLE])
    """4x4, row by row, acting on columns: object to camera, looking along -z"""
    projection_matrix: Matrix = Field(examples=[PROJECTION_EXAMPLE])
    """4x4, row by row, acting on columns: camera to OpenGL clip space of the frame"""
    convention: str = Field(examples=[CONVENTION])
    """the words that define the numbers"""


class Mesh(Strict):
    """A mesh file."""

    format: MeshFormat = Field(examples=["glb"])
    """glb has its texture as JPEG; obj is a zip with .mtl and .png; stl and 3mf are in millimetres,
    z up; npz is what /v1/render takes"""
    media_type: str = Field(examples=["model/gltf-binary"])
    """of the file"""
    data: Content = Field(examples=["Z2xURgIAAAA=", "0000/mesh.glb"])
    """the file in base64; in multipart and ZIP answers its name; with links its path, good as long
    as the id"""


class Square(Strict):
    """The square of the upright photograph that the camera and the mask refer to."""

    left: float = Field(examples=[0.0])
    """pixels from the photograph's left edge"""
    top: float = Field(examples=[-128.0])
    """pixels from its top; below 0 is outside"""
    side: float = Field(gt=0, examples=[1024.0])
    """pixels"""


class ImageAnswer(Strict):
    """One image's outcome. With status ok everything but error and object is set; with status error
    only index, name, error and timings are. Of one of an object's photographs id, mesh and preview
    are the object's, and camera and rerender_iou are those of the object's mesh."""

    index: int = Field(ge=0, examples=[0])
    """index in the request, from 0"""
    name: str = Field(examples=["car.jpg"])
    """file name as sent"""
    object: str | None = Field(default=None, examples=["car 7"])
    """name of the object that it is a photograph of, where the request names objects"""
    status: Literal["ok", "error"] = Field(examples=["ok"])
    """outcome"""
    error: Failed = None
    id: str | None = Field(
        default=None, pattern="^[0-9a-f]{32}$", examples=["9f86d081884c7d659a2feaa0c55ad015"]
    )
    """names this reconstruction in /v1/render for a while"""
    mesh: Mesh | None = Field(
        default=None,
        examples=[{"format": "glb", "media_type": "model/gltf-binary", "data": "Z2xURgIAAAA="}],
    )
    """the mesh as a file"""
    camera: Camera | None = Field(default=None, examples=[{"azimuth_degrees": 43.2}])
    """where it was photographed from"""
    confidence: float | None = Field(default=None, ge=0, le=1, examples=[0.97])
    """0..1, that the azimuth is about right; left out where other photographs settled it"""
    mask: Content | None = Field(default=None, examples=[PNG_EXAMPLE])
    """PNG in base64 (its name in multipart and ZIP), grey, white on the object; covers the frame at
    the model's resolution"""
    frame: Square | None = Field(
        default=None, examples=[{"left": 0.0, "top": -128.0, "side": 1024.0}]
    )
    """the square of the photograph that was looked at"""
    rerender_iou: float | None = Field(default=None, ge=0, le=1, examples=[0.88])
    """0..1: IoU of the mesh rendered from the camera with the mask"""
    preview: Content | None = Field(default=None, examples=[PNG_EXAMPLE])
    """PNG, 256 px, of the mesh rendered from the camera: with preview=true; base64 (its name in
    multipart and ZIP)"""
    quality_flags: list[quality.Flag] | None = Field(
        default=None, description=quality.DESCRIPTION, examples=[["touches_border"]]
    )
    timings: Timings = {}


class SegmenterFacts(Strict):
    """The segmenter that serves."""

    kind: Literal["general", "bundle", "file"] = Field(examples=["general"])
    """general: finds objects of any kind; bundle: the bundle's own; file: one that the operator of
    the service named"""
    side: int = Field(ge=1, examples=[288])
    """pixels of the square that it looks at"""
    origin: str = Field(examples=[SEGMENTER_EXAMPLE["origin"]])
    """where it comes from"""
    licence: str = Field(examples=["Apache-2.0"])
    """of its weights"""
    sha256: str = Field(pattern="^[0-9a-f]{64}$", examples=["0" * 64])
    """of its ONNX file"""


class ModelAnswer(Strict):
    """What is being served, and on what."""

    manifest: dict[str, object] = Field(examples=[{"category": "vehicles"}])
    """the bundle's manifest.json, as verified"""
    licence: dict[str, str] = Field(examples=[{"data": "CC0-1.0"}])
    """of the training data and of the weights"""
    metrics: dict[str, object] = Field(examples=[{"evaluate": {"about": {"objects": 100}}}])
    """what the training measured of this model, by stage; protocols included"""
    camera_convention: str = Field(examples=[CONVENTION])
    """of every camera here"""
    segmenter: SegmenterFacts = Field(examples=[SEGMENTER_EXAMPLE])
    """what finds the object in photographs without a mask"""
    providers: dict[str, str] = Field(examples=[{"segmenter": "CPUExecutionProvider"}])
    """ONNX Runtime execution provider by graph"""
