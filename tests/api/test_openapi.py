"""Schemathesis over the service's own description: whatever it sends, the answers are those that are described."""

from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.engine import Status, events, from_schema

from consent_ledger.api.app import create_app
from consent_ledger.api.exposure import Exposure
from consent_ledger.api.limits import Limits, Rate
from consent_ledger.certificates import Signer
from consent_ledger.store.engine import open_store
from tests.api.asking import bearer
from tests.world import World, key_of

EXAMPLES = 8
UNLIMITED = Exposure(limits=Limits(*[Rate(0, 0)] * len(Limits._fields)))
NOT_SAID_BY_A_SCHEMA = {
    # No schema says that a payload is a statement which somebody signed: what is made up is refused.
    ("POST /v1/statements", "positive_data_acceptance"),
    # Each line is judged alone, and a bad one is answered by an error in its place.
    ("POST /v1/clearance/bulk", "negative_data_rejection"),
    # A cursor is one that was given before.
    ("GET /v1/tokens", "positive_data_acceptance"),
    ("GET /v1/organisations", "positive_data_acceptance"),
    ("GET /v1/audit-trail", "positive_data_acceptance"),
}


@schemathesis.serializer("application/x-ndjson")
def as_lines(ctx: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.hook
def map_body(ctx: Any, body: Any) -> Any:
    """To JSON Schema 2.0 is an integer; to the service, as to RFC 8785, it is spelled 2."""
    if isinstance(body, dict):
        return {name: map_body(ctx, value) for name, value in body.items()}
    return int(body) if isinstance(body, float) and body.is_integer() else body


def test_answers_are_as_described_whatever_is_sent(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/ledger.db", create=True) as store:
        ledger = World(store).ledger
        app = create_app(ledger, exposure=UNLIMITED, signer=Signer(key_of("operator")))
        schema = schemathesis.openapi.from_asgi("/openapi.json", app)
        schema.config.headers = bearer(ledger)
        schema.config.generation.max_examples = EXAMPLES
        schema.config.generation.deterministic = True
        found = list(from_schema(schema).execute())
    errors = [str(e.value) for e in found if isinstance(e, events.NonFatalError)]
    finished = [e for e in found if isinstance(e, events.ScenarioFinished)]
    failures = Counter(failure for scenario in finished for failure in failures_of(scenario))
    assert errors == []
    assert dict(failures) == {}
    assert {scenario.phase.value for scenario in finished} >= {"coverage", "fuzzing", "stateful"}


def failures_of(scenario: events.ScenarioFinished) -> list[tuple[str, str, str]]:
    """Return which checks failed where, and how."""
    found = []
    for case_id, checks in scenario.recorder.checks.items():
        label = scenario.recorder.cases[case_id].value.operation.label
        for check in checks:
            if check.status is Status.FAILURE and (label, check.name) not in NOT_SAID_BY_A_SCHEMA:
                assert check.failure_info is not None
                found.append((label, check.name, str(check.failure_info.failure)))
    return found
