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
from service.batch.places import Place

PLAN = "batch.json"
PHOTOGRAPHS = "photographs.parquet"
"""One row group per shard."""
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
    """Of their addresses and those of their masks, in order."""
    shard_size: int
    options: dict[str, Any]
    """Of the meshes."""
    made_by: dict[str, str]
    """Checksums of the networks, and settings that change what they make."""

    @classmethod
    def of(
        cls, photographs: pa.Table, shard_size: int, options: dict[str, Any], made_by: dict
    ) -> Self:
        """The plan for these photographs."""
        names = zip(*(photographs.column(k).to_pylist() for k in range(2)), strict=True)
        digest = hashlib.sha256()
        for pair in names:
            digest.update(json.dumps(pair).encode())
        return cls(len(photographs), digest.hexdigest(), shard_size, options, made_by)

    @property
    def shards(self) -> int:
        """How many shards there are; the last one may be smaller."""
        return -(-self.photographs // self.shard_size)


def begin(place: Place, plan: Plan, photographs: pa.Table) -> list[int]:
    """Write the plan, unless a run before has; the shards that are missing.

    Raises:
        BatchError: the folder holds results of another plan.
        OSError: it cannot be written.
    """
    if not place.exists(PLAN):
        file = io.BytesIO()
        pq.write_table(photographs, file, row_group_size=plan.shard_size)
        place.write(PHOTOGRAPHS, file.getvalue())
        place.write(PLAN, (json.dumps(plan._asdict(), indent=2) + "\n").encode())
    else:
        _check_same(place, plan)
    done = {name.removesuffix(".parquet") for name in place.names(MANIFESTS)}
    return [shard for shard in range(plan.shards) if f"{shard:06}" not in done]


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
