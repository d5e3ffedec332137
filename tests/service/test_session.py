import importlib.metadata

import numpy as np
import onnxruntime
import pytest

from service import bundle
from service.session import CPU, DeviceError, Session, choose_provider


@pytest.fixture(scope="module")
def segmenter(loaded_bundle):
    return Session(loaded_bundle, bundle.SEGMENTER, "cpu", threads=1)


def test_a_graph_runs_on_any_batch(segmenter):
    for batch in (1, 3, 7):
        (masks,) = segmenter.run((np.zeros((batch, 32, 32, 3), np.uint8),))
        assert masks.shape == (batch, 32, 32)
        assert masks.dtype == np.float32


@pytest.mark.parametrize(
    ("images", "got"),
    [
        (np.zeros((1, 32, 32, 3), np.float32), r"float32 \(1, 32, 32, 3\)"),
        (np.zeros((1, 16, 32, 3), np.uint8), r"uint8 \(1, 16, 32, 3\)"),
    ],
)
def test_other_arrays_than_the_contract_s_are_refused(segmenter, images, got):
    with pytest.raises(ValueError, match=f"input images of segmenter is {got}; it must be uint8"):
        segmenter.run((images,))


def test_zeros_are_inputs_of_the_right_kind(segmenter):
    segmenter.run(segmenter.zeros(2))


def test_auto_takes_what_there_is(segmenter):
    assert segmenter.provider == CPU
    assert choose_provider("cpu") == CPU
    assert choose_provider("auto") in onnxruntime.get_available_providers()


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(),
    reason="this ONNX Runtime has CUDA; the refusal is of one that has not",
)
def test_cuda_is_refused_where_it_would_not_be_used(loaded_bundle):
    with pytest.raises(DeviceError, match="device is cuda, but this ONNX Runtime has only"):
        Session(loaded_bundle, bundle.SEGMENTER, "cuda", threads=1)


def test_both_runtimes_at_once_are_refused(tmp_path, monkeypatch):
    for name in ("onnxruntime", "onnxruntime-gpu"):
        metadata = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert importlib.metadata.version("onnxruntime-gpu") == "1.0"
    with pytest.raises(DeviceError, match="both installed"):
        choose_provider("cpu")
