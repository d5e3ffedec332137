"""Objects, each of several photographs: how a request names them, and what is answered.

The whole answer of a request stands here too, as it holds images and objects.
"""

from typing import Literal, Self

from pydantic import Field

from graphics.fusing import STEPS
from graphics.fusing.joint import REASONS, Reason
from service.schemas.options import ImageOptions, Texts
from service.schemas.photographs import (
    PNG_EXAMPLE,
    Content,
    Failed,
    ImageAnswer,
    Mesh,
    Strict,
    Timings,
)

MOST_STEPS = 50
WHY_LEFT_OUT = "; ".join(f"{reason}: {text}" for reason, text in REASONS.items())


class FusionOptions(Texts):
    """How photographs of one object become one mesh."""

    symmetric: bool = Field(default=True, examples=[True])
    """false: what no photograph of an object shows is not taken from its mirror image, as where
    the two sides differ"""
    refine: int = Field(default=STEPS, ge=0, le=MOST_STEPS, examples=[10])
    """steps by which an object's shape and cameras are fitted to all its masks; 0: none"""


class ObjectNames(Texts):
    """Which images show which object."""

    object: list[str] = Field(default_factory=list, examples=[["car 7"]])
    """once for each image, in the order of the images: the name of the object that it shows;
    images of one name become one mesh"""


class ObjectOptions(ObjectNames, FusionOptions):
    """Which images are photographs of one object, and how they become one mesh."""

    fuse: bool = Field(default=False, examples=[True])
    """true: all images are photographs of one object; not with object"""


class ItemOptions(FusionOptions, ImageOptions):
    """What the items of a job or batch are, and what they are returned as."""

    objects: Literal["none", "folder", "named"] = Field(default="none", examples=["folder"])
    """folder: all images of one folder are photographs of one object and become one mesh, and an
    image in no folder is an object of its own; named: field object says which images show which
    object, and its being there is enough; none: each image becomes a mesh of its own"""


class ObjectPhotograph(Strict):
    """What became of one of an object's photographs."""

    index: int = Field(ge=0, examples=[0])
    """index of the image in the request, from 0"""
    used: bool = Field(examples=[True])
    """whether it went into the mesh"""
    reason: Reason | Literal["failed"] | None = Field(
        default=None,
        description=f"why it was left out: {WHY_LEFT_OUT}; failed: the image's entry says why",
        examples=["disagrees"],
    )
    turned_degrees: float | None = Field(default=None, ge=-180, le=180, examples=[180.0])
    """by how much its azimuth was taken to be another than was read in it, as the other
    photographs show; left out where it was not"""


class ObjectAnswer(Strict):
    """One object's outcome: one mesh from its photographs, whose cameras are in images. With status
    error only index, name, error, photographs and timings are set."""

    index: int = Field(ge=0, examples=[0])
    """index of the object in the answer, from 0, in the order of their first images"""
    name: str = Field(examples=["car 7"])
    """as sent; object, where fuse is true"""
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
    preview: Content | None = Field(default=None, examples=[PNG_EXAMPLE])
    """PNG, 256 px, of the mesh from the camera of the first photograph used: with preview=true"""
    photographs: list[ObjectPhotograph] = Field(examples=[[{"index": 0, "used": True}]])
    """each of the object's, in the order sent"""
    coverage: list[float] | None = Field(default=None, examples=[[0.2, 0.5, 0.3]])
    """shares of the mesh's surface that 0, 1, 2 ... of the photographs used show; sum 1"""
    timings: Timings = Field(default_factory=dict)


class ReconstructAnswer(Strict):
    """One entry per image, in the order sent, and one per object."""

    images: list[ImageAnswer] = Field(examples=[[{"index": 0, "name": "car.jpg"}]])
    """in the order sent"""
    objects: list[ObjectAnswer] | None = Field(
        default=None, examples=[[{"index": 0, "name": "car 7"}]]
    )
    """where the request names objects or says fuse=true: in the order of their first images"""
    succeeded: int = Field(ge=0, examples=[1])
    """images with status ok"""
    failed: int = Field(ge=0, examples=[0])
    """images with status error"""

    @classmethod
    def of(cls, images: list[ImageAnswer], objects: list[ObjectAnswer] | None = None) -> Self:
        """The answer with these entries."""
        failed = sum(entry.status == "error" for entry in images)
        return cls(images=images, objects=objects, succeeded=len(images) - failed, failed=failed)


class Summary(Strict):
    """The last line of an answer in lines."""

    succeeded: int = Field(ge=0, examples=[63])
    """images with status ok"""
    failed: int = Field(ge=0, examples=[1])
    """images with status error"""
