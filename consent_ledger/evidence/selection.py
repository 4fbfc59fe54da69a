"""Evidence: the entries that somebody is shown so that an answer, a project or a person can be judged.

Each comes with what enrolled the keys that signed it. What a party said about other projects is left out, because no
answer here rests on it.
"""

from collections.abc import Collection, Iterable
from functools import partial

from consent_ledger.errors import MalformedError
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.bearing import bearing_keys, beside_the_point
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.keys import (
    GENESIS_KEY,
    asset_key,
    consent_key,
    erasure_key,
    for_decision,
    keyid_key,
    party_key,
    project_key,
    template_key,
)
from consent_ledger.licenses.signed import skim_signed
from consent_ledger.licenses.visibility import lists_template, sees_statement
from consent_ledger.store.facts import FactsReader, Row, read_rows
from consent_ledger.store.index import entries_touching
from consent_ledger.store.transaction import Transaction


def evidence_on_assets(tx: Transaction, size: int, assets: Collection[str]) -> set[int]:
    """Return the entries that decisions on the assets rest on, at a ledger size."""
    reader = FactsReader(tx, size)
    reader.need(partial(for_decision, assets))
    return _on_assets(tx, size, assets, reader.facts)


def evidence_on_project(tx: Transaction, facts: Facts, project: str) -> set[int]:
    """Return the entries about a project, its assets and what decisions on them rest on. `facts` are all there are."""
    assets = [a for a, claims in facts.assets.items() if any(claim.project == project for claim in claims)]
    templates = {digest for record in facts.projects.get(project, ()) for digest in record.templates}
    found = _touching(tx, {project_key(project), *map(template_key, templates)}, facts.size)
    return _with_signers(tx, facts.size, found) | _on_assets(tx, facts.size, assets, facts)


def evidence_on_party(tx: Transaction, facts: Facts, party: str) -> set[int]:
    """Return the entries that name a party, that are about assets which do, or that its permissions rest on.

    What others consented to about those assets is theirs and not among them. `facts` are all there are.
    """
    keys = {party_key(party), consent_key(party)}
    for asset, claims in facts.assets.items():
        if any(party in (*claim.owners, *(claim.subjects or ()), *claim.organisations) for claim in claims):
            keys |= {asset_key(asset), *(project_key(claim.project) for claim in claims)}
    for grant in (g for grants in facts.grants.values() for g in grants if party in (g.issuer, g.ward)):
        keys |= {template_key(grant.template)} | ({project_key(grant.project)} if grant.project else set())
    return _with_signers(tx, facts.size, _touching(tx, keys, facts.size))


def evidence_for(tx: Transaction, facts: Facts, viewer: str) -> set[int]:
    """Return the entries that an organisation may see, but for templates that it neither published nor offers.

    `facts` are all there are."""
    found = set()
    for row in read_rows(tx, range(facts.size)):
        statement = _said(row)
        if statement is None or not sees_statement(viewer, statement, facts):
            continue
        if not isinstance(statement, st.Template) or lists_template(viewer, statement.template.digest, facts):
            found.add(row.entry)
    return _with_signers(tx, facts.size, found)


def _said(row: Row) -> st.Statement | None:
    """Return what an entry says, None where that was erased or is damaged."""
    try:
        return None if row.opening is None else skim_signed(row.opening.envelope).statement
    except MalformedError:
        return None


def _on_assets(tx: Transaction, size: int, assets: Collection[str], facts: Facts) -> set[int]:
    found = _touching(tx, bearing_keys(assets, facts), size)
    return _with_signers(tx, size, found - beside_the_point(assets, facts))


def _touching(tx: Transaction, keys: Collection[bytes], size: int) -> set[int]:
    return {entry for entries in entries_touching(tx, keys, size).values() for entry in entries}


def _with_signers(tx: Transaction, size: int, entries: Iterable[int]) -> set[int]:
    """Return the entries, and with them those that enrolled or stopped the keys of all who signed, and that erased."""
    known: set[int] = set()
    pending = set(entries)
    while pending:
        known |= pending
        keys = {GENESIS_KEY}
        for row in read_rows(tx, pending):
            if row.opening is None:
                keys.add(erasure_key(row.entry))
                continue
            try:
                signed = skim_signed(row.opening.envelope)
            except MalformedError:
                continue  # damaged, which is for whoever verifies it to find
            keys |= {party_key(signed.statement.issuer), *map(keyid_key, signed.keyids)}
            if isinstance(signed.statement, st.Party | st.Key):
                keys.add(party_key(signed.statement.party))
        pending = _touching(tx, keys, size) - known
    return known
