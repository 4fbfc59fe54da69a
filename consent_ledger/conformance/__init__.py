"""Conformance: clearance cases in the neutral format, each on a real ledger of its own (docs/conformance.md).

A case is a list of events, a query and the answer that is wanted. For each one this records, with real signatures and
a clock set to the case's times, whatever the events say, asks through the ordinary read path, replays a bundle of the
log the way an auditor does, and wants the same answer from both.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from consent_ledger.conformance.stage import PROJECT, Stage
from consent_ledger.errors import LedgerError, MalformedError
from consent_ledger.licenses.decision import Decision
from consent_ledger.store.engine import Store

__all__ = ["FORMAT", "PROJECT", "Outcome", "Stage", "read_cases", "run_case", "run_cases"]

FORMAT = "clearance-cases/1"


class Outcome(NamedTuple):
    """What a case came to: `expected` and `got` are for people to read."""

    id: str
    passed: bool
    expected: str
    got: str


def read_cases(raw: bytes) -> list[dict[str, Any]]:
    """Return the cases of a file; raise MalformedError unless it is in the neutral format."""
    try:
        document = msgspec.json.decode(raw)
    except msgspec.DecodeError as e:
        raise MalformedError(f"case file is not JSON: {e}") from e
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise MalformedError(f"case file is not of format `{FORMAT}`")
    cases = document.get("cases")
    if not isinstance(cases, list) or not all(
        isinstance(c, dict) and {"id", "events", "query", "expect"} <= c.keys() for c in cases
    ):
        raise MalformedError("case file has no list `cases` of objects with `id`, `events`, `query` and `expect`")
    return cases


def run_case(case: Mapping[str, Any], open_empty: Callable[[], Store]) -> Outcome:
    """Return what the case came to on a ledger of its own, which `open_empty` gives a store for."""
    expect = case["expect"]
    wanted = f"{expect['verdict']} {_wanted_reasons(expect)}"
    try:
        with open_empty() as store:
            stage = Stage(store, case["events"])
            for event in case["events"]:
                stage.play(event)
            answers = stage.ask(case["query"])
    except (LedgerError, KeyError, TypeError, ValueError) as e:
        return Outcome(str(case["id"]), False, wanted, f"{type(e).__name__}: {e}")
    got = " / ".join(dict.fromkeys(_show(a) for a in answers))
    return Outcome(str(case["id"]), all(_matches(a, expect) for a in answers), wanted, got)


def _wanted_reasons(expect: Mapping[str, Any]) -> str:
    if "reasons_any" in expect:
        return "any of " + ", ".join(expect["reasons_any"])
    return ", ".join(expect.get("reasons", ()))


def _show(decision: Decision) -> str:
    return f"{decision.verdict.name} {', '.join(dict.fromkeys(r.code for r in decision.reasons))}"


def _matches(decision: Decision, expect: Mapping[str, Any]) -> bool:
    codes = {reason.code for reason in decision.reasons}
    if decision.verdict.name != expect["verdict"]:
        return False
    return codes.issuperset(expect.get("reasons", ())) and (
        "reasons_any" not in expect or not codes.isdisjoint(expect["reasons_any"])
    )


def run_cases(cases: Sequence[Mapping[str, Any]], open_empty: Callable[[], Store]) -> Iterator[Outcome]:
    """Yield the outcome of each case, in order."""
    for case in cases:
        yield run_case(case, open_empty)
