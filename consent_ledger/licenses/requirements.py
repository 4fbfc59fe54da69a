"""Everyone who must say yes to the use of an asset (clearance.md, "Requirements").

Every co-owner, every person seen or heard, every recorded organisation, and all of the same for every ancestor that
the asset was derived from. What stops a decision before anybody is asked (takedown, retention, dispute, unknown
subjects) is found on the same walk.
"""

from typing import NamedTuple

from consent_ledger.licenses.facts import Claim, Event, Facts
from consent_ledger.licenses.reasons import Reason
from consent_ledger.licenses.statements import SAME_WORK, UNIDENTIFIED


class Requirement(NamedTuple):
    """One party, in one capacity, must permit the use of `asset`, so that `asked` may be used.

    `via` leads there from what was asked about: empty for that itself, else the ancestors down to `asset`.
    `derived`: what is asked about is a new work made from `asset`. `transforms`: what was done on the way.
    """

    capacity: str
    party: str
    asset: str
    asked: str
    via: tuple[str, ...]
    derived: bool
    transforms: frozenset[str]


class Walk(NamedTuple):
    """The outcome: requirements in a stable order, what stops the decision, and the assets that were visited."""

    requirements: tuple[Requirement, ...]
    obstacles: frozenset[Reason]
    assets: tuple[str, ...]


class _Node(NamedTuple):
    asset: str
    via: tuple[str, ...]
    absent: frozenset[str]
    derived: bool
    transforms: frozenset[str]


def walk(asset: str, facts: Facts, as_of: int, size: int) -> Walk:
    """Return who must permit the use of `asset`, as of an instant (microseconds), known at a ledger size."""
    requirements: dict[Requirement, None] = {}
    obstacles: set[Reason] = set()
    visited: dict[str, None] = {}
    seen: set[tuple[str, frozenset[str], bool, frozenset[str]]] = set()
    stack = [_Node(asset, (), frozenset(), False, frozenset())]
    while stack:
        node = stack.pop()
        if node.asset in (asset, *node.via[:-1]) and node.via:
            obstacles.add(Reason("derivation_cycle", via=node.via))
            continue
        state = (node.asset, node.absent, node.derived, node.transforms)
        if state in seen:
            continue
        seen.add(state)
        claims = [c for c in facts.assets.get(node.asset, ()) if c.entry < size]
        if not claims:
            obstacles.add(Reason("parent_unknown" if node.via else "asset_unknown", via=node.via))
            continue
        visited[node.asset] = None
        standing = _standing(node, claims, facts, as_of, size, obstacles)
        _obstacles_of(node, standing, facts, as_of, size, obstacles)
        _require(asset, node, standing, requirements)
        parents = dict.fromkeys(p for c in standing for p in c.parents)
        if not parents and not any(c.owners for c in standing):
            obstacles.add(Reason("no_valid_grant", capacity="owner", via=node.via))
        for parent in reversed(parents):
            stack.append(
                _Node(
                    parent.asset,
                    (*node.via, parent.asset),
                    node.absent | parent.absent,
                    node.derived or parent.transform not in SAME_WORK,
                    node.transforms | {parent.transform},
                )
            )
    return Walk(tuple(requirements), frozenset(obstacles), tuple(visited))


def latest(events: list[Event], as_of: int, size: int) -> Event | None:
    """Return the last event in ledger order that is known at `size` and effective at `as_of`."""
    effective = [e for e in events if e.entry < size and e.effective <= as_of]
    return max(effective, key=lambda e: e.entry, default=None)


def _standing(
    node: _Node, claims: list[Claim], facts: Facts, as_of: int, size: int, obstacles: set[Reason]
) -> list[Claim]:
    """Return the registrations that hold: all that name the same owners as the first, or as the one upheld.

    A later registration that names other owners is a dispute by itself, until it is resolved.
    """
    dispute = latest(facts.disputes.get(node.asset, []), as_of, size)
    claims.sort(key=lambda c: c.entry)
    holder, settled = claims[0], -1
    if dispute is not None and dispute.status == "open":
        obstacles.add(Reason("ownership_disputed", entry=dispute.entry, via=node.via))
    elif dispute is not None:
        settled = dispute.entry
        holder = next((c for c in claims if c.statement == dispute.detail), holder)
    for claim in claims:
        other = set(claim.owners) != set(holder.owners)
        if other and claim.entry > settled and claim.recorded_at <= as_of:
            obstacles.add(Reason("ownership_disputed", entry=claim.entry, via=node.via))
    return [c for c in claims if set(c.owners) == set(holder.owners)]


def _obstacles_of(
    node: _Node, standing: list[Claim], facts: Facts, as_of: int, size: int, obstacles: set[Reason]
) -> None:
    takedowns = facts.takedowns.get(node.asset)
    if takedowns:
        for issuer in dict.fromkeys(t.detail for t in takedowns):
            last = latest([t for t in takedowns if t.detail == issuer], as_of, size)
            lift = latest([t for t in takedowns if t.detail == facts.operator], as_of, size)
            if last is None or last.status != "ordered":
                continue
            if lift is not None and lift.status == "lifted" and lift.entry > last.entry:
                continue
            obstacles.add(Reason("takedown", entry=last.entry, via=node.via))
    for claim in standing:
        if claim.retention_until is not None and as_of >= claim.retention_until:
            obstacles.add(Reason("retention_elapsed", entry=claim.entry, via=node.via))
    if all(c.subjects is None for c in standing):
        obstacles.add(Reason("subjects_unverified", entry=standing[0].entry, via=node.via))
    for claim in standing:
        if claim.subjects and UNIDENTIFIED in claim.subjects and UNIDENTIFIED not in node.absent:
            obstacles.add(Reason("subject_unidentified", entry=claim.entry, via=node.via))


def _require(asked: str, node: _Node, standing: list[Claim], requirements: dict[Requirement, None]) -> None:
    def add(capacity: str, party: str) -> None:
        requirements[Requirement(capacity, party, node.asset, asked, node.via, node.derived, node.transforms)] = None

    for claim in standing:
        for party in claim.owners:
            add("owner", party)
        for party in claim.subjects or ():
            if party != UNIDENTIFIED and party not in node.absent:
                add("subject", party)
        for party in claim.organisations:
            add("organisation", party)
