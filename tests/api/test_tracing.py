"""Traces go to a real collector's address, and say nothing that a request said."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from litestar.types import Receive, Scope, Send
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from consent_ledger.api.tracing import tracing_from

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Collector(HTTPServer):
    """Takes OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[bytes] = []


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    scope["path_template"] = "/v1/statements/{id}"  # type: ignore[typeddict-unknown-key]
    await send({"type": "http.response.start", "status": 500, "headers": []})
    raise ValueError("what was sent")


def test_without_an_address_nothing_is_traced() -> None:
    assert tracing_from({}) is None


def test_a_request_is_one_span_under_its_callers_trace(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    tracing = tracing_from({"OTEL_EXPORTER_OTLP_ENDPOINT": "set"})
    assert tracing is not None
    headers = [(b"traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode()), (b"authorization", b"Bearer secret")]
    scope: Any = {"type": "http", "method": "GET", "path": "/v1/statements/sha256:ab", "headers": headers}

    async def drop(message: Any) -> None:
        """The client is not interested."""

    with pytest.raises(ValueError, match="what was sent"):
        asyncio.run(tracing.wrap(failing)(scope, drop, drop))  # type: ignore[arg-type]
    tracing.close()
    (body,) = collector.bodies
    (span,) = ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans
    assert span.trace_id.hex() == TRACE
    assert span.name == "GET /v1/statements/{id}"
    said = {a.key: a.value.string_value or a.value.int_value for a in span.attributes}
    assert said == {
        "http.request.method": "GET", "http.route": "/v1/statements/{id}", "http.response.status_code": 500,
    }  # fmt: skip
    for secret in (b"what was sent", b"secret", b"sha256:ab"):
        assert secret not in body
