import dataclasses
import json
import shutil

import numpy as np
import onnx
import pytest

from graphics.mesh import save_template, sphere_template
from service.model import bundle
from service.model.manifest import (
    MANIFEST_FILE,
    SEGMENTER,
    TEMPLATE_FILE,
    BundleError,
    read_manifest,
)
from tests.service.small_bundle import small_manifest


@pytest.fixture
def copy(bundle_folder, tmp_path):
    return shutil.copytree(bundle_folder, tmp_path / "copy")


def edit_manifest(folder, **changes):
    path = folder / MANIFEST_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_sealed_bundle_loads_with_everything_it_was_given(loaded_bundle, bundle_folder):
    manifest = loaded_bundle.manifest
    assert (manifest.category, manifest.resolution, manifest.texture_size) == (
        "ellipses",
        32,
        (8, 16),
    )
    assert [path.name for path in loaded_bundle.samples()] == ["sample_0.png", "sample_1.png"]
    assert manifest == read_manifest(bundle_folder / MANIFEST_FILE)
    assert manifest.tensors["inverse_graphics"]["outputs"][0] == {
        "name": "vertices",
        "dtype": "float32",
        "shape": ["batch", 42, 3],
    }
    np.testing.assert_array_equal(loaded_bundle.template.faces, sphere_template(1).faces)


def test_a_folder_without_manifest_is_refused(tmp_path):
    with pytest.raises(BundleError, match=r"has no manifest\.json"):
        bundle.load(tmp_path)


def test_one_changed_byte_is_found(copy):
    path = copy / "segmenter.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match=r"sha256 of segmenter\.onnx"):
        bundle.load(copy)


def test_a_missing_file_is_named(copy):
    (copy / "samples" / "sample_1.png").unlink()
    with pytest.raises(BundleError, match=r"samples/sample_1\.png is missing"):
        bundle.load(copy)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format_version": 3}, "bundle format is 3; this service reads 4"),
        ({"surprise": 1}, "unknown fields"),
        ({"files": {"../secret": "0"}}, "has no"),
        ({"resolution": 4}, "resolution 4"),
        ({"texture_size": [1, 2, 3]}, "texture_size"),
        ({"texture_size": 5}, "wrong kind"),
        ({"licence": {}}, "licence"),
        ({"tensors": {}}, "tensors listed for segmenter"),
        ({"parity": {}}, r"parity of segmenter\.masks is None"),
        ({"camera_ranges": {"azimuth_degrees": [0, 1]}}, "camera_ranges has azimuth_degrees"),
        ({"camera_ranges": {"distance": [6, 5]}}, r"distance: \[6, 5\]; it must be \[least"),
        ({"camera_ranges": {"distance": [float("nan"), 5]}}, "finite"),
        ({"camera_ranges": {"distance": [1, 2, 3]}}, "camera_ranges has distance"),
        ({"camera_ranges": {"distance": 5}}, "wrong kind"),
        ({"camera_ranges": ["distance"]}, "wrong kind"),
    ],
)
def test_a_manifest_that_breaks_the_contract_is_refused(copy, changes, reason):
    edit_manifest(copy, **changes)
    with pytest.raises(BundleError, match=reason):
        bundle.load(copy)


def test_a_file_name_that_leaves_the_folder_is_refused(copy):
    files = json.loads((copy / MANIFEST_FILE).read_text())["files"]
    edit_manifest(copy, files={**files, "../secret": "0"})
    with pytest.raises(BundleError, match="points outside"):
        bundle.load(copy)


def test_a_manifest_that_is_not_json_is_refused(copy):
    (copy / MANIFEST_FILE).write_bytes(b"\xff\xfe{")
    with pytest.raises(BundleError, match="not readable JSON"):
        bundle.load(copy)


def test_poor_parity_is_refused_when_sealing(copy):
    manifest = small_manifest(sphere_template(1))
    parity = {**manifest.parity, "segmenter": {"masks": 2e-3}}
    with pytest.raises(BundleError, match=r"0\.002; it must be at most 0\.001"):
        bundle.write_manifest(copy, dataclasses.replace(manifest, parity=parity))


def test_a_graph_with_other_tensors_is_refused_when_sealing(copy):
    shutil.copyfile(copy / "stylegan_r.onnx", copy / "segmenter.onnx")
    with pytest.raises(BundleError, match=r"segmenter\.onnx has inputs"):
        bundle.write_manifest(copy, small_manifest(sphere_template(1)))


def test_a_graph_without_an_output_is_refused_when_sealing(copy):
    path = copy / "inverse_graphics.onnx"
    model = onnx.load(path)
    assert model.graph.output.pop().name == "azimuth_probabilities"
    onnx.save(model, path)
    with pytest.raises(BundleError, match=r"they must be .*'azimuth_probabilities'"):
        bundle.write_manifest(copy, small_manifest(sphere_template(1)))


def test_a_graph_of_another_resolution_is_refused_when_sealing(copy):
    manifest = dataclasses.replace(small_manifest(sphere_template(1)), resolution=64)
    with pytest.raises(BundleError, match=r"has shape \['batch', 32, 32, 3\]"):
        bundle.write_manifest(copy, manifest)


def test_a_file_that_is_not_a_graph_is_refused_when_sealing(copy):
    (copy / "segmenter.onnx").write_bytes(b"not a graph")
    with pytest.raises(BundleError, match="does not open in ONNX Runtime"):
        bundle.write_manifest(copy, small_manifest(sphere_template(1)))


def test_a_template_of_another_size_is_refused_when_sealing(copy):
    save_template(copy / TEMPLATE_FILE, sphere_template(2))
    with pytest.raises(BundleError, match=r"vertices \(162, 3\)"):
        bundle.write_manifest(copy, small_manifest(sphere_template(1)))


def test_a_graph_changed_after_loading_does_not_run(copy):
    loaded = bundle.load(copy)
    (copy / "segmenter.onnx").write_bytes(b"other")
    with pytest.raises(BundleError, match="sha256"):
        loaded.graph_bytes(SEGMENTER)


def test_a_registered_bundle_loads_from_the_model_store(bundle_folder):
    location = bundle.register(bundle_folder)
    assert location.startswith("bentomodel:inverse-graphics-ellipses:")
    loaded = bundle.load(location)
    assert loaded.manifest == bundle.load(bundle_folder).manifest
    assert loaded.folder != bundle_folder


def test_the_newest_is_found_by_name(bundle_folder):
    location = bundle.register(bundle_folder, "cars")
    assert bundle.resolve("bentomodel:cars:latest") == bundle.resolve(location)


def test_a_tag_that_is_not_in_the_store_is_refused():
    with pytest.raises(BundleError, match="not in BentoML's model store"):
        bundle.resolve("bentomodel:nothing:1")


def test_a_folder_is_its_own_location(bundle_folder):
    assert bundle.resolve(bundle_folder) == bundle_folder
