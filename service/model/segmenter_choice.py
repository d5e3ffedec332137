"""Which segmenter serves: the general one, the bundle's own, or a file of the user's."""

import hashlib
from pathlib import Path
from typing import Any, Literal, NamedTuple

import onnxruntime

from service.model.bundle import Bundle
from service.model.manifest import GRAPHS, SEGMENTER, Graph, GraphFile, check_graph
from service.settings import GENERAL_SEGMENTER, PREFIX

Kind = Literal["general", "bundle", "file"]
AUTO = "auto"
HOW_TO_WRAP = "python -m service.segmenters.wrap makes one of any salient-object network"


class SegmenterError(Exception):
    """The segmenter asked for cannot serve; the message says why and what to do."""


class ChosenSegmenter(NamedTuple):
    """The segmenter that serves."""

    kind: Kind
    file: GraphFile
    origin: str
    licence: str
    """Of its weights."""
    sha256: str
    """Of its ONNX file."""

    @property
    def side(self) -> int:
        """S: pixels of the square that it is shown."""
        return self.file.tensors.inputs[0].batch_shape(1)[1]

    @property
    def stretched(self) -> bool:
        """Whether photographs are stretched to that square, else padded, as a bundle's own saw
        them in its training."""
        return self.kind != "bundle"


def choose_segmenter(setting: str, bundle: Bundle) -> ChosenSegmenter:
    """The segmenter for a setting: auto, general, bundle, or the path of an ONNX file.

    Raises:
        SegmenterError: it is not there, or does not keep to the contract.
    """
    if setting == "bundle" or (setting == AUTO and not GENERAL_SEGMENTER.is_file()):
        file = f"{SEGMENTER}.onnx"
        origin = f"{file} of the bundle {bundle.manifest.category}"
        licence, sha256 = bundle.manifest.licence["weights"], bundle.manifest.files[file]
        return ChosenSegmenter("bundle", bundle.graph_file(SEGMENTER), origin, licence, sha256)
    if setting not in (AUTO, "general"):
        return _open("file", Path(setting))
    if not GENERAL_SEGMENTER.is_file():
        raise SegmenterError(
            f"{PREFIX}SEGMENTER is general, which is not set up: run make setup where the package "
            "index can be reached, or set auto or bundle"
        )
    return _open("general", GENERAL_SEGMENTER)


def _open(kind: Kind, path: Path) -> ChosenSegmenter:
    where = f"{PREFIX}SEGMENTER: {path}"
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"{where} cannot be read ({error}); set auto, general, bundle or an ONNX file"
        raise SegmenterError(message) from error
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        tensors = _tensors(session)
        check_graph(tensors, path.stem, session.get_inputs(), session.get_outputs())
    except Exception as error:  # ONNX Runtime's own errors share no base but Exception
        raise SegmenterError(f"{where} is no segmenter ({error}); {HOW_TO_WRAP}") from error
    known = session.get_modelmeta().custom_metadata_map
    return ChosenSegmenter(
        kind,
        GraphFile(SEGMENTER, tensors, lambda _half: content),
        known.get("origin", "unknown"),
        known.get("licence", "unknown"),
        hashlib.sha256(content).hexdigest(),
    )


def _tensors(session: Any) -> Graph:
    """The contract with the sides that the graph itself has."""
    sides = [node.shape[1] for node in (session.get_inputs()[0], session.get_outputs()[0])]
    if not all(isinstance(side, int) for side in sides):
        raise ValueError(f"its sides are {sides}; they must be numbers")
    images, masks = GRAPHS[SEGMENTER]
    return Graph(
        tuple(tensor.sized({"R": sides[0]}) for tensor in images),
        tuple(tensor.sized({"R": sides[1]}) for tensor in masks),
    )
