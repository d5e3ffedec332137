"""What contestants are sent and answer: images of 128 x 128 x 3 bytes, 2,048 numbers for each.

Everyone takes JSON with base64, so that none has an advantage. It costs more than some servers do,
so this service is measured with the bare bytes as well.
"""

import base64
import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

SIZE = 128
SHAPE = (SIZE, SIZE, 3)
OUTPUTS = 2048
"""About 642 vertices and a camera, as floats."""


class Wire(NamedTuple):
    """One form of requests and answers."""

    path: str
    content_type: str
    write_request: Callable[[np.ndarray], bytes]
    """Of uint8 [N, 128, 128, 3]."""
    read_request: Callable[[bytes], Sequence[np.ndarray]]
    write_answer: Callable[[Sequence[tuple[np.ndarray, int]]], bytes]
    """Of each image its outputs, float32 [2048], and the size of the batch that it ran in."""
    batch_sizes: Callable[[bytes], list[int]]


def request_images(count: int) -> np.ndarray:  # uint8 [count, 128, 128, 3]
    return np.random.default_rng(count).integers(0, 256, (count, *SHAPE), np.uint8)


def read_image(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(SHAPE)


def write_output(output: np.ndarray, batch: int) -> str:
    return f"{batch}:{base64.b64encode(output.tobytes()).decode()}"


def _write_json(images: np.ndarray) -> bytes:
    return json.dumps({"images": [base64.b64encode(i.tobytes()).decode() for i in images]}).encode()


JSON = Wire(
    "/run",
    "application/json",
    _write_json,
    lambda body: [read_image(text) for text in json.loads(body)["images"]],
    lambda found: json.dumps([write_output(*each) for each in found]).encode(),
    lambda answer: [int(text.split(":", 1)[0]) for text in json.loads(answer)],
)
"""{"images": [base64, ...]}, answered by ["batch:base64 of the outputs", ...]."""

BYTES = Wire(
    "/run_bytes",
    "application/octet-stream",
    lambda images: images.tobytes(),
    lambda body: np.frombuffer(body, np.uint8).reshape(-1, *SHAPE),
    lambda found: b"".join(np.float32(batch).tobytes() + out.tobytes() for out, batch in found),
    lambda answer: (
        np.frombuffer(answer, np.float32).reshape(-1, 1 + OUTPUTS)[:, 0].astype(int).tolist()
    ),
)
"""The images one after the other, answered by a float32 row each: the batch, then the outputs."""
