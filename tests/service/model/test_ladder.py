import numpy as np
import onnxruntime
import pytest

from service.model import bundle
from service.model.ladder import Ladder

NAMES = ["vertices", "textures", "cameras", "confidences"]


@pytest.fixture
def opened():
    return []


@pytest.fixture
def ladder(loaded_bundle, opened):
    content = loaded_bundle.graph_bytes(bundle.INVERSE_GRAPHICS)

    def open_session():
        opened.append(onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]))
        return opened[-1]

    return Ladder(open_session, "cpu", 6)


def feed(batch):
    random = np.random.default_rng(batch)
    images = random.integers(0, 256, (batch, 32, 32, 3), np.uint8)
    return {"images": images, "masks": random.random((batch, 32, 32), np.float32)}


@pytest.mark.parametrize(
    ("batch", "size"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 6), (6, 6), (7, 8), (9, 16)]
)
def test_sizes_are_powers_of_two_and_the_largest(ladder, batch, size):
    assert ladder.size(batch) == size


def test_every_batch_gives_what_a_plain_run_gives(ladder, opened):
    batches = (3, 1, 6, 4, 5, 3, 2)
    found = [ladder.run(NAMES, feed(batch)) for batch in batches]
    assert len(opened) == 4  # of 4, 1, 6 and 2
    for batch, outputs in zip(batches, found, strict=True):
        for got, plain in zip(outputs, opened[0].run(NAMES, feed(batch)), strict=True):
            assert got.shape == plain.shape
            np.testing.assert_allclose(got, plain, rtol=1e-5, atol=1e-6)
