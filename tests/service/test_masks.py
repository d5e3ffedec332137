"""Masks that a client sends: beside its photographs, or in their alpha channels."""

import numpy as np
import pytest
from PIL import Image

from graphics.frames import FRAME
from tests.service.requests import image_of, jpeg, png, post
from tests.service.small_bundle import RESOLUTION


def test_a_mask_file_takes_the_place_of_the_segmenter(client):
    mask = Image.new("L", (120, 90))
    mask.paste(255, (10, 20, 40, 50))
    files = [
        ("images", ("a.jpg", jpeg())),
        ("images", ("b.jpg", jpeg())),
        ("masks", ("b.jpg", png(mask))),
    ]
    first, second = client.post("/v1/reconstruct", files=files).json()["images"]
    assert "segment" in first["timings"]
    assert "segment" not in second["timings"]
    assert second["frame"]["side"] == pytest.approx(FRAME * 30, abs=1)
    inside = np.asarray(image_of(second["mask"])) > 127
    assert inside.any(axis=0).sum() == pytest.approx(RESOLUTION / FRAME, abs=1.5)


def test_a_mask_that_does_not_fit_harms_its_own_image_only(client):
    files = [
        ("images", ("a.jpg", jpeg())),
        ("images", ("b.jpg", jpeg())),
        ("images", ("c.jpg", jpeg())),
        ("masks", ("b.jpg", png(Image.new("L", (90, 120), 255)))),
        ("masks", ("c.jpg", b"junk")),
    ]
    answer = client.post("/v1/reconstruct", files=files)
    assert answer.status_code == 207
    first, second, third = answer.json()["images"]
    assert first["status"] == "ok"
    assert second["error"]["code"] == "wrong_mask_size"
    assert "90x120 px" in second["error"]["message"]
    assert third["error"]["code"] == "unreadable_mask"


def test_alpha_takes_the_place_of_the_segmenter(client):
    image = Image.new("RGBA", (90, 90), (255, 255, 255, 0))  # too bright for the segmenter
    image.paste((250, 250, 250, 255), (30, 30, 60, 60))
    (entry,) = post(client, png(image)).json()["images"]
    assert "segment" not in entry["timings"]
    mask = np.asarray(image_of(entry["mask"]))
    assert (mask > 127).any(axis=0).sum() == pytest.approx(RESOLUTION / FRAME, abs=1.5)
