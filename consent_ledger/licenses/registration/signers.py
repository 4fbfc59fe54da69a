"""Who signed: the key that a statement needs, and what it is good for."""

from msgspec import UNSET

from consent_ledger.errors import ForbiddenError, Problem, RefusedError
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.records import KeyRecord, PartyRecord, Registered
from consent_ledger.licenses.signed import Signers


def refuse(code: str, detail: str, pointer: str = "") -> RefusedError:
    """Return the refusal of one field."""
    return RefusedError(detail, code=code, problems=(Problem(pointer, code, detail),))


def party_of(facts: Facts, party: str, pointer: str = "/issuer") -> PartyRecord:
    record = facts.parties.get(party)
    if record is None:
        raise refuse("party_unknown", f"party `{party}` is not enrolled in this ledger", pointer)
    return record


def key_is_valid(record: PartyRecord, key: KeyRecord, at: int) -> bool:
    """Whether the key may speak for the party at an instant: not retired, and not compromised by then."""
    return not any(e.keyid == key.keyid and (e.action == "retired" or at >= e.since) for e in record.key_events)


def valid_keys(record: PartyRecord, signers: Signers, at: int) -> list[KeyRecord]:
    return [k for k in record.keys if k.keyid in signers.keyids and key_is_valid(record, k, at)]


def signed_by(facts: Facts, party: str, signers: Signers, where: Registered, *, code: str = "signer_unknown") -> None:
    """Raise unless a key of `party` that is valid now, or was at the trusted time, signed."""
    record = party_of(facts, party)
    if valid_keys(record, signers, where.signed_at):
        return
    if any(k.keyid in signers.keyids for k in record.keys):
        raise ForbiddenError(f"the key that signed for `{party}` was retired or compromised", code="key_not_valid")
    raise ForbiddenError(f"no key of `{party}` signed this, want a signature by one of its own keys", code=code)


def organisation_of(facts: Facts, party: str, pointer: str = "/issuer") -> None:
    if party_of(facts, party, pointer).kind != "organisation":
        raise refuse("not_an_organisation", f"`{party}` is not an organisation", pointer)


def trusted_time(facts: Facts, signers: Signers) -> int | None:
    if signers.time_keyid is None:
        return None
    source = facts.parties.get(facts.key_owners.get(signers.time_keyid, ""))
    if source is None or source.kind != "time_source":
        raise ForbiddenError(
            f"`{signers.time_keyid}` is not the key of a trusted time source", code="time_source_unknown"
        )
    return signers.time


def all_enrolled(facts: Facts, statement: st.Statement, signers: Signers) -> None:
    """Raise unless every key that signed is enrolled, or is what the statement adds: an auditor has no other key to
    verify a co-signature by."""
    added = {st.keyid_of(statement.key)} if isinstance(statement, st.Key) and statement.key is not UNSET else set()
    for keyid in sorted(signers.keyids - added):
        if keyid not in facts.key_owners:
            raise ForbiddenError(f"signature by `{keyid}`, a key that is not enrolled", code="key_unknown")


def stopped_by(facts: Facts, party: str, signers: Signers) -> None:
    """Raise unless any key that the party ever had signed: stopping is the safe direction."""
    if not any(k.keyid in signers.keyids for k in party_of(facts, party).keys):
        raise ForbiddenError(
            f"no key of `{party}` signed this, want a signature by one of its own keys", code="signer_unknown"
        )


def signed_by_operator(facts: Facts, issuer: str, signers: Signers, where: Registered) -> None:
    if issuer != facts.operator:
        raise ForbiddenError("only the ledger's operator may say this", code="issuer_not_allowed")
    signed_by(facts, issuer, signers, where)
