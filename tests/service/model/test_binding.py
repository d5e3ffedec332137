import numpy as np
import onnxruntime
import pytest

from service.model.binding import Binding, Ladder
from service.model.manifest import INVERSE_GRAPHICS

NAMES = ["vertices", "textures", "cameras", "confidences", "azimuth_probabilities"]


@pytest.fixture(scope="module")
def session(loaded_bundle):
    content = loaded_bundle.graph_bytes(INVERSE_GRAPHICS)
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


@pytest.fixture
def opened():
    return []


@pytest.fixture
def ladder(loaded_bundle, opened):
    content = loaded_bundle.graph_bytes(INVERSE_GRAPHICS)

    def open_session():
        opened.append(onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]))
        return opened[-1]

    return Ladder(open_session, "cpu", 6)


@pytest.mark.parametrize(
    ("batch", "size"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 6), (6, 6), (7, 8), (9, 16)]
)
def test_sizes_are_powers_of_two_and_the_largest(ladder, batch, size):
    assert ladder.size(batch) == size


def test_every_batch_gives_what_a_plain_run_gives(ladder, opened):
    batches = (3, 1, 6, 4, 5, 3, 2)
    found = [ladder.run(NAMES, feed(batch, batch)) for batch in batches]
    assert len(opened) == 4  # of 4, 1, 6 and 2
    for batch, outputs in zip(batches, found, strict=True):
        for got, plain in zip(outputs, opened[0].run(NAMES, feed(batch, batch)), strict=True):
            assert got.shape == plain.shape
            np.testing.assert_allclose(got, plain, rtol=1e-5, atol=1e-6)
