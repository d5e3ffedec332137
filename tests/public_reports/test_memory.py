"""Large photographs of one client take no more memory together than the service may have."""

import threading

import httpx
import pytest
from PIL import Image

from graphics.unpacking import pixels_unpacked
from tests.graphics.photograph_files import encoded
from tests.service.watched import watched

pytestmark = pytest.mark.slow
SIDE, REQUESTS, THREADS, MEGAPIXELS = 4000, 8, 8, 20
MIB = 1 << 20


@pytest.mark.server
def test_threads_do_not_unpack_more_than_there_is_room_for(tmp_path, bundle_folder):
    """Eight at a time would take 8 x 122 MiB: each is of 16 megapixels, at 8 bytes."""
    large = encoded(Image.linear_gradient("L").resize((SIDE, SIDE)).convert("RGB"))
    settings = {"threads": THREADS, "megapixels_in_flight": MEGAPIXELS, "largest_batch": 1}
    with watched(tmp_path / "home", bundle_folder, **settings) as server:
        before, statuses = server.resident(), []

        def send():
            files = {"images": ("a.png", large)}
            answer = httpx.post(f"{server.address}/v1/reconstruct", files=files, timeout=120)
            statuses.append(answer.status_code)

        senders = [threading.Thread(target=send) for _ in range(REQUESTS)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        grown = server.peak() - before
    assert statuses == [200] * REQUESTS
    assert grown < 4 * SIDE * SIDE * 8, f"grew by {grown // MIB} MiB"


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
