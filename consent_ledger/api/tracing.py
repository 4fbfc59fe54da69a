"""Traces, where OpenTelemetry is installed and told where to send them: one span a request, of route and status alone.

The variables are OpenTelemetry's own (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_SERVICE_NAME` and the rest); without an
endpoint nothing is imported and nothing is traced.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from consent_ledger.errors import UnavailableError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Tracing(NamedTuple):
    """`wrap` gives an application whose requests are traced; `close` sends what has not been sent."""

    wrap: Callable[[ASGIApp], ASGIApp]
    close: Callable[[], None]


def tracing_from(environ: Mapping[str, str]) -> Tracing | None:
    """Return the tracing that the environment asks for; UnavailableError where OpenTelemetry is not installed."""
    if not any(environ.get(name) for name in ENDPOINTS):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as e:
        raise UnavailableError("tracing wants the extra `tracing` installed", code="driver_missing") from e
    named = {} if environ.get("OTEL_SERVICE_NAME") else {"service.name": "consent-ledger"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(lambda app: _traced(app, provider), provider.shutdown)


def _traced(app: ASGIApp, provider: "TracerProvider") -> ASGIApp:
    from opentelemetry.trace import SpanKind, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    tracer = provider.get_tracer("consent_ledger.api")
    propagator = TraceContextTextMapPropagator()

    async def trace(scope: Scope, receive: Receive, send: Send) -> None:
        caller = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        method = str(cast(dict[str, Any], scope)["method"])
        # An exception is not recorded: its message may hold what was sent.
        with tracer.start_as_current_span(
            method,
            context=propagator.extract(caller),
            kind=SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:

            async def note(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            try:
                await app(scope, receive, note)
            finally:
                route = scope.get("path_template")
                span.set_attribute("http.request.method", method)
                if route:
                    span.set_attribute("http.route", route)
                    span.update_name(f"{method} {route}")

    return trace
