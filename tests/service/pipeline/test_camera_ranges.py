"""Cameras that the training of the bundle has not seen."""

import dataclasses
import shutil

import numpy as np
import pytest

from service.model import bundle
from tests.service.conftest import open_client
from tests.service.pipeline.test_editing import edit

RANGES = {"elevation_degrees": [0.0, 30.0], "distance": [4.2, 6.0]}
FLAG = ["extrapolated_camera"]


@pytest.fixture(scope="module")
def ranged_client(bundle_folder, tmp_path_factory):
    folder = shutil.copytree(bundle_folder, tmp_path_factory.mktemp("bundles") / "ranged")
    manifest = dataclasses.replace(bundle.load(folder).manifest, camera_ranges=RANGES)
    bundle.write_manifest(folder, manifest)
    with open_client(folder) as opened:
        yield opened


def render(client, **path):
    return client.post("/v1/render", json={"reconstruction": {"seed": 1}, "size": 32, **path})


def test_a_model_that_states_no_ranges_flags_nothing(client):
    assert "camera_ranges" not in client.get("/v1/model").json()["manifest"]
    views = [{"azimuth_degrees": 0, "elevation_degrees": 80, "distance": 40}]
    assert render(client, cameras=views).json()["quality_flags"] == [[]]


@pytest.mark.parametrize("renderer", ["graphics", ["graphics", "gan"]])
def test_every_picture_says_whether_its_camera_is_beyond_what_training_saw(ranged_client, renderer):
    views = [
        {"azimuth_degrees": 215, "elevation_degrees": 15},
        {"azimuth_degrees": 0, "elevation_degrees": 45},
        {"azimuth_degrees": 0, "elevation_degrees": -5},
        {"azimuth_degrees": 0, "elevation_degrees": 30, "distance": 6},
        {"azimuth_degrees": 0, "distance": 12},
        {"azimuth_degrees": 0, "distance": 3, "offset": [0.5, 0]},
        {"azimuth_degrees": 0, "offset": [0.5, 0]},
    ]
    answer = render(ranged_client, cameras=views, renderer=renderer).json()
    assert answer["quality_flags"] == [[], FLAG, FLAG, [], FLAG, FLAG, []]


def test_so_do_the_pictures_of_turns_and_of_ways_to_another_object(ranged_client):
    turntable = {"frames": 3, "elevation_degrees": 50}
    assert render(ranged_client, turntable=turntable).json()["quality_flags"] == [FLAG] * 3
    film = {"turntable": {"frames": 3}, "animation": {"format": "strip"}}
    assert render(ranged_client, **film).json()["quality_flags"] == [[]] * 3
    way = {"interpolation": {"to": {"seed": 2}, "steps": 4}, "camera": {"seed": 1}}
    answer = render(ranged_client, **way).json()
    found = [FLAG if view["distance"] > 6 else [] for view in answer["cameras"]]
    assert answer["quality_flags"] == found and len(found) == 4


def test_an_edit_says_so_of_the_new_photograph(ranged_client):
    assert edit(ranged_client, {"turn_degrees": 30}).json()["quality_flags"] == []
    far = {"camera": {"azimuth_degrees": 0, "distance": 20}}
    assert edit(ranged_client, far).json()["quality_flags"] == FLAG
    assert ranged_client.get("/v1/model").json()["manifest"]["camera_ranges"] == RANGES


def test_a_range_may_be_stated_of_one_number_alone(loaded_bundle):
    high = {"camera_ranges": {"elevation_degrees": [10, 20]}}
    manifest = dataclasses.replace(loaded_bundle.manifest, **high)
    row = np.array([0, 15, 50, 0, 0], np.float32)
    assert not manifest.extrapolates(row)
    row[1] = np.nan
    assert manifest.extrapolates(row)
