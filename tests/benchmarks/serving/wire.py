"""What every contestant is sent and answers: JSON with base64, so that none has an advantage.

Request: {"images": [base64 of 128 x 128 x 3 bytes, ...]}. Answer: a list of texts, one per image,
"N:base64 of the float32 outputs" where N is the size of the batch that the image ran in.
"""

import base64
import json

import numpy as np

SHAPE = (128, 128, 3)


def write_request(count: int) -> bytes:
    images = np.random.default_rng(count).integers(0, 256, (count, *SHAPE), np.uint8)
    return json.dumps({"images": [base64.b64encode(i.tobytes()).decode() for i in images]}).encode()


def read_request(body: bytes) -> list[np.ndarray]:
    return [read_image(text) for text in json.loads(body)["images"]]


def read_image(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(SHAPE)


def write_output(output: np.ndarray, batch: int) -> str:
    return f"{batch}:{base64.b64encode(output.tobytes()).decode()}"


def write_answer(outputs: np.ndarray, batch: int) -> bytes:
    return json.dumps([write_output(output, batch) for output in outputs]).encode()


def batch_sizes(answer: bytes) -> list[int]:
    return [int(text.split(":", 1)[0]) for text in json.loads(answer)]
