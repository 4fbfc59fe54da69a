"""What a witness remembers, in a folder: of each log, the checkpoint that it cosigned last, as it answers for it.

The cosignature is in the file and on the disk before it leaves. So a crash can lose an answer, which the log then asks
for again, and never the memory of one. A folder that is lost, or put back from a backup, would let a log show two
histories: then take a new key.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from fcntl import LOCK_EX, LOCK_NB, flock
from hashlib import sha256
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from consent_ledger.audit.cosigning import (
    NO_TREE,
    Offer,
    TreeHead,
    check_growth,
    decode_submission,
    decode_text,
    open_offer,
)
from consent_ledger.durable import Step, go_on, replace_file, sync_directory
from consent_ledger.errors import ConflictError, LedgerError, UnavailableError
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import COSIGNATURE, MAX_NOTE, NoteVerifier, cosignature_line, open_note

LOCK = ".lock"
DRAFT = ".draft"
CHECKPOINT = "checkpoint"

Logs = Mapping[str, Sequence[NoteVerifier]]


class Memory:
    """The memory of the witness `name` in the folder `root`, of which there is one process at a time.

    `logs` are the keys of each origin, `clock` gives POSIX seconds, `step` is told of every step on the disk.
    """

    def __init__(
        self, root: Path, name: str, key: SigningKey, logs: Logs, *, clock: Callable[[], int], step: Step = go_on
    ) -> None:
        self.name = name
        self.verifier = NoteVerifier(name, key.public_key, COSIGNATURE)
        self._root = root
        self._key = key
        self._logs = logs
        self._clock = clock
        self._step = step
        self._placed: set[str] = set()
        self._turn = Lock()
        root.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            flock(self._descriptor, LOCK_EX | LOCK_NB)
        except OSError as e:
            os.close(self._descriptor)
            raise UnavailableError(f"another witness uses `{root}`", code="locked") from e

    def cosign(self, raw: bytes) -> bytes | int:
        """Return the cosignature line that answers the submission `raw`, or the size that it should have come from.

        MalformedError, NotFoundError (log), ForbiddenError (signature) and VerificationError (tree) say why there is
        neither; UnavailableError where the memory cannot be read or written.
        """
        submission = decode_submission(raw)
        offer = open_offer(submission.checkpoint, self._logs)
        with self._turn:  # looking and remembering are one act, or two logs' histories could be interleaved
            known = self._known(offer.origin)
            try:
                check_growth(known, submission, offer.head)
            except ConflictError:
                return known.size
            line = cosignature_line(offer.text, self.name, self._key, self._clock())
            self._remember(offer, line)
        return line

    def checkpoint(self, origin_hash: str) -> bytes | None:
        """Return the checkpoint cosigned last, of the log whose origin has this SHA-256; None if there is none."""
        return next((self._read(origin) for origin in self._logs if _hashed(origin) == origin_hash), None)

    def _known(self, origin: str) -> TreeHead:
        raw = self._read(origin)
        if raw is None:
            return NO_TREE
        try:
            text = open_note(raw, [self.verifier]).text
            found, head = decode_text(text)
        except LedgerError as e:
            raise self._broken(origin) from e
        if found != origin:
            raise self._broken(origin)
        return head

    def _read(self, origin: str) -> bytes | None:
        try:
            with self._place(origin).open("rb") as file:
                return file.read(MAX_NOTE + 1)
        except FileNotFoundError:
            return None
        except OSError as e:
            raise self._broken(origin) from e

    def _remember(self, offer: Offer, line: bytes) -> None:
        place = self._place(offer.origin)
        note = offer.text + b"\n" + b"".join(signature + b"\n" for signature in offer.signatures) + line
        try:
            if offer.origin not in self._placed:  # it may be there, and its name not on the disk yet
                place.parent.mkdir(exist_ok=True)
                sync_directory(self._root, self._step)
                self._placed.add(offer.origin)
            replace_file(place, note, place.with_name(DRAFT), self._step)
            sync_directory(place.parent, self._step)
        except OSError as e:
            raise UnavailableError("the witness cannot remember, so it does not cosign", code="cannot_write") from e

    def _place(self, origin: str) -> Path:
        return self._root / _hashed(origin) / CHECKPOINT

    def _broken(self, origin: str) -> UnavailableError:
        detail = f"what is remembered of a log, in `{self._place(origin)}`, cannot be read: it is not cosigned any more"
        return UnavailableError(detail, code="memory_broken")

    def close(self) -> None:
        """Let another process use the folder."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _hashed(origin: str) -> str:
    return sha256(origin.encode()).hexdigest()
