import numpy as np
import pytest

from graphics.camera import project
from graphics.mesh import Template
from graphics.render import render
from train.data import road_vehicles
from train.data.road_vehicles import boxes, compiled, kinds, material, outline, shape
from train.data.road_vehicles.light import LIGHT
from train.data.road_vehicles.vehicle import VEHICLE
from train.data.vehicles.caching import entry_points, sources_digest
from train.data.vehicles.counter import kernel
from train.data.vehicles.scene import SCENE

SEED, MANY = 8, 250
HEAD, TAIL = 7.0, -7.0  # colours that nothing else of a vehicle has
PARTS = [("hull", shape.FACE_PARTS == shape.HULL)]
PARTS += [
    (f"wheel {number}", np.isin(np.arange(len(shape.FACES)), faces))
    for number, faces in enumerate(
        np.array_split(np.flatnonzero(shape.FACE_PARTS == shape.WHEEL), 4)
    )
]
PARTS += [(f"box {box}", shape.FACE_PARTS == shape.BOX + box) for box in range(boxes.BOXES)]


@kernel
def paint(vehicle, table, parts, points, colours):
    line = np.empty(outline.LINES)
    for item in range(len(points)):
        material.surface(vehicle, table, parts[item], points[item], line, colours[item])


write_shape, write_colours = entry_points(sources_digest(compiled.SOURCES), shape.shape, paint)


@pytest.fixture(scope="module")
def bodies():
    records = tuple(np.zeros(MANY, kind) for kind in (VEHICLE, LIGHT, SCENE))
    compiled.sample_records(SEED, np.arange(MANY), records)
    assert set(records[0]["kind"]) == set(range(len(road_vehicles.KINDS)))
    return records[0]


def shaped(body):
    """Vertices [V, 3] in the canonical frame, the lines of the hull, the height of the origin."""
    vertices = np.full((shape.VERTICES, 3), np.nan)
    table = np.full((outline.STATIONS, outline.LINES), np.nan)
    middle = write_shape(body, table, vertices)
    assert np.isfinite(vertices).all() and np.isfinite(table).all()
    return vertices, table, middle


def test_every_part_is_closed_and_consistently_wound():
    assert shape.FACES.min() == 0 and shape.FACES.max() == shape.VERTICES - 1
    assert len(np.unique(shape.FACES)) == shape.VERTICES  # no vertex is without a face
    assert len(shape.FACE_PARTS) == len(shape.FACES)
    assert sum(chosen.sum() for _, chosen in PARTS) == len(shape.FACES)
    for name, chosen in PARTS:
        faces = shape.FACES[chosen]
        edges = np.concatenate([faces[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
        directed = {tuple(edge) for edge in edges.tolist()}
        assert len(directed) == len(edges), name
        assert all((b, a) in directed for a, b in directed), name


def test_every_part_encloses_a_volume_and_faces_outwards(bodies):
    for body in bodies:
        corners = shaped(body)[0][shape.FACES]
        for name, chosen in PARTS:
            part = corners[chosen]
            part = part - part.mean(axis=(0, 1))
            crosses = np.cross(part[:, 1], part[:, 2])
            assert np.einsum("fi,fi->", part[:, 0], crosses) > 0, (name, body["kind"])


def test_boxes_are_there_where_the_vehicle_has_them(bodies):
    for body in bodies:
        vertices = shaped(body)[0][shape.BOX_START :].reshape(boxes.BOXES, boxes.CORNERS, 3)
        there = np.ptp(vertices, axis=1).max(axis=1) > 1e-3
        cargo = body["kind"] in (kinds.BOX_VAN, kinds.LORRY)
        roadster = body["kind"] == kinds.ROADSTER
        assert there[boxes.CARGO] == cargo
        assert there[boxes.LEFT_MIRROR] == there[boxes.RIGHT_MIRROR] == (body["mirror"] > 0)
        assert there[boxes.SCREEN] == roadster
        assert there[boxes.LEFT_SEAT] == there[boxes.RIGHT_SEAT] == roadster
        assert there[boxes.SPOILER] == (body["spoiler"] > 0)
        assert there[boxes.ROOF_LOAD] == (body["roof_load"] < kinds.NO_LOAD)


def test_vehicles_are_mirror_symmetric(bodies):
    for body in bodies:
        vertices = np.round(shaped(body)[0], 9) + 0.0
        mirrored = vertices * [-1, 1, 1] + 0.0
        ordered, others = (points[np.lexsort(points.T)] for points in (vertices, mirrored))
        assert np.allclose(ordered, others, atol=1e-8), body["kind"]


def test_vehicles_stand_on_the_road_in_the_middle_of_the_frame(bodies):
    for body in bodies:
        vertices, table, middle = shaped(body)
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        assert np.isclose(low[1], -middle) and np.isclose(high[1], middle)
        wheels = vertices[shape.WHEEL_START : shape.BOX_START].reshape(4, -1, 3)
        assert np.allclose(wheels[:, :, 1].min(axis=1), -middle)  # each wheel touches the road
        hull = vertices[: shape.WHEEL_START]
        assert hull[:, 1].min() > -middle + 0.03
        ends = hull[:, 2].min(), hull[:, 2].max()
        assert np.allclose(ends, [-0.5 * body["length"], 0.5 * body["length"]])
        assert (np.diff(table[:, outline.Z]) <= 0).all()
        # Front wheels are in front, on either side.
        assert (np.sign(wheels[:, :, 0].mean(axis=1)) == [1, 1, -1, -1]).all()
        assert (np.sign(wheels[:, :, 2].mean(axis=1)) == [1, -1, 1, -1]).all()
        assert np.abs(vertices).max() < 1.25


def coloured(body, random):
    """Points [N, 3] all over the vehicle, in its own frame, and their colours [N, 5]."""
    vertices, table, middle = shaped(body)
    weights = random.dirichlet(np.ones(3), (4, len(shape.FACES)))
    points = np.einsum("nfc,fci->nfi", weights, vertices[shape.FACES]).reshape(-1, 3)
    points[:, 1] += middle
    colours = np.full((len(points), 5), np.nan)
    write_colours(body, table, np.tile(shape.FACE_PARTS, 4), points, colours)
    return points, colours


def test_colours_are_in_range(bodies):
    random = np.random.default_rng(0)
    for body in bodies:
        colours = coloured(body, random)[1]
        assert np.isfinite(colours).all() and colours.min() >= 0
        assert colours[:, :3].max() <= max(1.35, body["lamp"].max())
        assert colours[:, 3].max() <= 1
        assert set(np.unique(colours[:, 4])) <= {0, 1}


def test_head_lamps_are_in_front_and_tail_lamps_behind(bodies):
    random = np.random.default_rng(1)
    marked = bodies.copy()
    marked["lamp"], marked["tail_lamp"] = HEAD, TAIL
    with_lamps, with_tails = [], []
    for body in marked:
        points, colours = coloured(body, random)
        heads, tails = colours[:, 0] > 2, colours[:, 0] < -2
        assert (points[heads, 2] > 0.3 * body["length"] - 0.2).all()
        assert (points[tails, 2] < -0.3 * body["length"]).all()
        with_lamps.append(heads.any())
        with_tails.append(tails.any())
        for lit in (points[heads, 0], points[tails, 0]):
            assert not len(lit) or (lit.min() < 0 < lit.max())  # one on either side
    assert np.mean(with_lamps) > 0.95 and np.mean(with_tails) > 0.95


def test_vehicles_have_glass_above_the_belt_and_paint(bodies):
    random = np.random.default_rng(2)
    for body in bodies:
        points, colours = coloured(body, random)
        glass = colours[:, 4] == 1
        assert glass.any() and glass.mean() < 0.5
        hull = np.tile(shape.FACE_PARTS, 4) == shape.HULL
        assert (points[glass & hull, 1] > body["belt"]).all()
        assert np.isclose(colours[:, :3], body["paint"]).all(axis=1).any()


def test_masks_show_the_mesh_where_the_camera_has_it(bodies):
    first = [np.flatnonzero(bodies["kind"] == kind)[0] for kind in range(len(kinds.KINDS))]
    album = road_vehicles.photographs(SEED, first, 64)
    assert (album.kinds == bodies["kind"][first]).all()
    uvs = np.zeros((len(shape.FACES), 3, 2), np.float32)
    texture = np.ones((1, 4, 4, 3), np.float32)
    for row, index in enumerate(first):
        vertices = shaped(bodies[index])[0].astype(np.float32)
        template = Template(
            vertices, shape.FACES, uvs, np.arange(shape.VERTICES, dtype=np.int32),
            np.zeros((0, 2), np.int32), np.zeros((0, 2), np.int32),
        )  # fmt: skip
        seen = render(
            vertices[None], texture, album.cameras[row : row + 1], template, 64, samples=2
        )
        truth = album.masks[row].astype(np.float32) / 255
        assert np.abs(seen.masks[0] - truth).sum() < 0.01 * truth.sum()


def test_offsets_push_no_vehicle_out_of_the_picture_and_few_are_too_long_for_it(bodies):
    cameras = road_vehicles.photographs(SEED, np.arange(MANY), 8).cameras
    centred = cameras * np.array([1, 1, 1, 0, 0], np.float32)
    cut_off = 0
    for body, *pair in zip(bodies, cameras, centred, strict=True):
        vertices = shaped(body)[0].astype(np.float32)
        as_taken, alone = (
            np.abs(project(vertices[None], camera[None]).vertices_image[0]).max(axis=0)
            for camera in pair
        )
        assert (as_taken <= np.maximum(alone, 0.98) + 1e-3).all()
        assert as_taken[1] < 0.98  # nothing above or below
        cut_off += as_taken[0] > 1
    assert 0 < cut_off < 0.06 * MANY
