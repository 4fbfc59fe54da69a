"""What is tampered with: an honest bundle; and what both verifiers say of it then."""

from pathlib import Path
from typing import NamedTuple

from consent_ledger.audit.replay import Erased
from consent_ledger.licenses import statements as st
from consent_ledger.verification import Report, verify_bundle
from consent_ledger.verification.layout import encode_opening
from tests.evidence.forgery import Leaf, edit_line, leaves_of, rewrite
from tests.evidence.second import Second
from tests.world import HOUR, LOG_KEY, VKEY, World

WORDING = b"You allow training inside the organisation, and open release if you say yes."
QUERY = st.UseRequest(
    activities=["train"], aims=["general"], context="commercial", audience="internal", territories=["WORLD"]
)
FILMS = 260
"""Enough for two entry bundles and a tile above the leaves."""


class Evidence(NamedTuple):
    """An honest bundle, where in it things are, and what to say next in its name."""

    bundle: Path
    size: int
    older: bytes
    older_size: int
    world: World
    at: dict[str, int]


def erase(bundle: Path, entry: int, by: int) -> None:
    edit_line(bundle, entry, encode_opening(entry, Erased(by)))


def audit(evidence: Evidence, **how: object) -> Report:
    return verify_bundle(evidence.bundle, **({"vkey": VKEY, "checkpoints": [evidence.older], "jobs": 1} | how))  # type: ignore[arg-type]


def assert_both_name_it(e: Evidence, second: Second, report: Report) -> None:
    """The second verifier finds something too, and if it can be named at all, at the same first entry."""
    found = second.bundle(e.bundle, VKEY, [e.older])
    assert found.findings
    assert found.first_bad == (report.first_bad if report.is_named else None), found.findings


def cheat(e: Evidence, envelope: bytes) -> int:
    """Record a statement that nobody checked; return its entry."""
    leaves = leaves_of(e.bundle, e.size)
    rewrite(e.bundle, [*leaves, Leaf.of(e.world.now + HOUR, envelope)], LOG_KEY)
    return len(leaves)
