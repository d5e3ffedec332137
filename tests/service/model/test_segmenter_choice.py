import hashlib

import numpy as np
import onnx
import pytest

from service.model import segmenter_choice
from service.model.batcher import Device
from service.model.runners import MOST_SEGMENTED_PIXELS, Segmenter
from service.model.segmenter_choice import SegmenterError, choose_segmenter
from service.segmenters.wrap import Wrapping, wrap
from service.settings import Settings
from tests.service.segmenters.networks import salient
from tests.service.small_bundle import RESOLUTION


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "segmenter.onnx"
    onnx.save(wrap(salient(), Wrapping(side=48, output="logits", sigmoid=True)), path)
    return path


@pytest.fixture
def missing(monkeypatch, tmp_path):
    monkeypatch.setattr(segmenter_choice, "GENERAL_SEGMENTER", tmp_path / "none.onnx")


def test_the_bundle_s_own_has_the_bundle_s_facts(loaded_bundle):
    chosen = choose_segmenter("bundle", loaded_bundle)
    assert (chosen.kind, chosen.side, chosen.stretched) == ("bundle", RESOLUTION, False)
    assert chosen.sha256 == loaded_bundle.manifest.files["segmenter.onnx"]
    assert chosen.licence == "CC0-1.0" and "ellipses" in chosen.origin


def test_a_file_has_its_own_sides_and_checksum(loaded_bundle, file):
    chosen = choose_segmenter(str(file), loaded_bundle)
    assert (chosen.kind, chosen.side, chosen.stretched) == ("file", 48, True)
    assert chosen.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    device = Device()
    try:
        runner = Segmenter(chosen, Settings(device="cpu", threads=1), device)
        (masks,) = runner.session.run((np.zeros((3, 48, 48, 3), np.uint8),))
    finally:
        device.close()
    assert masks.shape == (3, 24, 24)


def test_the_general_one_is_taken_where_it_is_set_up(loaded_bundle, file, monkeypatch):
    monkeypatch.setattr(segmenter_choice, "GENERAL_SEGMENTER", file)
    for setting in ("auto", "general"):
        assert choose_segmenter(setting, loaded_bundle).kind == "general"


def test_where_it_is_not_set_up_the_bundle_s_own_serves_unless_it_was_asked_for(
    loaded_bundle, missing
):
    assert choose_segmenter("auto", loaded_bundle).kind == "bundle"
    with pytest.raises(SegmenterError, match="not set up: run make setup"):
        choose_segmenter("general", loaded_bundle)


def test_a_file_that_is_not_there_or_no_segmenter_is_refused(loaded_bundle, tmp_path):
    with pytest.raises(SegmenterError, match="set auto, general, bundle or an ONNX file"):
        choose_segmenter(str(tmp_path / "none.onnx"), loaded_bundle)
    junk, raw = tmp_path / "junk.onnx", tmp_path / "raw.onnx"
    junk.write_bytes(b"junk")
    onnx.save(salient(), raw)
    for path in (junk, raw):
        with pytest.raises(SegmenterError, match=r"is no segmenter.*service\.segmenters\.wrap"):
            choose_segmenter(str(path), loaded_bundle)


def test_large_photographs_go_in_small_batches(loaded_bundle, file):
    device = Device()
    try:
        runner = Segmenter(
            choose_segmenter(str(file), loaded_bundle), Settings(largest_batch=10_000,
            queue_limit=10_000, device="cpu", threads=1), device,
        )  # fmt: skip
        assert runner._largest_batch == MOST_SEGMENTED_PIXELS // 48**2
    finally:
        device.close()
