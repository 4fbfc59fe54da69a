"""Making the certificate of one answer; `verification.certificates` says what is in it and verifies it.

A certificate leaves only after it has been verified here, so that nobody is handed one that proves nothing.
"""

from hashlib import sha256
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from consent_ledger.answers import ClearanceAnswer
from consent_ledger.audit.checkpoint import read_checkpoint_text
from consent_ledger.audit.policy import NOBODY, Policy
from consent_ledger.audit.proofs import inclusion_ids, prove_inclusion
from consent_ledger.errors import NotFoundError, UnavailableError, VerificationError
from consent_ledger.evidence.selection import evidence_on_assets
from consent_ledger.licenses.keys import erasure_key
from consent_ledger.licenses.log_keys import signing_at
from consent_ledger.licenses.signed import skim_signed
from consent_ledger.licenses.visibility import Sight, Viewer, keys_for_assets, keys_for_statement, sees_statement
from consent_ledger.signing.canonical import encode_canonical
from consent_ledger.signing.envelope import Envelope, Signature, pae
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import vkey_text
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader, Row, read_log_keys, read_rows
from consent_ledger.store.index import entries_touching
from consent_ledger.store.log import read_checkpoint, read_covering_checkpoint, read_nodes
from consent_ledger.store.transaction import Transaction
from consent_ledger.store.witnesses import newest_cosignatures
from consent_ledger.verification.certificate_file import (
    ANSWER_TYPE,
    EVIDENCE_TYPE,
    FORMAT,
    Certificate,
    Evidence,
    Sealed,
    encode_certificate,
)
from consent_ledger.verification.certificates import verify_certificate


def sign_payload(payload: bytes, payload_type: str, signing_key: SigningKey) -> Envelope:
    """Return the DSSE envelope of a payload of that type."""
    signature = Signature(signing_key.public_key.keyid, signing_key.sign(pae(payload_type, payload)))
    return Envelope(payload, payload_type, (signature,))


class Signer(NamedTuple):
    """The ledger's operator key, and whom the log has cosign its checkpoints."""

    operator_key: SigningKey
    policy: Policy = NOBODY


def certify(store: Store, answer: bytes, signer: Signer, viewer: Viewer = None) -> bytes:
    """Return the certificate of an `answer` as this ledger gave it to a viewer, JSON as `ClearanceAnswer` is written.

    NotFoundError `no_evidence` for an answer by a ledger without entries; UnavailableError `not_reproducible` where the
    evidence does not lead to the answer again: then nobody should rest on it.
    """
    described = msgspec.json.decode(answer, type=ClearanceAnswer)
    if described.size == 0:
        raise NotFoundError("a ledger of size 0 has no entry that an answer could rest on", code="no_evidence")
    with store.read() as tx:
        certificate = _collect(tx, described, answer, signer, viewer)
    raw = encode_certificate(certificate)
    try:
        verify_certificate(raw)
    except VerificationError as e:
        raise UnavailableError(f"the answer cannot be certified: {e}", code="not_reproducible") from e
    return raw


def _collect(tx: Transaction, described: ClearanceAnswer, answer: bytes, signer: Signer, viewer: Viewer) -> Certificate:
    size = described.size
    reader = FactsReader(tx, size)
    reader.need(lambda facts: keys_for_assets([described.asset], facts))
    recipient = None if described.query.recipient is UNSET else described.query.recipient
    seen = Sight(viewer, reader.facts, size, recipient).sees(described.asset)
    found = evidence_on_assets(tx, size, [described.asset] if seen else [])
    note = read_checkpoint(tx, size) or read_covering_checkpoint(tx, size - 1)
    total = read_checkpoint_text(note).size
    log_keys = tuple(key.vkey for key in signing_at(read_log_keys(tx, size), total))
    lines, witnesses = _cosignatures(tx, total, signer.policy)
    rows = list(read_rows(tx, found))
    evidence = Evidence(
        answer="sha256:" + sha256(answer).hexdigest(),
        entries=tuple(row.entry for row in rows),
        ledger=skim_signed(_opened(rows[0])).statement.ledger,
        size=size,
        viewer=UNSET if viewer is None else viewer,
    )
    return Certificate(
        format=FORMAT,
        answer=sign_payload(answer, ANSWER_TYPE, signer.operator_key),
        evidence=sign_payload(encode_canonical(evidence), EVIDENCE_TYPE, signer.operator_key),
        checkpoint=(note + lines).decode(),
        log_keys=log_keys,
        witnesses=witnesses,
        entries=tuple(_seal(tx, row, total, size, viewer) for row in rows),
    )


def _cosignatures(tx: Transaction, size: int, policy: Policy) -> tuple[bytes, tuple[str, ...]]:
    """Return the lines of those witnesses of the policy that cosigned the checkpoint, and their verifier keys."""
    lines = {cosignature.witness: cosignature.line for cosignature in newest_cosignatures(tx, size)}
    known = {f"{v.name}+{v.key_id.hex()}": vkey_text(v.name, v.public_key, v.kind) for v in policy.verifiers}
    signed = [witness for witness in known if witness in lines]
    return b"".join(lines[witness] for witness in signed), tuple(known[witness] for witness in signed)


def _opened(row: Row) -> bytes:
    if row.opening is None:
        raise UnavailableError(f"entry {row.entry} has no opening", code="ledger_integrity_failure")
    return row.opening.envelope


def _seal(tx: Transaction, row: Row, total: int, size: int, viewer: Viewer) -> Sealed:
    """Return an entry with its proof, and its opening as far as the viewer may see it."""
    proof = prove_inclusion(row.entry, total, read_nodes(tx, inclusion_ids(row.entry, total)))
    if row.opening is None:
        erased = entries_touching(tx, [erasure_key(row.entry)], size)
        by = next(iter(erased.values()))[0] if erased else UNSET
        return Sealed(entry=row.raw.decode(), proof=proof, erased_by=by)
    if viewer is not None and row.entry and not _is_seen(tx, row, size, viewer):
        return Sealed(entry=row.raw.decode(), proof=proof)
    return Sealed(entry=row.raw.decode(), proof=proof, salt=row.opening.salt, envelope=row.opening.envelope)


def _is_seen(tx: Transaction, row: Row, size: int, viewer: str) -> bool:
    statement = skim_signed(_opened(row)).statement
    reader = FactsReader(tx, size)
    reader.need(lambda facts: keys_for_statement(statement, facts))
    return sees_statement(viewer, statement, reader.facts)
