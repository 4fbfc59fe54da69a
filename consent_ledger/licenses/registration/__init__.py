"""Registration: which key may say what, when. A new reason to refuse a statement is one more `if` here.

`admit` sees the statement, the keys that signed it and the facts before it, and raises or returns. The writer asks it
before recording, and an auditor asks it again for every entry.
"""

import msgspec

from consent_ledger.licenses import statements as st
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.records import Registered
from consent_ledger.licenses.registration.media import admit_asset, admit_dispute, admit_fulfilment, admit_takedown
from consent_ledger.licenses.registration.offers import admit_project, admit_release, admit_template
from consent_ledger.licenses.registration.parties import admit_erasure, admit_genesis, admit_key, admit_party
from consent_ledger.licenses.registration.permissions import admit_grant, admit_revocation, admit_suspension
from consent_ledger.licenses.registration.signers import all_enrolled, refuse, signed_by, trusted_time
from consent_ledger.licenses.signed import Signers


def admit(facts: Facts, statement: st.Statement, signers: Signers, where: Registered) -> Registered:
    """Return where the statement is recorded, with its trusted time; raise RefusedError, ForbiddenError or
    ConflictError when it may not be said, by these keys, now."""
    if isinstance(statement, st.Genesis):
        admit_genesis(facts, statement, signers)
        return where
    if facts.origin is None:
        raise refuse("genesis_missing", "the ledger has no genesis entry yet")
    if statement.ledger != facts.origin:
        detail = f"statement is meant for ledger `{statement.ledger}`, this is `{facts.origin}`"
        raise refuse("wrong_ledger", detail, "/ledger")
    if signers.time_keyid is not None:
        where = msgspec.structs.replace(where, trusted_at=trusted_time(facts, signers))
    match statement:
        case st.Grant():
            admit_grant(facts, statement, signers, where)
        case st.Asset():
            admit_asset(facts, statement, signers, where)
        case st.Party():
            admit_party(facts, statement, signers, where)
        case st.Revocation():
            admit_revocation(facts, statement, signers, where)
        case st.Key():
            admit_key(facts, statement, signers, where)
        case st.Template():
            admit_template(facts, statement, signers, where)
        case st.Project():
            admit_project(facts, statement, signers, where)
        case st.Suspension():
            admit_suspension(facts, statement, signers, where)
        case st.Fulfilment():
            admit_fulfilment(facts, statement, signers, where)
        case st.Dispute():
            admit_dispute(facts, statement, signers, where)
        case st.Takedown():
            admit_takedown(facts, statement, signers, where)
        case st.Release():
            admit_release(facts, statement, signers, where)
        case st.Acknowledgement():
            signed_by(facts, statement.issuer, signers, where)
        case st.Erasure():
            admit_erasure(facts, statement, signers, where)
        case st.State():
            raise refuse("reserved", "statements of type `state` are reserved and cannot be recorded yet", "/type")
    all_enrolled(facts, statement, signers)
    return where
