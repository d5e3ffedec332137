import dataclasses

import numpy as np
import pytest
import torch

from graphics.mesh import sphere_template
from graphics.mirror import mirrored_corners, mirrored_texels, uvs_are_mirrored
from graphics.texture_transfer import TextureTransfer
from tests.train.data.template_files import write_ring
from train import cycle
from train.config import ConfigError
from train.data.template_file import holes_of, read_template
from train.models.inverse_graphics import (
    InverseGraphics,
    InverseGraphicsShape,
    load_inverse_graphics,
    save_inverse_graphics,
)

SHAPE = InverseGraphicsShape(32, width=4, texture_size=16)


@pytest.fixture
def ring(tmp_path):
    return write_ring(tmp_path / "ring.obj")


def test_a_ring_is_one_mesh_with_a_hole_around_the_origin(ring):
    template = read_template(ring, symmetric=True)
    assert holes_of(template) == 1 and holes_of(sphere_template(2)) == 0
    assert len(template.vertices) == 128  # one at each spot, though the file's uvs have seams
    assert template.face_uvs.min() == 0 and template.face_uvs.max() == 1
    np.testing.assert_allclose(np.abs(template.vertices).max(0)[:2], 2)
    reflected = template.vertices[template.mirror] * np.float32([-1, 1, 1])
    np.testing.assert_array_equal(reflected, template.vertices)
    assert uvs_are_mirrored(template)


def test_faces_that_turn_inwards_are_turned_round_with_their_uvs(ring, tmp_path):
    lines = ring.read_text().splitlines()
    turned = [f"f {' '.join(line.split()[:0:-1])}" if line[0] == "f" else line for line in lines]
    (tmp_path / "inwards.obj").write_text("\n".join(turned))
    inwards = read_template(tmp_path / "inwards.obj", symmetric=True)
    corners = inwards.vertices[inwards.faces].astype(np.float64)
    assert np.linalg.det(corners).sum() > 0
    assert uvs_are_mirrored(inwards)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: write_ring(path, uvs="none"), "no texture coordinates"),
        (lambda path: write_ring(path, squeeze=0.8), "no mirror image about x = 0"),
        (lambda path: path.write_text(path.read_text().rpartition("\nf ")[0]), "exactly two faces"),
        (lambda path: path.write_text(path.read_text().replace("f 1/1 ", "f 999/1 ")), "cannot be"),
        (lambda path: path.write_text("v 0 0 0\n"), "no triangles"),
        (lambda path: path.write_bytes(b""), "empty"),
    ],
)
def test_what_cannot_be_a_template_is_refused_before_the_first_stage(
    ring, tmp_path, capsys, change, said
):
    change(ring)
    run = ["--preset", "smoke", "--run", str(tmp_path / "run"), "--template", str(ring)]
    assert cycle.main(run) == 2
    message = capsys.readouterr().err
    assert f"--template {ring}" in message and said in message
    assert not (tmp_path / "run" / "photographs").exists()


def test_two_parts_are_refused_and_a_file_that_is_not_there_is_named(ring, tmp_path, capsys):
    lines = ring.read_text().splitlines()
    far = [
        f"v {10 + float(line.split()[1])} {' '.join(line.split()[2:])}"
        for line in lines
        if line[:2] == "v "
    ]
    faces = [line.replace("f ", "") for line in lines if line[0] == "f"]
    moved = [
        "f " + " ".join(f"{int(c.split('/')[0]) + len(far)}/{c.split('/')[1]}" for c in f.split())
        for f in faces
    ]
    (tmp_path / "two.obj").write_text("\n".join([*lines, *far, *moved]))
    with pytest.raises(ConfigError, match="2 parts"):
        read_template(tmp_path / "two.obj", symmetric=False)
    assert cycle.main(["--template", "none.obj", "--run", str(tmp_path / "run")]) == 2
    assert "--template none.obj: no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("uvs", "symmetric"), [("mirrored", True), ("quarter", True), ("quarter", False)]
)
def test_a_network_keeps_its_template_and_mirrors_what_the_template_mirrors(
    ring, tmp_path, uvs, symmetric
):
    template = read_template(write_ring(ring, uvs=uvs), symmetric)
    shape = dataclasses.replace(SHAPE, symmetric=symmetric)
    network = InverseGraphics(shape, template).eval()
    torch.nn.init.normal_(network.shape_head.offsets.weight, std=0.1)
    torch.nn.init.normal_(network.texture_head.patches.weight, std=0.5)
    save_inverse_graphics(tmp_path / "network.safetensors", network)
    loaded = load_inverse_graphics(tmp_path / "network.safetensors")
    for name, array in template._asdict().items():
        np.testing.assert_array_equal(getattr(loaded.template, name), array)
    images = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        read = loaded(images, torch.ones(1, 1, 32, 32))
    reflected = read.vertices[:, template.mirror.tolist()] * torch.tensor([-1, 1, 1])
    assert torch.allclose(read.vertices, reflected, atol=1e-6) == symmetric
    assert torch.allclose(read.textures, read.textures.flip(-1)) == (uvs == "mirrored")


def test_the_reflection_of_a_texel_is_found_wherever_the_uvs_put_it(ring):
    template = read_template(write_ring(ring, uvs="quarter"), symmetric=True)
    assert mirrored_corners(template) is not None and not uvs_are_mirrored(template)
    texels = TextureTransfer(template, 64, 128).texels
    others = mirrored_texels(template, texels)
    spots = _spots(template, texels)
    known = others >= 0
    assert known.sum() == (texels.face_index[0] >= 0).sum() > 1_000
    reflected = spots.reshape(-1, 3)[others[known]] * (-1, 1, 1)
    apart = np.linalg.norm(reflected - spots[known], axis=1)
    assert np.median(apart) < 0.1  # a texel's size, of a ring that is 4 across
    nothing = mirrored_texels(template.without_symmetry(), texels)
    assert (nothing == -1).all()


def _spots(template, texels):
    """Where on the template each texel lies, [Ht, Wt, 3]."""
    corners = template.vertices[template.faces[np.maximum(texels.face_index[0], 0)]]
    return (corners * texels.weights[0][..., None]).sum(2)
