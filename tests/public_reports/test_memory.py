"""Large photographs of one client take no more memory together than the service may have."""

import threading
import time

import pytest
from PIL import Image

from graphics.unpacking import pixels_unpacked
from service.api import routes
from tests.graphics.photograph_files import encoded
from tests.service.requests import http
from tests.service.watched import watched

SIDE, REQUESTS, THREADS, MEGAPIXELS = 4000, 8, 8, 20
MIB = 1 << 20


@pytest.mark.slow
@pytest.mark.server
def test_threads_do_not_unpack_more_than_there_is_room_for(tmp_path, bundle_folder):
    """Eight at a time would take 8 x 122 MiB: each is of 16 megapixels, at 8 bytes."""
    large = encoded(Image.linear_gradient("L").resize((SIDE, SIDE)).convert("RGB"))
    settings = {"threads": THREADS, "megapixels_in_flight": MEGAPIXELS, "largest_batch": 1}
    with watched(tmp_path / "home", bundle_folder, **settings) as server:
        before, statuses = server.resident(), []

        def send():
            files = {"images": ("a.png", large)}
            answer = http.post(f"{server.address}/v1/reconstruct", files=files, timeout=120)
            statuses.append(answer.status_code)

        senders = [threading.Thread(target=send) for _ in range(REQUESTS)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        grown = server.peak() - before
    assert statuses == [200] * REQUESTS
    assert grown < 4 * SIDE * SIDE * 8, f"grew by {grown // MIB} MiB"


@pytest.mark.slow
@pytest.mark.server
def test_two_gibibytes_are_enough_for_any_number_of_49_megapixels(tmp_path, bundle_folder):
    """With the budget that a quarter of 2 GiB gives: one is unpacked at a time. All at once would
    take six times 374 MiB."""
    large = encoded(Image.linear_gradient("L").resize((7000, 7000)).convert("RGB"))
    settings = {"threads": 16, "megapixels_in_flight": 67, "deadline_seconds": 60}
    with watched(tmp_path / "home", bundle_folder, **settings) as server:
        answers = []

        def send():
            files = {"images": ("a.png", large)}
            answer = http.post(f"{server.address}/v1/reconstruct", files=files, timeout=120)
            (entry,) = answer.json()["images"]
            answers.append((entry.get("error") or {"code": "ok"})["code"])

        senders = [threading.Thread(target=send) for _ in range(6)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        peak = server.peak()
    assert len(answers) == 6 and "ok" in answers
    assert set(answers) <= {"ok", "deadline_exceeded"}
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
