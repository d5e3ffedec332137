"""The bundle: the one thing training hands to serving, and the contract both sides hold to.

A bundle is a folder: `manifest.json`, `template.npz`, one ONNX file per graph of `GRAPHS`, of which
some are optional, and `samples/` (photographs to try it on). `write_manifest` seals a folder,
`load` verifies it and refuses it with the reason; nothing is served from a bundle that has not been
verified. `bentomodel:<tag>` names a copy in BentoML's model store, which `register` makes.
"""

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from graphics.mesh import Template, load_template
from service.model.manifest import (
    HALF,
    MANIFEST_FILE,
    NEURAL_RENDERER,
    SAMPLES_FOLDER,
    TEMPLATE_FILE,
    BundleError,
    GraphFile,
    Manifest,
    check_graph,
    graph_as_json,
    read_manifest,
    verify_manifest,
)

STORE_PREFIX = "bentomodel:"


@dataclass(frozen=True)
class Bundle:
    """A verified bundle."""

    folder: Path
    manifest: Manifest
    template: Template

    def graph_bytes(self, name: str, half: bool = False) -> bytes:
        """The ONNX file of a graph, checked once more so that what runs is what was verified.

        `half`: its float16 form; raises `BundleError` where the bundle has none.
        """
        file = f"{name}{HALF if half else ''}.onnx"
        if file not in self.manifest.files:
            raise BundleError(f"the bundle has no {file}: serve it with precision float32 or auto")
        content = (self.folder / file).read_bytes()
        _check_digest(file, hashlib.sha256(content).hexdigest(), self.manifest.files)
        return content

    def graph_file(self, name: str) -> GraphFile:
        """A graph, to be run."""
        manifest, read = self.manifest, partial(self.graph_bytes, name)
        sides = manifest.sides if name == NEURAL_RENDERER else None
        return GraphFile(name, manifest.graph(name), read, manifest.has_half(name), sides)

    def samples(self) -> list[Path]:
        """The sample photographs, by name."""
        names = sorted(n for n in self.manifest.files if n.startswith(f"{SAMPLES_FOLDER}/"))
        return [self.folder / name for name in names]


def write_manifest(folder: Path, manifest: Manifest) -> Manifest:
    """Seal `folder`: hash every file in it, fill in the tensors, write `manifest.json` atomically.

    Returns the manifest as written. The graphs are opened first, so a folder that `load` would
    refuse is refused here.
    """
    folder = Path(folder)
    files = {
        path.relative_to(folder).as_posix(): _sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST_FILE and not path.name.startswith(".")
    }
    listed = dataclasses.replace(manifest, files=files)
    tensors = {name: graph_as_json(listed.graph(name)) for name in listed.graphs}
    sealed = dataclasses.replace(listed, tensors=tensors)
    verify_manifest(sealed)
    _verify_content(folder, sealed)
    temporary = folder / f".{MANIFEST_FILE}.{os.getpid()}"
    temporary.write_text(json.dumps(sealed.as_json(), indent=2, sort_keys=True) + "\n")
    os.replace(temporary, folder / MANIFEST_FILE)
    return sealed


def load(location: str | Path) -> Bundle:
    """Verify the bundle in a folder or in BentoML's model store (`bentomodel:<tag>`).

    Raises:
        BundleError: why it must not be served.
    """
    folder = resolve(location)
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise BundleError(
            f"{folder} has no {MANIFEST_FILE}: give a bundle folder, "
            "or train one with python -m train.cycle"
        )
    manifest = read_manifest(path)
    for name in manifest.files:
        if not (folder / name).is_file():
            raise BundleError(f"{name} is missing from the bundle: copy it again")
        _check_digest(name, _sha256(folder / name), manifest.files)
    return Bundle(folder, manifest, _verify_content(folder, manifest))


def resolve(location: str | Path) -> Path:
    """The folder of a bundle's location; raises `BundleError` for a tag that is not in the store.

    `location`: a folder, or `bentomodel:<tag>`.
    """
    text = str(location)
    if not text.startswith(STORE_PREFIX):
        return Path(location).absolute()
    import bentoml  # takes a second: training, which exports bundles, does without
    from bentoml.exceptions import BentoMLException

    tag = text.removeprefix(STORE_PREFIX)
    try:
        return Path(bentoml.models.get(tag).path)
    except (BentoMLException, ValueError) as error:
        raise BundleError(
            f"{tag} is not in BentoML's model store ({error}); bentoml models list shows what is"
        ) from error


def register(folder: str | Path, name: str | None = None) -> str:
    """Copy a verified bundle into BentoML's model store; returns its `bentomodel:<tag>`."""
    import bentoml

    bundle = load(folder)
    manifest = bundle.manifest
    with bentoml.models.create(
        name or f"inverse-graphics-{manifest.category}",
        labels={"category": manifest.category},
        metadata={"resolution": manifest.resolution, "format_version": manifest.format_version},
    ) as model:
        for file in (MANIFEST_FILE, *manifest.files):
            target = Path(model.path) / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle.folder / file, target)
    return f"{STORE_PREFIX}{model.tag}"


def _verify_content(folder: Path, manifest: Manifest) -> Template:
    """Open the template and every graph; their tensors must be the contract's."""
    import onnxruntime

    try:
        template = load_template(folder / TEMPLATE_FILE)
    except (OSError, ValueError, KeyError) as error:
        raise BundleError(f"{TEMPLATE_FILE} cannot be read: {error}") from error
    if template.vertices.shape != (manifest.vertex_count, 3):
        raise BundleError(
            f"{TEMPLATE_FILE} has vertices {template.vertices.shape}; the manifest says "
            f"({manifest.vertex_count}, 3)"
        )
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    graphs = manifest.graphs
    halves = [(name, f"{name}{HALF}.onnx") for name in graphs if manifest.has_half(name)]
    for name, file in [*((name, f"{name}.onnx") for name in graphs), *halves]:
        try:
            session = onnxruntime.InferenceSession(
                str(folder / file), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's own errors share no base but Exception
            raise BundleError(f"{file} does not open in ONNX Runtime: {error}") from error
        check_graph(manifest.graph(name), name, session.get_inputs(), session.get_outputs())
    return template


def _check_digest(name: str, digest: str, files: Mapping[str, str]) -> None:
    if digest != files[name]:
        raise BundleError(
            f"sha256 of {name} is {digest[:12]}…, the manifest says {files[name][:12]}…: "
            "the bundle is damaged or was changed, copy or export it again"
        )


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
