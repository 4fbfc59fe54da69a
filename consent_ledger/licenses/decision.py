"""The decision: may these bytes be put to this use? (clearance.md, "Algorithm")

`decide` is pure and total: the same query on the same facts gives the same answer to the service and to an auditor,
and whatever goes wrong while evaluating gives `undetermined`, never `allow`.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from consent_ledger.licenses.bearing import reaches, superseding
from consent_ledger.licenses.evaluation import Answer, Moment, Standing, evaluate, standings
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.masks import Use
from consent_ledger.licenses.reasons import VERDICTS, Reason, Verdict, in_order
from consent_ledger.licenses.records import GrantRecord
from consent_ledger.licenses.requirements import Requirement, Walk, walk
from consent_ledger.licenses.vocabulary import Audience

POLICY = "1"
"""The version of these rules; it changes when any answer could."""


class Query(NamedTuple):
    """May `asset` be put to `use`, as of an instant (microseconds), known at a ledger size?"""

    asset: str
    use: Use
    as_of: int
    size: int


class Status(NamedTuple):
    """What one requirement came to: `covered` by a grant, or the worst reason why not."""

    capacity: str
    party: str
    status: str
    grant: str | None
    entry: int | None
    via: tuple[str, ...]


class Decision(NamedTuple):
    """The answer. `valid_until` is the next known instant at which it could change (microseconds), or None."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    requirements: tuple[Status, ...]
    obligations: tuple[str, ...]
    warnings: tuple[str, ...]
    valid_until: int | None


def decide(query: Query, facts: Facts) -> Decision:
    """Return the decision. Never raises: an error is `undetermined ledger_integrity_failure`."""
    try:
        return _failure() if facts.failure is not None else _decide(query, facts)
    except Exception:
        return _failure()


def _failure() -> Decision:
    return Decision(Verdict.undetermined, (Reason("ledger_integrity_failure"),), (), (), (), None)


def _decide(query: Query, facts: Facts) -> Decision:
    at = Moment(query.as_of, query.size)
    walked = walk(query.asset, facts, *at)
    reasons = set(walked.obstacles)
    statuses: list[Status] = []
    grants: dict[str, GrantRecord] = {}
    heard: list[tuple[Requirement, tuple[Standing, ...]]] = []
    for need in walked.requirements:
        given = standings(need, facts, at)
        answers = [evaluate(need, atom, query.use, given, facts, at) for atom in query.use.atoms]
        statuses.append(_status(need, answers))
        heard.append((need, given))
        for answer in answers:
            reasons |= answer.reasons
            if answer.grant is not None:
                grants[answer.grant.id] = answer.grant
    verdict = min((VERDICTS[r.code] for r in reasons), default=Verdict.undetermined)
    if verdict is not Verdict.allow:
        reasons = {r for r in reasons if r.code != "granted"}
    return Decision(
        verdict,
        in_order(reasons or {Reason("no_valid_grant")}),
        tuple(statuses),
        _obligations(grants.values(), heard, query.use) if verdict is Verdict.allow else (),
        _warnings(heard, facts, at),
        next_change(walked, heard, facts, at),
    )


def _status(need: Requirement, answers: list[Answer]) -> Status:
    worst = min(answers, key=lambda a: a.verdict)
    first = in_order(set(worst.reasons))[0]
    status = "covered" if worst.verdict is Verdict.allow else first.code
    return Status(need.capacity, need.party, status, first.grant, first.entry, need.via)


def _obligations(
    grants: Iterable[GrantRecord], heard: list[tuple[Requirement, tuple[Standing, ...]]], use: Use
) -> tuple[str, ...]:
    """Return what comes with the permission: the grants' obligations, and a notice where a person shown forbids
    something that a public licence does not say."""
    found = {code for grant in grants for code in grant.terms.obligations}
    if use.audience is Audience.open:
        for need, given in heard:
            if need.capacity == "subject" and any(g.grant.terms.prohibitions for g in given):
                found.add("usage_notice")
    return tuple(sorted(found))


def _warnings(heard: list[tuple[Requirement, tuple[Standing, ...]]], facts: Facts, at: Moment) -> tuple[str, ...]:
    """Say where an owner withdrew a copyright licence that is irrevocable, and so stays."""
    for need, given in heard:
        if need.capacity == "subject":
            continue
        for grant in (s.grant for s in given if s.grant.terms.irrevocable):
            later = facts.revocations.get(grant.issuer, ())
            if any(grant.entry < r.entry < at.size and (r.grants is None or grant.id in r.grants) for r in later):
                return ("irrevocable_licence_stays",)
    return ()


def next_change(
    walked: Walk, heard: list[tuple[Requirement, tuple[Standing, ...]]], facts: Facts, at: Moment
) -> int | None:
    """Return the first known instant after `as_of` at which any fact that was read begins or ends to hold."""
    instants = _instants(walked, heard, facts, at.size)
    return min((t for t in instants if t is not None and t > at.as_of), default=None)


def _instants(
    walked: Walk, heard: list[tuple[Requirement, tuple[Standing, ...]]], facts: Facts, size: int
) -> Iterator[int | None]:
    for asset in walked.assets:
        for claim in facts.assets.get(asset, ()):
            if claim.entry < size:
                yield claim.retention_until
                yield claim.recorded_at
        for events in (facts.disputes.get(asset, ()), facts.takedowns.get(asset, ())):
            yield from (e.effective for e in events if e.entry < size)
        yield from (f.recorded_at for f in facts.fulfilments.get(asset, ()) if f.entry < size)
    for need, given in heard:
        party = facts.parties.get(need.party)
        if party is not None:
            yield party.majority
            yield from (died for entry, died in party.deaths if entry < size)
        ids = {standing.grant.id for standing in given}
        for signer in {need.party, *(s.grant.issuer for s in given)}:
            found = facts.revocations.get(signer, ())
            yield from (r.effective for r in found if r.entry < size and reaches(r, ids))
        for grant in superseding(facts.grants.get(need.party, ()), ids):
            if grant.entry < size:
                yield grant.effective
        for grant in (standing.grant for standing in given):
            yield from (grant.effective, grant.ends, grant.terms.retention_until)
            yield from (e.effective for e in facts.suspensions.get(grant.id, ()) if e.entry < size)
            template = facts.templates.get(grant.template)
            yield from (e.effective for e in template.events if e.entry < size) if template else ()
