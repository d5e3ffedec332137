import pytest

from train.config import Config, checks
from train.config.presets import PRESETS, PURPOSES, of_category
from train.stages.gan import new_networks


def test_every_preset_is_found_by_its_own_name():
    assert [preset.preset for preset in PRESETS.values()] == list(PRESETS) == list(PURPOSES)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("camera_conditioned", [False, True])
def test_every_preset_s_networks_can_be_built(name, camera_conditioned):
    generator, discriminator = new_networks(PRESETS[name], camera_conditioned=camera_conditioned)
    size = PRESETS[name].photographs.size
    assert generator.shape.size == discriminator.shape.size == size
    assert generator.camera_conditioned == discriminator.camera_conditioned == camera_conditioned


def test_the_gans_of_another_category_go_on_from_the_shipped_ones_where_a_cpu_trains_them():
    assert of_category("cpu", "vehicles") == Config()
    mugs = of_category("cpu", "mugs")
    assert mugs.gan.init == "shipped" and mugs.gan.kimg < Config().gan.kimg
    assert min(mugs.gan.kimg, mugs.gan.conditioned_kimg) >= checks.LEAST_KIMG
    assert of_category("gpu", "mugs") == PRESETS["gpu"]


def test_the_gpu_preset_takes_stylegan2_s_channels_by_size():
    generator, discriminator = new_networks(PRESETS["gpu"], camera_conditioned=True)
    assert generator.shape.channels == (256, 256, 256, 128, 64, 32)
    assert discriminator.shape.channels == (256, 256, 256, 128, 64)


@pytest.mark.parametrize("name", PRESETS)
def test_batches_of_every_preset_can_be_shared_by_eight_processes(name):
    assert PRESETS[name].gan.batch_size % 16 == 0


def test_the_paper_s_preset_has_its_numbers():
    paper = PRESETS["paper"]
    inverse, disentangle = paper.inverse, paper.disentangle
    assert (inverse.steps, inverse.batch_size, inverse.learning_rate) == (200_000, 16, 1e-4)
    weights = (
        inverse.color_weight, inverse.perceptual_weight, inverse.mask_weight,
        inverse.flatten_weight, inverse.laplacian_weight, inverse.movement_weight,
    )  # fmt: skip
    assert weights == (20, 0.5, 3, 5, 5, 2.5) and inverse.perceptual_after == 3_000
    assert inverse.photographs == 0 and inverse.sigmainv == inverse.last_sigmainv == 7_000
    assert (disentangle.warmup_steps, disentangle.steps, disentangle.batch_size) == (700, 2_500, 16)
    assert disentangle.reads_back and paper.multiview.objects == 6_000
