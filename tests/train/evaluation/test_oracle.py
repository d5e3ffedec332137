import numpy as np

from graphics.mesh import sphere_template
from train.data.held_out import ProceduralObjects, photograph
from train.data.vehicles import HELD_OUT_SEED
from train.evaluation.benchmark import score
from train.evaluation.oracle import VIEWS, fitting_cameras, oracle


def test_the_template_comes_close_to_the_truth_and_closer_with_more_steps() -> None:
    source = ProceduralObjects(1)
    truth = photograph(source, 2, 32, HELD_OUT_SEED)
    template = sphere_template(2)
    scores = [
        score(oracle(source, truth, template, (16, 32), steps), template, truth).scores
        for steps in (2, 60)
    ]
    assert scores[1].iou3d_canonical > 0.8 > 0.7 > scores[0].iou3d_canonical
    assert scores[1].iou2d_novel30 > 0.85
    assert scores[1].psnr_novel > scores[0].psnr_novel + 1
    # Cameras and masks are the truth's.
    assert scores[1].azimuth_degrees == 0 and scores[1].iou2d_segmenter == 1


def test_a_fit_is_repeatable() -> None:
    source = ProceduralObjects(1, seed=5)
    truth = photograph(source, 1, 32, 5)
    first, again = (oracle(source, truth, sphere_template(1), (8, 16), 3) for _ in range(2))
    assert np.array_equal(first.vertices, again.vertices)
    assert np.array_equal(first.textures, again.textures)


def test_the_fit_looks_from_all_sides() -> None:
    cameras = fitting_cameras()
    assert len(cameras) == VIEWS and len(set(cameras[:, 0])) == VIEWS
    assert cameras[:, 1].min() < 0 and cameras[:, 1].max() == 60
