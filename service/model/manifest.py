"""The fields of a bundle's `manifest.json`, and the tensors every graph of a bundle must have."""

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics import azimuth
from graphics.camera import DISTANCE, ELEVATION
from graphics.picture_fit import SHIFTS as FITTED

FORMAT_VERSION = 4
MANIFEST_FILE = "manifest.json"
TEMPLATE_FILE = "template.npz"
SAMPLES_FOLDER = "samples"
WEIGHTS_FILE = "inverse_graphics.safetensors"
"""The network that training can go on from; a bundle may do without."""
SEGMENTER = "segmenter"
INVERSE_GRAPHICS = "inverse_graphics"
STYLEGAN_R = "stylegan_r"
NEURAL_RENDERER = "neural_renderer"
"""Optional: without it a bundle serves all but the renderer of this name."""
PARITY_LIMIT = 1e-3
"""Largest absolute difference allowed between torch and ONNX Runtime, on every output."""
HALF = "_fp16"
"""`inverse_graphics_fp16.onnx`: the same tensors in and out, computed in float16. Optional."""
HALF_PARITY_LIMIT = 0.1
"""`PARITY_LIMIT` of float16 graphs; camera angles, in degrees, have the largest differences."""
BATCH_AXIS = "batch"
SIDE = "S"
"""The axis of pictures whose side a client chooses: any multiple of R; no number replaces it."""
USUAL_SIDE, LARGEST_SIDE = 256, 1024
"""Pixels per side of a picture where a client names none, and at most."""


class Tensor(NamedTuple):
    """One input or output of a graph."""

    name: str
    dtype: str
    """numpy's name: uint8 or float32."""
    shape: tuple[str | int, ...]
    """Axis letters of the contract, replaced by numbers once the manifest gives them."""

    def batch_shape(self, batch: int, side: int = 0) -> tuple[int, ...]:
        """The shape of an array of `batch` items, where the letters have been replaced.

        `side`: in pixels, of pictures whose side the client chooses.
        """
        return (batch, *(side if axis == SIDE else int(axis) for axis in self.shape[1:]))

    def sized(self, sizes: Mapping[str | int, int]) -> "Tensor":
        """With numbers in place of the letters."""
        return self._replace(shape=tuple(sizes.get(axis, axis) for axis in self.shape))


class Graph(NamedTuple):
    """The tensors of one ONNX graph, in order."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def sized(self, sizes: Mapping[str | int, int]) -> "Graph":
        """With numbers in place of the letters."""
        return Graph(
            tuple(tensor.sized(sizes) for tensor in self.inputs),
            tuple(tensor.sized(sizes) for tensor in self.outputs),
        )


IMAGES = Tensor("images", "uint8", (BATCH_AXIS, "R", "R", 3))
MASKS = Tensor("masks", "float32", (BATCH_AXIS, "R", "R"))
VERTICES = Tensor("vertices", "float32", (BATCH_AXIS, "V", 3))
TEXTURES = Tensor("textures", "float32", (BATCH_AXIS, "Ht", "Wt", 3))
CAMERAS = Tensor("cameras", "float32", (BATCH_AXIS, 5))
CONFIDENCES = Tensor("confidences", "float32", (BATCH_AXIS,))
AZIMUTHS = Tensor("azimuth_probabilities", "float32", (BATCH_AXIS, azimuth.BINS))
BACKGROUNDS = Tensor("backgrounds", "uint8", (BATCH_AXIS, "R", "R", 3))
SHIFTS = Tensor("shifts", "float32", (BATCH_AXIS, FITTED))
"""Of the generator's code; 0: as it reads the other inputs."""
GENERATED = Tensor("images", "float32", (BATCH_AXIS, "R", "R", 3))
DRAWINGS = Tensor("drawings", "float32", (BATCH_AXIS, SIDE, SIDE, 4))
FILLED = Tensor("backgrounds", "uint8", (BATCH_AXIS, SIDE, SIDE, 3))
HOLES = Tensor("holes", "float32", (BATCH_AXIS, SIDE, SIDE))
PICTURES = Tensor("images", "float32", (BATCH_AXIS, SIDE, SIDE, 3))
GRAPHS = {
    SEGMENTER: Graph((IMAGES,), (MASKS,)),
    INVERSE_GRAPHICS: Graph((IMAGES, MASKS), (VERTICES, TEXTURES, CAMERAS, CONFIDENCES, AZIMUTHS)),
    STYLEGAN_R: Graph((CAMERAS, VERTICES, TEXTURES, BACKGROUNDS, SHIFTS), (GENERATED,)),
    NEURAL_RENDERER: Graph((CAMERAS, DRAWINGS, FILLED, HOLES), (PICTURES,)),
}
OPTIONAL = (NEURAL_RENDERER,)
"""Graphs that a bundle may do without."""
RANGED = {"elevation_degrees": ELEVATION, "distance": DISTANCE}
"""Numbers of a camera of which training has seen a range -> column of a camera row. Azimuths go all
around, offsets shift the picture."""


class GraphFile(NamedTuple):
    """A graph that can be run: one of a bundle's, or a segmenter from elsewhere."""

    name: str
    """One of `GRAPHS`."""
    tensors: Graph
    """With numbers in place of the letters."""
    read: Callable[[bool], bytes]
    """Whether in float16 → the ONNX file; raises `BundleError` where there is none such."""
    has_half: bool = False
    sides: tuple[int, int, int] | None = None
    """The least, usual and largest side of pictures that may have any; None: it takes none such."""


class BundleError(Exception):
    """A bundle that must not be served; the message says why and what to do."""


@dataclass(frozen=True)
class Manifest:
    """The fields of `manifest.json`. `files` and `tensors` are filled in by `write_manifest`."""

    category: str
    """What the bundle knows, for example "vehicles"."""
    resolution: int
    """R: side in pixels of the square images the graphs read."""
    texture_size: tuple[int, int]
    """(Ht, Wt) in texels; row 0 is the top, v = 1."""
    vertex_count: int
    """V of the template."""
    camera_convention: str
    """`graphics.camera.CONVENTION` of the training."""
    training_command: str
    hardware: str
    metrics: Mapping[str, Any]
    parity: Mapping[str, Mapping[str, float]]
    """Graph → output → largest absolute difference, torch against ONNX Runtime."""
    licence: Mapping[str, str]
    """Keys "data" and "weights": a licence each; "origin", optional: a sentence about the data."""
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Path inside the bundle → sha256."""
    tensors: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Graph → {"inputs" | "outputs": [{name, dtype, shape}]}."""
    camera_ranges: Mapping[str, Sequence[float]] | None = None
    """Key of `RANGED` → [least, greatest] of the views that training has seen; keys may be missing.
    None: nothing is said."""
    format_version: int = FORMAT_VERSION

    def as_json(self) -> dict[str, Any]:
        """As `manifest.json` holds it."""
        fields = dataclasses.asdict(self)
        if self.camera_ranges is None:
            del fields["camera_ranges"]
        return fields

    def extrapolates(self, camera: NDArray[np.floating]) -> bool:
        """Whether a camera row [5] lies outside the stated ranges; their ends lie inside."""
        ranges = (self.camera_ranges or {}).items()
        return any(not low <= camera[RANGED[key]] <= high for key, (low, high) in ranges)

    def has_half(self, name: str) -> bool:
        """Whether the bundle has this graph in float16 too."""
        return f"{name}{HALF}.onnx" in self.files

    @property
    def graphs(self) -> tuple[str, ...]:
        """Names of its graphs, in the order of `GRAPHS`."""
        return tuple(n for n in GRAPHS if n not in OPTIONAL or f"{n}.onnx" in self.files)

    @property
    def sides(self) -> tuple[int, int, int]:
        """The least, usual and largest side of the neural renderer's pictures."""
        side = self.resolution
        usual, largest = (max(side, most // side * side) for most in (USUAL_SIDE, LARGEST_SIDE))
        return side, usual, largest

    def graph(self, name: str) -> Graph:
        """The tensors of a graph with this bundle's sizes in place of the letters."""
        height, width = self.texture_size
        sizes: dict[str | int, int] = {"R": self.resolution, "V": self.vertex_count}
        return GRAPHS[name].sized(sizes | {"Ht": height, "Wt": width})


def read_manifest(path: Path) -> Manifest:
    """Parse and verify a `manifest.json`; the files it names are not looked at."""
    try:
        fields = json.loads(Path(path).read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BundleError(f"{path} is not readable JSON ({error}): export it again") from error
    if not isinstance(fields, dict):
        raise BundleError(f"{path} holds a {type(fields).__name__}; it must be a JSON object")
    version = fields.get("format_version")
    if version != FORMAT_VERSION:
        raise BundleError(
            f"bundle format is {version!r}; this service reads {FORMAT_VERSION}: export it again"
        )
    wanted = {field.name for field in dataclasses.fields(Manifest)}
    if set(fields) | {"camera_ranges"} != wanted:
        raise BundleError(
            f"{path}: missing fields {sorted(wanted - set(fields) - {'camera_ranges'})}, "
            f"unknown fields {sorted(set(fields) - wanted)}: export it again"
        )
    try:
        manifest = Manifest(**{**fields, "texture_size": tuple(fields["texture_size"])})
        verify_manifest(manifest)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise BundleError(f"{path} has a field of the wrong kind ({error!r})") from error
    return manifest


def check_graph(graph: Graph, name: str, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
    """Compare a graph's real tensors (ONNX Runtime's NodeArg) to the contract."""
    for kind, wanted, got in (("input", graph.inputs, inputs), ("output", graph.outputs, outputs)):
        names, wanted_names = [node.name for node in got], [tensor.name for tensor in wanted]
        if names != wanted_names:
            raise BundleError(f"{name}.onnx has {kind}s {names}; they must be {wanted_names}")
        for tensor, node in zip(wanted, got, strict=True):
            _check_tensor(f"{name}.onnx {kind} {tensor.name}", tensor, node)


def verify_manifest(manifest: Manifest) -> None:
    """Refuse a manifest that breaks the contract."""
    if not (8 <= manifest.resolution <= 2048 and manifest.vertex_count >= 4):
        raise BundleError(
            f"resolution {manifest.resolution} must be 8..2048 and vertex_count "
            f"{manifest.vertex_count} at least 4"
        )
    if len(manifest.texture_size) != 2 or not all(1 <= s <= 8192 for s in manifest.texture_size):
        raise BundleError(f"texture_size is {manifest.texture_size}; it must be [Ht, Wt], 1..8192")
    if not {"data", "weights"} <= set(manifest.licence):
        raise BundleError(f"licence has {sorted(manifest.licence)}; it needs data and weights")
    _verify_ranges(manifest.camera_ranges)
    _verify_files(manifest)
    for name in manifest.graphs:
        if manifest.tensors.get(name) != graph_as_json(manifest.graph(name)):
            raise BundleError(f"the tensors listed for {name} are not those of the contract")
        _verify_parity(name, manifest.parity.get(name, {}), PARITY_LIMIT)
        if manifest.has_half(name):
            parity = manifest.parity.get(f"{name}{HALF}", {})
            _verify_parity(name, parity, HALF_PARITY_LIMIT)


def _verify_ranges(ranges: Mapping[str, Sequence[float]] | None) -> None:
    for key, ends in (ranges or {}).items():
        fits = key in RANGED and len(ends) == 2 and all(map(math.isfinite, ends))
        if not fits or ends[0] > ends[1]:
            raise BundleError(
                f"camera_ranges has {key}: {list(ends)}; it must be [least, greatest], finite, of "
                f"{' or '.join(RANGED)}"
            )


def _verify_files(manifest: Manifest) -> None:
    needed = {TEMPLATE_FILE, *(f"{name}.onnx" for name in manifest.graphs)}
    if missing := sorted(needed - set(manifest.files)):
        raise BundleError(f"the bundle has no {', '.join(missing)}: export it again")
    for name in manifest.files:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise BundleError(f"file name {name!r} points outside the bundle")


def _verify_parity(name: str, differences: Mapping[str, float], limit: float) -> None:
    for tensor in GRAPHS[name].outputs:
        difference = differences.get(tensor.name)
        if difference is None or not difference <= limit:
            raise BundleError(
                f"parity of {name}.{tensor.name} is {difference}; it must be at most "
                f"{limit}: the ONNX graph is not the trained network"
            )


def graph_as_json(graph: Graph) -> dict[str, list[dict[str, Any]]]:
    """The tensors of a graph as the manifest lists them."""
    return {
        kind: [{"name": t.name, "dtype": t.dtype, "shape": list(t.shape)} for t in tensors]
        for kind, tensors in graph._asdict().items()
    }


def _check_tensor(label: str, tensor: Tensor, node: Any) -> None:
    dtype = {"tensor(float)": "float32", "tensor(uint8)": "uint8"}.get(node.type, node.type)
    if dtype != tensor.dtype:
        raise BundleError(f"{label} is {dtype}; it must be {tensor.dtype}")
    shape = list(node.shape)
    # An exporter may leave an axis unnamed; the session checks the real arrays.
    fits = len(shape) == len(tensor.shape) and all(
        got == wanted or not isinstance(got, int)
        for got, wanted in zip(shape, tensor.shape, strict=True)
    )
    if not fits:
        raise BundleError(f"{label} has shape {shape}; it must be {list(tensor.shape)}")
