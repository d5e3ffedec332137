"""Large photographs of one client take no more memory together than the service may have."""

import threading
import time

import pytest
from PIL import Image

from graphics.unpacking import BYTES_A_PIXEL, pixels_unpacked
from service.api import routes
from tests.graphics.photograph_files import encoded
from tests.service.requests import http
from tests.service.watched import watched

SIDE, REQUESTS = 7000, 6
MIB = 1 << 20


@pytest.mark.slow
@pytest.mark.server
def test_two_gibibytes_are_enough_for_any_number_of_49_megapixels(tmp_path, bundle_folder):
    """With the budget that a quarter of 2 GiB gives: one is unpacked at a time, by however many
    threads. All at once would take six times 374 MiB."""
    large = encoded(Image.linear_gradient("L").resize((SIDE, SIDE)).convert("RGB"))
    settings = {"threads": 16, "megapixels_in_flight": 67, "deadline_seconds": 60}
    with watched(tmp_path / "home", bundle_folder, **settings) as server:
        before, answers = server.resident(), []

        def send():
            files = {"images": ("a.png", large)}
            answer = http.post(f"{server.address}/v1/reconstruct", files=files, timeout=120)
            (entry,) = answer.json()["images"]
            answers.append((entry.get("error") or {"code": "ok"})["code"])

        senders = [threading.Thread(target=send) for _ in range(REQUESTS)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        peak = server.peak()
    assert len(answers) == REQUESTS and "ok" in answers
    assert set(answers) <= {"ok", "deadline_exceeded"}
    grown = peak - before
    assert grown < 3 * SIDE * SIDE * BYTES_A_PIXEL, f"grew by {grown // MIB} MiB"
    assert peak < 2 << 30, f"{peak // MIB} MiB"


def test_a_photograph_counts_as_its_format_is_unpacked():
    image = Image.linear_gradient("L").resize((1600, 1200)).convert("RGB")
    stored = 1600 * 1200

    def cost(content, **options):
        return pixels_unpacked(content, 32, 10**8, **options) / stored

    assert cost(encoded(image)) == 1 and cost(encoded(image, "WEBP")) == 2
    assert cost(encoded(image, "HEIF")) == cost(encoded(image, "AVIF")) == 3
    assert cost(encoded(image, "JPEG")) == 1 / 16
    assert cost(encoded(image, "JPEG", progressive=True)) == pytest.approx(0.5 + 1 / 16)
    assert cost(encoded(image), mask_content=encoded(image.convert("L"))) == 2


def test_who_waits_for_room_past_its_deadline_is_answered_and_not_unpacked(client):
    """The client's Prefer has RFC 7240's `wait`; the room is somebody else's all the while."""
    large = encoded(Image.linear_gradient("L").resize((1500, 1500)).convert("RGB"))
    room = routes.state.engine.room
    files = {"images": ("a.png", large)}
    with room.at_once(10**9):
        start = time.monotonic()
        answer = client.post("/v1/reconstruct", files=files, headers={"prefer": "wait=1"})
        assert time.monotonic() - start < 20
        (entry,) = answer.json()["images"]
        assert entry["error"]["code"] == "deadline_exceeded"
        assert room.used == 10**9
    assert client.post("/v1/reconstruct", files=files).status_code == 200
