"""The neural renderer of a bundle that has one."""

import asyncio

import numpy as np
import pytest

from graphics.layers import Layers
from service.model.batcher import Device
from service.model.manifest import NEURAL_RENDERER
from service.model.runners import NeuralRenderer
from service.settings import Settings
from tests.service.conftest import open_client
from tests.service.pipeline.test_editing import edit
from tests.service.requests import image_of, jpeg, post, text64
from tests.service.small_bundle import RESOLUTION, write_small_bundle


@pytest.fixture(scope="module")
def neural_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles") / "neural"
    write_small_bundle(folder, neural=True)
    return folder


@pytest.fixture(scope="module")
def neural_client(neural_folder):
    with open_client(neural_folder) as opened:
        yield opened


def test_an_edit_is_drawn_by_it_unless_another_is_named(neural_client):
    body = edit(neural_client, {"turn_degrees": 30}).json()
    assert (body["renderer"], body["size"]) == ("neural", 256)
    assert image_of(body["image"]).size == (256, 256)
    body = edit(neural_client, {"turn_degrees": 30, "renderer": "gan"}).json()
    assert (body["renderer"], body["size"]) == ("gan", RESOLUTION)


def test_it_gets_the_drawn_object_the_filled_background_and_the_hole(neural_client):
    far = {"azimuth_degrees": 0, "distance": 50}  # the object becomes a dot in the middle
    answer = edit(neural_client, {"camera": far, "size": 128}).json()
    picture = np.asarray(image_of(answer["image"])).astype(int)
    graphics = edit(neural_client, {"camera": far, "size": 128, "renderer": "graphics"}).json()
    plain = np.asarray(image_of(graphics["image"])).astype(int)
    # The small network makes holes black; far from the hole it gives the background to the bit.
    assert picture[64, 45].max() == 0 and plain[64, 45].min() > 180
    np.testing.assert_array_equal(picture[:16], plain[:16])
    np.testing.assert_allclose(picture[64, 64], plain[64, 64], atol=2)


def test_several_renderers_draw_the_same_scene(neural_client):
    (entry,) = post(neural_client, jpeg(), format="npz").json()["images"]
    wanted = {
        "reconstruction": {"id": entry["id"]}, "renderer": ["neural", "graphics", "gan"],
        "cameras": [{"azimuth_degrees": 0}, {"azimuth_degrees": 90}],
    }  # fmt: skip
    body = neural_client.post("/v1/render", json=wanted).json()
    assert list(body["more_images"]) == ["graphics", "gan"]
    assert [len(body["images"]), len(body["more_images"]["gan"])] == [2, 2]
    alone = neural_client.post("/v1/render", json=wanted | {"renderer": "neural", "size": 32})
    assert alone.json()["images"] == body["images"] and "more_images" not in alone.json()
    refused = neural_client.post("/v1/render", json=wanted, headers={"accept": "image/png"})
    assert refused.status_code == 406


@pytest.mark.parametrize("size", [48, 100, 1000])
def test_it_draws_multiples_of_the_models_resolution(neural_client, size):
    wanted = {"reconstruction": {"seed": 1}, "renderer": "neural", "size": size}
    answer = neural_client.post("/v1/render", json=wanted)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "wrong_size")
    assert "multiples of 32 px, up to 1024" in answer.json()["error"]["message"]


def test_it_needs_something_behind_the_object(neural_client):
    parts = {"shape": {"seed": 1}, "texture": {"seed": 2}, "renderer": "neural"}
    answer = neural_client.post("/v1/render", json=parts)
    assert answer.status_code == 422 and "needs a background" in answer.text
    parts["background"] = {"image": text64(jpeg())}
    assert neural_client.post("/v1/render", json=parts).status_code == 200


def test_pictures_of_several_sides_share_a_batch(neural_folder):
    from service.model import bundle

    loaded = bundle.load(neural_folder)
    device = Device()
    runner = NeuralRenderer(loaded.graph_file(NEURAL_RENDERER), Settings(threads=1), device)
    camera = np.zeros(5, np.float32)

    def item(side, shade):
        drawing = np.zeros((side, side, 4), np.float32)
        background = np.full((side, side, 3), shade, np.uint8)
        return camera, drawing, background, np.zeros((side, side), np.float32)

    results = runner.run_batch([item(64, 51), item(32, 102), item(64, 153), item(1024, 204)])
    found = [(len(image), round(float(image.mean()), 3)) for (image,) in results]
    assert found == [(64, 0.2), (32, 0.4), (64, 0.6), (1024, 0.8)]
    layers = Layers(*(array[None] for array in item(96, 255)[1:]))
    drawn = asyncio.run(_drawn(runner, camera, layers))
    assert drawn.shape == (96, 96, 3) and drawn.min() == 1
    device.close()


async def _drawn(runner, camera, layers):
    try:
        return await runner.draw(camera, layers)
    finally:
        await runner.batcher.close()


def test_a_manifest_lists_only_the_graphs_that_there_are(loaded_bundle):
    assert loaded_bundle.manifest.sides == (32, 256, 1024)
    assert NEURAL_RENDERER not in loaded_bundle.manifest.graphs
    assert NEURAL_RENDERER not in loaded_bundle.manifest.tensors
