"""Verification: recompute everything that a log claims, trusting nobody (architecture.md, "an outside auditor").

`verify_bundle` is what an auditor runs: it needs a directory, the rules and the cryptography, and no database, network
or clock. `verify_store` (in `live`) holds a live database to the same rules, its index included. Both walk the log once
and report every finding, what was counted, and what was *not* checked.
"""

from typing import TYPE_CHECKING

from consent_ledger.licenses.facts import Facts
from consent_ledger.verification.bundles import verify_bundle
from consent_ledger.verification.report import Counts, Report
from consent_ledger.verification.walk import Verification

if TYPE_CHECKING:
    from consent_ledger.store.engine import Store

__all__ = ["Counts", "Report", "Verification", "replay_facts", "verify_bundle"]


def replay_facts(store: "Store") -> Facts:
    """Return the facts as an auditor folds them from a store's whole log; with any finding, facts that fail."""
    # Imported here because an auditor with a bundle has no database, and does not wait for its libraries.
    from consent_ledger.verification.live import fold_store

    return fold_store(store)
