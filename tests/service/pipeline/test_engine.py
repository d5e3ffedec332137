import asyncio
import io
import threading

import numpy as np
import pytest

from service.errors import Overloaded, ShuttingDown
from service.model import segmenter_choice
from service.pipeline.engine import Engine
from service.pipeline.reconstruction import answer
from service.schemas.options import ImageOptions
from service.schemas.photographs import Upload
from service.settings import Settings
from tests.service.small_bundle import RESOLUTION, draw_photograph


@pytest.fixture
def engine(bundle_folder):
    made = Engine(
        Settings(
            bundle=str(bundle_folder), segmenter="bundle", device="cpu", threads=2, queue_limit=64
        )
    )
    yield made
    asyncio.run(made.close())


def upload():
    file = io.BytesIO()
    draw_photograph().save(file, "PNG")
    return Upload("a.png", file.getvalue)


def test_room_is_taken_while_a_request_lasts_and_given_back(engine):
    with engine.admit(60):
        with pytest.raises(Overloaded, match="60 images wait already, at most 64 may"):
            engine.check_room(5)
        engine.check_room(4)
    engine.check_room(64)


def test_room_is_given_back_after_an_error_too(engine):
    with pytest.raises(KeyError), engine.admit(64):
        raise KeyError
    engine.check_room(64)


@pytest.mark.parametrize(("setting", "warned"), [("auto", True), ("bundle", False)])
def test_the_lesser_segmenter_serves_loudly_unless_it_was_asked_for(
    bundle_folder, monkeypatch, tmp_path, caplog, setting, warned
):
    monkeypatch.setattr(segmenter_choice, "GENERAL_SEGMENTER", tmp_path / "none.onnx")
    settings = Settings(bundle=str(bundle_folder), segmenter=setting, device="cpu", threads=1)
    with caplog.at_level("INFO"):
        made = Engine(settings)
    asyncio.run(made.close())
    assert made.segmenter.chosen.kind == "bundle"
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert any("general segmenter is not set up" in said for said in warnings) == warned


def test_a_closed_engine_takes_nothing_more(bundle_folder):
    engine = Engine(
        Settings(bundle=str(bundle_folder), segmenter="bundle", device="cpu", threads=1)
    )

    async def scenario():
        entry = await answer(engine, 0, upload(), ImageOptions())
        await engine.close()
        with pytest.raises(ShuttingDown):
            engine.check_room(1)
        return entry

    assert asyncio.run(scenario()).status == "ok"


def test_a_rendering_has_a_batch_of_one(engine):
    texture = np.ones((4, 4, 3), np.float32)
    camera = np.array([0, 0, 5, 0, 0], np.float32)
    rendered = engine.render(engine.template.vertices, texture, camera, RESOLUTION)
    assert rendered.masks.shape == (1, RESOLUTION, RESOLUTION)
    assert rendered.masks[0, RESOLUTION // 2, RESOLUTION // 2] == 1
    assert rendered.masks[0, 0, 0] == 0


def test_the_pool_leaves_the_event_loop_free(engine):
    async def scenario():
        return await engine.in_pool(threading.get_ident) != threading.get_ident()

    assert asyncio.run(scenario())
