import copy

import numpy as np
import torch

from tests.train.stages.tiny_run import OBJECTS, VIEWS, tiny_config, tiny_run
from train.stages.disentangle import Training
from train.steps.disentangling import _some_objects, fine_tuning_step, sample_batch, warm_up_step


def training_of(path, **settings):
    config = tiny_config(**settings)
    workspace = tiny_run(path, config)
    return Training(config, workspace, 0)


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


def test_fine_tuning_names_every_term_and_reaches_the_generator(tmp_path):
    training = training_of(tmp_path)
    estimator = copy.deepcopy(training.network.background_mapping).requires_grad_(False)
    step = fine_tuning_step(
        training.network, estimator, training.encoder, training.sampler, training.settings
    )
    assert set(step.terms) == {
        "shape", "texture", "background", "same_background",
        "camera", "image_anchor", "style_anchor",
    }  # fmt: skip
    assert all(torch.isfinite(term) for term in step.terms.values())
    step.loss.backward()
    assert training.network.generator.blocks[-1].conv1.weight.grad.abs().sum() > 0
    assert all(p.grad is None for p in training.encoder.inverse.parameters())
