"""The clearance cases that come with the package: by the product, and by the rules written as their definition."""

from typing import Any

import pytest

from consent_ledger.conformance import read_cases, run_case
from consent_ledger.errors import MalformedError
from consent_ledger.licenses.reasons import VERDICTS
from consent_ledger.resources import case_files
from tests.reference.clearance import decide
from tests.stores import EmptyStores

GIVEN, OWN = (read_cases(file.read_bytes()) for file in case_files())
CASES = {case["id"]: case for case in GIVEN + OWN}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> EmptyStores:
    return EmptyStores(tmp_path_factory.mktemp("cases"))


def test_there_are_the_given_cases_and_many_of_our_own() -> None:
    assert len(GIVEN) == 62
    assert len(OWN) >= 150
    assert len(CASES) == len(GIVEN) + len(OWN)
    given, own = ([repr((case["events"], case["query"])) for case in cases] for cases in (GIVEN, OWN))
    assert len(set(own) - set(given)) == len(OWN)


@pytest.mark.parametrize("id_", CASES)
def test_a_case_is_answered_as_it_should_be(empty: EmptyStores, id_: str) -> None:
    outcome = run_case(CASES[id_], empty)
    assert outcome.passed, f"{CASES[id_]['title']}: expected {outcome.expected}, got {outcome.got}"


@pytest.mark.parametrize("id_", CASES)
def test_the_definition_answers_it_so_too(id_: str) -> None:
    answer, expect = decide(CASES[id_]), CASES[id_]["expect"]
    possible = set().union(*(point.named | point.beside for point in answer.points))
    assert answer.verdict == expect["verdict"]
    assert possible >= set(expect.get("reasons", ()))
    assert possible & set(expect.get("reasons_any", possible))


def test_every_reason_that_the_format_can_ask_for_is_asked_for() -> None:
    codes = {
        c for case in CASES.values() for field in ("reasons", "reasons_any") for c in case["expect"].get(field, ())
    }
    out_of_reach = {
        "grant_after_capture",  # no case says when a film was made
        "assurance_too_low",  # nor how somebody signed
        "template_not_offered",  # nor what a project offers
    }
    assert set(VERDICTS) - codes == out_of_reach


@pytest.mark.parametrize(
    "changed",
    [
        {"expect": {"verdict": "deny", "reasons": ["granted"]}},
        {"expect": {"verdict": "allow", "reasons": ["granted", "revoked"]}},
        {"expect": {"verdict": "allow", "reasons_any": ["revoked"]}},
        {"events": [{"type": "miracle", "recorded_at": "2026-01-01T00:00:00Z"}]},
        {"query": {}},
    ],
)
def test_a_wrong_answer_is_told_and_not_raised(empty: EmptyStores, changed: dict[str, Any]) -> None:
    assert not run_case(CASES["E01"] | changed, empty).passed


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"format": "clearance-cases/2", "cases": []}', b'{"cases": [{}]}'])
def test_a_file_of_another_kind_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        read_cases(raw)
