"""Which key signed what, in a log that has had several (decision 5).

A checkpoint counts when a key signed it that was a key of the log at its size. An auditor knows one key, the first or
the newest or any between; from it trust goes to the others only by checkpoints that a key so trusted signed.
"""

from collections.abc import Collection, Iterable, Sequence

from consent_ledger.audit.checkpoint import Checkpoint, open_checkpoint, read_checkpoint_text
from consent_ledger.audit.replay import Finding
from consent_ledger.errors import VerificationError
from consent_ledger.licenses.log_keys import LogKey, signing_at, trusted, verifiers_at
from consent_ledger.signing.note import NoteVerifier


def open_signed(note: bytes, keys: Sequence[LogKey]) -> tuple[Checkpoint, set[str]]:
    """Return a checkpoint and the keys that signed it; raise VerificationError or MalformedError unless one of those
    did that are the log's at its size."""
    size = read_checkpoint_text(note).size
    checkpoint = open_checkpoint(note, verifiers_at(keys, size))
    active = [key.vkey for key in signing_at(keys, size)]
    return checkpoint, set(active) if len(active) == 1 else {vkey for vkey in active if _signed(note, vkey)}


def _signed(note: bytes, vkey: str) -> bool:
    try:
        open_checkpoint(note, [NoteVerifier.from_vkey(vkey)])
    except VerificationError:
        return False
    return True


def check_trust(
    keys: Sequence[LogKey], told: Collection[str], head: Collection[str], signed: Iterable[tuple[int, Collection[str]]]
) -> Finding | None:
    """Return what is wrong with believing a head that the keys `head` signed, for somebody who knows the keys `told`.

    `signed` are checkpoints that agree with the log: the size of each, and the keys that signed it.
    """
    if not {key.vkey for key in keys} & set(told):
        return Finding(0, "log_key_replaced", "the log names other keys than the one that was given")
    if not trusted(keys, told, signed) & set(head):
        detail = "no checkpoint shows that the key that was given handed over to the one that signed this"
        return Finding(None, "log_key_unlinked", detail)
    return None
