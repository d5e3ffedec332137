import numpy as np
import torch

from train.data.cutouts import PHOTOGRAPHED, CutOutBatch, CutOuts
from train.models.inverse_graphics import InverseGraphics, InverseGraphicsShape
from train.steps.camera import CameraPart, camera_loss_of


def cutouts() -> CutOuts:
    """Blocks whose bright end is on the left or on the right, and their azimuths."""
    images = np.full((2, 32, 32, 4), 60, np.uint8)
    images[..., 3] = 0
    images[:, 8:24, 4:28, 3] = 255
    images[0, 8:24, 4:10, :3] = images[1, 8:24, 22:28, :3] = 250
    cameras = np.full((2, 5), np.nan, np.float32)
    cameras[:, 0] = 90, -90
    kinds, objects = np.full(2, PHOTOGRAPHED, np.int32), np.arange(2, dtype=np.int32)
    return CutOuts(CutOutBatch(images, cameras, kinds, objects), 1.0)


def test_the_camera_part_learns_sides_and_nothing_else_of_the_network_changes():
    torch.manual_seed(0)
    network = InverseGraphics(InverseGraphicsShape(32, 8, 1, 16))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    loss_of = camera_loss_of(network, cutouts(), seed=1)
    assert loss_of(3).equal(loss_of(3))
    part = CameraPart(network)
    optimiser = torch.optim.AdamW(part.parameters(), 3e-3)
    losses = []
    for step in range(6):
        losses.append(loss_of(step))
        optimiser.zero_grad()
        losses[-1].backward()
        optimiser.step()
    assert losses[-1] < 0.7 * losses[0], losses
    after = network.state_dict()
    changed = {name.split(".")[0] for name in after if not after[name].equal(before[name])}
    assert changed == {"camera_encoder", "camera_head"}
