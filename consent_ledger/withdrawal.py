"""Withdrawing the same again: it finds the withdrawal that stands, so that nothing is recorded twice."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import UNSET, UnsetType

from consent_ledger.documents import ConsentAnswer
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.keys import consent_key
from consent_ledger.licenses.masks import compile_prohibition
from consent_ledger.licenses.terms import Prohibition
from consent_ledger.signing.instants import parse_instant
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.log import read_head


class Standing(NamedTuple):
    """What is recorded of a party: how many grants, and the id of a withdrawal that says the same already.

    `grants` is None where it cannot be told.
    """

    grants: int | None
    withdrawal: str | None


def find_withdrawal(
    store: Store,
    party: str,
    grants: Sequence[str] | UnsetType = UNSET,
    assets: Sequence[str] | UnsetType = UNSET,
    uses: Prohibition | UnsetType = UNSET,
) -> Standing:
    """Return what stands: a withdrawal of the same grants, assets and uses, recorded after the party's last grant.

    One that acts only later is not the same as one that acts at once.
    """
    with store.read() as tx:
        reader = FactsReader(tx, read_head(tx).size)
        reader.load([consent_key(party)])
    return _standing(reader.facts, party, grants, assets, uses)


def _standing(
    facts: Facts,
    party: str,
    grants: Sequence[str] | UnsetType,
    assets: Sequence[str] | UnsetType,
    uses: Prohibition | UnsetType,
) -> Standing:
    wanted = (_set(grants), _set(assets), None if isinstance(uses, UnsetType) else compile_prohibition(uses))
    given = [g for g in facts.grant_by_id.values() if party in (g.party, g.issuer)]
    last = max((g.entry for g in given), default=-1)
    for record in facts.revocations.get(party, ()):
        same = (record.grants, record.assets, record.uses) == wanted
        if same and record.entry > last and record.effective <= facts.recorded_at:
            return Standing(len(given), record.id)
    return Standing(len(given), None)


def standing_among(
    consent: ConsentAnswer,
    grants: Sequence[str] | UnsetType = UNSET,
    assets: Sequence[str] | UnsetType = UNSET,
    uses: Prohibition | UnsetType = UNSET,
) -> Standing:
    """Return the same of what a server tells of a party."""
    wanted = (_set(grants), _set(assets), None if isinstance(uses, UnsetType) else compile_prohibition(uses))
    last = -1 if consent.last_given is None else consent.last_given
    for item in consent.withdrawals:
        of = (item.grants, item.assets)
        said = (
            *(None if ids is None else frozenset(ids) for ids in of),
            None if item.uses is None else compile_prohibition(item.uses),
        )
        in_force = parse_instant(item.effective) <= parse_instant(consent.recorded_at)
        if said == wanted and item.entry > last and in_force:
            return Standing(consent.given, item.id)
    return Standing(consent.given, None)


def _set(items: Sequence[str] | UnsetType) -> frozenset[str] | None:
    return None if isinstance(items, UnsetType) else frozenset(items)
