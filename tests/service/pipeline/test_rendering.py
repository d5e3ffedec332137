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
    rendered = np.asarray(image_of(answer.json()["images"][0]))
    assert rendered.shape == (64, 64, 3)
    assert np.all(rendered[0, 0] == 255)
    middle = rendered[32, 32].astype(int)
    assert middle[0] > middle[1] + 20


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reconstruction": None}, "invalid_request"),
        ({"reconstruction": {}}, "invalid_request"),
        ({"reconstruction": {"id": "a", "seed": 1}}, "invalid_request"),
        ({"reconstruction": {"id": "0" * 32}}, "unknown_id"),
        ({"reconstruction": {"seed": -1}}, "invalid_request"),
        ({"camera": {"seed": 1}, "turntable": {}}, "invalid_request"),
        ({"turntable": {"frames": 1}}, "invalid_request"),
        ({"turntable": {"frames": 65}}, "too_many_cameras"),
        ({"turntable": {"frames": 33}, "renderer": ["graphics", "gan"]}, "too_many_cameras"),
        ({"renderer": ["gan", "gan"]}, "invalid_request"),
        ({"renderer": []}, "invalid_request"),
        ({"renderer": "both"}, "invalid_request"),
        ({"renderer": "neural"}, "no_such_renderer"),
        ({"turntable": {}, "interpolation": {"to": {"seed": 1}}}, "invalid_request"),
        ({"interpolation": {"to": {"seed": 1}, "parts": []}}, "invalid_request"),
        ({"turntable": {}, "animation": {"format": "webp"}, "size": 1024}, "animation_too_large"),
        ({"reconstruction": {"npz": "!!"}}, "not_base64"),
        ({"reconstruction": {"image": "\u00e9"}}, "not_base64"),
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


def rendered(client, **fields):
    answer = client.post("/v1/render", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def red(client):
    (entry,) = post(client, jpeg(colour=(150, 0, 0)), format="npz").json()["images"]
    return entry


def test_an_id_names_what_the_npz_holds(client, red):
    by_id = rendered(client, reconstruction={"id": red["id"]})
    by_npz = rendered(client, reconstruction={"npz": red["mesh"]["data"]})
    assert by_id["images"] == by_npz["images"]
    assert by_id["cameras"] == by_npz["cameras"]


def test_a_seed_is_a_sample_and_the_same_one_again(client):
    first, again, other = (
        rendered(client, reconstruction={"seed": seed}, renderer=["graphics", "gan"])
        for seed in (3, 3, 4)
    )
    assert first["images"] == again["images"]
    assert first["more_images"] == again["more_images"]
    assert first["cameras"] == again["cameras"] != other["cameras"]
    assert first["images"] != other["images"]
    assert 0 <= first["cameras"][0]["elevation_degrees"] <= 30


def test_the_camera_can_come_from_another_photograph(client, reconstruction, red):
    own, others = (
        rendered(client, reconstruction=reconstruction, **fields)["cameras"][0]
        for fields in ({}, {"camera": {"id": red["id"]}})
    )
    assert others["azimuth_degrees"] == pytest.approx(red["camera"]["azimuth_degrees"])
    assert others["azimuth_degrees"] != pytest.approx(own["azimuth_degrees"])


def test_texture_and_shape_are_swapped(client, reconstruction, red):
    long = {"image": text64(png(draw_long()))}
    plain = rendered(client, reconstruction=reconstruction)
    texture = rendered(client, reconstruction=reconstruction, texture={"id": red["id"]})
    shape = rendered(client, reconstruction=reconstruction, shape=long)
    assert plain["cameras"] == texture["cameras"] == shape["cameras"]
    before, recoloured, reshaped = (
        np.asarray(image_of(answer["images"][0])).astype(int) for answer in (plain, texture, shape)
    )
    np.testing.assert_array_equal(before[..., 3], recoloured[..., 3])
    assert recoloured[128, 128, 0] > recoloured[128, 128, 1] + 15
    np.testing.assert_allclose(before[128, 128], reshaped[128, 128], atol=1)
    assert (reshaped[..., 3] > 127).sum() < 0.9 * (before[..., 3] > 127).sum()


def draw_long():
    """It covers less of its square than others."""
    image = Image.new("RGB", (120, 90), (240, 240, 240))
    image.paste((90, 30, 30), (10, 41, 110, 49))
    return image


def test_both_renderers_draw_the_same_cameras(client, red):
    cameras = [{"azimuth_degrees": azimuth} for azimuth in (0, 90)]
    fields = {"reconstruction": {"id": red["id"]}, "cameras": cameras}
    both = rendered(client, renderer=["graphics", "gan"], **fields)
    assert both["size"] == RESOLUTION
    assert both["more_images"]["gan"] == rendered(client, renderer="gan", **fields)["images"]
    assert [image_of(text).size for text in both["images"]] == [(RESOLUTION, RESOLUTION)] * 2
    assert np.asarray(image_of(both["images"][0])).shape[2] == 3  # before the background, as gan


def test_a_turntable_is_once_around(client, red):
    answer = rendered(
        client, reconstruction={"id": red["id"]}, turntable={"frames": 4, "start_degrees": 45}
    )
    assert [view["azimuth_degrees"] for view in answer["cameras"]] == [45, 135, -135, -45]
    assert len(set(answer["images"])) >= 2


@pytest.mark.parametrize(
    ("form", "kind", "size"),
    [("strip", "PNG", (6 * 64, 64)), ("webp", "WEBP", (64, 64)), ("gif", "GIF", (64, 64))],
)
def test_a_turntable_is_one_file_when_asked(client, red, form, kind, size):
    fields = {
        "reconstruction": {"id": red["id"]}, "turntable": {"frames": 6}, "size": 64,
        "animation": {"format": form},
    }  # fmt: skip
    answer = rendered(client, **fields)
    assert answer["images"] == []
    picture = image_of(answer["animation"]["data"])
    assert (picture.format, picture.size) == (kind, size)
    raw = client.post(
        "/v1/render", json=fields, headers={"accept": answer["animation"]["media_type"]}
    )
    assert raw.headers["content-type"] == answer["animation"]["media_type"]
    assert text64(raw.content) == answer["animation"]["data"]


def test_both_renderers_stand_side_by_side_in_an_animation(client, red):
    answer = rendered(
        client,
        reconstruction={"id": red["id"]},
        turntable={"frames": 3},
        animation={"format": "strip"},
        renderer=["graphics", "gan"],
        size=64,
    )
    strip = np.asarray(image_of(answer["animation"]["data"]))
    assert strip.shape == (64, 3 * 128, 3)


def test_an_interpolation_goes_from_one_end_to_the_other(client, reconstruction, red):
    steps = rendered(
        client,
        reconstruction=reconstruction,
        interpolation={"to": {"id": red["id"]}, "steps": 5},
    )
    start = rendered(client, reconstruction=reconstruction)
    end = rendered(client, reconstruction={"id": red["id"]})
    assert steps["images"][0] == start["images"][0]
    assert steps["images"][-1] == end["images"][0]
    azimuths = [view["azimuth_degrees"] for view in steps["cameras"]]
    np.testing.assert_allclose(np.diff(azimuths, 2), 0, atol=1e-3)
    greens = [np.asarray(image_of(text))[128, 128, 1].astype(int) for text in steps["images"]]
    assert greens == sorted(greens, reverse=True)
    assert greens[0] > greens[-1]


def test_only_the_parts_named_change_on_the_way(client, reconstruction, red):
    steps = rendered(
        client,
        reconstruction=reconstruction,
        interpolation={"to": {"id": red["id"]}, "steps": 3, "parts": ["texture"]},
    )
    alphas = [np.asarray(image_of(text))[..., 3] for text in steps["images"]]
    np.testing.assert_array_equal(alphas[0], alphas[2])
    assert steps["cameras"][0] == steps["cameras"][2]
    assert steps["images"][0] != steps["images"][2]


def test_one_picture_comes_as_a_file_when_accepted(client, red):
    fields = {"reconstruction": {"id": red["id"]}}
    answer = client.post("/v1/render", json=fields, headers={"accept": "image/png"})
    assert answer.headers["content-type"] == "image/png"
    assert text64(answer.content) == rendered(client, **fields)["images"][0]
    two = {**fields, "cameras": [{"azimuth_degrees": 0}] * 2}
    refused = client.post("/v1/render", json=two, headers={"accept": "image/png"})
    assert refused.status_code == 406
