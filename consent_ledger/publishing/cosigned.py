"""Which checkpoint is shown to the world: the newest, with the newest cosignatures, under a quorum of witnesses.

Fail open: the newest is shown, whoever cosigned it; who wants a quorum can tell that it is not there. Fail closed: only
one that has its quorum is shown, so while witnesses cannot be reached the shown log stands still. Either way statements
are recorded and receipts given: a receipt is as good as the checkpoints that are shown later.
"""

from functools import lru_cache
from pathlib import Path

import msgspec

from consent_ledger.audit.checkpoint import read_checkpoint_text
from consent_ledger.audit.policy import NOBODY, Policy, parse_policy, satisfied
from consent_ledger.errors import NotFoundError
from consent_ledger.signing.note import split_note
from consent_ledger.store.log import read_checkpoint
from consent_ledger.store.transaction import Transaction
from consent_ledger.store.witnesses import cosigned_sizes, newest_cosignatures, read_witnessed

_FAR_ENOUGH = 256
_MOST = 64


class Quorum(msgspec.Struct, frozen=True):
    """A policy, and whether a checkpoint without its cosignatures is kept back."""

    policy: Policy = NOBODY
    closed: bool = False


NO_QUORUM = Quorum()


def read_cosigned(tx: Transaction, size: int | None = None) -> bytes | None:
    """Return the checkpoint of a size, or the newest, with the newest cosignature of each witness; None for none."""
    note = read_checkpoint(tx, size)
    if note is None:
        return None
    # A note holds a hundred signatures, and witnesses come and go: the newest are those that are asked now.
    found = newest_cosignatures(tx, read_checkpoint_text(note).size)
    cosignatures = sorted(found, key=lambda cosignature: -cosignature.signed_at)[:_MOST]
    return note + b"".join(cosignature.line for cosignature in cosignatures)


def read_shown(tx: Transaction, quorum: Quorum) -> bytes | None:
    """Return the checkpoint to show, with its cosignatures; None where there is none to be shown."""
    newest = read_cosigned(tx)
    if newest is None or not quorum.closed or has_quorum(quorum.policy, newest):
        return newest
    witnessed = read_witnessed(tx)
    # Those beyond the first are looked at only after the policy became stricter.
    for size in [*([] if witnessed is None else [witnessed]), *cosigned_sizes(tx, _FAR_ENOUGH)]:
        note = read_cosigned(tx, size)
        if note is not None and has_quorum(quorum.policy, note):
            return note
    return None


@lru_cache(maxsize=1024)
def has_quorum(policy: Policy, note: bytes) -> bool:
    """Return whether a checkpoint carries the cosignatures that a policy wants."""
    text, lines = split_note(note)
    return satisfied(policy, text, [line + b"\n" for line in lines])


def read_quorum(path: Path | None, *, closed: bool) -> Quorum:
    """Return the quorum that a policy file asks for; without a file, none."""
    if path is None:
        return NO_QUORUM
    try:
        raw = path.read_bytes()
    except OSError as e:
        reason = (e.strerror or str(e)).lower()
        raise NotFoundError(f"policy `{path}` cannot be read: {reason}", code="policy_missing") from e
    return Quorum(parse_policy(raw), closed)
