import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from service.segmenters.wrap import WrapError, Wrapping, main, wrap
from tests.service.segmenters.networks import SIDE, salient

PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


def run(model, images):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(["masks"], {"images": images})[0]


def images(count, side=SIDE):
    return np.random.default_rng(count).integers(0, 256, (count, side, side, 3), np.uint8)


def raw(network, given, mean, std):
    """What the network itself says of one image after another."""
    session = onnxruntime.InferenceSession(
        network.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    values = ((given - np.array(mean)) / std).transpose(0, 3, 1, 2).astype(np.float32)
    return np.concatenate([session.run(["saliency"], {"input": one[None]})[0] for one in values])


@pytest.mark.parametrize("divisor", ["255", "maximum"])
def test_the_segmenter_says_what_the_network_says_of_normalised_pixels(divisor):
    wrapping = Wrapping(divisor=divisor)
    given = images(5)
    given[1] //= 3
    largest = 255 if divisor == "255" else given.max(axis=(1, 2, 3), keepdims=True)
    wanted = raw(salient(), given / largest, wrapping.mean, wrapping.std)
    np.testing.assert_allclose(run(wrap(salient(), wrapping), given), wanted[:, 0], atol=1e-5)


def test_a_black_photograph_has_a_mask_too():
    masks = run(wrap(salient(), Wrapping(divisor="maximum")), np.zeros((1, SIDE, SIDE, 3), "u1"))
    assert np.isfinite(masks).all()


def test_a_tensor_within_is_taken_and_what_it_does_not_need_is_left_out():
    model = wrap(salient(), Wrapping(output="logits", sigmoid=True, **PLAIN))
    masks = run(model, images(2))
    assert masks.shape == (2, SIDE // 2, SIDE // 2)
    whole = run(wrap(salient(), Wrapping(**PLAIN)), images(2))
    assert np.abs(whole[:, 1:-1:2, 1:-1:2] - masks[:, :-1, :-1]).max() < 0.2
    assert not {"Resize", "Shape", "Relu"} & {node.op_type for node in model.graph.node}
    assert max(np.prod(weight.dims) for weight in model.graph.initializer) < 100


def test_another_side_than_the_network_s_own_may_be_asked_for():
    masks = run(wrap(salient(), Wrapping(side=48, **PLAIN)), images(3, 48))
    assert masks.shape == (3, 48, 48)


def test_enlarging_by_scales_leaves_the_batch_free_and_the_numbers_as_they_were():
    (resize,) = (n for n in wrap(salient(), Wrapping()).graph.node if n.op_type == "Resize")
    assert len(resize.input) == 3
    modes = {a.name: a.s for a in resize.attribute}
    assert modes["coordinate_transformation_mode"] == b"half_pixel"


def test_where_it_comes_from_is_written_into_the_file():
    model = wrap(salient(), Wrapping(origin="here", licence="MIT"))
    assert {p.key: p.value for p in model.metadata_props} == {"origin": "here", "licence": "MIT"}


def unscaled():
    """Its map is no probability."""
    model = salient()
    del model.graph.node[-2]
    model.graph.output[0].name = "enlarged"
    return model


@pytest.mark.parametrize(
    ("network", "wrapping", "message"),
    [
        (unscaled(), Wrapping(), r"must be 0\.\.1: give --sigmoid"),
        (salient(), Wrapping(output="maps"), "no tensor 'maps'"),
        (salient(), Wrapping(output="mean", side=-1), "side is -1"),
        (salient(channels=4), Wrapping(), r"takes \[1, 4, 32, 32\]; it must take \[1, 3, S, S\]"),
        (salient(kind=TensorProto.DOUBLE), Wrapping(), "must take one float"),
        (salient(), Wrapping(output="sizes"), "does not run|must be"),
    ],
)
def test_what_cannot_be_wrapped_is_refused_with_what_to_do(network, wrapping, message):
    with pytest.raises(WrapError, match=message):
        wrap(network, wrapping)


def test_the_command_writes_a_segmenter_that_serves(tmp_path, capsys, loaded_bundle):
    from service.model.segmenter_choice import choose_segmenter

    onnx.save(salient(), tmp_path / "raw.onnx")
    out = tmp_path / "segmenter.onnx"
    arguments = [str(tmp_path / "raw.onnx"), str(out), "--side", "48", "--licence", "MIT"]
    assert main([*arguments, "--mean", "0", "0", "0", "--std", "1", "1", "1"]) == 0
    assert str(out) in capsys.readouterr().out
    chosen = choose_segmenter(str(out), loaded_bundle)
    assert (chosen.side, chosen.licence, chosen.origin) == (48, "MIT", "unknown")


@pytest.mark.parametrize(("content", "said"), [(b"junk", "no ONNX file"), (None, "No such file")])
def test_the_command_says_what_is_wrong_with_a_file(tmp_path, capsys, content, said):
    path = tmp_path / "raw.onnx"
    if content is not None:
        path.write_bytes(content)
    assert main([str(path), str(tmp_path / "out.onnx")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out.onnx").exists()
