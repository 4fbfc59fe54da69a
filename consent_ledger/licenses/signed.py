"""A statement with the envelope it came in: what was said, by which keys."""

from collections.abc import Mapping
from typing import NamedTuple

from consent_ledger.errors import VerificationError
from consent_ledger.licenses.statements import (
    Genesis,
    Key,
    KeyMaterial,
    Party,
    Statement,
    decode_statement,
    parse_statement,
    statement_id,
)
from consent_ledger.signing.canonical import decode_json
from consent_ledger.signing.envelope import Envelope, decode_envelope, verify_envelope
from consent_ledger.signing.instants import parse_time
from consent_ledger.signing.keys import enrol_public_key


class Signers(NamedTuple):
    """The keys that signed the payload, and the time that a trusted source's key vouched for (microseconds)."""

    keyids: frozenset[str]
    time_keyid: str | None = None
    time: int | None = None


class SignedStatement(NamedTuple):
    """An envelope (verbatim in `raw`) and the statement in it. Nothing is verified by having one."""

    raw: bytes
    envelope: Envelope
    statement: Statement
    id: str

    @property
    def keyids(self) -> set[str]:
        """The keyids of all signatures."""
        return {signature.keyid for signature in self.envelope.signatures}


def read_signed(raw: bytes) -> SignedStatement:
    """Return the statement in an envelope; raise MalformedError unless both are in their one form."""
    envelope = decode_envelope(raw)
    return SignedStatement(raw, envelope, parse_statement(envelope.payload), statement_id(envelope.payload))


def skim_signed(raw: bytes) -> SignedStatement:
    """Return the statement in an envelope without asking for the one form: for bytes that `read_signed` has accepted,
    here before or in another process."""
    envelope = decode_json(raw, Envelope)
    return SignedStatement(raw, envelope, decode_statement(envelope.payload), statement_id(envelope.payload))


def brought_key(statement: Statement) -> KeyMaterial | None:
    """Return the public key that a statement brings into the ledger, if it does."""
    match statement:
        case Genesis(operator_key=key) | Party(key=KeyMaterial() as key) | Key(key=KeyMaterial() as key):
            return key
        case _:
            return None


def signers_of(envelope: Envelope) -> Signers:
    """Return who signed, as the envelope says; only for one whose signatures are verified."""
    keyids = frozenset(s.keyid for s in envelope.signatures if s.time is None)
    vouched = [s for s in envelope.signatures if s.time is not None]
    if not vouched:
        return Signers(keyids)
    earliest = min(vouched, key=lambda s: s.time or "")
    return Signers(keyids, earliest.keyid, parse_time(earliest.time or ""))


def verify_signed(signed: SignedStatement, public_keys: Mapping[str, bytes]) -> Signers:
    """Return who signed; raise VerificationError unless every signature is good, by one of `public_keys` (keyid to
    raw key). An envelope that only time sources signed says nothing.

    All arithmetic on curves is here, so that it can be done on another core: a key that the statement brings is refused
    too (MalformedError `bad_key`) if it is not one that may be enrolled.
    """
    verify_envelope(signed.envelope, public_keys)
    key = brought_key(signed.statement)
    if key is not None and key.scheme == "ed25519":
        enrol_public_key(key.raw)
    signers = signers_of(signed.envelope)
    if not signers.keyids:
        raise VerificationError("no signature but of a time source, want one by the issuer", code="signer_unknown")
    return signers
