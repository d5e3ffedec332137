import numpy as np
import torch

from train.data.cutouts import RENDERED, CutOutBatch, CutOuts
from train.data.rendered_cutouts import plain_vehicles
from train.models.inverse_graphics import InverseGraphics, InverseGraphicsShape
from train.steps import whole


def test_a_network_learns_shape_texture_and_camera_from_pairs_of_cutouts(monkeypatch):
    monkeypatch.setattr(whole, "OBJECTS", 6)
    data = CutOutBatch.joined(plain_vehicles(12, 32, 5).batches)
    assert (data.objects == np.arange(12) // 2).all() and (data.kinds == RENDERED).all()
    torch.manual_seed(0)
    network = InverseGraphics(InverseGraphicsShape(32, 8, 2, 16))
    before = {name: value.clone() for name, value in network.named_parameters()}
    loss_of = whole.network_loss_of(network, CutOuts(data, 0.5), seed=1)
    assert loss_of(3).equal(loss_of(3)) and not loss_of(4).equal(loss_of(3))
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    losses = []
    for step in range(12):
        losses.append(loss_of(step).item())
        optimiser.zero_grad()
        loss = loss_of(step)
        loss.backward()
        optimiser.step()
    assert np.mean(losses[-3:]) < 0.9 * np.mean(losses[:3]), losses
    unchanged = [name for name, value in network.named_parameters() if value.equal(before[name])]
    assert unchanged == []


def test_the_codes_of_a_frozen_camera_are_worked_out_once_and_used_several_times(monkeypatch):
    monkeypatch.setattr(whole, "OBJECTS", 2)
    monkeypatch.setattr(whole, "DRAWN", 3)
    data = CutOuts(CutOutBatch.joined(plain_vehicles(12, 32, 5).batches), 0.5)
    torch.manual_seed(0)
    network = InverseGraphics(InverseGraphicsShape(32, 8, 2, 16)).eval()
    encoder, encoded = network.camera_encoder, []
    encoder.register_forward_hook(lambda _, given, code: encoded.append(len(code)))
    loss_of = whole.network_loss_of(network, data, seed=1)
    learning = [loss_of(step) for step in range(3)]
    assert encoded == [4, 4, 4]  # two cut-outs of each of a step's objects
    encoder.requires_grad_(False)
    staying = [loss_of(step) for step in range(3 * whole.TIMES)]
    assert encoded[3:] == [4, 4, 4]  # those of three steps at once, for all their times
    torch.testing.assert_close(staying[:3], learning)
    assert len({loss.item() for loss in staying}) == len(staying)  # other objects meet each time
    loss_of(3 * whole.TIMES)
    assert len(encoded) == 9  # the next ones
    again = whole.network_loss_of(network, data, seed=1)
    assert again(5).equal(staying[5])  # as after a kill
