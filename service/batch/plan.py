"""What a folder of results is of: its photographs, cut into shards, and what made them."""

# pyright: reportMissingImports=false
from __future__ import annotations

import hashlib
import io
import json
from typing import Any, NamedTuple, Self

import pyarrow as pa
import pyarrow.parquet as pq

from service.batch.errors import BatchError
from service.batch.photographs import SCHEMA
from service.batch.places import Place
from service.jobs.members import grouped

PLAN = "batch.json"
PHOTOGRAPHS = "photographs.parquet"
"""One row group per shard; no object lies in two."""
MANIFESTS = "manifests"
"""A shard is done where its manifest is there: it is written last."""


def manifest_name(shard: int) -> str:
    """The name of a shard's manifest."""
    return f"{MANIFESTS}/{shard:06}.parquet"


class Plan(NamedTuple):
    """Everything that decides about the bytes of a result."""

    photographs: int
    """How many there are."""
    photographs_sha256: str
    """Of their addresses, those of their masks and their objects, in order."""
    shard_size: int
    shards: int
    options: dict[str, Any]
    """Of the meshes."""
    made_by: dict[str, str]
    """Checksums of the networks, and settings that change what they make."""

    @classmethod
    def of(
        cls, photographs: pa.Table, shard_size: int, options: dict[str, Any], made_by: dict
    ) -> Self:
        """The plan for these photographs."""
        columns = (photographs.column(name).to_pylist() for name in SCHEMA.names)
        digest = hashlib.sha256()
        for row in zip(*columns, strict=True):
            digest.update(json.dumps(row).encode())
        shards = len(cut(photographs, shard_size))
        return cls(len(photographs), digest.hexdigest(), shard_size, shards, options, made_by)


def cut(photographs: pa.Table, shard_size: int) -> list[int]:
    """How many photographs each shard has: whole objects, and no more than `shard_size` unless one
    object has more."""
    sizes: list[int] = []
    for _, numbers in grouped(photographs.column("object").to_pylist()):
        if not sizes or sizes[-1] + len(numbers) > shard_size:
            sizes.append(0)
        sizes[-1] += len(numbers)
    return sizes


def begin(place: Place, plan: Plan, photographs: pa.Table) -> dict[int, int]:
    """Write the plan, unless a run before has; the missing shards, and how many photographs each
    has.

    Raises:
        BatchError: the folder holds results of another plan.
        OSError: it cannot be written.
    """
    sizes = cut(photographs, plan.shard_size)
    if not place.exists(PLAN):
        place.write(PHOTOGRAPHS, _in_shards(photographs, sizes))
        place.write(PLAN, (json.dumps(plan._asdict(), indent=2) + "\n").encode())
    else:
        _check_same(place, plan)
    done = {name.removesuffix(".parquet") for name in place.names(MANIFESTS)}
    return {shard: size for shard, size in enumerate(sizes) if f"{shard:06}" not in done}


def _in_shards(photographs: pa.Table, sizes: list[int]) -> bytes:
    """The table as Parquet, of row groups of these sizes."""
    file, start = io.BytesIO(), 0
    with pq.ParquetWriter(file, photographs.schema) as writer:
        for size in sizes:
            writer.write_table(photographs.slice(start, size), row_group_size=size)
            start += size
    return file.getvalue()


def _check_same(place: Place, plan: Plan) -> None:
    wanted = json.loads(json.dumps(plan._asdict()))
    found = json.loads(place.read(PLAN))
    if others := [name for name, value in wanted.items() if found.get(name) != value]:
        told = "; ".join(f"{n} was {found.get(n)} and is {wanted[n]}" for n in others)
        raise BatchError(
            f"{place.address} holds results of another batch ({told}): give another folder, or "
            "the same photographs, bundle and options as before"
        )


def photographs_of(place: Place, shard: int) -> list[dict[str, str | None]]:
    """The rows of one shard."""
    with place.system.open_input_file(place.path(PHOTOGRAPHS)) as file:
        return pq.ParquetFile(file).read_row_group(shard).to_pylist()
