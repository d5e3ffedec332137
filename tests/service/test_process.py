import socket

from service import process


def test_a_port_that_somebody_listens_on_is_passed_over(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", process.free_port()))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(process.random, "sample", lambda ports, count: [port, port + 1, 31_999])
        found = process.free_port()
    assert found in (port + 1, 31_999)
