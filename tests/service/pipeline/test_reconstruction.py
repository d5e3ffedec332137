import asyncio
import io
import json

import pytest
from PIL import Image

from graphics.quality import OPPOSITE
from service.pipeline.engine import Engine
from service.pipeline.reconstruction import answer
from service.schemas.options import ImageOptions
from service.schemas.photographs import Upload
from service.settings import Settings
from tests.service.small_bundle import draw_photograph, write_small_bundle


def answered(bundle, image):
    """The entry of one photograph, as a client reads it."""
    file = io.BytesIO()
    image.save(file, "PNG")
    engine = Engine(Settings(bundle=str(bundle), segmenter="bundle", device="cpu", threads=1))

    async def scenario():
        found = await answer(engine, 0, Upload("a.png", file.getvalue), ImageOptions())
        await engine.close()
        return found

    return json.loads(asyncio.run(scenario()).to_json())


@pytest.fixture
def doubtful(tmp_path):
    """Writes a bundle that is in two minds."""

    def write(doubt):
        write_small_bundle(tmp_path / "doubtful", samples=0, doubt=doubt)
        return tmp_path / "doubtful"

    return write


def test_a_doubt_is_answered_with_the_other_azimuth(doubtful):
    entry = answered(doubtful(0.4), draw_photograph())
    (other,) = entry["camera"]["alternatives"]
    assert other == pytest.approx({"azimuth_degrees": -135, "probability": 0.4}, abs=1e-4)
    assert "ambiguous_front_back" in entry["quality_flags"]


def test_a_small_doubt_is_told_but_not_flagged(doubtful):
    entry = answered(doubtful(OPPOSITE.threshold - 0.05), draw_photograph())
    assert len(entry["camera"]["alternatives"]) == 1
    assert "ambiguous_front_back" not in entry["quality_flags"]


def test_without_doubt_there_is_no_other_azimuth(bundle_folder):
    entry = answered(bundle_folder, draw_photograph())
    assert entry["camera"]["alternatives"] == []
    assert "ambiguous_front_back" not in entry["quality_flags"]


def test_a_photograph_of_nothing_has_no_other_azimuth(doubtful):
    entry = answered(doubtful(0.4), Image.new("RGB", (50, 50), "white"))
    assert entry["quality_flags"] == ["no_object"]
    assert entry["camera"]["alternatives"] == []
