"""What clients get about a job."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from service.schemas.options import ImageOptions
from service.schemas.photographs import Failed, Strict

TIME_EXAMPLE = "2026-01-31T12:00:00Z"


class JobOptions(ImageOptions):
    """What the job's images are returned as; as sent."""

    model_config = ConfigDict(json_schema_extra={"required": ["format", "texture", "preview"]})


class JobItem(Strict):
    """One image of a job, as far as it has come."""

    index: int = Field(ge=0, description="index in the job, from 0", examples=[0])
    name: str = Field(description="file name as sent", examples=["car.jpg"])
    status: Literal["waiting", "ok", "error"] = Field(description="outcome", examples=["ok"])
    error: Failed = None


class JobAnswer(Strict):
    """A job as it stands."""

    id: str = Field(
        pattern="^[0-9a-f]{32}$",
        description="of the job",
        examples=["7d1a54127b222502f5b79b5fb0803061"],
    )
    state: Literal["running", "done", "cancelled"] = Field(
        description="done: every image has its outcome", examples=["running"]
    )
    total: int = Field(ge=1, description="images", examples=[1000])
    waiting: int = Field(ge=0, description="images without an outcome", examples=[400])
    succeeded: int = Field(ge=0, description="images with status ok", examples=[598])
    failed: int = Field(ge=0, description="images with status error", examples=[2])
    progress: float = Field(
        ge=0, le=1, description="0..1: fraction of the images that have an outcome", examples=[0.6]
    )
    eta_seconds: float | None = Field(
        default=None,
        ge=0,
        description="seconds until it is done, at the speed so far; missing before the first "
        "image is finished and where nothing waits",
        examples=[21.5],
    )
    created_at: str = Field(description="UTC, ISO 8601", examples=[TIME_EXAMPLE])
    finished_at: str | None = Field(
        default=None, description="UTC, ISO 8601", examples=[TIME_EXAMPLE]
    )
    expires_at: str | None = Field(
        default=None,
        description="when job and results are deleted: UTC, ISO 8601; set once it has ended",
        examples=[TIME_EXAMPLE],
    )
    options: JobOptions = Field(
        description="as sent", examples=[{"format": "glb", "texture": True, "preview": False}]
    )
    results: str = Field(
        description="path of the results so far", examples=["/v1/jobs/7d1a54127b222502/results"]
    )
    items: list[JobItem] = Field(
        description="from number `first` on, at most `limit`, in the order sent",
        examples=[[{"index": 0, "name": "car.jpg", "status": "ok"}]],
    )
