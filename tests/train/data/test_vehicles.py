import time

import numpy as np
import pytest

from graphics import camera
from graphics.mesh import Template
from graphics.render import render
from train.data import vehicles
from train.data.vehicles import compiled, scene, shape, vehicle

MANY = 400


@pytest.fixture(scope="module")
def album():
    return vehicles.photographs(3, np.arange(MANY), 64)


def corner_views(azimuths, size=64):
    """The same vehicle from each azimuth, nominal distance, centred."""
    cameras = np.array([[a, 10, camera.NOMINAL_DISTANCE, 0, 0] for a in azimuths], np.float32)
    return vehicles.views(3, [7] * len(azimuths), cameras, size)


def test_shapes_types_and_ranges(album):
    assert album.images.shape == (MANY, 64, 64, 3) and album.images.dtype == np.uint8
    assert album.masks.shape == (MANY, 64, 64) and album.masks.dtype == np.uint8
    assert album.cameras.shape == (MANY, 5) and album.cameras.dtype == np.float32
    low, high = album.cameras.min(axis=0), album.cameras.max(axis=0)
    assert (low >= [0, 0, 5, -0.06, -0.06]).all() and (high <= [360, 30, 6.2, 0.061, 0.061]).all()
    # Uniform azimuth and elevation: every tenth of either is there.
    for column, most in ((camera.AZIMUTH, 360), (camera.ELEVATION, 30)):
        counts = np.histogram(album.cameras[:, column], 10, (0, most))[0]
        assert counts.min() > 0.5 * MANY / 10
    attributes = album.attributes
    assert set(attributes.kind) == set(range(len(vehicles.KINDS)))
    assert np.bincount(attributes.kind).min() > 0.12 * MANY
    assert 0.5 < attributes.roof_height.min() and attributes.roof_height.max() < 1.0
    assert 1.55 < attributes.length.min() and attributes.length.max() < 2.0
    assert attributes.paint.min() >= 0 and attributes.paint.max() <= 1


def test_an_image_depends_on_seed_and_index_alone(album):
    again = vehicles.photographs(3, [250, 3, 17], 64)
    for row, index in enumerate((250, 3, 17)):
        assert np.array_equal(again.images[row], album.images[index])
        assert np.array_equal(again.masks[row], album.masks[index])
        assert np.array_equal(again.cameras[row], album.cameras[index])
        assert again.attributes.length[row] == album.attributes.length[index]
    other = vehicles.photographs(4, [3], 64)
    assert not np.array_equal(other.images[0], album.images[3])
    assert len({image.tobytes() for image in album.images}) == MANY
    assert vehicles.photographs(3, [], 64).images.shape == (0, 64, 64, 3)


def test_the_object_is_never_cut_off_and_never_tiny(album):
    edges = np.concatenate(
        [album.masks[:, 0], album.masks[:, -1], album.masks[:, :, 0], album.masks[:, :, -1]], axis=1
    )
    assert edges.max() == 0
    coverage = album.masks.mean(axis=(1, 2)) / 255
    assert coverage.min() > 0.025 and coverage.max() < 0.5


def test_views_show_the_photographed_object_itself(album):
    indices = np.arange(20)
    same = vehicles.views(3, indices, album.cameras[:20], 64)
    assert np.array_equal(same.images, album.images[:20])
    assert np.array_equal(same.masks, album.masks[:20])


def test_views_keep_light_and_surroundings_while_the_camera_turns():
    turned = corner_views([0, 90, 180, 270])
    # Far from the object and its shadow, at one elevation, nothing changes.
    sky = turned.images[:, :8].astype(int)
    assert turned.masks[:, :8].max() == 0
    assert np.abs(sky - sky[:1]).max() <= 1
    assert (turned.attributes.paint == turned.attributes.paint[0]).all()


def test_front_and_rear_differ_and_the_outline_is_mirror_symmetric():
    front, rear, left, right = range(4)
    seen = corner_views([0, 180, 90, 270], 128)
    colours = [image[mask == 255] for image, mask in zip(seen.images, seen.masks, strict=True)]
    red = [((c[:, 0] > 130) & (c[:, 1] < 70) & (c[:, 2] < 70)).mean() for c in colours]
    assert red[rear] > red[front] + 0.005  # tail lamps
    assert np.abs(seen.masks[front].astype(int) - seen.masks[front, :, ::-1]).mean() < 2
    assert np.abs(seen.masks[left].astype(int) - seen.masks[right, :, ::-1]).mean() < 2
    assert np.abs(seen.masks[left].astype(int) - seen.masks[left, :, ::-1]).mean() > 4


def test_meshes_are_closed_outward_and_centred():
    for index in range(40):
        mesh = vehicles.meshes(5, index)
        edges = np.concatenate([mesh.faces[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
        directed = {tuple(edge) for edge in edges.tolist()}
        # Closed and consistently wound: each edge once, and once the other way round.
        assert len(directed) == len(edges)
        assert all((b, a) in directed for a, b in directed)
        corners = mesh.vertices[mesh.faces].astype(np.float64)
        volumes = np.einsum("fi,fi->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
        for part in (shape.BODY, shape.CABIN, shape.WHEEL):
            assert volumes[shape.FACE_PARTS == part].sum() > 0
        low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
        assert np.abs(low + high).max() < 0.05 and np.abs(mesh.vertices).max() <= 1
        truth = vehicles.photographs(5, [index], 64).attributes
        assert np.isclose(high[1] - low[1], truth.roof_height[0], atol=1e-3)
        assert np.isclose(high[2] - low[2], truth.length[0], atol=1e-3)


def test_the_graphics_renderer_shows_the_mesh_where_the_photograph_has_it(album):
    for index in range(12):
        mesh = vehicles.meshes(3, index)
        template = Template(
            mesh.vertices, mesh.faces, mesh.uvs, np.arange(len(mesh.vertices), dtype=np.int32),
            np.zeros((0, 2), np.int32), np.zeros((0, 2), np.int32),
        )  # fmt: skip
        texture = mesh.texture[None].astype(np.float32) / 255
        rendered = render(
            mesh.vertices[None], texture, album.cameras[index : index + 1], template, 64, samples=2
        )
        truth = album.masks[index].astype(np.float32) / 255
        assert np.abs(rendered.masks[0] - truth).sum() < 0.01 * truth.sum()
        # The same colours but for light: what is dark in one is dark in the other.
        inside = truth == 1
        lit = album.images[index][inside].mean(axis=1)
        unlit = rendered.images[0][inside].mean(axis=1)
        assert np.corrcoef(lit, unlit)[0, 1] > 0.6


def test_photographs_at_other_sizes_show_the_same(album):
    large = vehicles.photographs(3, np.arange(4), 256)
    small = vehicles.photographs(3, np.arange(4), 32)
    for pictures, factor in ((large.images, 4), (small.images, 0.5)):
        side = min(64, int(64 * factor))

        def shrink(images, side=side):
            step = images.shape[1] // side
            return images.reshape(4, side, step, side, step, 3).mean(axis=(2, 4))

        assert np.abs(shrink(pictures) - shrink(album.images[:4])).mean() < 6


def test_the_held_out_seed_gives_other_vehicles(album):
    held_out = vehicles.photographs(vehicles.HELD_OUT_SEED, np.arange(MANY), 32)
    assert not set(held_out.attributes.length.tolist()) & set(album.attributes.length.tolist())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: vehicles.photographs(1, [0.5]), "integers"),
        (lambda: vehicles.photographs(1, [[1]]), "integers"),
        (lambda: vehicles.photographs(1, [-1]), "0 or more"),
        (lambda: vehicles.photographs(1, [1], 4), "size is 4"),
        (lambda: vehicles.views(1, [1, 2], np.zeros((1, 5), np.float32)), "1 cameras for 2"),
        (lambda: vehicles.views(1, [1], np.zeros((1, 4), np.float32)), r"\[B, 5\]"),
    ],
)
def test_wrong_arguments_are_refused_with_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_every_field_of_a_vehicle_and_its_scene_is_sampled():
    # Records start with what cannot be a sampled value: none of it may be left.
    bodies, scenes = np.zeros(50, vehicle.VEHICLE), np.zeros(50, scene.SCENE)
    for records in (bodies, scenes):
        for name, (kind, *_) in records.dtype.fields.items():
            if kind.base == np.float64:
                records[name] = np.nan
    compiled.sample_records(1, np.arange(50), bodies, scenes)
    for records in (bodies, scenes):
        for name in records.dtype.names:
            assert np.isfinite(records[name].astype(np.float64)).all(), name


def test_photographs_are_quick_enough():
    # 1,000 a second on a free core; a busy machine must not fail the suite for it.
    vehicles.photographs(1, np.arange(8), 64)
    rates = []
    for _ in range(3):
        start = time.process_time()
        vehicles.photographs(1, np.arange(300), 64)
        rates.append(300 / (time.process_time() - start))
    assert max(rates) > 400


def test_parts_of_mixtures_come_from_their_own_vehicles():
    own, other = np.array([3, 11, 20]), np.array([8, 2, 31])
    cameras = np.array([[40, 10, 5, 0, 0], [200, 5, 5.5, 0.03, 0], [310, 25, 6, 0, 0]], np.float32)
    as_they_are = vehicles.views(3, own, cameras)
    again = vehicles.mixtures(3, vehicles.Mixed(own, own, own), cameras)
    assert all(map(np.array_equal, as_they_are[:3], again[:3]))
    painted = vehicles.mixtures(3, vehicles.Mixed(own, other, own), cameras)
    assert np.array_equal(painted.masks, as_they_are.masks)
    assert np.array_equal(painted.attributes.paint, vehicles.views(3, other, cameras)[3].paint)
    around = as_they_are.masks == 0
    assert np.array_equal(painted.images[around], as_they_are.images[around])
    assert (painted.images != as_they_are.images).any(axis=(1, 2, 3)).all()
    moved = vehicles.mixtures(3, vehicles.Mixed(own, own, other), cameras)
    assert np.array_equal(moved.masks, as_they_are.masks)
    assert (moved.images[around] != as_they_are.images[around]).mean() > 0.9
    shaped = vehicles.mixtures(3, vehicles.Mixed(other, own, own), cameras)
    assert np.array_equal(shaped.masks, vehicles.views(3, other, cameras).masks)


def test_mixtures_want_as_many_of_everything():
    two = np.array([1, 2])
    with pytest.raises(ValueError, match="2, 1 and 2 indices, 2 cameras; give as many of each"):
        vehicles.mixtures(3, vehicles.Mixed(two, two[:1], two), np.full((2, 5), 5.0))
