"""The registrations of many media at once: statements that name several of them are read once."""

from collections import defaultdict
from collections.abc import Sequence

from consent_ledger.licenses.statements import Asset
from consent_ledger.licenses.visibility import Sight, Viewer, keys_for_assets
from consent_ledger.reading.media import Registration
from consent_ledger.reading.records import recorded
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.log import read_size


def look_up_registrations(store: Store, viewer: Viewer, assets: Sequence[str]) -> dict[str, list[Registration]]:
    """Return the registrations of each asset that the viewer sees, in ledger order; none is an empty list."""
    with store.read() as tx:
        size = read_size(tx)
        reader = FactsReader(tx, size)
        reader.need(lambda facts: keys_for_assets(assets, facts))
        sight = Sight(viewer, reader.facts, size)
        wanted: defaultdict[int, set[str]] = defaultdict(set)
        for asset in assets:
            for claim in sight.claims(asset):
                wanted[claim.entry].add(asset)
        statements = recorded(tx, wanted, Asset)
    found: dict[str, list[Registration]] = {asset: [] for asset in assets}
    for statement in statements:
        for medium in statement.said.media:
            if medium.hash in wanted[statement.entry]:
                found[medium.hash].append(Registration(statement, medium))
    return found
