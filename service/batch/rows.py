"""The manifest of a shard: what became of each of its photographs."""

# pyright: reportMissingImports=false
from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from service.schemas.photographs import ImageAnswer

OK = "ok"
SCHEMA = pa.schema(
    [
        ("photograph", pa.string()),  # its address
        ("outcome", pa.string()),  # ok, or the code of an error as of /v1/reconstruct
        ("message", pa.string()),  # of the error
        ("mesh", pa.string()),  # the file, from the folder of results
        ("azimuth_degrees", pa.float64()),
        ("elevation_degrees", pa.float64()),
        ("distance", pa.float64()),  # object units
        ("offset_x", pa.float64()),  # half sides of the frame, to the right
        ("offset_y", pa.float64()),  # upwards
        ("frame_left", pa.float64()),  # pixels of the upright photograph
        ("frame_top", pa.float64()),
        ("frame_side", pa.float64()),
        ("confidence", pa.float64()),  # 0..1
        ("rerender_iou", pa.float64()),  # 0..1
        ("quality_flags", pa.list_(pa.string())),
    ]
)
"""Nothing in it differs between two runs: times are in the report."""


def row_of(photograph: str, answer: ImageAnswer, mesh: str) -> dict[str, Any]:
    """The row of one photograph; `mesh`: the file's name, of no account where it failed."""
    if answer.error is not None:
        return failed(photograph, answer.error.code, answer.error.message)
    camera, frame = answer.camera, answer.frame
    assert camera is not None and frame is not None
    return {
        "photograph": photograph,
        "outcome": OK,
        "mesh": mesh,
        "azimuth_degrees": camera.azimuth_degrees,
        "elevation_degrees": camera.elevation_degrees,
        "distance": camera.distance,
        "offset_x": camera.offset[0],
        "offset_y": camera.offset[1],
        "frame_left": frame.left,
        "frame_top": frame.top,
        "frame_side": frame.side,
        "confidence": answer.confidence,
        "rerender_iou": answer.rerender_iou,
        "quality_flags": answer.quality_flags,
    }


def failed(photograph: str, code: str, message: str) -> dict[str, Any]:
    """The row of a photograph that became no mesh."""
    return {"photograph": photograph, "outcome": code, "message": message}


def to_parquet(rows: list[dict[str, Any]]) -> bytes:
    """The manifest's file."""
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), file)
    return file.getvalue()
