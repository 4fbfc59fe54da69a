"""What bears on a decision: of all that a party granted, withdrew or paused, what is about the assets asked for.

The rest is about other projects. It is folded with everything else about the party, changes no answer, and is nobody's
business who only asked about these assets.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from copy import copy

from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.keys import for_decision
from consent_ledger.licenses.records import GrantRecord, RevocationRecord


def reaches(revocation: RevocationRecord, grants: Collection[str]) -> bool:
    """Whether a withdrawal is about any of the grants: one that names none is about all."""
    return revocation.grants is None or not revocation.grants.isdisjoint(grants)


def superseding(grants: Iterable[GrantRecord], ids: Collection[str]) -> Iterator[GrantRecord]:
    """Yield those grants that took the place of one of `ids`."""
    return (grant for grant in grants if not set(grant.supersedes).isdisjoint(ids))


def bearing_keys(assets: Collection[str], facts: Facts) -> set[bytes]:
    """Return the index keys of all that bears on decisions about the assets; see `beside_the_point` for what else the
    keys of parties lead to. `facts` must hold all that `for_decision` names."""
    narrowed = copy(facts)
    ids = _bearing(assets, facts)
    narrowed.grants = defaultdict(list, {p: [g for g in given if g.id in ids] for p, given in facts.grants.items()})
    return for_decision(assets, narrowed)


def beside_the_point(assets: Iterable[str], facts: Facts) -> set[int]:
    """Return the entries of the grants, withdrawals and pauses that bear neither on the assets nor on anything that
    they were made from."""
    bearing = _bearing(assets, facts)
    paused = {e.entry for id_ in bearing for e in facts.suspensions.get(id_, ())}
    return {
        *(g.entry for grants in facts.grants.values() for g in grants if g.id not in bearing),
        *(r.entry for found in facts.revocations.values() for r in found if not reaches(r, bearing)),
        *(e.entry for events in facts.suspensions.values() for e in events if e.entry not in paused),
    }


def _bearing(assets: Iterable[str], facts: Facts) -> set[str]:
    family = _family(assets, facts)
    projects = {claim.project for asset in family for claim in facts.assets.get(asset, ())}
    every = [grant for grants in facts.grants.values() for grant in grants]
    covering = {g.id for g in every if g.project in projects or not family.isdisjoint(g.assets or ())}
    return covering | {g.id for g in superseding(every, covering)}


def _family(assets: Iterable[str], facts: Facts) -> set[str]:
    found: set[str] = set()
    pending = list(assets)
    while pending:
        asset = pending.pop()
        if asset not in found:
            found.add(asset)
            pending += [parent.asset for claim in facts.assets.get(asset, ()) for parent in claim.parents]
    return found
