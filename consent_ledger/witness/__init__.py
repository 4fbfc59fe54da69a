"""A witness for other logs (c2sp.org/tlog-witness): it remembers the last tree of each, and cosigns only what goes on.

It needs no ledger, no database and no other service: a folder, a key, and the verifier keys of the logs.
"""

from consent_ledger.witness.memory import Memory

__all__ = ["Memory"]
