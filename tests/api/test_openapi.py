"""Schemathesis over the service's own description: whatever it sends, the answers are those that are described."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import schemathesis
from schemathesis.engine import Status, events, from_schema

from consent_ledger.answers import ClearanceAnswer
from consent_ledger.api.app import ROUTES, create_app
from consent_ledger.api.errors import KINDS
from consent_ledger.api.exposure import Exposure
from consent_ledger.api.limits import Limits, Rate
from consent_ledger.api.openapi import build_document
from consent_ledger.evidence.certificates import Signer
from consent_ledger.licenses.reasons import VERDICTS
from tests.api.asking import bearer
from tests.stores import new_store
from tests.world import World, key_of

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "3"))
"""Of each operation, besides all that is systematic."""
UNLIMITED = Exposure(limits=Limits(*[Rate(0, 0)] * len(Limits._fields)))
NOT_SAID_BY_A_SCHEMA = {
    "bad_cursor",  # a cursor is one that was given before
    "idempotency_key_reused", "already_invited", "invitation_unknown",  # by what there is
    "bad_expiry",  # by the clock
    "bad_form",  # a form has a field once
}  # fmt: skip
"""Why a request that fits its schema may be refused all the same."""
WRITTEN_OTHERWISE = ("POST /v1/templates/lint", "POST /v1/wordings")
"""Their bodies hold files that no schema describes."""
ANSWERED_LINE_BY_LINE = ("POST /v1/clearance/bulk", "POST /v1/statements", "POST /v1/assets")
"""Each line is judged alone, and a bad one is answered by an error in its place."""


REGISTERING = {
    f"POST {path}"
    for path, item in build_document(ROUTES)["paths"].items()
    for body in (item.get("post", {}).get("requestBody", {}).get("content", {}),)
    if body.get("application/json", {}).get("schema") == {"$ref": "#/components/schemas/Envelope"}
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
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
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


def test_there_is_an_example_for_every_reason_and_every_problem() -> None:
    document = build_document(ROUTES)
    answers = document["paths"]["/v1/clearance"]["post"]["responses"]
    examples = answers["200"]["content"]["application/json"]["examples"]
    assert list(examples) == list(VERDICTS)
    for code, example in examples.items():
        answer = msgspec.convert(example["value"], ClearanceAnswer)
        assert (answer.verdict, answer.reasons[0].code) == (VERDICTS[code].name, code)
    shown = {
        slug
        for item in document["paths"].values()
        for operation in item.values()
        for answer in operation["responses"].values()
        for slug in answer.get("content", {}).get("application/problem+json", {}).get("examples", ())
    }
    assert shown == set(KINDS)


def failures_of(scenario: events.ScenarioFinished) -> list[tuple[str, str, str]]:
    """Return which checks failed where, and how."""
    found = []
    for case_id, checks in scenario.recorder.checks.items():
        label = scenario.recorder.cases[case_id].value.operation.label
        response = scenario.recorder.interactions[case_id].response
        for check in checks:
            if check.status is Status.FAILURE and not is_meant(label, check.name, response):
                assert check.failure_info is not None
                found.append((label, check.name, str(check.failure_info.failure) + response.content.decode()[:300]))
    return found


def is_meant(label: str, check: str, response: Any) -> bool:
    """Whether a check fails for a reason that no schema says."""
    ndjson = response.request.headers.get("content-type") == "application/x-ndjson"
    if check == "positive_data_acceptance":
        # No schema says that a payload is a statement which somebody signed: what is made up is refused.
        return ndjson or label in {*REGISTERING, *WRITTEN_OTHERWISE} or response.json()["code"] in NOT_SAID_BY_A_SCHEMA
    return check == "negative_data_rejection" and label in ANSWERED_LINE_BY_LINE and ndjson
