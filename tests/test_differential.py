"""Random ledgers, answered by the service, by an auditor's replay, and by the rules written as their definition.

`DIFFERENTIAL_LEDGERS` says how many (normally 60) and `DIFFERENTIAL_FIRST` from which number on; a number
always makes the same ledger, so a failure says all that is needed to see it again.
"""

import os
from collections import Counter
from typing import Any

import pytest

from consent_ledger.conformance import Stage
from consent_ledger.licenses.decision import Decision
from consent_ledger.store.engine import Store
from tests.ledgers.neutral import random_case
from tests.reference.clearance import decide
from tests.stores import EmptyStores

LEDGERS = int(os.environ.get("DIFFERENTIAL_LEDGERS", "60"))
FIRST = int(os.environ.get("DIFFERENTIAL_FIRST", "0"))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> EmptyStores:
    return EmptyStores(tmp_path_factory.mktemp("ledgers"))


def answers(case: dict[str, Any], store: Store) -> tuple[Decision, Decision]:
    stage = Stage(store, case["events"])
    for event in case["events"]:
        stage.play(event)
    return stage.ask(case["query"])


def test_service_auditor_and_definition_agree(empty: EmptyStores) -> None:
    verdicts: Counter[str] = Counter()
    for number in range(FIRST, FIRST + LEDGERS):
        case = random_case(number)
        expected = decide(case)
        with empty() as store:
            service, auditor = answers(case, store)
        assert service == auditor, f"ledger {number}: {service} by the service, {auditor} by the auditor"
        codes = {reason.code for reason in service.reasons}
        got = service.verdict.name
        assert expected.agrees(got, codes), f"ledger {number}: {got} {sorted(codes)}, by the rules {expected}"
        verdicts[got] += 1
    # Worth something only while every answer is met.
    assert set(verdicts) == {"allow", "deny", "undetermined"}, verdicts
