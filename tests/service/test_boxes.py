"""Boxes that a client sends: which object of a photograph is meant."""

import base64
import io
import json
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from graphics.frames import FRAME
from tests.service.requests import image_of, png, text64

LARGE, SMALL = (40, 30, 100, 70), (5, 5, 20, 17)
"""Dark boxes on white, 120 x 90 px."""


def photograph():
    image = Image.new("RGB", (120, 90), (240, 240, 240))
    for box in (LARGE, SMALL):
        image.paste((90, 30, 30), box)
    return png(image)


def post(client, boxes, names=("a.png",), **more):
    files = [("images", (name, photograph())) for name in names]
    files += [("masks", (name, content)) for name, content in more.items()]
    text = boxes if isinstance(boxes, str) else json.dumps(boxes)
    return client.post("/v1/reconstruct", files=files, data={"boxes": text})


def is_framed(frame, box):
    """Whether the square is the one around an object, but for the coarse mask."""
    left, top, right, bottom = box
    side = FRAME * np.sqrt((right - left) * (bottom - top))
    middle = (frame["left"] + frame["side"] / 2, frame["top"] + frame["side"] / 2)
    wanted = ((left + right) / 2, (top + bottom) / 2, side)
    return (*middle, frame["side"]) == pytest.approx(wanted, abs=0.2 * side)


def test_a_box_names_the_object_of_its_own_image(client):
    answer = post(client, {"b.png": [2, 2, 24, 20]}, ("a.png", "b.png"))
    assert answer.status_code == 200
    first, second = answer.json()["images"]
    assert is_framed(first["frame"], LARGE) and is_framed(second["frame"], SMALL)
    mask = np.asarray(image_of(second["mask"])) > 127
    assert mask.any(axis=0).sum() / len(mask) == pytest.approx(15 / 13.4 / FRAME, abs=0.1)


def test_no_box_is_no_box(client):
    (entry,) = post(client, {"a.png": None}).json()["images"]
    assert is_framed(entry["frame"], LARGE)


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ([30, 30, 30, 60], "no pixel"),
        ([60, 30, 30, 60], "no pixel"),
        ([500, 10, 600, 60], "no pixel of the photograph"),
        ([1, 2, 3], "four numbers: left, top, right, bottom"),
        ([1, 2, 3, 4, 5], "four numbers"),
        ([1, 2, "3", 4], "four numbers"),
        ([1, 2, True, 4], "four numbers"),
        ([0, 0, 1e400, 4], "four numbers"),
        ("0,0,9,9", "four numbers"),
        ({}, "four numbers"),
    ],
)
def test_a_bad_box_harms_its_own_image_only(client, box, said):
    answer = post(client, {"b.png": box}, ("a.png", "b.png"))
    assert answer.status_code == 207
    first, second = answer.json()["images"]
    assert first["status"] == "ok"
    assert second["error"]["code"] == "bad_box" and said in second["error"]["message"]


def test_a_bad_box_is_told_where_a_mask_makes_it_needless(client):
    mask = Image.new("L", (120, 90))
    mask.paste(255, SMALL)
    masks = {"a.png": png(mask)}
    (entry,) = post(client, {"a.png": [0, 0, 120, 90]}, **masks).json()["images"]
    assert "segment" not in entry["timings"] and is_framed(entry["frame"], SMALL)
    (entry,) = post(client, {"a.png": [200, 0, 220, 90]}, **masks).json()["images"]
    assert entry["error"]["code"] == "bad_box"


@pytest.mark.parametrize(
    ("boxes", "code", "said"),
    [
        ("[1, 2, 3, 4]", "invalid_field", "boxes by file name"),
        ("{", "invalid_field", "boxes by file name"),
        ("[" * 100_000, "invalid_field", "boxes by file name"),
        ({"c.png": [0, 0, 9, 9]}, "unmatched_box", "0 images are called 'c.png'"),
    ],
)
def test_boxes_that_fit_no_image_refuse_the_request(client, boxes, code, said):
    answer = post(client, boxes)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code and said in answer.json()["error"]["message"]


def finished(client, **sent):
    job = client.post("/v1/jobs", **sent).json()
    deadline = time.monotonic() + 60
    while client.get(f"/v1/jobs/{job['id']}").json()["state"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    lines = client.get(
        f"/v1/jobs/{job['id']}/results", headers={"accept": "application/x-ndjson"}
    ).text
    return [json.loads(line) for line in lines.splitlines()][:-1]


def test_jobs_keep_the_boxes_of_their_images(client):
    boxes = json.dumps({"1.png": [2, 2, 24, 20], "2.png": [9, 9]})
    files = [("images", (f"{i}.png", photograph())) for i in range(3)]
    first, second, third = finished(client, files=files, data={"boxes": boxes})
    assert is_framed(first["frame"], LARGE) and is_framed(second["frame"], SMALL)
    assert third["error"]["code"] == "bad_box"


def test_so_do_jobs_of_an_archive(client):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("cars/a.png", photograph())
    sent = {"files": [("archive", ("cars.zip", file.getvalue()))]}
    boxes = json.dumps({"cars/a.png": [2, 2, 24, 20]})
    (entry,) = finished(client, **sent, data={"boxes": boxes})
    assert is_framed(entry["frame"], SMALL)
    refused = client.post("/v1/jobs", **sent, data={"boxes": json.dumps({"a.png": None})})
    assert refused.json()["error"]["code"] == "unmatched_box"


def test_edits_and_sources_take_a_box_too(client):
    sent = {"changes": json.dumps({"turn_degrees": 5}), "box": "[2, 2, 24, 20]"}
    files = [("image", ("a.png", photograph()))]
    answer = client.post("/v1/edit", files=files, data=sent)
    assert is_framed(answer.json()["frame"], SMALL)
    refused = client.post("/v1/edit", files=files, data={**sent, "box": "[2, 2, 2, 2]"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "bad_box")
    image = {"image": text64(photograph())}
    drawn = [
        client.post("/v1/render", json={"reconstruction": source}).json()["images"][0]
        for source in (image, {**image, "box": [2, 2, 24, 20]})
    ]
    assert base64.b64decode(drawn[0]) != base64.b64decode(drawn[1])
    wrong = client.post("/v1/render", json={"reconstruction": {"seed": 1, "box": [0, 0, 9, 9]}})
    assert wrong.status_code == 422 and "box goes with image" in wrong.json()["error"]["message"]
