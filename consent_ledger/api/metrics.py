"""What Prometheus is told: counts and times, never who or what. One registry a service, so that many live in a process.

The figures about the ledger itself are read when they are asked for, from the database: every process tells the same.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, cast

import prometheus_client
from litestar.types import ASGIApp, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from consent_ledger.ledger import Ledger, Outcome, Receipt
from consent_ledger.licenses.decision import Decision
from consent_ledger.signing.instants import SECOND
from consent_ledger.store.log import read_head
from consent_ledger.verification.runs import last_run

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
UNMATCHED = "none"


class Standing(NamedTuple):
    """How the ledger stands: its size, the age of its last entry in seconds, and what its last verification found.

    `verified` is None where nobody has verified it yet; `verified_size` is the size that was verified.
    """

    size: int
    age: float
    verified: bool | None
    verified_size: int


class Metrics:
    """The figures of one service."""

    def __init__(self, standing: Callable[[], Standing], waiting: Callable[[], dict[str, int]]) -> None:
        """`standing` reads the ledger, `waiting` tells the length of each queue by its name."""
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "consent_ledger_request_seconds",
            "Time to answer, by route and status.",
            ["method", "route", "status"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.under_way = Gauge(
            "consent_ledger_requests_under_way", "Requests that are being answered.", registry=self.registry
        )
        self._registrations = prometheus_client.Counter(
            "consent_ledger_registrations", "Statements by what became of them.", ["outcome"], registry=self.registry
        )
        self._verdicts = prometheus_client.Counter(
            "consent_ledger_verdicts", "Answers by verdict.", ["verdict"], registry=self.registry
        )
        for outcome in ("recorded", "repeated", "refused"):
            self._registrations.labels(outcome)
        for verdict in ("allow", "deny", "undetermined"):
            self._verdicts.labels(verdict)
        self.registry.register(_Ledger(standing, waiting))

    def registered(self, outcomes: Iterable[Outcome]) -> None:
        """Count statements: recorded, repeated or refused."""
        for outcome, count in Counter(map(_became, outcomes)).items():
            self._registrations.labels(outcome).inc(count)

    def answered(self, decisions: Iterable[Decision]) -> None:
        """Count answers by verdict."""
        for verdict, count in Counter(decision.verdict for decision in decisions).items():
            self._verdicts.labels(verdict.name).inc(count)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)


def _became(outcome: Outcome) -> str:
    if isinstance(outcome, Receipt):
        return "recorded" if outcome.is_new else "repeated"
    return "refused"


def standing_of(ledger: Ledger) -> Standing:
    """Return how a ledger stands now."""
    with ledger.store.read() as tx:
        head = read_head(tx)
    last = last_run(ledger.store)
    age = max(0, ledger.clock() - head.recorded_at) / SECOND
    return Standing(head.size, age, None if last is None else last.verified, 0 if last is None else last.size)


class _Ledger(Collector):
    """Reads how the ledger stands each time it is asked; says that it is down where it cannot be read."""

    def __init__(self, standing: Callable[[], Standing], waiting: Callable[[], dict[str, int]]) -> None:
        self._standing = standing
        self._waiting = waiting

    def describe(self) -> Iterable[Metric]:
        """Nothing: without this the registry would read the database to learn the names."""
        return ()

    def collect(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily(
            "consent_ledger_queue_length", "Requests that wait for their turn.", labels=["queue"]
        )
        for name, length in self._waiting().items():
            waiting.add_metric([name], length)
        yield waiting
        try:
            standing = self._standing()
        except Exception:  # whatever it is, the other figures are worth having
            yield GaugeMetricFamily("consent_ledger_up", "Whether the ledger can be read.", value=0)
            return
        yield GaugeMetricFamily("consent_ledger_up", "Whether the ledger can be read.", value=1)
        yield GaugeMetricFamily("consent_ledger_head_size", "Entries of the log.", value=standing.size)
        yield GaugeMetricFamily(
            "consent_ledger_head_age_seconds", "Time since the last entry was recorded.", value=standing.age
        )
        if standing.verified is not None:
            yield GaugeMetricFamily(
                "consent_ledger_verified", "Whether the last verification found nothing.", value=standing.verified
            )
            yield GaugeMetricFamily(
                "consent_ledger_verified_size", "The size that was verified last.", value=standing.verified_size
            )


def measured(app: ASGIApp, metrics_of: Callable[[], Metrics]) -> ASGIApp:
    """Return `app` with the time of each request measured, by its route's template: a path may name somebody."""

    async def measure(scope: Scope, receive: Receive, send: Send) -> None:
        metrics = metrics_of()
        started = time.perf_counter()
        metrics.under_way.inc()
        try:
            await app(scope, receive, send)
        finally:
            metrics.under_way.dec()
            route = scope.get("path_template") or UNMATCHED
            status = str(scope["state"].get("status", 0))
            metrics.requests.labels(_method(scope), route, status).observe(time.perf_counter() - started)

    return measure


def _method(scope: Scope) -> str:
    """A client may make up methods, and each label is kept for good."""
    method = str(cast(dict[str, Any], scope).get("method"))
    return method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"
