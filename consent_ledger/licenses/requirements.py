"""Everyone who must say yes to the use of an asset (clearance.md, "Requirements").

Every co-owner, every person seen or heard, every recorded organisation, and all of the same for every ancestor that
the asset was derived from. What stops a decision before anybody is asked (takedown, retention, dispute, unknown
subjects) is found on the same walk.

Several ways may lead to one ancestor. They are taken together, so that the walk is linear however they branch: what is
said about any asset on any of them counts, and only what was done on all of them was done. A person attested to be
absent on one way is asked for because of the others.
"""

from collections.abc import Iterator
from typing import NamedTuple

from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.reasons import Reason
from consent_ledger.licenses.records import Claim, Event, Parent
from consent_ledger.licenses.statements import SAME_WORK, UNIDENTIFIED


class Requirement(NamedTuple):
    """One party, in one capacity, must permit the use of `asset`, so that `asked` may be used.

    `via` leads there from what was asked about: empty for that itself, else the ancestors down to `asset`.
    `derived`: what is asked about is a new work made from `asset`. `transforms`: what was done on every way.
    `line`: all assets on any way there, both ends included.
    """

    capacity: str
    party: str
    asset: str
    asked: str
    via: tuple[str, ...]
    derived: bool
    transforms: frozenset[str]
    line: frozenset[str] = frozenset()


class Walk(NamedTuple):
    """The outcome: requirements in a stable order, what stops the decision, and the assets that were visited."""

    requirements: tuple[Requirement, ...]
    obstacles: frozenset[Reason]
    assets: tuple[str, ...]


class _Member(NamedTuple):
    """An asset of the family: the registrations that hold (none: it is unknown), and the entries that dispute them."""

    claims: list[Claim]
    disputes: list[int]

    def parents(self) -> list[Parent]:
        return list(dict.fromkeys(parent for claim in self.claims for parent in claim.parents))


class _Way(NamedTuple):
    """All ways from what is asked about to an asset, taken together; `via` is the first of them."""

    via: tuple[str, ...]
    derived: bool
    transforms: frozenset[str]
    line: frozenset[str]


def walk(asset: str, facts: Facts, as_of: int, size: int) -> Walk:
    """Return who must permit the use of `asset`, as of an instant (microseconds), known at a ledger size."""
    family, cycles = _family(asset, facts, as_of, size)
    everybody = _ways(asset, family, cycles, None)
    attested = {person for member in family.values() for parent in member.parents() for person in parent.absent}
    ways = {person: _ways(asset, family, cycles, person) for person in attested}
    requirements: dict[Requirement, None] = {}
    obstacles = {Reason("derivation_cycle", via=(*everybody[child].via, parent)) for child, parent in cycles}
    for name, member in family.items():
        via = everybody[name].via
        obstacles.update(_obstacles_of(name, member, via, facts, as_of, size))
        for capacity, party, claim in _parties(member):
            way = ways.get(party, everybody).get(name) if capacity == "subject" else everybody[name]
            if way is None:
                continue
            if party == UNIDENTIFIED:
                obstacles.add(Reason("subject_unidentified", entry=claim.entry, via=way.via))
            else:
                requirements[Requirement(capacity, party, name, asset, *way)] = None
    return Walk(tuple(requirements), frozenset(obstacles), tuple(family))


def _family(asset: str, facts: Facts, as_of: int, size: int) -> tuple[dict[str, _Member], set[tuple[str, str]]]:
    """Return the asset and its ancestors, each after all that was made from it, and the derivations that close a
    cycle (from the child's asset to the parent's)."""
    members = {asset: _member(asset, facts, as_of, size)}
    finished: list[str] = []
    cycles: set[tuple[str, str]] = set()
    path = {asset: iter(members[asset].parents())}
    while path:
        name, pending = next(reversed(path.items()))
        parent = next(pending, None)
        if parent is None:
            finished.append(name)
            del path[name]
        elif parent.asset in path:
            cycles.add((name, parent.asset))
        elif parent.asset not in members:
            members[parent.asset] = _member(parent.asset, facts, as_of, size)
            path[parent.asset] = iter(members[parent.asset].parents())
    return {name: members[name] for name in reversed(finished)}, cycles


def _ways(asset: str, family: dict[str, _Member], cycles: set[tuple[str, str]], person: str | None) -> dict[str, _Way]:
    """Return, for the assets of the family, the ways there on which `person` is not attested to be absent."""
    ways = {asset: _Way((), False, frozenset(), frozenset({asset}))}
    for name, member in family.items():
        way = ways.get(name)
        if way is None:
            continue
        for parent in member.parents():
            if (name, parent.asset) in cycles or person in parent.absent:
                continue
            here = _Way(
                (*way.via, parent.asset),
                way.derived or parent.transform not in SAME_WORK,
                way.transforms | {parent.transform},
                way.line | {parent.asset},
            )
            other = ways.get(parent.asset, here)
            ways[parent.asset] = _Way(
                other.via, other.derived or here.derived, other.transforms & here.transforms, other.line | here.line
            )
    return ways


def latest(events: list[Event], as_of: int, size: int) -> Event | None:
    """Return the last event in ledger order that is known at `size` and effective at `as_of`."""
    effective = [e for e in events if e.entry < size and e.effective <= as_of]
    return max(effective, key=lambda e: e.entry, default=None)


def disputing(asset: str, facts: Facts, as_of: int, size: int) -> list[int]:
    """Return the entries that contest whose the asset is: open disputes, and registrations that name other owners."""
    return _member(asset, facts, as_of, size).disputes


def _member(asset: str, facts: Facts, as_of: int, size: int) -> _Member:
    """Return the registrations that hold: all that name the same owners as the first, or as the one upheld.

    A later registration that names other owners is a dispute by itself, until it is resolved.
    """
    claims = sorted((c for c in facts.assets.get(asset, ()) if c.entry < size), key=lambda c: c.entry)
    dispute = latest(facts.disputes.get(asset, []), as_of, size)
    disputes = [dispute.entry] if dispute is not None and dispute.status == "open" else []
    if not claims:
        return _Member([], disputes)
    holder, settled = claims[0], -1
    if dispute is not None and dispute.status == "resolved":
        settled = dispute.entry
        holder = next((c for c in claims if c.statement == dispute.detail), holder)
    rivals = [c for c in claims if set(c.owners) != set(holder.owners)]
    disputes += [c.entry for c in rivals if c.entry > settled and c.recorded_at <= as_of]
    return _Member([c for c in claims if c not in rivals], disputes)


def _obstacles_of(
    name: str, member: _Member, via: tuple[str, ...], facts: Facts, as_of: int, size: int
) -> Iterator[Reason]:
    claims = member.claims
    for entry in member.disputes:
        yield Reason("ownership_disputed", entry=entry, via=via)
    for entry in _takedowns(name, facts, as_of, size):
        yield Reason("takedown", entry=entry, via=via)
    if not claims:
        yield Reason("parent_unknown" if via else "asset_unknown", via=via)
        return
    for claim in claims:
        if claim.retention_until is not None and as_of >= claim.retention_until:
            yield Reason("retention_elapsed", entry=claim.entry, via=via)
    if all(c.subjects is None for c in claims):
        yield Reason("subjects_unverified", entry=claims[0].entry, via=via)
    if not any(c.owners or c.parents for c in claims):
        yield Reason("no_valid_grant", capacity="owner", via=via)


def _takedowns(name: str, facts: Facts, as_of: int, size: int) -> Iterator[int]:
    """Yield the entries of the orders that hold: each issuer's latest, unless it or the operator lifted it since."""
    takedowns = facts.takedowns.get(name, [])
    for issuer in dict.fromkeys(t.detail for t in takedowns):
        last = latest([t for t in takedowns if t.detail == issuer], as_of, size)
        lift = latest([t for t in takedowns if t.detail == facts.operator], as_of, size)
        if last is None or last.status != "ordered":
            continue
        if lift is not None and lift.status == "lifted" and lift.entry > last.entry:
            continue
        yield last.entry


def _parties(member: _Member) -> Iterator[tuple[str, str, Claim]]:
    """Yield everyone whom the registrations name, in which capacity, and the registration."""
    for claim in member.claims:
        for party in claim.owners:
            yield "owner", party, claim
        for party in claim.subjects or ():
            yield "subject", party, claim
        for party in claim.organisations:
            yield "organisation", party, claim
