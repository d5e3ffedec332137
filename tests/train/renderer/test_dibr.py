import logging

import pytest
import torch
from torch.autograd import grad

from tests.train.renderer.scenes import SHARP, SOFT, draw, random_triangles
from train.renderer import dibr, kaolin_backend


@pytest.mark.parametrize("settings", [SOFT, SHARP], ids=["soft", "sharp"])
def test_threads_change_nothing(settings):
    scene = random_triangles(batch=17)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(draw("numba", 9, 8, scene, settings))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert all(torch.equal(*pair) for pair in zip(found[0], other, strict=True))


def test_a_list_of_features_comes_back_as_a_tuple():
    z, corners, features, _ = random_triangles()
    together, _ = dibr.rasterize(8, 8, z, corners, features)
    (first, second), _ = dibr.rasterize(8, 8, z, corners, [features[..., :1], features[..., 1:]])
    torch.testing.assert_close(torch.cat([first, second], -1), together)


def test_multiplier_changes_nothing_but_the_epsilon():
    z, corners, features, normals_z = random_triangles()
    plain = draw("numba", 9, 8, random_triangles(), SOFT)
    scaled = dibr.dibr_rasterization(
        9, 8, z, corners, features, normals_z, **SOFT, multiplier=10.0, eps=1e-12
    )
    torch.testing.assert_close(scaled.features, plain.features)
    torch.testing.assert_close(scaled.soft_mask, plain.soft_mask)


def test_an_unknown_backend_is_refused():
    with pytest.raises(dibr.BackendError, match=r"'opengl' is unknown.*triton"):
        dibr.load_backend("opengl", torch.device("cpu"))


@pytest.mark.skipif(not kaolin_backend.unavailable(), reason="kaolin is installed here")
def test_kaolin_where_it_is_not_installed_says_how_to_install_it():
    with pytest.raises(dibr.BackendError, match=r"pip install kaolin.*Available: \[.*'numba'"):
        dibr.load_backend("kaolin", torch.device("cpu"))


def test_auto_is_numba_on_the_cpu():
    assert dibr.load_backend("auto", torch.device("cpu")).name == "numba"


def unavailable(names, monkeypatch):
    """A machine on which these backends cannot run."""
    modules = {name: dibr.MODULES[name] for name in ("kaolin", "triton")}
    for name, path in modules.items():
        reason = "not here." if name in names else ""
        monkeypatch.setattr(f"{path}.unavailable", lambda reason=reason: reason)


@pytest.mark.parametrize(
    ("missing", "chosen"), [((), "kaolin"), (("kaolin",), "triton"), (("triton",), "kaolin")]
)
def test_auto_on_cuda_takes_kaolin_then_triton(missing, chosen, monkeypatch):
    unavailable(missing, monkeypatch)
    assert dibr.load_backend("auto", torch.device("cuda", 0)).name == chosen


def test_auto_on_cuda_without_either_says_so_once(caplog, monkeypatch):
    unavailable(("kaolin", "triton"), monkeypatch)
    monkeypatch.setattr(dibr, "_announced", set())
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert dibr.load_backend("auto", torch.device("cuda", 0)).name == "numba"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "on the CPU" in caplog.text


def test_wrong_shapes_are_named():
    z, corners, features, _ = random_triangles()
    for arguments, name in (
        ((z[..., :2], corners, features), "face_vertices_z"),
        ((z, corners[:, :3], features), "face_vertices_image"),
        ((z, corners[..., :1], features), "face_vertices_image"),
        ((z, corners, features[0]), "face_features"),
    ):
        with pytest.raises(ValueError, match=name):
            dibr.rasterize(8, 8, *arguments)


def test_wrong_kinds_are_named():
    z, corners, features, _ = random_triangles()
    with pytest.raises(TypeError, match=r"face_vertices_z is torch.float32 .*\.float\(\)"):
        dibr.rasterize(8, 8, z.float(), corners, features)
    with pytest.raises(TypeError, match=r"face_vertices_image is torch\.bfloat16"):
        dibr.dibr_soft_mask(corners.bfloat16(), torch.zeros(2, 8, 8, dtype=torch.int64))
    with pytest.raises(ValueError, match="face_features is on meta"):
        dibr.rasterize(8, 8, z, corners, features.to("meta"))
    with pytest.raises(ValueError, match=r"valid_faces is torch.float64 \(2, 14\)"):
        dibr.rasterize(8, 8, z, corners, features, torch.ones(2, 14, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"selected_face_idx is torch.int32"):
        dibr.dibr_soft_mask(corners, torch.zeros(2, 8, 8, dtype=torch.int32))


def test_values_out_of_range_are_named():
    z, corners, features, _ = random_triangles()
    seen = torch.zeros(2, 8, 8, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"image is 0x8 px"):
        dibr.rasterize(0, 8, z, corners, features)
    with pytest.raises(ValueError, match=r"multiplier=-1"):
        dibr.rasterize(8, 8, z, corners, features, multiplier=-1.0)
    for wrong in ({"sigmainv": 0.0}, {"boxlen": -0.1}, {"knum": 0}):
        with pytest.raises(ValueError, match=r"defaults: 7000, 0\.02, 30"):
            dibr.dibr_soft_mask(corners, seen, **wrong)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_numbers_that_are_not_finite_are_refused(place, number):
    inputs = list(random_triangles()[:3])
    inputs[place] = inputs[place].clone()
    inputs[place].view(-1)[7] = number
    name = ("face_vertices_z", "face_vertices_image", "face_features")[place]
    with pytest.raises(ValueError, match=f"{name} holds 1 numbers that are not finite"):
        dibr.rasterize(8, 8, *inputs)


@pytest.mark.gpu
def test_numba_gives_cuda_tensors_back_to_their_device():
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    scene = random_triangles(dtype=torch.float32)
    z, corners, features, normals_z = (part.cuda() for part in scene)
    corners.requires_grad_()
    there = dibr.dibr_rasterization(
        23, 31, z, corners, features, normals_z, **SOFT, backend="numba"
    )
    assert there.features.is_cuda and there.soft_mask.is_cuda and there.face_idx.is_cuda
    assert grad(there.soft_mask.sum(), corners)[0].is_cuda
