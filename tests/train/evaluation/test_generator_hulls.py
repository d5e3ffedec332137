"""The benchmark is tested on vehicles, whose silhouettes are known to be of one shape or many."""

import numpy as np
import pytest
import torch

from train.evaluation.generator_benchmark import HULL_VIEWS, HullBenchmark
from train.evaluation.generator_report import SHIPPED_GENERATOR
from train.evaluation.options import SHIPPED as BUNDLE
from train.models.generator import Generator, GeneratorShape
from train.models.segmenter import load_segmenter
from train.models.weights import load_generator


@pytest.fixture(scope="module")
def benchmark():
    return HullBenchmark(load_segmenter(BUNDLE), 64, objects=2)


def test_true_renders_are_of_one_shape_and_mixed_ones_are_not(benchmark):
    references = benchmark.references()
    true, mixed = references["true_renders"], references["mixed_renders"]
    assert true.object_consistency_hull_12_views > 0.95
    assert true.object_consistency_hull_12_views > mixed.object_consistency_hull_12_views + 0.05
    assert true.object_consistency_hull_2_views > mixed.object_consistency_hull_2_views


def test_an_object_that_changes_halfway_round_lies_in_between(benchmark):
    half = np.repeat([0, 9], HULL_VIEWS // 2)
    changed = benchmark.measure_vehicles(np.concatenate([half, half]))
    true, mixed = benchmark.references().values()
    assert mixed[0] < changed[0] < true[0]


def test_the_shipped_generator_is_nearer_to_true_renders_than_an_untrained_one(benchmark):
    shipped = benchmark.measure(load_generator(SHIPPED_GENERATOR).eval(), seed=1)
    assert shipped == benchmark.measure(load_generator(SHIPPED_GENERATOR).eval(), seed=1)
    assert benchmark.references()["mixed_renders"][0] < shipped[0] < 1


def test_a_generator_without_cameras_is_refused(benchmark):
    torch.manual_seed(0)
    with pytest.raises(ValueError, match="cannot be asked for these cameras"):
        benchmark.measure(Generator(GeneratorShape(64)), seed=1)
