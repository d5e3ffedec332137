import numpy as np
import pytest
import torch

from graphics.render import render
from tests.train.stages.tiny_run import OBJECTS, SIZE, VIEWS, tiny_config, tiny_run
from train.stages.disentangle import training_of as stage_training
from train.steps.disentangling import _some_objects, warm_up_step
from train.steps.fine_tuning import _drawn_terms, adversary_step, fine_tuning_step, sample_batch


def training_of(path, **settings):
    config = tiny_config(**settings)
    workspace = tiny_run(path, config)
    return stage_training(config, workspace, 0)


def test_objects_are_taken_whole_up_to_the_limit():
    objects = np.repeat(np.arange(20), 5)
    indices = _some_objects(objects, 23, torch.Generator().manual_seed(0))
    taken, counts = np.unique(objects[indices], return_counts=True)
    assert len(taken) == 5 and (counts == 5).all()
    assert len(_some_objects(objects, 10_000, torch.Generator())) == 100


def test_true_styles_are_those_that_made_the_images(tmp_path):
    codes = training_of(tmp_path, images=OBJECTS * VIEWS).held_out
    generator = training_of(tmp_path, images=OBJECTS * VIEWS).network.generator
    made = generator.synthesize(generator.unflatten(codes.styles), noise=None) * 0.5 + 0.5
    assert (made.clamp(0, 1) - codes.images / 255.0).abs().max() < 0.01


def test_mixed_pairs_share_a_background_and_true_pairs_an_object(tmp_path):
    training = training_of(tmp_path)
    sampler = training.sampler
    sampler.codes = sampler.codes._replace(masks=torch.zeros_like(sampler.codes.masks))
    batch = sample_batch(sampler, 8)
    backgrounds = batch.inputs.backgrounds[4:]
    assert torch.equal(backgrounds[0::2], backgrounds[1::2])
    assert len(batch.targets) == 4
    assert torch.equal(batch.inputs.cameras[:4], sampler.codes.cameras[batch.targets])


def test_warm_up_gives_gradients_to_the_mappings_alone(tmp_path):
    training = training_of(tmp_path)
    warm_up_step(training.network, training.sampler, training.settings).loss.backward()
    assert all(p.grad is None for p in training.network.generator.parameters())
    assert all(p.grad is not None for p in training.network.mapping_parameters())


ONE_STEP = {"colour", "features", "drawn_object", "drawn_background"}
READ_BACK = {"shape", "texture", "background", "same_background", "camera"}


@pytest.mark.parametrize(
    ("settings", "terms"),
    [
        ({"adversary_weight": 0.0}, ONE_STEP),
        ({}, ONE_STEP | {"adversary"}),
        ({"shape_weight": 1.0}, ONE_STEP | {"adversary"} | READ_BACK),
    ],
)
def test_fine_tuning_names_every_term_and_reaches_the_generator(tmp_path, settings, terms):
    training = training_of(tmp_path, **settings)
    if training.references.adversary is not None:
        training.references.adversary.requires_grad_(False)
    step = fine_tuning_step(
        training.network, training.references, training.sampler, training.settings
    )
    assert set(step.terms) == terms
    assert all(torch.isfinite(term) for term in step.terms.values())
    step.loss.backward()
    assert training.network.generator.blocks[-1].conv1.weight.grad.abs().sum() > 0
    assert all(p.grad is None for p in training.encoder.inverse.parameters())


def test_a_mixture_is_held_to_the_drawn_object_and_the_photograph_around_it(tmp_path):
    training = training_of(tmp_path)
    sampler, template = training.sampler, training.references.template
    batch = sample_batch(sampler, 8)
    cameras, vertices, textures, _ = (field[4:].numpy() for field in batch.inputs)
    drawn = render(vertices, textures.transpose(0, 2, 3, 1), cameras, template, SIZE)
    covered = torch.from_numpy(drawn.masks)[:, None] > 0.5
    behind = sampler.codes.images[batch.behind] / 255
    right = torch.where(covered, torch.from_numpy(drawn.images).permute(0, 3, 1, 2), behind)
    kept = _drawn_terms(right, batch, sampler, template)
    assert kept["drawn_object"] < 1e-6 and kept["drawn_background"] < 1e-6
    other = _drawn_terms(1 - right, batch, sampler, template)
    assert other["drawn_object"] > 0.05 and other["drawn_background"] > 0.05


def test_the_adversary_learns_from_the_gans_own_views(tmp_path):
    training = training_of(tmp_path)
    adversary = training.references.adversary
    step = adversary_step(adversary, training.network, training.sampler, training.settings)
    step.loss.backward()
    assert any(p.grad is not None and p.grad.any() for p in adversary.parameters())
    assert all(p.grad is None for p in training.network.parameters())
