import io
import json

import numpy as np
import pytest
from PIL import Image

from graphics.frames import FRAME, LARGEST_FILL
from tests.service.requests import image_of, jpeg, png, text64
from tests.service.small_bundle import RESOLUTION, draw_photograph


def edit(client, changes, content=None, headers=None, **files):
    parts = [("image", ("a.jpg", jpeg() if content is None else content))]
    parts += [(name, (f"{name}.png", file)) for name, file in files.items()]
    return client.post(
        "/v1/edit", files=parts, data={"changes": json.dumps(changes)}, headers=headers
    )


def test_the_camera_is_moved_around(client):
    answer = edit(client, {"turn_degrees": 30})
    assert answer.status_code == 200
    body = answer.json()
    assert image_of(body["image"]).size == (RESOLUTION, RESOLUTION)
    assert body["renderer"] == "gan"  # the bundle has no neural renderer
    before, after = body["camera_before"], body["camera"]
    assert after["azimuth_degrees"] == pytest.approx(before["azimuth_degrees"] + 30, abs=1e-4)
    assert after["elevation_degrees"] == before["elevation_degrees"]
    side = FRAME * np.sqrt(60 * 45)  # the object is so large, and in the middle of 120 x 90 px
    frame = {"left": 60 - side / 2, "top": 45 - side / 2, "side": side}
    assert body["frame"] == pytest.approx(frame, abs=3)
    again = {"reconstruction": {"id": body["id"]}, "renderer": "gan", "cameras": [after]}
    assert client.post("/v1/render", json=again).json()["images"] == [body["image"]]


def test_the_gan_comes_nearer_to_the_photograph_where_fidelity_asks_for_it(client):
    plain = {"turn_degrees": 0.001, "renderer": "gan"}
    red = jpeg(width=240, height=180, colour=(200, 20, 20))
    mask = Image.new("L", (240, 180))
    mask.paste(255, (100, 70, 140, 110))  # its square lies within the photograph
    files = {"content": red, "mask": png(mask)}
    answers = [edit(client, {**plain, "fidelity": how}, **files) for how in ("pass", "fit")]
    assert [answer.status_code for answer in answers] == [200, 200]
    passed, fitted = (np.asarray(image_of(answer.json()["image"])) / 255 for answer in answers)
    left, top, side = (answers[1].json()["frame"][name] for name in ("left", "top", "side"))
    square = Image.open(io.BytesIO(red)).crop((left, top, left + side, top + side))
    # Of the small bundle three shifts are a colour that is added everywhere.
    wanted = (np.asarray(square) / 255).mean(axis=(0, 1))
    off = [np.abs(image.mean(axis=(0, 1)) - wanted).max() for image in (passed, fitted)]
    assert off[1] < 0.5 * off[0], off
    assert answers[1].json()["timings"]["fit"] > 0 and "fit" not in answers[0].json()["timings"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "fidelity fit is of renderer gan"),
        ({"renderer": "graphics"}, "fidelity fit is of renderer gan"),
        ({"renderer": "gan", "shape": {"seed": 7}}, "keeps its shape: leave shape or fidelity out"),
        ({"renderer": "gan", "background": {"seed": 7}}, "keeps its background"),
    ],
)
def test_a_fit_keeps_the_whole_photograph(client, changes, reason):
    answer = edit(client, {"turn_degrees": 30, "fidelity": "fit", **changes})
    assert answer.status_code == 422
    assert reason in answer.text


def test_the_mesh_is_drawn_over_the_photograph_without_its_object(client):
    far = {"azimuth_degrees": 0, "distance": 50}  # the object becomes a dot in the middle
    answer = edit(client, {"camera": far, "renderer": "graphics", "size": 128})
    picture = np.asarray(image_of(answer.json()["image"])).astype(int)
    assert picture.shape == (128, 128, 3)
    # Near white all over, where the dark object was too.
    assert picture[40, 64].min() > 180
    assert picture[64, 45].min() > 180


def test_texture_and_background_are_exchanged(client):
    red = {"image": text64(jpeg(colour=(150, 0, 0)))}
    green = {"image": text64(png(Image.new("RGB", (50, 50), (150, 255, 150))))}
    answer = edit(client, {"texture": red, "background": green, "renderer": "graphics"})
    picture = np.asarray(image_of(answer.json()["image"])).astype(int)
    assert tuple(picture[0, 0]) == (150, 255, 150)
    assert picture[128, 128, 0] > picture[128, 128, 1] + 15


def test_a_mask_says_what_the_object_is(client):
    mask = Image.new("L", (120, 90))
    mask.paste(255, (10, 20, 40, 50))
    body = edit(client, {"turn_degrees": 30}, mask=png(mask)).json()
    assert "segment" not in body["timings"]
    assert body["frame"]["side"] == pytest.approx(FRAME * 30, abs=1)


def test_what_surrounds_an_object_is_kept_whatever_names_it(client):
    photograph = draw_photograph()
    photograph.paste((40, 90, 160), (0, 0, 120, 12))  # a sky
    mask = Image.new("L", photograph.size)
    mask.paste(255, (30, 22, 90, 68))
    cut_out = photograph.copy()
    cut_out.putalpha(mask)
    changes = {"turn_degrees": 30, "renderer": "graphics", "size": 64}
    named, found, transparent = (
        np.asarray(image_of(edit(client, changes, content=png(image), **files).json()["image"]))
        for image, files in ((photograph, {"mask": png(mask)}), (photograph, {}), (cut_out, {}))
    )
    np.testing.assert_allclose(named[0, 32].astype(int), (40, 90, 160), atol=6)
    np.testing.assert_allclose(found[0, 32].astype(int), (40, 90, 160), atol=6)
    # Colours of transparent pixels mean nothing.
    np.testing.assert_array_equal(transparent[0, 32], (128, 128, 128))


def test_the_new_photograph_comes_as_a_file_when_accepted(client):
    answer = edit(client, {"turn_degrees": 30}, headers={"accept": "image/png"})
    assert answer.headers["content-type"] == "image/png"
    assert text64(answer.content) == edit(client, {"turn_degrees": 30}).json()["image"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({}, 422, "invalid_request"),
        ({"renderer": "gan"}, 422, "invalid_request"),
        ({"turn_degrees": 1000}, 422, "invalid_request"),
        ({"turn_degrees": 10, "camera": {"azimuth_degrees": 0}}, 422, "invalid_request"),
        ({"turn_degrees": 10, "size": 100}, 422, "wrong_size"),
        ({"texture": {"id": "nothing"}}, 422, "unknown_id"),
    ],
)
def test_changes_that_make_no_sense_are_refused(client, changes, status, code):
    answer = edit(client, changes)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_photograph_that_cannot_be_used_is_refused_by_name(client):
    answer = edit(client, {"turn_degrees": 30}, content=b"junk")
    assert answer.status_code == 422
    assert answer.json()["error"]["message"].startswith("image: the file is text, not a JPEG")


@pytest.mark.parametrize(
    "files",
    [
        [("image", ("a.jpg", b"x"))],
        [("changes", (None, "{}"))],
        [("image", ("a.jpg", b"x")), ("image", ("b.jpg", b"x"))],
        [("image", ("a.jpg", b"x")), ("surprise", (None, "x"))],
    ],
)
def test_another_form_is_refused(client, files):
    assert client.post("/v1/edit", files=files).status_code == 400


def test_an_edit_takes_any_photograph_s_own_size(client):
    wide = draw_photograph(400, 100)
    answer = edit(client, {"turn_degrees": 5}, content=png(wide))
    assert answer.json()["frame"]["side"] == pytest.approx(200 / LARGEST_FILL, abs=16)


def test_a_renderer_that_the_bundle_does_not_have_is_refused_by_name(client):
    for answer in (
        edit(client, {"turn_degrees": 5, "renderer": "neural"}),
        client.post("/v1/render", json={"reconstruction": {"seed": 1}, "renderer": "neural"}),
    ):
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (422, "no_such_renderer")
        assert "renderer is neural" in error["message"] and "graphics" in error["message"]
