"""Samples: decisions in a bundle on assets that a seed draws, which whoever verifies it must arrive at too."""

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from heapq import nsmallest
from typing import Any

import msgspec

from consent_ledger.audit.replay import Finding
from consent_ledger.errors import LedgerError, MalformedError
from consent_ledger.licenses.decision import POLICY, Decision, Query, decide
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.masks import Use, compile_use
from consent_ledger.licenses.statements import UseRequest
from consent_ledger.verification.layout import DECISIONS, SCOPE, Sample, Scope, sampled_from
from consent_ledger.verification.source import Source
from consent_ledger.verification.walk import Verification

_MAX_DECISIONS = 200_000_000
_NONE = "decisions: the bundle holds none"
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
    source: Source, scope: Scope, walk: Verification, findings: list[Finding], not_checked: list[str]
) -> dict[str, int]:
    """Decide on every asset of the sample anew; return how often the bundle says the same, by verdict."""
    sample = scope.sample
    why_not = _why_not(scope, walk, findings)
    if sample is None or why_not is not None:
        stray = sample is None and DECISIONS in source.names()
        not_checked.append(f"`{DECISIONS}`, of which `{SCOPE}` says nothing" if stray else why_not or _NONE)
        return {}
    if scope.openings != "all":
        not_checked.append("that the seed draws these assets from all: what the others are is withheld")
    try:
        stored = (source.read(DECISIONS, _MAX_DECISIONS) or b"").splitlines(keepends=True)
        assets = _sampled(scope, sample, walk.facts, stored)
        use = compile_request(sample.query)
        if sample.size > walk.counts.entries:
            raise MalformedError(f"decisions are of size {sample.size}, the log has {walk.counts.entries} entries")
    except LedgerError as e:
        findings.append(Finding(None, "sample_malformed", str(e)))
        return {}
    if len(stored) != len(assets):
        detail = f"bundle has {len(stored)} decisions, the seed draws {len(assets)}"
        findings.append(Finding(None, "sample_incomplete", detail))
    checked: Counter[str] = Counter()
    for line, asset in zip(stored, assets, strict=False):
        decision = decide(Query(asset, use, sample.as_of, sample.size), walk.facts)
        if line == encode_decision(asset, decision):
            checked[decision.verdict.name] += 1
        else:
            entry = min((claim.entry for claim in walk.facts.assets.get(asset, ())), default=None)
            findings.append(Finding(entry, "decision_differs", f"the log gives another decision on `{asset}`"))
    return checked


def _why_not(scope: Scope, walk: Verification, findings: list[Finding]) -> str | None:
    if scope.sample is None:
        return _NONE
    if walk.counts.withheld and scope.openings in ("all", "withheld", "party"):
        return "the decisions of the sample, which rest on openings that are withheld"
    if any(finding.entry is not None for finding in findings):
        # They would differ because of what was found already, at entries where nothing is wrong.
        return "the decisions of the sample, because the log they rest on is damaged"
    return None


def _sampled(scope: Scope, sample: Sample, facts: Facts, stored: Sequence[bytes]) -> list[str]:
    """Return the assets that are to be decided on: drawn anew where all are known, else as the bundle names them."""
    if scope.openings != "sample":
        return draw(sample.seed, sample.count, sampled_from(scope, facts))
    try:
        named = [msgspec.json.decode(line, type=_Named).asset for line in stored]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise MalformedError(f"`{DECISIONS}` has a line that is no decision: {e}") from e
    return draw(sample.seed, sample.count, dict.fromkeys(named))


class _Named(msgspec.Struct):
    """The asset that a decision is about."""

    asset: str
