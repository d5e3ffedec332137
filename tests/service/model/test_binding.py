import numpy as np
import onnxruntime
import pytest

from service.model import bundle
from service.model.binding import Binding

NAMES = ["vertices", "textures", "cameras", "confidences"]


@pytest.fixture(scope="module")
def session(loaded_bundle):
    content = loaded_bundle.graph_bytes(bundle.INVERSE_GRAPHICS)
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def feed(batch, seed):
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (batch, 32, 32, 3), np.uint8)
    return {"images": images, "masks": random.random((batch, 32, 32), np.float32)}


def test_bound_tensors_give_what_plain_ones_give_whatever_ran_before(session):
    binding = Binding(session, "cpu")
    found = [binding.run(NAMES, feed(batch, seed)) for seed, batch in enumerate((2, 2, 5, 2))]
    for seed, batch in enumerate((2, 2, 5, 2)):
        for bound, plain in zip(found[seed], session.run(NAMES, feed(batch, seed)), strict=True):
            np.testing.assert_array_equal(bound, plain)


def test_the_caller_s_arrays_are_not_written_over(session):
    binding = Binding(session, "cpu")
    first, second = feed(2, 1), feed(2, 2)
    kept = first["masks"].copy()
    binding.run(NAMES, first)
    binding.run(NAMES, second)
    np.testing.assert_array_equal(first["masks"], kept)
