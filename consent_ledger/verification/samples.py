"""Samples: decisions in a bundle on assets that a seed draws, which whoever verifies it must arrive at too."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from heapq import nsmallest
from pathlib import Path
from typing import Any

import msgspec

from consent_ledger.audit.replay import Finding
from consent_ledger.errors import LedgerError
from consent_ledger.licenses.decision import POLICY, Decision, Query, decide
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.masks import Use, compile_use
from consent_ledger.licenses.statements import UseRequest
from consent_ledger.verification.files import read_file
from consent_ledger.verification.layout import DECISIONS, Sample, Scope
from consent_ledger.verification.walk import Verification

_MAX_DECISIONS = 200_000_000
_encoder = msgspec.json.Encoder(order="sorted")


def draw(seed: str, count: int, assets: Iterable[str]) -> list[str]:
    """Return the `count` assets whose SHA-256 with the seed is smallest: who does not choose the seed has no say."""
    return nsmallest(count, assets, key=lambda asset: sha256(f"{seed}\n{asset}".encode()).digest())


def compile_request(request: UseRequest) -> Use:
    """Return the use that is asked for. Raises MalformedError for an unknown term."""
    return compile_use(
        request.activities,
        request.aims,
        request.context,
        request.audience,
        request.territories,
        None if request.licence is msgspec.UNSET else request.licence,
        None if request.recipient is msgspec.UNSET else request.recipient,
        None if request.min_assurance is msgspec.UNSET else request.min_assurance,
    )


def decision_lines(sample: Sample, facts: Facts) -> Iterator[tuple[str, bytes]]:
    """Yield each asset of the sample and the line with the decision on it that the facts give."""
    use = compile_request(sample.query)
    for asset in draw(sample.seed, sample.count, facts.assets):
        yield asset, encode_decision(asset, decide(Query(asset, use, sample.as_of, sample.size), facts))


def encode_decision(asset: str, decision: Decision) -> bytes:
    """Return the line for one decision."""
    described: dict[str, Any] = {
        "asset": asset,
        "verdict": decision.verdict.name,
        "reasons": [reason._asdict() for reason in decision.reasons],
        "requirements": [status._asdict() for status in decision.requirements],
        "obligations": decision.obligations,
        "warnings": decision.warnings,
        "valid_until": decision.valid_until,
        "policy": POLICY,
    }
    return _encoder.encode(described) + b"\n"


def check_decisions(
    directory: Path, scope: Scope, walk: Verification, findings: list[Finding], not_checked: list[str]
) -> int:
    """Decide on every asset of the sample anew; return on how many the bundle says the same."""
    sample = scope.sample
    if sample is None:
        not_checked.append("decisions: the bundle holds none")
        return 0
    if walk.counts.withheld:
        not_checked.append("the decisions of the sample, which rest on openings that are withheld")
        return 0
    if any(finding.entry is not None for finding in findings):
        # They would differ because of what was found already, at entries where nothing is wrong.
        not_checked.append("the decisions of the sample, because the log they rest on is damaged")
        return 0
    checked = 0
    try:
        stored = (read_file(directory / DECISIONS, _MAX_DECISIONS) or b"").splitlines(keepends=True)
        replayed = list(decision_lines(sample, walk.facts))
    except LedgerError as e:
        findings.append(Finding(None, "sample_malformed", str(e)))
        return 0
    if len(stored) != len(replayed):
        findings.append(
            Finding(None, "sample_incomplete", f"bundle has {len(stored)} decisions, the seed draws {len(replayed)}")
        )
    for line, (asset, want) in zip(stored, replayed, strict=False):
        if line == want:
            checked += 1
        else:
            entry = min(claim.entry for claim in walk.facts.assets[asset])
            findings.append(Finding(entry, "decision_differs", f"the log gives another decision on `{asset}`"))
    return checked
