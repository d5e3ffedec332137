"""What clients send to `/v1/render` and get back."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from service.schemas import Base64, CameraView, Strict


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
