"""Traces over OTLP (HTTP), one span per request and per stage; off unless an endpoint is set."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

SERVICE_NAME = "inverse-graphics"
_PARENT = TraceContextTextMapPropagator()


class TracingError(RuntimeError):
    """Tracing was asked for and cannot be had."""


class Tracing:
    """Sends spans to a collector from a thread of its own, in batches."""

    def __init__(self, endpoint: str) -> None:
        """`endpoint`: the collector's address for traces, as in http://collector:4318/v1/traces."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise TracingError(
                f"INVERSE_GRAPHICS_OTLP_ENDPOINT is set, but {error.name} is not installed: "
                "install the extra tracing, or leave the setting empty"
            ) from error
        self._provider = TracerProvider(resource=Resource.create({"service.name": SERVICE_NAME}))
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
        self.tracer = self._provider.get_tracer(__name__)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


_tracer: trace.Tracer | None = None


def start(endpoint: str) -> Tracing | None:
    """Trace from here on; None, and no cost per request, where the endpoint is empty."""
    global _tracer
    tracing = Tracing(endpoint) if endpoint else None
    _tracer = tracing.tracer if tracing else None
    return tracing


def request_span(
    method: str, path: str, headers: Mapping[str, str], identity: str
) -> AbstractContextManager[trace.Span]:
    """The span of a request, a child of the one its `traceparent` header names."""
    if _tracer is None:
        return nullcontext(trace.INVALID_SPAN)
    attributes = {
        "http.request.method": method,
        "url.path": path,
        "inverse_graphics.request": identity,
    }
    return _tracer.start_as_current_span(
        f"{method} {path}", _PARENT.extract(headers), trace.SpanKind.SERVER, attributes
    )


def stage_span(name: str) -> AbstractContextManager[trace.Span]:
    """The span of one stage of one image."""
    if _tracer is None:
        return nullcontext(trace.INVALID_SPAN)
    return _tracer.start_as_current_span(name)
