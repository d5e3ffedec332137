import importlib.metadata

import numpy as np
import onnxruntime
import pytest

from service.model import bundle
from service.model.manifest import SEGMENTER, BundleError
from service.model.session import CPU, CUDA, DeviceError, Session, choose_provider
from service.settings import Settings
from tests.service.small_bundle import write_small_bundle


@pytest.fixture(scope="module")
def segmenter(loaded_bundle):
    return Session(loaded_bundle.graph_file(SEGMENTER), Settings(device="cpu"))


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


def test_a_run_that_fails_is_not_repeated_on_the_cpu(segmenter):
    assert not segmenter._session._enable_fallback


def test_zeros_are_inputs_of_the_right_kind(segmenter):
    segmenter.run(segmenter.zeros(2))


def test_auto_takes_what_there_is(segmenter):
    assert segmenter.provider == CPU
    assert choose_provider("cpu") == CPU
    assert choose_provider("auto") in onnxruntime.get_available_providers()


without_cuda = pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(),
    reason="this ONNX Runtime has CUDA; it is about one that has not",
)


@without_cuda
@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_a_gpu_is_refused_where_it_would_not_be_used(loaded_bundle, device):
    with pytest.raises(DeviceError, match=f"device is {device}, but this ONNX Runtime has only"):
        Session(loaded_bundle.graph_file(SEGMENTER), Settings(device=device))


@pytest.fixture(scope="module")
def half_bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles") / "half"
    write_small_bundle(folder, half=True)
    return bundle.load(folder)


def brightness(level):
    return (np.full((1, 32, 32, 3), level, np.uint8),)


@pytest.mark.parametrize(("precision", "found"), [("auto", 1), ("float32", 1), ("float16", 0)])
def test_the_float16_graph_runs_where_it_is_asked_for(half_bundle, precision, found):
    """The test's float16 segmenter has a lower threshold, so that one sees which of them ran."""
    session = Session(
        half_bundle.graph_file(SEGMENTER), Settings(device="cpu", precision=precision)
    )
    assert session.run(brightness(130))[0].mean() == found


@without_cuda
@pytest.mark.filterwarnings("ignore:Specified provider 'CUDAExecutionProvider':UserWarning")
def test_auto_falls_back_to_the_cpu_in_float32(half_bundle, monkeypatch, caplog):
    """onnxruntime-gpu without a GPU: it says that it has CUDA and then runs on the CPU."""
    monkeypatch.setattr("service.model.session.choose_provider", lambda device: CUDA)
    session = Session(half_bundle.graph_file(SEGMENTER), Settings(device="auto"))
    assert session.provider == CPU and not session.half
    assert session.run(brightness(130))[0].mean() == 1
    assert "no usable CUDA device, running on CPU" in caplog.text
    forced = Session(
        half_bundle.graph_file(SEGMENTER), Settings(device="auto", precision="float16")
    )
    assert forced.run(brightness(130))[0].mean() == 0


def test_float16_is_refused_where_the_bundle_has_no_such_graph(loaded_bundle):
    with pytest.raises(BundleError, match=r"no segmenter_fp16\.onnx: serve it with prec"):
        Session(loaded_bundle.graph_file(SEGMENTER), Settings(device="cpu", precision="float16"))


def test_a_float16_graph_far_from_the_network_is_refused(tmp_path):
    with pytest.raises(BundleError, match=r"parity of segmenter\.masks is 0\.2; it must be"):
        write_small_bundle(tmp_path / "far", half=True, half_parity=0.2)


def test_tensorrt_gets_one_engine_for_every_batch_size(half_bundle):
    settings = Settings(device="cpu", largest_batch=8, tensorrt_cache="/engines")
    chosen = Session(half_bundle.graph_file(SEGMENTER), settings)._tensorrt()
    assert chosen["trt_profile_min_shapes"] == "images:1x32x32x3"
    assert chosen["trt_profile_max_shapes"] == "images:8x32x32x3"
    assert chosen["trt_engine_cache_path"] == "/engines"


def test_float32_on_cuda_is_float32(half_bundle):
    session = Session(half_bundle.graph_file(SEGMENTER), Settings(device="cpu"))
    (provider, chosen), fallback = session._providers(CUDA)
    assert (provider, fallback) == (CUDA, CPU)
    assert chosen["use_tf32"] == "0"


@pytest.mark.gpu
@pytest.mark.skipif(
    "CUDAExecutionProvider" not in onnxruntime.get_available_providers(),
    reason="needs onnxruntime-gpu and a CUDA device",
)
def test_cuda_gives_what_the_cpu_gives(loaded_bundle):
    found = [
        Session(loaded_bundle.graph_file(SEGMENTER), Settings(device=device)).run(brightness(130))
        for device in ("cpu", "cuda")
    ]
    np.testing.assert_allclose(found[0], found[1], atol=1e-3)


def test_both_runtimes_at_once_are_refused(tmp_path, monkeypatch):
    for name in ("onnxruntime", "onnxruntime-gpu"):
        metadata = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert importlib.metadata.version("onnxruntime-gpu") == "1.0"
    with pytest.raises(DeviceError, match="both installed"):
        choose_provider("cpu")
