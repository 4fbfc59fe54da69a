"""Media: how they are registered, what was said of them, and which of them are contested."""

from typing import NamedTuple

from consent_ledger.errors import NotFoundError
from consent_ledger.licenses.evaluation import Moment
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.keys import asset_key
from consent_ledger.licenses.requirements import disputing
from consent_ledger.licenses.statements import Asset, Fulfilment, Medium
from consent_ledger.licenses.visibility import Sight, Viewer, keys_for_assets
from consent_ledger.reading.records import Recorded, recorded, recorded_under
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.log import read_size


class Registration(NamedTuple):
    """A registration of a medium: the statement, and of its media the one that is asked about."""

    statement: Recorded[Asset]
    medium: Medium


class Contested(NamedTuple):
    """An asset of which it is contested whose it is; `entries` say so, the earliest first."""

    asset: str
    entries: list[int]

    @property
    def place(self) -> tuple[int, str]:
        """What orders contested assets: a new one comes last."""
        return self.entries[0], self.asset


def find_registrations(store: Store, viewer: Viewer, asset: str) -> list[Registration]:
    """Return the registrations of an asset that the viewer sees, as they were recorded; raise NotFoundError."""
    with store.read() as tx:
        size = read_size(tx)
        reader = FactsReader(tx, size)
        reader.need(lambda facts: keys_for_assets([asset], facts))
        entries = [claim.entry for claim in Sight(viewer, reader.facts, size).claims(asset)]
        statements = recorded(tx, entries, Asset)
    found = [Registration(s, m) for s in statements for m in s.said.media if m.hash == asset]
    if not found:
        raise NotFoundError(f"asset `{asset}` is not registered", code="asset_unknown")
    return found


def list_fulfilments(store: Store, viewer: Viewer, asset: str, after: int, limit: int) -> list[Recorded[Fulfilment]]:
    """Return what the viewer said about conditions of the asset, in ledger order, behind entry `after`."""
    with store.read() as tx:
        said = recorded_under(tx, asset_key(asset), read_size(tx), Fulfilment)
    return [s for s in said if s.entry > after and viewer in (None, s.said.issuer)][:limit]


def list_contested(facts: Facts, at: Moment, viewer: Viewer, after: tuple[int, str], limit: int) -> list[Contested]:
    """Return the contested assets that the viewer sees, those behind `after`. `facts` are of the whole ledger."""
    sight = Sight(viewer, facts, at.size)
    candidates = facts.disputes.keys() | {asset for asset, said in facts.assets.items() if len(said) > 1}
    found = [
        Contested(asset, sorted(entries))
        for asset in candidates
        if sight.sees(asset) and (entries := disputing(asset, facts, *at))
    ]
    return sorted((c for c in found if c.place > after), key=lambda c: c.place)[:limit]
