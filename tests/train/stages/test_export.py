import json
import shutil

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from PIL import Image

from service.model import bundle
from service.model.manifest import PARITY_LIMIT, SEGMENTER, STYLEGAN_R
from tests.train.stages.tiny_run import SIZE, tiny_config, tiny_run
from train.config import override
from train.models.onnx_files import export_graph
from train.models.segmenter import Segmenter
from train.models.serving_graphs import SegmenterGraph, some_shifts
from train.running.workspace import Workspace, WorkspaceError
from train.stages import disentangle, export, neural

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    config = tiny_config(warmup_steps=2, steps=0)
    workspace = tiny_run(tmp_path_factory.mktemp("run"), config)
    disentangle.run(config, workspace)
    neural.run(config, workspace)
    return workspace


def copied(trained, folder):
    shutil.copytree(trained.path, folder / "run")
    return Workspace(folder / "run")


@pytest.fixture
def workspace(trained, tmp_path):
    return copied(trained, tmp_path)


def exported(config, workspace):
    """The workspace, with the bundle in it as the service loads it."""
    export.run(config, workspace)
    return workspace, bundle.load(workspace.stage("export").path / "bundle")


@pytest.fixture(scope="module")
def plain(trained, tmp_path_factory):
    """Of procedural photographs and the run's own segmenter."""
    workspace = copied(trained, tmp_path_factory.mktemp("plain"))
    report = {"iou2d_input": 0.5, "photographs": [{"name": "of somebody"}]}
    workspace.stage("evaluate").file("report.json").write_text(json.dumps(report))
    return exported(tiny_config(), workspace)


def give_segmenter(workspace, side):
    """Put an ONNX file in the place of the run's own."""
    example = torch.zeros(2, side, side, 3, dtype=torch.uint8)
    model = export_graph(SegmenterGraph(Segmenter(4)), {"images": example}, ["masks"])
    onnx.save(model, workspace.stage("segmenter").path / "segmenter.onnx")


@pytest.fixture(scope="module")
def of_generated(trained, tmp_path_factory):
    """Of generated photographs and a given segmenter of their side."""
    workspace = copied(trained, tmp_path_factory.mktemp("generated"))
    give_segmenter(workspace, SIZE)
    return exported(override(tiny_config(), photographs={"source": "checkpoint"}), workspace)


@pytest.fixture(scope="module")
def of_folder(trained, tmp_path_factory):
    """Of a folder of photographs and a given segmenter of twice their side."""
    source = tmp_path_factory.mktemp("photographs")
    (source / "broken.jpg").write_bytes(b"not a photograph")
    exif = Image.Exif()
    exif[0x013B] = "a person"
    Image.new("RGB", (300, 150), "red").save(source / "car.jpg", exif=exif)
    workspace = copied(trained, tmp_path_factory.mktemp("folder"))
    give_segmenter(workspace, 2 * SIZE)
    return exported(override(tiny_config(), photographs={"source": source}), workspace)


def test_the_bundle_is_one_that_the_service_loads(plain):
    workspace, loaded = plain
    assert loaded.manifest.resolution == SIZE
    assert loaded.manifest.texture_size == (16, 32)
    low, high = loaded.manifest.camera_ranges["elevation_degrees"]
    views = np.load(workspace.stage("inverse").path / "cameras.npz")["cameras"]
    assert low <= views[:, 1].min() <= views[:, 1].max() <= high
    assert loaded.manifest.metrics["evaluate"] == {"iou2d_input": 0.5}
    assert loaded.manifest.metrics["training"]["packages"]["torch"] == torch.__version__
    facts = workspace.stage("disentangle").facts()
    assert loaded.manifest.metrics["disentangled"] == facts["renderers"]
    assert "reads 64 px, the photographs have 32" in facts["renderers"]["skipped"]
    assert len(loaded.samples()) == 2
    with Image.open(loaded.samples()[0]) as sample:
        assert sample.size == (64, 64)
    differences = [d for graph in loaded.manifest.parity.values() for d in graph.values()]
    assert len(differences) == 8 and max(differences) <= PARITY_LIMIT
    assert not list(workspace.stage("export").path.glob(".bundle*"))


def test_every_graph_takes_any_batch(plain):
    _, loaded = plain
    session = onnxruntime.InferenceSession(loaded.graph_bytes(STYLEGAN_R))
    for batch in (1, 5):
        (images,) = session.run(
            None,
            {
                "cameras": np.full((batch, 5), 5, np.float32),
                "vertices": np.zeros((batch, loaded.manifest.vertex_count, 3), np.float32),
                "textures": np.zeros((batch, 16, 32, 3), np.float32),
                "backgrounds": np.full((batch, SIZE, SIZE, 3), 128, np.uint8),
                "shifts": some_shifts(batch),
            },
        )
        assert images.shape == (batch, SIZE, SIZE, 3)
        assert images.min() >= 0 and images.max() <= 1


def test_a_graph_that_is_not_the_network_is_refused_and_nothing_is_written(workspace, monkeypatch):
    def spoiled(module, inputs, outputs, *more):
        model = export_graph(module, inputs, outputs, *more)
        for stored in model.graph.initializer:
            if len(stored.dims) == 4:  # the weights of a convolution
                values = numpy_helper.to_array(stored) + np.float32(0.05)
                stored.CopyFrom(numpy_helper.from_array(values, stored.name))
        return model

    monkeypatch.setattr(export, "export_graph", spoiled)
    with pytest.raises(export.ExportError, match=r"segmenter\.masks .* REFUSED"):
        export.run(tiny_config(), workspace)
    assert not (workspace.stage("export").path / "bundle").exists()
    assert not workspace.stage("export").done


def test_half_precision_is_given_up_where_it_costs_parity():
    torch.manual_seed(0)
    module = SegmenterGraph(Segmenter(4).eval())
    images = np.random.default_rng(0).integers(0, 256, (8, SIZE, SIZE, 3), dtype=np.uint8)
    loose = export.smallest_graph(SEGMENTER, module, {"images": images}, 1e-3)
    tight = export.smallest_graph(SEGMENTER, module, {"images": images}, 1e-7)
    assert loose.half_from == export.HALF_FROM[0] and tight.half_from is None
    assert loose.model.ByteSize() < 0.7 * tight.model.ByteSize()


def test_a_given_onnx_segmenter_goes_into_the_bundle_as_it_is(of_generated):
    workspace, loaded = of_generated
    given = workspace.stage("segmenter").path / "segmenter.onnx"
    assert loaded.graph_bytes(SEGMENTER) == given.read_bytes()


def test_a_given_segmenter_of_another_side_is_resized_in_the_bundle(of_folder):
    _, loaded = of_folder
    assert loaded.manifest.parity["segmenter"]["masks"] == 0


def test_samples_of_a_folder_are_its_readable_photographs_without_their_metadata(of_folder):
    _, loaded = of_folder
    (sample,) = loaded.samples()
    with Image.open(sample) as photograph:
        assert photograph.size == (64, 32) and not dict(photograph.getexif())
    assert loaded.manifest.licence["data"].startswith("unknown")


def test_samples_of_generated_photographs_are_the_first_of_them_and_claim_no_licence(of_generated):
    workspace, loaded = of_generated
    assert len(loaded.samples()) == tiny_config().export.samples
    images = np.load(workspace.stage("photographs").require("images.npy"))
    with Image.open(loaded.samples()[1]) as sample:
        apart = np.abs(np.asarray(sample, np.float32) - images).mean((1, 2, 3))
    assert apart.argmin() == 1
    assert loaded.manifest.licence["data"] == "unknown"
    assert "generated by an imported StyleGAN2" in loaded.manifest.licence["origin"]


def test_needs_the_evaluation_before_anything_is_exported(workspace, capsys):
    shutil.rmtree(workspace.stage("evaluate").path)
    with pytest.raises(WorkspaceError, match="stage `evaluate` has to run"):
        export.run(tiny_config(), workspace)
    assert not capsys.readouterr().err
