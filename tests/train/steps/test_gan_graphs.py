import copy

import numpy as np
import pytest
import torch

from train.config import GanConfig
from train.data.stream import PhotographStream
from train.models.discriminator import Discriminator, DiscriminatorShape
from train.models.generator import Generator, GeneratorShape
from train.steps.gan import GanTraining

SIZE, BATCH, STEPS = 32, 8, 12
SETTINGS = GanConfig(batch_size=BATCH, r1_every=3, precision="float32")


def stream(camera_conditioned):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (16, 1, 1, 3), np.uint8).repeat(SIZE, 1).repeat(SIZE, 2)
    cameras = random.uniform(-90, 90, (16, 5)).astype(np.float32)
    cameras[:, 2] = 5.0
    return PhotographStream(images, cameras if camera_conditioned else None)


def training(camera_conditioned):
    torch.manual_seed(1)
    networks = (
        Generator(GeneratorShape(SIZE, camera_conditioned=camera_conditioned)),
        Discriminator(DiscriminatorShape(SIZE, camera_conditioned=camera_conditioned)),
    )
    return GanTraining(SETTINGS, *networks, seed=1)


def distance(one, other):
    """Mean difference of the generators' weights."""
    pairs = zip(one.generator.parameters(), other.generator.parameters(), strict=True)
    return float(torch.cat([(a - b).abs().flatten() for a, b in pairs]).mean())


@pytest.mark.parametrize("cut", [0, 3, 7])
@pytest.mark.parametrize("camera_conditioned", [False, True])
def test_a_cut_on_the_device_is_the_same_cut(cut, camera_conditioned):
    generator = Generator(GeneratorShape(SIZE, camera_conditioned=camera_conditioned))
    content, view = torch.randn(2, 4, generator.shape.code)
    labelled = generator.styles(content, view, cut)
    kept = generator.styles(content, view, torch.tensor(cut))
    assert all(torch.equal(one, other) for one, other in zip(labelled, kept, strict=True))


@pytest.mark.gpu
@pytest.mark.parametrize("camera_conditioned", [False, True])
def test_replayed_steps_do_what_launched_ones_do(camera_conditioned):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    replayed, launched, again = (training(camera_conditioned) for _ in range(3))
    for step in range(STEPS):
        assert float(replayed.step(stream(camera_conditioned), step).r1) > 0
    assert set(replayed.graphs.recorded) == {False, True}
    for one in (launched, again):
        one.graphs = None
        one.load_state_dict(copy.deepcopy(replayed.state_dict()))
    for step in (SETTINGS.r1_every, SETTINGS.r1_every + 1):  # one of either kind
        for one in (replayed, launched, again):
            one.step(stream(camera_conditioned), step)
    # The kernels that spread gradients over pixels sum in any order.
    assert 0 < distance(replayed, launched) < 4 * distance(launched, again)


@pytest.mark.gpu
def test_a_state_is_taken_up_by_the_graphs():
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    begun, resumed = training(False), training(False)
    for step in range(STEPS):
        begun.step(stream(False), step)
    resumed.load_state_dict(copy.deepcopy(begun.state_dict()))
    for step in range(STEPS, STEPS + 4):
        one, other = begun.step(stream(False), step), resumed.step(stream(False), step)
    assert float(one.loss_d) == pytest.approx(float(other.loss_d), abs=0.01)


def test_a_state_of_a_gpu_is_taken_up_on_a_cpu():
    begun, resumed = training(False), training(False)
    begun.step(stream(False), 0)
    state = copy.deepcopy(begun.state_dict())
    state["noise_rng"] = torch.zeros(16, dtype=torch.uint8)  # as a GPU's generator has it
    resumed.load_state_dict(state)
    one, other = begun.step(stream(False), 1), resumed.step(stream(False), 1)
    assert torch.equal(one.loss_d, other.loss_d)  # without noise inputs
