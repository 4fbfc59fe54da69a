"""consent_ledger: may these bytes be used for this purpose, and can you prove it?"""

__version__ = "0.1.0"
