import numpy as np
import pytest

from train.data import road_vehicles, vehicles
from train.data.road_vehicles import compiled, kinds, light, photography, shape, vehicle
from train.data.vehicles import scene, visibility

MANY = 150


@pytest.fixture(scope="module")
def album():
    return road_vehicles.photographs(3, np.arange(MANY), 64)


def records_of(seed, count):
    records = tuple(np.zeros(count, kind) for kind in (vehicle.VEHICLE, light.LIGHT, scene.SCENE))
    compiled.sample_records(seed, np.arange(count), records)
    return records


def photograph(records, cameras, size):
    """Images and masks of records, some of which a test has changed."""
    count = len(cameras)
    images = np.empty((count, size, size, 3), np.uint8)
    masks = np.empty((count, size, size), np.uint8)
    buffers = visibility.studio(photography.SAMPLES * size, shape.FACES, shape.VERTICES)
    compiled.take(records, cameras.copy(), buffers, photography.desk(), (images, masks))
    return images, masks


def test_shapes_types_and_ranges(album):
    assert album.images.shape == (MANY, 64, 64, 3) and album.images.dtype == np.uint8
    assert album.masks.shape == (MANY, 64, 64) and album.masks.dtype == np.uint8
    assert album.cameras.shape == (MANY, 5) and album.cameras.dtype == np.float32
    assert album.kinds.shape == (MANY,) and album.kinds.dtype == np.int32
    low, high = album.cameras.min(axis=0), album.cameras.max(axis=0)
    assert (low >= [0, -2, 4.89, -0.061, -0.061]).all()
    assert (high <= [360, 30, 6.21, 0.061, 0.061]).all()
    assert set(np.unique(album.masks)) <= {0, 64, 128, 191, 255}  # four samples per pixel


def test_photographs_that_follow_each_other_can_be_of_one_vehicle_from_two_cameras(album):
    pairs = road_vehicles.photographs(3, np.arange(10, 18), 64, per_vehicle=2)
    np.testing.assert_array_equal(pairs.kinds, album.kinds[5:9].repeat(2))
    cameras = road_vehicles.photographs(3, np.arange(10, 18), 64).cameras
    np.testing.assert_array_equal(pairs.cameras[:, :3], cameras[:, :3])
    assert len(np.unique(pairs.cameras[:, 0])) == 8


def test_cameras_come_from_all_sides_and_mostly_from_eye_level():
    cameras = np.empty((4000, 5), np.float32)
    compiled.sample_cameras(3, np.arange(4000), cameras)
    assert np.histogram(cameras[:, 0], 10, (0, 360))[0].min() > 300
    elevations = cameras[:, 1]
    assert elevations.min() < 0 and elevations.max() > 29
    assert 0.6 < ((elevations >= 0) & (elevations < 15)).mean() < 0.85


def test_every_kind_appears_as_often_as_it_should(album):
    assert set(album.kinds) == set(range(len(road_vehicles.KINDS)))
    count = 4000
    shares = np.bincount(records_of(5, count)[0]["kind"], minlength=len(vehicle.SHARES)) / count
    assert np.isclose(vehicle.SHARES.sum(), 1)
    assert np.abs(shares - vehicle.SHARES).max() < 0.025


def test_every_style_appears():
    bodies = records_of(5, 3000)[0]
    for name, count in (
        ("lamps", kinds.LAMPS), ("grille", kinds.GRILLES), ("tails", kinds.TAILS),
        ("hub_style", kinds.HUBS), ("roof_load", kinds.NO_LOAD + 1), ("soft_top", 2),
        ("windows", 2), ("rear_window", 2), ("front_plate", 2), ("glass_frame", 2),
    ):  # fmt: skip
        assert set(bodies[name]) == set(range(count)), name
    one_door = bodies["post_one"] == kinds.NO_POST
    assert set(bodies["kind"][one_door]) == {
        kinds.COUPE, kinds.SUPERCAR, kinds.BOX_VAN, kinds.LORRY
    }  # fmt: skip


def test_every_field_of_a_vehicle_and_its_light_is_sampled():
    # Records start with what cannot be a sampled value: none of it may be left.
    count = 60
    records = tuple(np.zeros(count, kind) for kind in (vehicle.VEHICLE, light.LIGHT, scene.SCENE))
    for one in records:
        for name, (kind, *_) in one.dtype.fields.items():
            if kind.base == np.float64:
                one[name] = np.nan
            elif kind == np.int32:
                one[name] = -7
    compiled.sample_records(1, np.arange(count), records)
    for one in records:
        for name, (kind, *_) in one.dtype.fields.items():
            assert np.isfinite(one[name].astype(np.float64)).all(), name
            assert kind != np.int32 or (one[name] >= 0).all(), name


def test_an_image_depends_on_seed_and_index_alone(album):
    again = road_vehicles.photographs(3, [120, 3, 17], 64)
    for row, index in enumerate((120, 3, 17)):
        for mine, others in zip(again, album, strict=True):
            assert np.array_equal(mine[row], others[index])
    assert len({image.tobytes() for image in album.images}) == MANY
    assert road_vehicles.photographs(3, [], 64).images.shape == (0, 64, 64, 3)


def test_the_held_out_seed_gives_other_vehicles():
    assert road_vehicles.HELD_OUT_SEED == vehicles.HELD_OUT_SEED
    held_out = records_of(road_vehicles.HELD_OUT_SEED, 500)[0]["length"]
    for seed in range(4):
        assert not set(held_out) & set(records_of(seed, 500)[0]["length"])


def test_vehicles_fill_a_fair_share_of_the_picture(album):
    assert album.masks[:, [0, -1]].max() == 0
    assert (album.masks[:, :, [0, -1]].max(axis=(1, 2)) > 0).mean() < 0.15
    coverage = album.masks.mean(axis=(1, 2)) / 255
    assert coverage.min() > 0.03 and coverage.max() < 0.5


def test_masks_say_which_pixels_the_vehicle_changes(album):
    records = tuple(one[:20] for one in records_of(3, MANY))
    images, masks = photograph(records, album.cameras[:20], 64)
    assert np.array_equal(images, album.images[:20])
    assert np.array_equal(masks, album.masks[:20])
    repainted = records[0].copy()
    for name, (kind, *_) in repainted.dtype.fields.items():
        if kind.shape == (3,):
            repainted[name] = 1.0 - 0.8 * np.clip(repainted[name], 0, 1)
    others, same = photograph((repainted, *records[1:]), album.cameras[:20], 64)
    assert np.array_equal(same, masks)
    changed = (others != images).any(axis=-1)
    assert not changed[masks == 0].any()
    assert changed[masks == 255].mean() > 0.9


def test_pictures_are_neither_dark_nor_blown_out_and_vary(album):
    means = album.images.mean(axis=(1, 2, 3))
    assert 110 < means.mean() < 160 and means.std() > 20
    inside = [image[mask == 255] for image, mask in zip(album.images, album.masks, strict=True)]
    levels = np.array([colours.mean() for colours in inside])
    assert 60 < levels.mean() < 140 and levels.std() > 20
    # Most vehicles have parts of quite different brightness: tyres, glass, paint, sky in it.
    assert np.median([colours.std() for colours in inside]) > 30
    blown_out = np.mean([(colours > 250).mean() for colours in inside])
    assert blown_out < 0.05


def test_pictures_at_other_sizes_show_the_same(album):
    large = road_vehicles.photographs(3, np.arange(6), 256)
    shrunk = large.images.reshape(6, 64, 4, 64, 4, 3).mean(axis=(2, 4))
    assert np.abs(shrunk - album.images[:6]).mean() < 6
    assert np.abs(large.masks.mean(axis=(1, 2)) - album.masks[:6].mean(axis=(1, 2))).max() < 1
    assert np.array_equal(large.cameras, album.cameras[:6])
    assert road_vehicles.photographs(3, [1], 8).images.shape == (1, 8, 8, 3)


@pytest.mark.parametrize(
    ("indices", "size", "message"),
    [
        ([0.5], 64, "integers"),
        ([[1]], 64, "integers"),
        (1, 64, "integers"),
        ([2, -1], 64, "0 or more"),
        ([1], 7, "size is 7"),
        ([1], 1025, "size is 1025"),
    ],
)
def test_wrong_arguments_are_refused_with_what_is_allowed(indices, size, message):
    with pytest.raises(ValueError, match=message):
        road_vehicles.photographs(1, indices, size)


def test_nothing_is_compiled_twice():
    for indices in ([], [1], np.arange(2, dtype=np.uint8), np.arange(9)[::3]):
        for size in (16, 33):
            road_vehicles.photographs(road_vehicles.HELD_OUT_SEED, indices, size)
    for entry_point in (compiled.sample_records, compiled.sample_cameras, compiled.take):
        assert len(entry_point.signatures) == 1
