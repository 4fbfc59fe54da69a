"""Formats: bytes that were once written are written again, for ever. A golden file never changes."""

from pathlib import Path

import pytest

from consent_ledger.audit.checkpoint import open_checkpoint, sign_checkpoint
from consent_ledger.audit.entry import commit, decode_entry
from consent_ledger.audit.receipt import verify_receipt
from consent_ledger.audit.tiles import Tile, decode_bundle, decode_tile, encode_bundle, encode_tile
from consent_ledger.audit.tree import leaf_hash
from consent_ledger.signing.envelope import decode_envelope, verify_envelope
from consent_ledger.signing.note import COSIGNATURE, NoteVerifier, cosignature_line, open_note, sign_note, vkey_text
from tests.audit.chain import ISSUER_KEY, LOG_KEY, ORIGIN, VERIFIER, make_log

GOLDEN = Path(__file__).parent / "golden"
SIZE, INDEX = 5, 3
LOG = make_log(SIZE)
TEXT = "A note.\n\nIt has three lines, één met accent.\n".encode()
WITNESS = "witness.example/w1"

WRITTEN = {
    "entry-v1.json": LOG.entries[INDEX],
    "envelope-v1.json": LOG.openings[INDEX].envelope,
    "note-v1.txt": sign_note(TEXT, ORIGIN, LOG_KEY) + cosignature_line(TEXT, WITNESS, ISSUER_KEY, 1_780_315_200),
    "vkey-v1.txt": (vkey_text(ORIGIN, LOG_KEY.public_key) + "\n").encode(),
    "checkpoint-v1.txt": sign_checkpoint(LOG.checkpoint(), LOG_KEY),
    "receipt-v1.tlog-proof": LOG.receipt(INDEX),
    "tile-v1.bin": encode_tile(Tile(0, 0, SIZE), LOG.nodes),
    "entries-v1.bin": encode_bundle(LOG.entries),
}


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("name", WRITTEN)
def test_a_format_is_written_as_it_always_was(name: str) -> None:
    assert WRITTEN[name] == golden(name)


def test_what_was_written_once_still_verifies() -> None:
    verifier = NoteVerifier.from_vkey(golden("vkey-v1.txt").decode().removesuffix("\n"))
    assert verifier == VERIFIER
    entry, checkpoint = verify_receipt(golden("receipt-v1.tlog-proof"), golden("entry-v1.json"), [verifier])
    assert entry == decode_entry(golden("entry-v1.json"))
    assert checkpoint == open_checkpoint(golden("checkpoint-v1.txt"), [verifier])
    assert entry.commitment == commit(LOG.openings[INDEX].salt, golden("envelope-v1.json"))
    envelope = decode_envelope(golden("envelope-v1.json"))
    verify_envelope(envelope, {ISSUER_KEY.public_key.keyid: ISSUER_KEY.public_key.raw})
    entries = decode_bundle(golden("entries-v1.bin"), SIZE)
    assert entries[INDEX] == golden("entry-v1.json")
    assert decode_tile(golden("tile-v1.bin"), SIZE) == [leaf_hash(entry) for entry in entries]
    witness = NoteVerifier(WITNESS, ISSUER_KEY.public_key, COSIGNATURE)
    assert open_note(golden("note-v1.txt"), [verifier, witness]).names == (ORIGIN, WITNESS)
