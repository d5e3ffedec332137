import asyncio
import threading

import numpy as np
import pytest

from graphics.azimuth import BINS
from service.errors import ItemError
from service.model.batcher import Device
from service.model.manifest import INVERSE_GRAPHICS, STYLEGAN_R
from service.model.runners import Generator, Reconstructor, Segmenter
from service.model.segmenter_choice import choose_segmenter
from service.settings import Settings
from tests.service.small_bundle import RESOLUTION, TEXTURE_SIZE

SETTINGS = Settings(device="cpu", threads=1, largest_batch=4)


@pytest.fixture
def device():
    made = Device()
    yield made
    made.close()


def images(*levels):
    return [np.full((RESOLUTION, RESOLUTION, 3), level, np.uint8) for level in levels]


def test_the_segmenter_finds_dark_pixels_whatever_shares_the_batch(loaded_bundle, device):
    segmenter = Segmenter(choose_segmenter("bundle", loaded_bundle), SETTINGS, device)

    async def scenario():
        return await asyncio.gather(*(segmenter.segment(i) for i in images(10, 250, 10, 250, 10)))

    assert [mask.mean() for mask in asyncio.run(scenario())] == [1, 0, 1, 0, 1]


def test_the_reconstructor_answers_each_photograph_alone(loaded_bundle, device):
    reconstructor = Reconstructor(loaded_bundle.graph_file(INVERSE_GRAPHICS), SETTINGS, device)
    reconstructor.warm_up()
    mask = np.ones((RESOLUTION, RESOLUTION), np.float32)

    async def scenario():
        return await asyncio.gather(
            *(reconstructor.reconstruct(image, mask) for image in images(51, 102))
        )

    dark, bright = asyncio.run(scenario())
    assert dark.camera == pytest.approx([90 * 0.2, 10, 5, 0, 0], abs=1e-4)
    assert bright.camera[0] == pytest.approx(90 * 0.4, abs=1e-4)
    assert dark.texture.shape == (*TEXTURE_SIZE, 3)
    assert dark.azimuth_probabilities.shape == (BINS,) and dark.azimuth_probabilities.sum() == 1
    np.testing.assert_allclose(dark.vertices, 1.5 * loaded_bundle.template.vertices, rtol=1e-6)


def test_it_warms_up_on_the_thread_that_runs_the_batches(loaded_bundle, device, monkeypatch):
    segmenter, seen = Segmenter(choose_segmenter("bundle", loaded_bundle), SETTINGS, device), []
    run = segmenter.session.run

    def noting(arrays):
        seen.append((len(arrays[0]), threading.current_thread().name))
        return run(arrays)

    monkeypatch.setattr(segmenter.session, "run", noting)
    segmenter.warm_up()
    assert [size for size, _ in seen] == [1], "on a CPU"
    segmenter.session.provider = "of a GPU"
    segmenter.warm_up()
    asyncio.run(segmenter.segment(*images(10)))
    assert [size for size, _ in seen] == [1, 1, 2, 4, 1]
    (thread,) = {name for _, name in seen}
    assert thread.startswith("device")


def test_undefined_numbers_are_that_photograph_s_error_only(loaded_bundle, device):
    reconstructor = Reconstructor(loaded_bundle.graph_file(INVERSE_GRAPHICS), SETTINGS, device)
    mask = np.ones((RESOLUTION, RESOLUTION), np.float32)

    async def scenario():
        return await asyncio.gather(
            *(reconstructor.reconstruct(image, mask) for image in images(51, 0, 102)),
            return_exceptions=True,
        )

    one, poison, three = asyncio.run(scenario())
    assert isinstance(poison, ItemError)
    assert poison.code == "not_finite"
    assert one.confidence == three.confidence == 1


def test_the_generator_draws_background_texture_and_camera(loaded_bundle, device):
    generator = Generator(loaded_bundle.graph_file(STYLEGAN_R), SETTINGS, device)
    vertices = loaded_bundle.template.vertices
    texture = np.full((*TEXTURE_SIZE, 3), 0.5, np.float32)
    (background,) = images(51)

    async def scenario(azimuth):
        camera = np.array([azimuth, 0, 0, 0, 0], np.float32)
        return await generator.generate(camera, vertices, texture, background)

    assert asyncio.run(scenario(0)) == pytest.approx(0.1 + 0.25, abs=1e-6)
    assert asyncio.run(scenario(50)) == pytest.approx(0.35 - 0.01, abs=1e-6)
