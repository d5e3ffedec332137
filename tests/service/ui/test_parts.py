"""What the page is made of, without a browser."""

import asyncio
import io
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import numpy as np
import pytest
from PIL import Image

from graphics.image_files import PhotographError
from service.process import ROOT, free_port
from service.ui.client import Absent, Refused, Service
from service.ui.pictures import LONGEST_SIDE, picture_of


def jpeg(width, height, orientation=1):
    image = Image.fromarray(np.full((height, width, 3), 90, np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    written = io.BytesIO()
    image.save(written, "JPEG", exif=exif)
    return written.getvalue()


def test_a_photograph_is_shown_upright_and_small_and_its_own_size_is_known():
    picture = picture_of(jpeg(3000, 1500, orientation=6))
    assert picture.size == (1500, 3000)
    assert Image.open(io.BytesIO(picture.jpeg)).size == (LONGEST_SIDE // 2, LONGEST_SIDE)


def test_what_is_no_photograph_is_refused_in_the_service_s_own_words():
    with pytest.raises(PhotographError, match="JPEG, PNG, WebP"):
        picture_of(b"no picture")


def test_a_transparent_photograph_is_shown_before_grey():
    written = io.BytesIO()
    Image.new("RGBA", (64, 64), (255, 0, 0, 0)).save(written, "PNG")
    shown = np.asarray(Image.open(io.BytesIO(picture_of(written.getvalue()).jpeg)))
    assert np.abs(shown.astype(int) - 128).max() <= 2


def call(address, what):
    async def run():
        async with httpx.AsyncClient(base_url=address) as http:
            return await what(Service(http, "k"))

    return asyncio.run(run())


def test_a_service_that_is_not_there_is_named_by_its_address():
    address = f"http://127.0.0.1:{free_port()}"
    for what in (Service.check_ready, Service.model):
        with pytest.raises(Absent, match=f"No service answers at {address}"):
            call(address, what)


class Other(BaseHTTPRequestHandler):
    """Some other program at the address, which refuses with a page of its own."""

    def do_GET(self):
        self.send_response(403)
        self.end_headers()
        self.wfile.write(b"<html>Go away</html>")

    def log_message(self, *_):
        pass


def test_an_answer_that_is_not_the_api_s_is_called_that():
    server = HTTPServer(("127.0.0.1", 0), Other)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with pytest.raises(Refused, match="answered 403, which is not of this API") as caught:
            call(f"http://127.0.0.1:{server.server_port}", Service.model)
        assert caught.value.status == 403
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_without_the_extra_the_command_says_how_to_install_it():
    script = (
        "import sys; sys.modules['nicegui'] = None; sys.modules['fastapi'] = None\n"
        "from service.ui.__main__ import main\nsys.exit(main([]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "make ui" in done.stderr


@pytest.mark.server
def test_a_page_whose_service_cannot_start_ends_with_the_reason(tmp_path):
    pytest.importorskip("nicegui", reason="the extra ui is not installed")
    given = ["--service", f"http://127.0.0.1:{free_port()}", "--port", str(free_port())]
    given += ["--start", "--home", str(tmp_path), "--bundle", "nowhere"]
    done = subprocess.run(
        [sys.executable, "-m", "service.ui", *given],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2, done.stderr
    assert "the service ended with" in done.stderr and "nowhere" in done.stderr
    assert "ui: " in done.stderr and "in main" not in done.stderr
