"""`python -m consent_ledger` is the command `consent-ledger`."""

from consent_ledger.cli import main

main()
