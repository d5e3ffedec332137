"""The manifest of a shard: what became of each of its photographs."""

# pyright: reportMissingImports=false
from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from service.pipeline.items import Answered
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
        # In a batch of objects; null where a photograph lies in no folder and has no name for it.
        ("object", pa.string()),
        ("left_out", pa.string()),  # why it is no part of its object's mesh
        ("turned_degrees", pa.float64()),  # by which the others turned its azimuth
        ("coverage", pa.list_(pa.float64())),  # shares that 0, 1, 2 … photographs show; sum 1
    ]
)
"""Nothing in it differs between two runs: times are in the report."""


def rows_of(
    photographs: list[str], name: str | None, answered: Answered, mesh: str
) -> list[dict[str, Any]]:
    """The rows of an item's photographs; `name`: of the object, `mesh`: of the file."""
    rows = [
        row_of(photograph, entry, mesh)
        for photograph, entry in zip(photographs, answered.images, strict=True)
    ]
    if answered.object is None:
        return rows
    for row, said in zip(rows, answered.object.photographs, strict=True):
        row["object"] = name
        if row["outcome"] != OK:
            continue
        row["turned_degrees"] = said.turned_degrees
        if said.used:
            row["coverage"] = answered.object.coverage
        else:
            row["left_out"], row["mesh"] = said.reason, None
    return rows


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
