"""What bears on a decision: of all that a party granted, withdrew or paused, the part that is about the assets asked for.

The rest is about other projects. It is folded with everything else about the party, changes no answer, and is nobody's
business who only asked about these assets.
"""

from collections.abc import Collection, Iterable, Iterator

from consent_ledger.licenses.facts import Facts, GrantRecord, RevocationRecord


def reaches(revocation: RevocationRecord, grants: Collection[str]) -> bool:
    """Whether a withdrawal is about any of the grants: one that names none is about all."""
    return revocation.grants is None or not revocation.grants.isdisjoint(grants)


def superseding(grants: Iterable[GrantRecord], ids: Collection[str]) -> Iterator[GrantRecord]:
    """Yield those grants that took the place of one of `ids`."""
    return (grant for grant in grants if not set(grant.supersedes).isdisjoint(ids))


def beside_the_point(assets: Iterable[str], facts: Facts) -> set[int]:
    """Return the entries of the grants, withdrawals and pauses that bear neither on the assets nor on anything that
    they were made from."""
    family = _family(assets, facts)
    projects = {claim.project for asset in family for claim in facts.assets.get(asset, ())}
    every = [grant for grants in facts.grants.values() for grant in grants]
    covering = {g.id for g in every if g.project in projects or not family.isdisjoint(g.assets or ())}
    bearing = covering | {g.id for g in superseding(every, covering)}
    paused = {e.entry for id_ in bearing for e in facts.suspensions.get(id_, ())}
    return {
        *(g.entry for g in every if g.id not in bearing),
        *(r.entry for found in facts.revocations.values() for r in found if not reaches(r, bearing)),
        *(e.entry for events in facts.suspensions.values() for e in events if e.entry not in paused),
    }


def _family(assets: Iterable[str], facts: Facts) -> set[str]:
    found: set[str] = set()
    pending = list(assets)
    while pending:
        asset = pending.pop()
        if asset not in found:
            found.add(asset)
            pending += [parent.asset for claim in facts.assets.get(asset, ()) for parent in claim.parents]
    return found
