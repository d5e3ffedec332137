import numpy as np

from graphics.azimuth import UNKNOWN, alternatives
from graphics.camera import AZIMUTH
from graphics.mesh import sphere_template
from train.data.vehicles import HELD_OUT_SEED, Photographs, meshes, photographs
from train.evaluation.benchmark import Predicted
from train.evaluation.predictors import NearestTraining, descriptors, mean_prediction

SIZE = 32


class PerfectMasks:
    """Knows the mask of each of some photographs; the rest it predicts is a ball as bright."""

    def __init__(self, known: Photographs) -> None:
        self.known, self.resolution, self.category = known, SIZE, "vehicles"
        self.template = sphere_template(1)

    def segment(self, images: np.ndarray) -> np.ndarray:
        same = (images[:, None] == self.known.images).all(axis=(2, 3, 4))
        return self.known.masks[same.argmax(axis=1)] / np.float32(255)

    def predict(self, images: np.ndarray) -> Predicted:
        bright = images.mean(axis=(1, 2, 3)) / np.float32(255)
        return Predicted(
            self.segment(images),
            bright[:, None, None] * self.template.vertices,
            np.broadcast_to(bright[:, None, None, None], (len(images), 4, 8, 3)),
            np.zeros((len(images), 5), np.float32),
            bright,
            np.tile(UNKNOWN, (len(images), 1)),
        )


def test_the_mean_prediction_is_the_mean_of_what_is_predicted() -> None:
    known = photographs(1, np.arange(60), SIZE)
    predictor = PerfectMasks(known)
    baseline = mean_prediction(predictor, known.images)
    bright = known.images.mean() / 255
    assert np.allclose(baseline.vertices, predictor.template.vertices * bright, atol=1e-5)
    assert np.allclose(baseline.texture, bright, atol=1e-5)


def test_a_photograph_of_the_training_is_answered_with_its_own_object_and_camera() -> None:
    known = photographs(1, np.arange(40), SIZE)
    baseline = NearestTraining(PerfectMasks(known), seed=1, count=40)
    read = baseline.predict(known.images[[7, 31]])
    for row, index in enumerate((7, 31)):
        assert np.array_equal(read.cameras[row], known.cameras[index])
        azimuth = known.cameras[index, AZIMUTH]
        assert alternatives(read.azimuth_probabilities[row], azimuth) == []
        assert np.array_equal(read.vertices[row], meshes(1, index).vertices)
        assert np.allclose(read.textures[row] * 255, meshes(1, index).texture, atol=0.01)
    assert read.vertices.shape[1] == len(baseline.template.vertices)


def test_a_new_photograph_is_answered_with_what_looks_alike() -> None:
    held_out = photographs(HELD_OUT_SEED, np.arange(60), SIZE)
    baseline = NearestTraining(PerfectMasks(held_out), seed=1, count=1000)
    read = baseline.predict(held_out.images)
    errors = np.abs((read.cameras[:, 0] - held_out.cameras[:, 0] + 180) % 360 - 180)
    # Front and back look alike at 16 px; by chance an error would be 90 degrees.
    assert np.median(np.minimum(errors, 180 - errors)) < 15


def test_backgrounds_do_not_count() -> None:
    images = np.random.default_rng(0).integers(0, 255, (2, 20, 20, 3)).astype(np.uint8)
    masks = np.zeros((2, 20, 20), np.float32)
    masks[:, 5:15, 5:15] = 1
    images[1, 5:15, 5:15] = images[0, 5:15, 5:15]
    first, second = descriptors(images, masks)
    assert np.array_equal(first, second) and len(first) == 20 * 20 * 4
