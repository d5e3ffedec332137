"""Wraps a salient-object network into the graph that service and training take as a segmenter.

    python -m service.segmenters.wrap NETWORK.onnx SEGMENTER.onnx --side 320

NETWORK.onnx takes float photographs [1, 3, S, S] and gives a map. SEGMENTER.onnx takes `images`
uint8 [batch, S, S, 3] and gives `masks` float32 [batch, s, s] in 0..1: what is done to the pixels
before, and to the map after, is inside. Photographs are stretched to the square, as such networks
were trained.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import onnx
import tyro
from onnx import TensorProto, helper, numpy_helper
from onnx.compose import add_prefix

from service.segmenters.graph_parts import cut_to, free_batch, measure_resizes, open_model

Colours = tuple[float, float, float]
LARGEST_DIFFERENCE = 1e-3
"""Of a mask found in a batch and found alone, and of a value outside 0..1."""
REFUSED = 2


class WrapError(Exception):
    """The network cannot be wrapped; the message says what was got, what is allowed, what to do."""


@dataclass(frozen=True)
class Wrapping:
    """What a network expects, and what is known of it. The defaults are those of most networks."""

    side: int = 0
    """Pixels of the square S; 0: the network's own."""
    divisor: Literal["255", "maximum"] = "255"
    """What pixels are divided by: 255, or the largest value in each photograph."""
    mean: Colours = (0.485, 0.456, 0.406)
    """Taken off red, green and blue after that; the default is ImageNet's."""
    std: Colours = (0.229, 0.224, 0.225)
    """What they are then divided by."""
    output: str = ""
    """The tensor that is the map, also one within the network; empty: the first output."""
    sigmoid: bool = False
    """Whether the map is log-odds."""
    origin: str = "unknown"
    """Where the network comes from; /v1/model says so."""
    licence: str = "unknown"
    """Of its weights."""


@dataclass(frozen=True, kw_only=True)
class Options(Wrapping):
    """The command line."""

    network: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="NETWORK.onnx")]
    """The network: float [1, 3, S, S] in."""
    out: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="SEGMENTER.onnx")]
    """The segmenter to write."""


def main(arguments: list[str] | None = None) -> int:
    """Wrap a file; returns the exit status: 0, or 2 where it cannot be wrapped."""
    options = tyro.cli(
        Options,
        args=arguments,
        prog="python -m service.segmenters.wrap",
        description=(__doc__ or "").split("\n\n")[0],
    )
    try:
        segmenter = wrap(_read(options.network), options)
        options.out.write_bytes(segmenter.SerializeToString())
    except (WrapError, OSError) as error:
        print(f"wrap: {error}", file=sys.stderr)
        return REFUSED
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB")
    return 0


def _read(path: Path) -> onnx.ModelProto:
    content = path.read_bytes()
    try:
        return onnx.load_from_string(content)
    except Exception as error:  # protobuf's own
        message = f"{path} is no ONNX file ({error}): give a network exported as one"
        raise WrapError(message) from error


def wrap(network: onnx.ModelProto, wrapping: Wrapping) -> onnx.ModelProto:
    """The network as a segmenter of the contract, tried on images of noise.

    Raises:
        WrapError: it is no such network, or does not do what is said of it.
    """
    model = onnx.ModelProto()
    model.CopyFrom(network)
    source = _input(model)
    side = _side(source, wrapping)
    _set_shape(source, (1, 3, side, side))
    try:
        cut_to(model, wrapping.output or model.graph.output[0].name)
        map_shape = measure_resizes(model, (1, 3, side, side))
    except KeyError as error:
        raise WrapError(f"the network has no tensor {error}: name one that it computes") from error
    except Exception as error:  # ONNX Runtime's own errors share no base but Exception
        raise WrapError(f"the network does not run at a side of {side}: {error}") from error
    if len(map_shape) not in (3, 4) or int(np.prod(map_shape)) != map_shape[-1] * map_shape[-2]:
        raise WrapError(
            f"the map is {list(map_shape)}; it must be [1, 1, h, w]: name another with --output"
        )
    free_batch(model)
    model = add_prefix(model, "network.")
    _surround(model, side, map_shape[-2:], wrapping)
    _try(model, side)
    return model


def _input(model: onnx.ModelProto) -> onnx.ValueInfoProto:
    known = {weight.name for weight in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in known]
    if len(inputs) != 1 or inputs[0].type.tensor_type.elem_type != TensorProto.FLOAT:
        names = [value.name for value in inputs]
        raise WrapError(f"the network takes {names}; it must take one float [1, 3, S, S]")
    return inputs[0]


def _side(source: onnx.ValueInfoProto, wrapping: Wrapping) -> int:
    sizes = [dimension.dim_value for dimension in source.type.tensor_type.shape.dim]
    if len(sizes) != 4 or sizes[1] not in (0, 3):
        raise WrapError(f"the network takes {sizes}; it must take [1, 3, S, S]")
    side = wrapping.side or (sizes[2] if sizes[2] == sizes[3] else 0)
    if side < 1:
        raise WrapError(f"the side is {side}, the network takes {sizes}: give --side, 1 or more")
    return side


def _set_shape(value: onnx.ValueInfoProto, shape: tuple[int | str, ...]) -> None:
    value.CopyFrom(
        helper.make_tensor_value_info(value.name, value.type.tensor_type.elem_type, shape)
    )


def _surround(
    model: onnx.ModelProto, side: int, map_size: tuple[int, ...], wrapping: Wrapping
) -> None:
    """Put what is done to pixels before the network, what is done to its map behind it.

    Only operators that are the same in all of ONNX's versions.
    """
    graph, node = model.graph, helper.make_node
    given, found = graph.input[0].name, graph.output[0].name
    constants = {
        "one": np.ones(1, np.float32),
        "255": np.array([255], np.float32),
        "rows": np.array([0, 1, -1, side]),  # all channels below each other; 0: the batch
        "mean": np.array(wrapping.mean, np.float32).reshape(1, 3, 1, 1),
        "std": np.array(wrapping.std, np.float32).reshape(1, 3, 1, 1),
        "map": np.array([-1, *map_size]),
    }
    before = [
        node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        node("Transpose", ["floats"], ["pixels"], perm=(0, 3, 1, 2)),
        node("Reshape", ["pixels", "rows"], ["all"]),
        node("GlobalMaxPool", ["all"], ["largest"]),
        node("Max", ["largest", "one"], ["maximum"]),  # a black photograph's is 0
        node("Div", ["pixels", wrapping.divisor], ["shares"]),
        node("Sub", ["shares", "mean"], ["centred"]),
        node("Div", ["centred", "std"], [given]),
    ]
    after = [node("Reshape", ["odds" if wrapping.sigmoid else found, "map"], ["masks"])]
    if wrapping.sigmoid:
        after.insert(0, node("Sigmoid", [found], ["odds"]))
    graph.node.extend(after)
    for one in reversed(before):
        graph.node.insert(0, one)
    graph.initializer.extend(numpy_helper.from_array(v, name) for name, v in constants.items())
    del graph.input[:], graph.output[:]
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ("batch", side, side, 3))
    masks = helper.make_tensor_value_info("masks", TensorProto.FLOAT, ("batch", *map_size))
    graph.input.append(images)
    graph.output.append(masks)
    cut_to(model, "masks")
    del model.metadata_props[:]
    helper.set_model_props(model, {"origin": wrapping.origin, "licence": wrapping.licence})


def _try(model: onnx.ModelProto, side: int) -> None:
    """Noise, black and white: alone and in a batch."""
    images = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), np.uint8)
    images[1], images[2] = 0, 255
    try:
        session = open_model(model)
        together, *alone = (
            np.asarray(session.run(None, {"images": some})[0])
            for some in (images, *np.split(images, len(images)))
        )
    except Exception as error:  # as above
        raise WrapError(f"the wrapped network does not run on a batch: {error}") from error
    apart = np.concatenate(alone)
    low, high = float(apart.min()), float(apart.max())
    if not (-LARGEST_DIFFERENCE <= low and high <= 1 + LARGEST_DIFFERENCE):
        raise WrapError(
            f"the map holds {low:.3g}..{high:.3g}; it must be 0..1: give --sigmoid where it is "
            "log-odds, or name another with --output"
        )
    if together.shape != apart.shape or np.abs(together - apart).max() > LARGEST_DIFFERENCE:
        raise WrapError(
            "masks found in a batch differ from those found alone: export the network with a free "
            "batch axis"
        )


if __name__ == "__main__":
    sys.exit(main())
