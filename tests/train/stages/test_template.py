"""A template with a hole, from the training to what the service hands out."""

import base64
import io

import numpy as np
import pytest
import trimesh
from PIL import Image

from tests.service.conftest import open_client
from tests.service.requests import png, post
from tests.train.data.template_files import write_ring
from tests.train.stages.tiny_run import tiny_config, tiny_run
from train.config import override
from train.models.inverse_graphics import save_inverse_graphics
from train.stages import disentangle, export, neural
from train.stages.inverse import new_network

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("symmetric", ["x", "none"])
def test_a_ring_is_exported_served_and_given_out_with_its_hole(tmp_path, symmetric):
    ring = write_ring(tmp_path / "ring.obj")
    config = override(
        tiny_config(warmup_steps=2, steps=0),
        inverse={"template": str(ring), "symmetric": symmetric},
    )
    workspace = tiny_run(tmp_path / "run", config)
    weights = workspace.stage("inverse").file("inverse_graphics.safetensors")
    save_inverse_graphics(weights, new_network(config.inverse))
    for stage in (disentangle, neural, export):
        stage.run(config, workspace)
    with open_client(workspace.stage("export").path / "bundle") as client:
        picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 4), np.uint8))
        picture.putalpha(Image.new("L", (64, 64), 255))
        answer = post(client, png(picture))
        assert answer.status_code == 200, answer.text
        content = base64.b64decode(answer.json()["images"][0]["mesh"]["data"])
    loaded = trimesh.load(io.BytesIO(content), file_type="glb", force="mesh")
    loaded.merge_vertices(merge_tex=True, merge_norm=True)
    assert loaded.is_watertight and loaded.euler_number == 0
