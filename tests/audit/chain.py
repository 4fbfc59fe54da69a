"""A small real log, made by the code under test from fixed salts and keys."""

from typing import NamedTuple

from consent_ledger.audit.checkpoint import Checkpoint, sign_checkpoint
from consent_ledger.audit.entry import NO_PREVIOUS, commit, encode_entry
from consent_ledger.audit.proofs import prove_inclusion
from consent_ledger.audit.receipt import Receipt, encode_receipt
from consent_ledger.audit.replay import Opening
from consent_ledger.audit.tree import Frontier, leaf_hash
from consent_ledger.signing.envelope import sign_envelope
from consent_ledger.signing.instants import SECOND, parse_time
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import NoteVerifier

ORIGIN = "ledger.example/log"
LOG_KEY = SigningKey.from_seed(b"L" * 32)
ISSUER_KEY = SigningKey.from_seed(b"I" * 32)
VERIFIER = NoteVerifier(ORIGIN, LOG_KEY.public_key)
START = parse_time("2026-06-01T12:00:00Z")


class Log(NamedTuple):
    """Entry bytes, their openings, and every tree node by its stored id."""

    entries: list[bytes]
    openings: list[Opening]
    nodes: dict[int, bytes]

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        entries = self.entries[:size]
        frontier, _ = Frontier().extend(leaf_hash(entry) for entry in entries)
        return Checkpoint(ORIGIN, frontier.size, frontier.root())

    def receipt(self, index: int) -> bytes:
        proof = prove_inclusion(index, len(self.entries), self.nodes)
        return encode_receipt(Receipt(index, proof, sign_checkpoint(self.checkpoint(), LOG_KEY)))


def make_log(size: int) -> Log:
    """Return a log whose entry n was recorded n seconds after the start."""
    log = Log([], [], {})
    previous = NO_PREVIOUS
    for n in range(size):
        opening = Opening(n.to_bytes(32, "big"), sign_envelope(b'{"n":%d}' % n, ISSUER_KEY))
        entry = encode_entry(n, START + n * SECOND, commit(opening.salt, opening.envelope), previous)
        previous = leaf_hash(entry)
        log.entries.append(entry)
        log.openings.append(opening)
    _, nodes = Frontier().extend(leaf_hash(entry) for entry in log.entries)
    log.nodes.update(nodes)
    return log
