"""A receipt to keep: one JSON file from which anybody sees, offline and for ever, what was recorded and when.

It holds the entry, the opening (salt and signed envelope), the tlog-proof to a signed checkpoint, the log's verifier
key, and the public keys behind the envelope's signatures. Whether the verifier key is the right one, the reader knows
from elsewhere; that a key was the issuer's own, the ledger checked when it recorded the statement.
"""

from collections.abc import Collection
from typing import Final, Literal

import msgspec

from consent_ledger.audit.checkpoint import Checkpoint, read_checkpoint_text
from consent_ledger.audit.entry import Entry, commit
from consent_ledger.audit.proofs import inclusion_ids, prove_inclusion
from consent_ledger.audit.receipt import MAX_RECEIPT, Receipt, encode_receipt, verify_receipt
from consent_ledger.errors import MalformedError, NotFoundError, VerificationError
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.keys import GENESIS_KEY, keyid_key, statement_key
from consent_ledger.licenses.log_keys import signing_at
from consent_ledger.licenses.signed import SignedStatement, read_signed, verify_signed
from consent_ledger.signing.canonical import decode_json
from consent_ledger.signing.envelope import MAX_ENVELOPE
from consent_ledger.signing.note import NoteVerifier
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader, read_log_keys
from consent_ledger.store.index import entries_touching
from consent_ledger.store.log import read_covering_checkpoint, read_entries, read_head, read_nodes, read_openings
from consent_ledger.store.transaction import Transaction

FORMAT: Final = "consent-ledger/receipt/v1"
MAX_FILE = 2 * MAX_ENVELOPE + 2 * MAX_RECEIPT


class Opening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the entry's commitment commits to; in base64."""

    salt: bytes
    envelope: bytes


class ReceiptFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file. `entry` and `proof` are texts, verbatim; `keys` are raw public keys by keyid, in base64."""

    format: Literal["consent-ledger/receipt/v1"]
    id: str
    entry: str
    opening: Opening
    proof: str
    vkey: str
    keys: dict[str, bytes]


class Proved(msgspec.Struct, frozen=True):
    """What a receipt proves: this statement, in this entry, under this checkpoint."""

    signed: SignedStatement
    entry: Entry
    checkpoint: Checkpoint


def take_receipt(store: Store, id_: str) -> ReceiptFile:
    """Return the receipt of a recorded statement; raise NotFoundError where it is not recorded or was erased."""
    with store.read() as tx:
        head = read_head(tx)
        found = entries_touching(tx, [statement_key(id_)], head.size).get(statement_key(id_))
        if not found:
            raise NotFoundError(f"statement `{id_}` is not recorded", code="statement_unknown")
        opening = read_openings(tx, found[:1]).get(found[0])
        if opening is None:
            raise NotFoundError(f"statement `{id_}` was erased", code="statement_erased")
        note = read_covering_checkpoint(tx, found[0])
        size = read_checkpoint_text(note).size
        signed = read_signed(opening.envelope)
        return ReceiptFile(
            format=FORMAT,
            id=id_,
            entry=read_entries(tx, found[0], found[0] + 1)[0].decode(),
            opening=Opening(opening.salt, opening.envelope),
            proof=_prove(tx, found[0], note).decode(),
            vkey=signing_at(read_log_keys(tx, size), size)[0].vkey,
            keys=public_keys(tx, head.size, signed.keyids),
        )


def _prove(tx: Transaction, index: int, note: bytes) -> bytes:
    size = read_checkpoint_text(note).size
    nodes = read_nodes(tx, inclusion_ids(index, size))
    return encode_receipt(Receipt(index, prove_inclusion(index, size, nodes), note))


def public_keys(tx: Transaction, size: int, keyids: Collection[str]) -> dict[str, bytes]:
    """Return the raw public keys behind keyids, as the ledger of a size knows them."""
    reader = FactsReader(tx, size)
    reader.load([GENESIS_KEY, *(keyid_key(keyid) for keyid in keyids)])
    facts: Facts = reader.facts
    return {key.keyid: key.raw for party in facts.parties.values() for key in party.keys if key.keyid in keyids}


def encode_receipt_file(receipt: ReceiptFile) -> bytes:
    """Return the file's bytes, indented for people."""
    return msgspec.json.format(msgspec.json.encode(receipt), indent=2) + b"\n"


def decode_receipt_file(raw: bytes) -> ReceiptFile:
    """Return the receipt in a file, nothing verified; VerificationError where there is none, as that proves nothing."""
    if len(raw) > MAX_FILE:
        raise VerificationError(f"receipt has {len(raw)} bytes, want at most {MAX_FILE}", code="too_large")
    try:
        return decode_json(raw, ReceiptFile)
    except MalformedError as e:
        raise VerificationError(f"this is not a receipt: {e}") from e


def verify_receipt_file(receipt: ReceiptFile, vkey: str | None = None) -> Proved:
    """Return what the receipt proves, under one of the keys in the lines of `vkey`, or else its own key; raise
    VerificationError if nothing."""
    if vkey is not None and receipt.vkey not in vkey.split():
        raise VerificationError("the receipt is of another log than that of the verifier key", code="wrong_log_key")
    try:
        verifier = NoteVerifier.from_vkey(receipt.vkey)
        entry, checkpoint = verify_receipt(receipt.proof.encode(), receipt.entry.encode(), [verifier])
        if commit(receipt.opening.salt, receipt.opening.envelope) != entry.commitment:
            raise VerificationError(f"entry {entry.index} does not commit to this opening", code="commitment_mismatch")
        signed = read_signed(receipt.opening.envelope)
        verify_signed(signed, receipt.keys)
    except MalformedError as e:
        raise VerificationError(f"the receipt is damaged: {e}") from e
    if signed.id != receipt.id:
        raise VerificationError(f"the receipt says `{receipt.id}` and holds `{signed.id}`", code="wrong_statement")
    if signed.statement.ledger != checkpoint.origin:
        raise VerificationError(f"the statement was meant for `{signed.statement.ledger}`", code="wrong_ledger")
    return Proved(signed, entry, checkpoint)
