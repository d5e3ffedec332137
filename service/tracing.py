"""Traces over OTLP (HTTP), one span per request and per stage; off unless an endpoint is set."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PARENT = TraceContextTextMapPropagator()


_tracer: trace.Tracer | None = None


def start(endpoint: str) -> Callable[[], None] | None:
    """Send spans in batches from a thread of their own; the function returned sends what is left.

    `endpoint`: the collector's address for traces, as in http://collector:4318/v1/traces. Where it
    is empty the answer is None, and no request costs more.

    Raises:
        ImportError: there is an endpoint, and the extra tracing is not installed.
    """
    global _tracer
    if not endpoint:
        _tracer = None
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ImportError(
            f"INVERSE_GRAPHICS_OTLP_ENDPOINT is set, but {error.name} is not installed: install "
            "the extra tracing, or leave the setting empty"
        ) from error
    provider = TracerProvider(resource=Resource.create({"service.name": "inverse-graphics"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
    _tracer = provider.get_tracer(__name__)
    return provider.shutdown


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
