"""Verification: recompute everything that a log claims, trusting nobody (architecture.md, "an outside auditor").

`verify_bundle` is what an auditor runs: it needs a folder or a tar, the rules and the cryptography, and no database,
network or clock. `verify_store` (in `live`) holds a live database to the same rules, its index included. Both walk the
log once and report every finding, what was counted, and what was *not* checked. Files are streamed; what grows in
memory is what the statements say, about 1.6 kB an entry. `verify_certificate` (in `certificates`) needs one file.
"""

from consent_ledger.verification.bundles import replay_bundle, verify_bundle
from consent_ledger.verification.report import Counts, Report
from consent_ledger.verification.walk import Verification

__all__ = ["Counts", "Report", "Verification", "replay_bundle", "verify_bundle"]
