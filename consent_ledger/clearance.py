"""Clearance: what the ledger answers, for one asset or a million, at one ledger size.

Single is a batch of one. The entries that touch the question are read set-wise in one snapshot, folded into facts, and
decided; assets of which the same was said share one decision.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from consent_ledger.audit.checkpoint import read_checkpoint_text
from consent_ledger.errors import RefusedError
from consent_ledger.licenses.decision import Decision, Query, decide
from consent_ledger.licenses.facts import Claim, Facts
from consent_ledger.licenses.keys import for_decision
from consent_ledger.licenses.masks import Use
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.log import read_checkpoint, read_head, size_at

_ALL_FROM = 50_000


class Clearance(NamedTuple):
    """The decisions on assets, in the order asked, and the bitemporal point that they hold at.

    `as_of` is in microseconds; `size` is the ledger size known; `root` is of the checkpoint signed at `size`, where
    there is one.
    """

    decisions: list[Decision]
    as_of: int
    size: int
    root: bytes | None


def clear(
    store: Store,
    assets: Sequence[str],
    use: Use,
    *,
    clock: Callable[[], int],
    as_of: int | None = None,
    known_at: int | None = None,
    size: int | None = None,
) -> Clearance:
    """Return whether each asset may be put to `use`.

    `as_of` (microseconds) is now when absent, but never before the last entry, so that a clock set back does not undo
    a withdrawal. What is known is what had been recorded by the instant `known_at`, or at `size`, or all.
    """
    with store.read() as tx:
        head = read_head(tx)
        if size is not None and not 0 <= size <= head.size:
            raise RefusedError(f"the ledger has {head.size} entries, not {size}", code="size_unknown")
        if size is None:
            size = head.size if known_at is None else size_at(tx, known_at)
        reader = FactsReader(tx, size)
        if len(assets) >= min(_ALL_FROM, head.size):
            reader.fold_all()
        else:
            reader.need(lambda facts: for_decision(assets, facts))
        note = read_checkpoint(tx, size)
    if as_of is None:
        as_of = max(clock(), head.recorded_at)
    root = None if note is None else read_checkpoint_text(note).root
    return Clearance(decide_all(assets, use, reader.facts, as_of, size), as_of, size, root)


def decide_all(assets: Sequence[str], use: Use, facts: Facts, as_of: int, size: int) -> list[Decision]:
    """Return `decide` of every asset, deciding once for all those of which the same was said."""
    named = named_assets(facts)
    shared: dict[tuple[Claim, ...], Decision] = {}
    decisions = []
    for asset in assets:
        claims = facts.assets.get(asset, ())
        if asset in named:
            decisions.append(decide(Query(asset, use, as_of, size), facts))
            continue
        decision = shared.get(claims)
        if decision is None:
            decision = shared[claims] = decide(Query(asset, use, as_of, size), facts)
        decisions.append(decision)
    return decisions


def named_assets(facts: Facts) -> set[str]:
    """Return the assets that something other than their registrations names: those share no decision."""
    named = {*facts.disputes, *facts.takedowns, *facts.fulfilments}
    for grants in facts.grants.values():
        for grant in grants:
            named |= grant.assets or frozenset()
    for revocations in facts.revocations.values():
        for revocation in revocations:
            named |= revocation.assets or frozenset()
    return named
