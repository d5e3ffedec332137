"""A small, real bundle made with `onnx.helper`: same contract, graphs one can check by hand.

segmenter: a pixel darker than 160 is the object; a top left pixel of exactly POISON_GREY makes the
graph itself fail, and with it the whole batch. inverse_graphics: the template sphere scaled by
0.5 + the share of the image the object covers, one flat colour (the image's mean), a camera whose
azimuth is 90 x the mean grey, confidence 1; a black pixel gives an undefined confidence. Its
azimuth_probabilities are 1 - doubt in the bin of 45 degrees and the doubt in that of -135.
stylegan_r: half the background, half the texture's mean colour, darker as the camera turns; the
first three shifts are added as a colour.
neural_renderer, where asked for: the object before its background, which is black in the hole.
"""

import dataclasses
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save
from PIL import Image, ImageDraw

from graphics.azimuth import BINS
from graphics.camera import CONVENTION
from graphics.mesh import Template, save_template, sphere_template
from graphics.picture_fit import SHIFTS
from service.model import bundle
from service.model.manifest import (
    GRAPHS,
    HALF,
    INVERSE_GRAPHICS,
    NEURAL_RENDERER,
    SAMPLES_FOLDER,
    SEGMENTER,
    STYLEGAN_R,
    TEMPLATE_FILE,
    Graph,
    Manifest,
)

RESOLUTION = 32
TEXTURE_SIZE = (8, 16)
TEMPLATE_LEVEL = 1
POISON_GREY = 253
DTYPES = {"uint8": TensorProto.UINT8, "float32": TensorProto.FLOAT}


def write_small_bundle(
    folder: Path,
    samples: int = 2,
    half: bool = False,
    half_parity: float = 0.01,
    doubt: float = 0.0,
    neural: bool = False,
) -> Manifest:
    """Write and seal the bundle; `half`: with a float16 segmenter, whose threshold is 100;
    `neural`: with a neural renderer."""
    (folder / SAMPLES_FOLDER).mkdir(parents=True)
    template = sphere_template(TEMPLATE_LEVEL)
    save_template(folder / TEMPLATE_FILE, template)
    manifest = small_manifest(template)
    for name, (nodes, constants) in small_graphs(template, doubt).items():
        if name == NEURAL_RENDERER and not neural:
            continue
        save(_model(name, manifest.graph(name), nodes, constants), folder / f"{name}.onnx")
    if half:
        manifest = _add_half_segmenter(folder, manifest, template, half_parity)
    for index in range(samples):
        image = draw_photograph(120 + 40 * index, 90)
        image.save(folder / SAMPLES_FOLDER / f"sample_{index}.png")
    return bundle.write_manifest(folder, manifest)


def draw_photograph(width: int = 120, height: int = 90, colour: tuple[int, ...] = (90, 30, 30)):
    """A dark ellipse on near white."""
    image = Image.new("RGB", (width, height), (240, 240, 240))
    box = (0.25 * width, 0.25 * height, 0.75 * width, 0.75 * height)
    ImageDraw.Draw(image).ellipse(box, fill=colour)
    return image


def small_manifest(template: Template) -> Manifest:
    return Manifest(
        category="ellipses",
        resolution=RESOLUTION,
        texture_size=TEXTURE_SIZE,
        vertex_count=len(template.vertices),
        camera_convention=CONVENTION,
        training_command="none: written by the tests",
        hardware="none",
        metrics={},
        parity={
            name: {tensor.name: 0.0 for tensor in graph.outputs} for name, graph in GRAPHS.items()
        },
        licence={"data": "CC0-1.0", "weights": "CC0-1.0"},
    )


def small_graphs(template: Template, doubt: float = 0.0):
    """Graph name → (nodes, constants)."""
    node, last, space = helper.make_node, _integers(3), _integers(1, 2)
    height, width = TEXTURE_SIZE
    azimuths = np.zeros((1, BINS), np.float32)
    azimuths[0, 3], azimuths[0, 15] = 1 - doubt, doubt
    segmenter = [
        node("Cast", ["images"], ["colours"], to=TensorProto.FLOAT),
        node("ReduceMean", ["colours", "last"], ["brightness"], keepdims=0),
        node("Less", ["brightness", "threshold"], ["dark"]),
        node("Cast", ["dark"], ["dark_as_number"], to=TensorProto.FLOAT),
        node("Gather", ["brightness", "first"], ["top_row"], axis=1),
        node("Gather", ["top_row", "first"], ["top_left"], axis=2),  # [B, 1, 1]
        node("Equal", ["top_left", "poison"], ["is_poison"]),
        node("Cast", ["is_poison"], ["outside_the_table"], to=TensorProto.INT64),
        node("Gather", ["table", "outside_the_table"], ["nothing"], axis=0),
        node("Add", ["dark_as_number", "nothing"], ["masks"]),
    ]
    inverse = [
        node("Cast", ["images"], ["colours_255"], to=TensorProto.FLOAT),
        node("Div", ["colours_255", "white"], ["colours"]),
        node("ReduceMean", ["masks", "space"], ["coverage"], keepdims=1),  # [B, 1, 1]
        node("Add", ["coverage", "half"], ["scale"]),
        node("Mul", ["scale", "sphere"], ["vertices"]),
        node("ReduceMean", ["colours", "space"], ["mean"], keepdims=1),  # [B, 1, 1, 3]
        node("Mul", ["mean", "texels"], ["textures"]),
        node("ReduceMean", ["mean", "space_and_colour"], ["grey"], keepdims=0),  # [B]
        node("ReduceMax", ["colours", "last"], ["brightest"], keepdims=0),  # [B, R, R]
        node("ReduceMin", ["brightest", "space"], ["darkest"], keepdims=0),  # [B]
        node("Div", ["darkest", "darkest"], ["confidences"]),
        node("Reshape", ["grey", "column"], ["grey_column"]),
        node("Mul", ["grey_column", "turn"], ["turned"]),
        node("Add", ["turned", "camera"], ["cameras"]),
        node("Mul", ["grey_column", "no_bins"], ["nothing"]),
        node("Add", ["nothing", "azimuths"], ["azimuth_probabilities"]),
    ]
    generator = [
        node("Cast", ["backgrounds"], ["colours"], to=TensorProto.FLOAT),
        node("Div", ["colours", "twice_white"], ["behind"]),
        node("ReduceMean", ["textures", "space"], ["colour"], keepdims=1),
        node("ReduceMean", ["vertices", "space"], ["middle"], keepdims=1),
        node("Reshape", ["middle", "pixel"], ["middle_pixel"]),
        node("Mul", ["middle_pixel", "none"], ["nothing"]),
        node("Mul", ["colour", "half"], ["front"]),
        node("Add", ["behind", "front"], ["both"]),
        node("Add", ["both", "nothing"], ["seen"]),
        node("ReduceMean", ["cameras", "axis_1"], ["view"], keepdims=1),
        node("Mul", ["view", "slope"], ["shade_row"]),
        node("Reshape", ["shade_row", "pixel"], ["shade"]),
        node("MatMul", ["shifts", "first_three"], ["shift_rows"]),
        node("Reshape", ["shift_rows", "colour_pixel"], ["tint"]),
        node("Add", ["seen", "tint"], ["tinted"]),
        node("Sub", ["tinted", "shade"], ["images_open"]),
        node("Clip", ["images_open", "zero", "one"], ["images"]),
    ]
    neural = [
        node("Slice", ["drawings", "zero_index", "three", "last"], ["object"]),
        node("Slice", ["drawings", "three", "four", "last"], ["alpha"]),
        node("Sub", ["one", "alpha"], ["clear"]),
        node("Unsqueeze", ["holes", "last"], ["hole"]),
        node("Sub", ["one", "hole"], ["known"]),
        node("Cast", ["backgrounds"], ["colours_255"], to=TensorProto.FLOAT),
        node("Div", ["colours_255", "white"], ["colours"]),
        node("Mul", ["colours", "known"], ["kept"]),
        node("Mul", ["kept", "clear"], ["behind"]),
        node("Add", ["object", "behind"], ["without_camera"]),
        node("ReduceMean", ["cameras", "axis_1"], ["view"], keepdims=1),
        node("Mul", ["view", "none"], ["nothing_row"]),
        node("Reshape", ["nothing_row", "pixel"], ["nothing"]),
        node("Add", ["without_camera", "nothing"], ["images"]),
    ]
    return {
        NEURAL_RENDERER: (
            neural,
            {
                "zero_index": _integers(0), "three": _integers(3), "four": _integers(4),
                "last": last, "one": _floats(1), "white": _floats(255), "axis_1": _integers(1),
                "none": _floats(0), "pixel": _integers(-1, 1, 1, 1),
            },
        ),
        SEGMENTER: (
            segmenter,
            {
                "last": last, "threshold": _floats(160), "first": _integers(0),
                "poison": _floats(POISON_GREY), "table": _floats([0]),
            },
        ),
        INVERSE_GRAPHICS: (
            inverse,
            {
                "white": _floats(255), "space": space, "last": last, "half": _floats(0.5),
                "sphere": template.vertices[None], "texels": np.ones((1, height, width, 1), "f"),
                "space_and_colour": _integers(1, 2, 3), "column": _integers(-1, 1),
                "turn": _floats([[90, 0, 0, 0, 0]]), "camera": _floats([[0, 10, 5, 0, 0]]),
                "no_bins": np.zeros_like(azimuths), "azimuths": azimuths,
            },
        ),
        STYLEGAN_R: (
            generator,
            {
                "twice_white": _floats(510), "space": space, "half": _floats(0.5),
                "pixel": _integers(-1, 1, 1, 1), "none": _floats(0), "axis_1": _integers(1),
                "slope": _floats(0.001), "zero": _floats(0), "one": _floats(1),
                "first_three": np.eye(SHIFTS, 3, dtype=np.float32),
                "colour_pixel": _integers(-1, 1, 1, 3),
            },
        ),
    }  # fmt: skip


def _add_half_segmenter(folder, manifest, template, parity):
    nodes, constants = small_graphs(template)[SEGMENTER]
    model = _model(
        SEGMENTER,
        manifest.graph(SEGMENTER),
        [
            *nodes[:2],
            helper.make_node("Cast", ["brightness"], ["half"], to=TensorProto.FLOAT16),
            helper.make_node("Less", ["half", "threshold"], ["dark"]),
            *nodes[3:],
        ],
        {**constants, "threshold": np.float16(100)},
    )
    save(model, folder / f"{SEGMENTER}{HALF}.onnx")
    differences = {f"{SEGMENTER}{HALF}": {"masks": parity}}
    return dataclasses.replace(manifest, parity={**manifest.parity, **differences})


def _model(name: str, graph: Graph, nodes, constants):
    def values(tensors):
        return [helper.make_tensor_value_info(t.name, DTYPES[t.dtype], t.shape) for t in tensors]

    initializers = [numpy_helper.from_array(value, key) for key, value in constants.items()]
    onnx_graph = helper.make_graph(
        nodes, name, values(graph.inputs), values(graph.outputs), initializers
    )
    return helper.make_model(onnx_graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def _floats(values) -> np.ndarray:
    return np.array(values, np.float32)


def _integers(*values: int) -> np.ndarray:
    return np.array(values, np.int64)
