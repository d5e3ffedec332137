import numpy as np
import pytest
from PIL import Image

from tests.service.requests import image_of, jpeg, png, post, text64
from tests.service.small_bundle import RESOLUTION


@pytest.fixture(scope="module")
def reconstruction(client):
    """The npz of a photograph."""
    (entry,) = post(client, jpeg(), format="npz").json()["images"]
    return {"npz": entry["mesh"]["data"]}


@pytest.mark.parametrize("renderer", ["graphics", "gan"])
def test_an_object_is_drawn_from_every_camera(client, reconstruction, renderer):
    cameras = [{"azimuth_degrees": a, "elevation_degrees": 10} for a in (0, 90, 180)]
    answer = client.post(
        "/v1/render",
        json={"reconstruction": reconstruction, "cameras": cameras, "renderer": renderer},
    )
    assert answer.status_code == 200
    body = answer.json()
    side = 256 if renderer == "graphics" else RESOLUTION
    assert [image_of(png).size for png in body["images"]] == [(side, side)] * 3
    assert body["size"] == side
    assert body["cameras"][1] == {
        "azimuth_degrees": 90, "elevation_degrees": 10, "distance": 5, "offset": [0, 0],
    }  # fmt: skip


def test_the_camera_of_the_photograph_is_the_default(client, reconstruction):
    answer = client.post("/v1/render", json={"reconstruction": reconstruction}).json()
    assert len(answer["images"]) == 1
    assert answer["cameras"][0]["elevation_degrees"] == 10
    preview = post(client, jpeg(), preview="true").json()["images"][0]["preview"]
    difference = np.abs(
        np.asarray(image_of(preview)).astype(int) - np.asarray(image_of(answer["images"][0]))
    )
    assert difference.max() <= 1  # the npz holds the texture in 8 bits


def test_shape_texture_and_background_come_from_where_they_are_asked(client, reconstruction):
    red = {"image": text64(jpeg(colour=(150, 0, 0)))}
    white = {"image": text64(png(Image.new("RGB", (50, 50), "white")))}
    answer = client.post(
        "/v1/render",
        json={"shape": reconstruction, "texture": red, "background": white, "size": 64},
    )
    assert answer.status_code == 200
    drawn = np.asarray(image_of(answer.json()["images"][0]))
    assert drawn.shape == (64, 64, 3)
    assert np.all(drawn[0, 0] == 255)
    middle = drawn[32, 32].astype(int)
    assert middle[0] > middle[1] + 20


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reconstruction": None}, "invalid_request"),
        ({"reconstruction": {}}, "invalid_request"),
        ({"reconstruction": {"npz": "!!"}}, "not_base64"),
        ({"reconstruction": {"npz": text64(b"junk")}}, "unreadable_npz"),
        ({"reconstruction": {"image": text64(b"junk")}}, "unsupported_format"),
        ({"cameras": []}, "invalid_request"),
        ({"cameras": [{"azimuth_degrees": 1e6}]}, "invalid_request"),
        ({"cameras": [{"azimuth_degrees": 0, "distance": 0}]}, "invalid_request"),
        ({"cameras": [{"azimuth_degrees": 0}] * 65}, "too_many_cameras"),
        ({"size": 5000}, "invalid_request"),
        ({"renderer": "gan", "size": 500}, "wrong_size"),
        ({"surprise": 1}, "invalid_request"),
    ],
)
def test_a_render_request_that_makes_no_sense_is_refused(client, reconstruction, change, code):
    answer = client.post("/v1/render", json={"reconstruction": reconstruction, **change})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"cameras": NaN}', b"\xff"])
def test_a_body_that_is_not_our_json_is_refused(client, content):
    headers = {"content-type": "application/json"}
    answer = client.post("/v1/render", content=content, headers=headers)
    assert answer.status_code == 422


def test_a_pickle_is_not_looked_at(client):
    headers = {"content-type": "application/vnd.bentoml+pickle"}
    assert client.post("/v1/render", content=b"x", headers=headers).status_code == 415


def test_a_json_body_has_its_own_limit(client):
    headers = {"content-type": "application/json"}
    answer = client.post("/v1/render", content=b" " * (2 << 20), headers=headers)
    assert answer.status_code == 413
