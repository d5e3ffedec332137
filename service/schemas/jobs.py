"""Answers about a job."""

from typing import Literal

from pydantic import ConfigDict, Field

from service.schemas.objects import ItemOptions
from service.schemas.photographs import Failed, Strict

TIME_EXAMPLE = "2026-01-31T12:00:00Z"


class JobOptions(ItemOptions):
    """What the job's items are, and what they are returned as; as sent."""

    model_config = ConfigDict(json_schema_extra={"required": ["format", "texture", "preview"]})


class JobItem(Strict):
    """One image of a job, or one object with all its images, as far as it has come."""

    index: int = Field(ge=0, examples=[0])
    """index in the job, from 0; of objects in the order of their first images"""
    name: str = Field(examples=["car.jpg"])
    """file name, or name of the object, as sent; the folder's with objects=folder"""
    status: Literal["waiting", "ok", "error"] = Field(examples=["ok"])
    """outcome"""
    error: Failed = None


class JobAnswer(Strict):
    """A job as it stands. Its items are images or, unless options.objects is none, objects."""

    id: str = Field(pattern="^[0-9a-f]{32}$", examples=["7d1a54127b222502f5b79b5fb0803061"])
    """of the job"""
    state: Literal["running", "done", "cancelled"] = Field(examples=["running"])
    """done: every item has its outcome"""
    total: int = Field(ge=1, examples=[1000])
    """items"""
    left_out: int | None = Field(default=None, ge=0, examples=[2])
    """files of the archive that operating systems add, as ._a.jpg and Thumbs.db, and that are no
    images; only in the answer that accepts an archive"""
    waiting: int = Field(ge=0, examples=[400])
    """items without an outcome"""
    succeeded: int = Field(ge=0, examples=[598])
    """items with status ok"""
    failed: int = Field(ge=0, examples=[2])
    """items with status error"""
    progress: float = Field(ge=0, le=1, examples=[0.6])
    """0..1: fraction of the items that have an outcome"""
    eta_seconds: float | None = Field(default=None, ge=0, examples=[21.5])
    """seconds until it is done, at the speed so far; missing before the first item is finished and
    where nothing waits"""
    created_at: str = Field(examples=[TIME_EXAMPLE])
    """UTC, ISO 8601"""
    finished_at: str | None = Field(default=None, examples=[TIME_EXAMPLE])
    """UTC, ISO 8601"""
    expires_at: str | None = Field(default=None, examples=[TIME_EXAMPLE])
    """when job and results are deleted: UTC, ISO 8601; set once it has ended"""
    options: JobOptions = Field(examples=[{"format": "glb", "texture": True, "preview": False}])
    """as sent"""
    results: str = Field(examples=["/v1/jobs/7d1a54127b222502/results"])
    """path of the results so far"""
    items: list[JobItem] = Field(examples=[[{"index": 0, "name": "car.jpg", "status": "ok"}]])
    """from number `first` on, at most `limit`, in the order sent"""
