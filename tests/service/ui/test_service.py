"""What the page says of a service that is not there, that starts, or that wants a key."""

import contextlib
import socket
import socketserver
import threading

import pytest

from service.process import free_port
from tests.service.ui.conftest import KEY, page_server
from tests.service.ui.test_reconstruct import show

pytestmark = [pytest.mark.browser, pytest.mark.server]


class Relay(socketserver.ThreadingTCPServer):
    """Hands connections on to a service, as a network that is there again does."""

    allow_reuse_address = daemon_threads = True

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with socket.create_connection(self.server.target) as there:
                back = threading.Thread(target=copy, args=(there, self.request))
                back.start()
                copy(self.request, there)
                back.join()


def copy(source, target):
    with contextlib.suppress(OSError):
        while chunk := source.recv(1 << 16):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)


def test_a_service_that_is_not_there_is_said_so_found_again_and_asks_for_its_key(
    opened, served, tmp_path
):
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with page_server(tmp_path, address) as page:
        tab = opened(page=page)
        tab.wait_for_selector(f".state:has-text('No service answers at {address}. Trying again')")
        with Relay(("127.0.0.1", port), Relay.Handler) as relay:
            relay.target = ("127.0.0.1", int(served.service.rpartition(":")[2]))
            thread = threading.Thread(target=relay.serve_forever)
            thread.start()
            tab.wait_for_selector(".state:has-text('wants an API key')")
            tab.fill("input[name=key]", "wrong")
            tab.press("input[name=key]", "Enter")
            tab.wait_for_selector(".key [role=alert]:has-text('Authorization')")
            tab.fill("input[name=key]", KEY)
            tab.press("input[name=key]", "Enter")
            tab.wait_for_selector(".state.ready:has-text('vehicles')")
            assert not tab.is_visible("input[name=key]")
            show(tab, "sample 1.jpg")
            tab.close()
            relay.shutdown()
            thread.join()


def test_a_service_that_was_just_started_is_said_to_start(opened, tmp_path):
    service = f"http://127.0.0.1:{free_port()}"
    with page_server(tmp_path, service, "--start") as page:
        tab = opened(page=page)
        tab.wait_for_selector(".state:has-text('The service is starting')")
        tab.wait_for_selector(".state.ready")
        show(tab, "sample 1.jpg")
        tab.close()
