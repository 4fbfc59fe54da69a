"""Registration of log keys: a rotation is recorded in the log that it is about (decision 5)."""

from msgspec import UNSET

from consent_ledger.errors import ConflictError, ForbiddenError, MalformedError
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.records import Registered
from consent_ledger.licenses.registration.signers import refuse, signed_by_operator
from consent_ledger.licenses.signed import Signers
from consent_ledger.signing.note import ED25519, NoteVerifier, vkey_text


def admit_log_key(facts: Facts, statement: st.Key, signers: Signers, where: Registered) -> None:
    signed_by_operator(facts, statement.issuer, signers, where)
    if statement.party != facts.operator:
        raise ForbiddenError("a log key is the ledger's own", code="issuer_not_allowed")
    if (statement.key, statement.keyid, statement.since) != (UNSET, UNSET, UNSET):
        raise refuse("log_key_alone", "`log_key` goes with none of `key`, `keyid` and `since`", "/log_key")
    active = [key.vkey for key in facts.log_keys if key.retired is None]
    if statement.action == "added":
        _new_log_key(facts, str(statement.log_key))
        if len(active) > 1:
            raise ConflictError(f"log key `{active[0]}` is to be retired first", code="rotation_underway")
    elif statement.action == "retired":
        if statement.log_key not in active:
            raise refuse("key_unknown", "the log has no such key now", "/log_key")
        if len(active) == 1:
            raise refuse("log_key_last", "the log needs another key before this one is retired", "/log_key")
    else:
        raise refuse("log_key_action", "a log key is `added` or `retired`", "/action")


def _new_log_key(facts: Facts, vkey: str) -> None:
    try:
        verifier = NoteVerifier.from_vkey(vkey)
    except MalformedError as e:
        raise refuse("log_key_malformed", str(e), "/log_key") from e
    if (
        verifier.name != facts.origin
        or verifier.kind != ED25519
        or vkey != vkey_text(verifier.name, verifier.public_key)
    ):
        raise refuse("log_key_malformed", f"want an Ed25519 verifier key of `{facts.origin}`", "/log_key")
    if any(key.vkey == vkey for key in facts.log_keys):
        raise ConflictError("this key is or was a key of the log", code="key_exists")
