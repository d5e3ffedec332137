import numpy as np
import pytest

from graphics.camera import AZIMUTH
from service.pipeline.archive import Archive
from service.pipeline.samples import mix
from service.pipeline.scenes import Scene, blend, turn
from service.schemas.rendering import Interpolation, Turntable


def scene(azimuth, value):
    return Scene(
        np.full((4, 3), value, np.float32),
        np.full((2, 2, 3), value / 10, np.float32),
        np.full((8, 8, 3), 10 * value, np.uint8),
        np.array([azimuth, 10, 5, 0, 0], np.float32),
    )


@pytest.mark.parametrize(("first", "last"), [(170, -170), (-170, 170), (10, 40), (350, 10)])
def test_the_azimuth_goes_the_shorter_way(first, last):
    path = Interpolation.model_validate({"to": {"seed": 0}, "steps": 5})
    azimuths = [one.camera[AZIMUTH] for one in blend(scene(first, 0), scene(last, 10), path)]
    assert azimuths[0] == first
    assert (azimuths[-1] - last) % 360 == pytest.approx(0, abs=1e-3)
    assert np.max(np.abs(np.diff(azimuths))) < 15


def test_every_part_is_halfway_in_the_middle():
    path = Interpolation.model_validate({"to": {"seed": 0}, "steps": 3})
    middle = blend(scene(0, 0), scene(20, 10), path)[1]
    assert np.all(middle.vertices == 5)
    assert np.allclose(middle.texture, 0.5)
    assert np.all(middle.background == 50)
    assert middle.background.dtype == np.uint8
    assert middle.camera[AZIMUTH] == 10


def test_a_turn_never_shows_one_view_twice():
    rows = turn(Turntable(frames=24, start_degrees=-350, elevation_degrees=20, distance=6))
    azimuths = np.array([row[AZIMUTH] for row in rows])
    assert azimuths[0] == pytest.approx(10)
    assert len(set(np.round(azimuths, 3))) == 24
    assert all(tuple(row[1:]) == (20, 6, 0, 0) for row in rows)


def test_a_seed_mixes_shapes_and_chooses_the_rest():
    archives = [
        Archive(
            np.full((4, 3), value, np.float32),
            np.full((2, 2, 3), value, np.uint8),
            np.full((8, 8, 3), value, np.uint8),
            np.zeros(5, np.float32),
        )
        for value in (0, 1, 2)
    ]
    samples = [mix(archives, seed) for seed in range(40)]
    sizes = [sample.vertices[0, 0] for sample in samples]
    assert min(sizes) >= 0
    assert max(sizes) <= 2
    assert len(set(sizes)) == 40
    assert {int(sample.texture[0, 0, 0]) for sample in samples} == {0, 1, 2}
    assert {int(sample.background[0, 0, 0]) for sample in samples} == {0, 1, 2}
    azimuths = [sample.camera[AZIMUTH] for sample in samples]
    assert min(azimuths) < -90
    assert max(azimuths) > 90
