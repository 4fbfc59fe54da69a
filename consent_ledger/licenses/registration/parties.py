"""Registration of parties, keys and erasures: who exists."""

from msgspec import UNSET

from consent_ledger.errors import ConflictError, ForbiddenError
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.records import Registered
from consent_ledger.licenses.registration.log_keys import admit_log_key
from consent_ledger.licenses.registration.signers import (
    party_of,
    refuse,
    signed_by,
    signed_by_operator,
    stopped_by,
)
from consent_ledger.licenses.signed import Signers


def admit_genesis(facts: Facts, statement: st.Genesis, signers: Signers) -> None:
    if facts.origin is not None or facts.size:
        raise ConflictError("the ledger has its genesis entry already", code="genesis_exists")
    if statement.operator_key.scheme != "ed25519":
        raise refuse("key_scheme", "the operator's key is Ed25519", "/operator_key/scheme")
    if st.keyid_of(statement.operator_key) not in signers.keyids:
        raise ForbiddenError("genesis is signed by the operator key that it names", code="signer_unknown")


def admit_party(facts: Facts, statement: st.Party, signers: Signers, where: Registered) -> None:
    issuer = party_of(facts, statement.issuer)
    signed_by(facts, statement.issuer, signers, where)
    if issuer.kind not in ("organisation", "ledger"):
        raise ForbiddenError("a party is enrolled by an organisation or by the ledger", code="issuer_not_allowed")
    if statement.kind != "person" and issuer.kind != "ledger":
        raise ForbiddenError(f"a party of kind `{statement.kind}` is enrolled by the ledger", code="issuer_not_allowed")
    if statement.kind != "person" and (statement.age is not UNSET or statement.deceased_at is not UNSET):
        raise refuse("age_misplaced", "only a person has an age or a death", "/kind")
    known = facts.parties.get(statement.party)
    if statement.party in facts.erased_parties:
        raise ConflictError(f"`{statement.party}` was erased, want a new party id", code="party_erased")
    if known is not None:
        if issuer.kind != "ledger" and known.issuer != statement.issuer:
            raise ForbiddenError(f"`{statement.party}` was enrolled by another organisation", code="issuer_not_allowed")
        if statement.deceased_at is UNSET or statement.kind != known.kind or statement.key is not UNSET:
            raise ConflictError(f"party `{statement.party}` is enrolled already", code="party_exists")
        return
    if statement.kind == "person" and statement.age is UNSET:
        raise refuse("age_missing", "a person is `adult`, `minor` with a day of majority, or `unknown`", "/age")
    if (statement.age == "minor") != (statement.majority is not UNSET):
        raise refuse("majority_missing", "a day of majority goes with age `minor`, and only with it", "/majority")
    if statement.key is not UNSET:
        _new_key(facts, statement.key)


def _new_key(facts: Facts, key: st.KeyMaterial) -> None:
    if key.scheme != "ed25519":
        raise refuse(
            "key_scheme", f"keys of scheme `{key.scheme}` cannot be enrolled yet, want `ed25519`", "/key/scheme"
        )
    if st.keyid_of(key) in facts.key_owners:
        raise ConflictError("this key is enrolled already", code="key_exists")


def admit_key(facts: Facts, statement: st.Key, signers: Signers, where: Registered) -> None:
    record = party_of(facts, statement.party, "/party")
    if statement.log_key is not UNSET:
        admit_log_key(facts, statement, signers, where)
        return
    by_ledger = statement.issuer == facts.operator
    if statement.issuer != statement.party and not by_ledger:
        raise ForbiddenError(
            "a key is added, retired or reported by its own party or by the ledger", code="issuer_not_allowed"
        )
    if (statement.action == "added") != (statement.key is not UNSET) or (statement.action == "added") == (
        statement.keyid is not UNSET
    ):
        raise refuse("key_missing", "`added` has `key`, `retired` and `compromised` have `keyid`", "/action")
    if (statement.action == "compromised") != (statement.since is not UNSET):
        raise refuse("since_missing", "`since` goes with `compromised`, and only with it", "/since")
    if statement.key is not UNSET:
        if by_ledger and record.kind != "ledger":
            raise ForbiddenError("only the party itself adds a key", code="issuer_not_allowed")
        signed_by(facts, statement.issuer, signers, where)
        _new_key(facts, statement.key)
        if st.keyid_of(statement.key) not in signers.keyids:
            raise ForbiddenError("a new key signs its own addition too", code="possession_not_proved")
        return
    if statement.keyid not in {k.keyid for k in record.keys}:
        raise refuse("key_unknown", f"`{statement.party}` has no key `{statement.keyid}`", "/keyid")
    stopped_by(facts, statement.issuer, signers)


def admit_erasure(facts: Facts, statement: st.Erasure, signers: Signers, where: Registered) -> None:
    signed_by_operator(facts, statement.issuer, signers, where)
    if statement.party not in facts.erased_parties and party_of(facts, statement.party, "/party").kind != "person":
        raise refuse("not_a_person", "only a person is erased: on others people rest", "/party")
    if statement.entries != sorted(set(statement.entries)) or any(n >= where.entry for n in statement.entries):
        raise refuse("entries_invalid", "`entries` are earlier entries, ascending, each once", "/entries")
    if (statement.level == "identity") != (not statement.entries):
        raise refuse("entries_invalid", "`entries` goes with level `statements`, and only with it", "/entries")
