import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from service import metrics, tracing

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def collector():
    """An OTLP collector that keeps what it is sent."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces", received
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_request_and_its_stages_are_one_trace_below_the_caller_s(collector):
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs the extra tracing")
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    endpoint, received = collector
    finish = tracing.start(endpoint)
    headers = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"}
    with tracing.request_span("POST", "/v1/reconstruct", headers, "order-7"):
        with metrics.stage("decode", {}):
            pass
    finish()
    tracing.start("")
    ((path, body),) = received
    assert path == "/v1/traces"
    (resource,) = ExportTraceServiceRequest.FromString(body).resource_spans
    spans = {span.name: span for scope in resource.scope_spans for span in scope.spans}
    assert set(spans) == {"POST /v1/reconstruct", "decode"}
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE_ID}
    assert spans["decode"].parent_span_id == spans["POST /v1/reconstruct"].span_id


def test_tracing_without_its_extra_is_refused_with_what_to_install():
    program = (
        "import sys; sys.modules['opentelemetry.exporter.otlp.proto.http.trace_exporter'] = None\n"
        "from service import tracing; tracing.start('http://127.0.0.1:1/v1/traces')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode != 0
    assert "is not installed: install the extra tracing" in done.stderr


def test_off_there_are_no_spans():
    assert tracing.start("") is None
    with tracing.request_span("GET", "/", {}, "1") as span:
        assert not span.is_recording()
