"""Organisations that may use the service: parties of the ledger, with a label of their own."""

from consent_ledger.errors import ConflictError, NotFoundError, RefusedError
from consent_ledger.licenses.keys import GENESIS_KEY, party_key
from consent_ledger.store import access as rows
from consent_ledger.store.access import OrganisationRecord
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader
from consent_ledger.store.log import read_head
from consent_ledger.store.transaction import Transaction

MAX_LABEL = 200


def operator_of(store: Store) -> str:
    """Return the ledger's own party: the operator."""
    with store.read() as tx:
        reader = FactsReader(tx, read_head(tx).size)
        reader.load([GENESIS_KEY])
    if reader.facts.operator is None:
        raise NotFoundError(f"`{store.place}` holds no ledger yet, want `init` first", code="ledger_missing")
    return reader.facts.operator


def open_account(store: Store, party: str, label: str, now: int) -> OrganisationRecord:
    """Let an organisation that is recorded in the ledger use the service; repeated, nothing changes.

    NotFoundError `party_unknown`, RefusedError `not_an_organisation`, or `organisation_closed`: it stays closed.
    """
    if not 0 < len(label) <= MAX_LABEL:
        raise RefusedError(f"label has {len(label)} letters, want 1 to {MAX_LABEL}", code="bad_label")
    with store.write() as tx:
        _require_organisation(tx, party)
        rows.insert_organisation(tx, OrganisationRecord(party, label, now, None))
        rows.require_open(tx, party)
        return rows.read_organisation(tx, party)


def close_account(store: Store, party: str, now: int) -> OrganisationRecord:
    """End an organisation's use of the service: all its tokens and sessions, at once and for good.

    ConflictError `operator_stays` for the operator's own, which nobody could let in again.
    """
    if party == operator_of(store):
        raise ConflictError("the operator's own organisation stays", code="operator_stays")
    with store.write() as tx:
        rows.close_organisation(tx, party, now)
        return rows.read_organisation(tx, party)


def list_accounts(store: Store, after: str, limit: int) -> list[OrganisationRecord]:
    """Return organisations, closed ones too, in the order of their ids."""
    with store.read() as tx:
        return rows.read_organisations(tx, after, limit)


def _require_organisation(tx: Transaction, party: str) -> None:
    reader = FactsReader(tx, read_head(tx).size)
    reader.load([GENESIS_KEY, party_key(party)])
    if party == reader.facts.operator:
        return
    if party not in reader.facts.parties:
        raise NotFoundError(f"party `{party}` is not recorded", code="party_unknown")
    if reader.facts.parties[party].kind != "organisation":
        raise RefusedError(f"party `{party}` is not an organisation", code="not_an_organisation")
