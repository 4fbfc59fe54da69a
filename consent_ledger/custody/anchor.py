"""The anchor: the last checkpoint that left this process, kept in a file outside the database.

A database that was restored from a backup does not know what it has forgotten. Were it written to, the log would sign a
second root for a size that others hold a checkpoint of. So whoever writes first holds the head against the anchor: a
head that is smaller, or that grew from something else, is not written to, and nothing is cleared on it.

The anchor is two files, and it never goes backwards. `<path>.latest` is replaced after every commit, before anything
is acknowledged, without waiting for the disk; `<path>` is written through to the disk at most once a second. When the
power fails, `.latest` may be torn, and is then passed over: the anchor is a second older, the head is larger, and that
is what any other process's write looks like. `<path>` itself is never torn, so one that cannot be read is an error. A
third file, `<path>.stopped`, says that somebody outside has seen a larger log than this one.

Every process and host that writes has an anchor of its own, or shares this one: a lock orders those that share it.
"""

import errno
import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import msgspec

from consent_ledger.audit.checkpoint import Checkpoint, open_checkpoint, read_checkpoint_text
from consent_ledger.audit.tree import Frontier, frontier_ids
from consent_ledger.errors import MalformedError, StaleError, UnavailableError, VerificationError
from consent_ledger.signing.note import MAX_NOTE, NoteVerifier
from consent_ledger.store.log import Head, read_nodes
from consent_ledger.store.transaction import Transaction

WAY_FORWARD = "want `consent-ledger recover SOURCE`, see docs/restore.md"
SYNC_SECONDS = 1.0
LOCK_SECONDS = 5.0


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why nothing may be written: what was seen outside, when (microseconds), and the size of the log seen there."""

    reason: str
    at: int
    size: int = 0


class Published(NamedTuple):
    """What is known, outside the database, to have been published. Read it before the snapshot it is held against."""

    note: bytes | None
    checkpoint: Checkpoint | None
    stop: Stop | None

    def hold(self, tx: Transaction, head: Head, verifiers: Collection[NoteVerifier] = ()) -> None:
        """Raise StaleError unless the log with this `head` goes on from what was published.

        Codes: `stopped`, `behind_published`, `forked`, and `anchor_of_another_log` where `verifiers` are given and none
        of them signed the anchor.
        """
        if self.stop is not None:
            raise StaleError(f"the ledger is read-only: {self.stop.reason}; {WAY_FORWARD}", code="stopped")
        published = self.checkpoint
        if published is None:
            return
        names = {verifier.name for verifier in verifiers}
        if names and published.origin not in names:
            detail = f"the anchor is of ledger `{published.origin}`, this is `{', '.join(sorted(names))}`"
            raise StaleError(f"{detail}: want the setting `anchor` to name a file of its own", code=_FOREIGN)
        if published.size <= head.size and published.root == _root_at(tx, head, published.size):
            return
        if verifiers:
            self._require_own(verifiers)
        if published.size > head.size:
            detail = f"the ledger has {head.size} entries and had published {published.size}, as after a restore"
            raise StaleError(f"{detail}: it is read-only, {WAY_FORWARD}", code="behind_published")
        detail = f"the first {published.size} entries are not those that were published"
        raise StaleError(f"{detail}: the ledger is read-only, {WAY_FORWARD}", code="forked")

    def _require_own(self, verifiers: Collection[NoteVerifier]) -> None:
        try:
            open_checkpoint(self.note or b"", verifiers)
        except VerificationError as e:
            detail = "the anchor is not signed by a key that this log has had"
            raise StaleError(f"{detail}: want the setting `anchor` to name a file of its own", code=_FOREIGN) from e


NOTHING = Published(None, None, None)
_FOREIGN = "anchor_of_another_log"


def _root_at(tx: Transaction, head: Head, size: int) -> bytes:
    if size == head.size:
        return head.frontier.root()
    return Frontier.load(size, read_nodes(tx, frontier_ids(size))).root()


class Anchor:
    """The anchor at `path`. Threads and processes may share it; `notice` is told, in a sentence, of what is unusual."""

    def __init__(
        self,
        path: Path,
        *,
        notice: Callable[[str], None] = lambda sentence: None,
        lock_seconds: float = LOCK_SECONDS,
    ) -> None:
        """`lock_seconds` bounds the wait for another process that holds the files."""
        self.path = path
        self.latest = path.with_name(path.name + ".latest")
        self.stop_mark = path.with_name(path.name + ".stopped")
        self._notice = notice
        self._lock_seconds = lock_seconds
        self._lock = Lock()
        self._known: tuple[tuple[bytes | None, ...], Published] = ((None, None, None), NOTHING)
        self._synced: bytes | None = None
        self._synced_at = 0.0

    def read(self) -> Published:
        """Return what was published; nothing where there is no anchor yet.

        StaleError `anchor_unreadable` where there is one that cannot be understood.
        """
        kept, latest, stop = (self._bytes_of(file) for file in (self.path, self.latest, self.stop_mark))
        raw = kept, latest, stop
        known, published = self._known
        if raw != known:
            published = self._understood(kept, latest, self._stop_of(stop))
            self._known = raw, published
        return published

    def _understood(self, kept: bytes | None, latest: bytes | None, stop: Stop | None) -> Published:
        if kept is None:
            if self._known[1].note is not None:
                raise self._unreadable(self.path, "it has gone while the ledger was open")
            return Published(None, None, stop)
        try:
            checkpoint = read_checkpoint_text(kept)
        except MalformedError as e:
            raise self._unreadable(self.path, str(e)) from e
        try:
            later = read_checkpoint_text(latest or b"")
        except MalformedError:
            return Published(kept, checkpoint, stop)  # torn when the power failed
        return Published(latest, later, stop) if later.size > checkpoint.size else Published(kept, checkpoint, stop)

    def _stop_of(self, raw: bytes | None) -> Stop | None:
        try:
            return None if raw is None else msgspec.json.decode(raw, type=Stop)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return Stop(f"`{self.stop_mark}` is there and cannot be understood", 0)

    def _bytes_of(self, file: Path) -> bytes | None:
        try:
            with file.open("rb") as opened:
                return opened.read(MAX_NOTE + 1)
        except FileNotFoundError:
            return None
        except OSError as e:
            raise self._unreadable(file, (e.strerror or str(e)).lower()) from e

    def _unreadable(self, file: Path, why: str) -> StaleError:
        detail = f"the anchor `{file}` cannot be read: {why}; want it repaired or put back, it is never made anew"
        return StaleError(detail, code="anchor_unreadable")

    # Writing -----------------------------------------------------------------------------------------------------

    def begin(self, note: bytes) -> None:
        """Make the anchor from the head's checkpoint where there is none: the first to come is believed."""
        if self.read().note is None:
            self.advance(note)
            self._notice(f"there was no anchor: `{self.path}` is made from the {_size(note)} entries that are here")

    def advance(self, note: bytes) -> None:
        """Remember a checkpoint that is committed and not yet published, unless a later one is remembered.

        UnavailableError `not_anchored` where that fails, StaleError `forked` where another of that size is remembered:
        the checkpoint must then not leave the process.
        """
        checkpoint = read_checkpoint_text(note)
        try:
            with self._lock, self._held():
                known = self.read().checkpoint
                if known is None or known.size < checkpoint.size:
                    self._write(note, checkpoint)
                elif known.size == checkpoint.size and known != checkpoint:
                    detail = f"another history of {known.size} entries was published from elsewhere meanwhile"
                    raise StaleError(f"{detail}: the ledger is read-only, {WAY_FORWARD}", code="forked")
        except OSError as e:
            why = (e.strerror or str(e)).lower()
            detail = f"it was recorded, but the anchor `{self.path}` cannot be written: {why}; try again once it can"
            raise UnavailableError(detail, code="not_anchored") from e

    def _write(self, note: bytes, checkpoint: Checkpoint) -> None:
        """Write the checkpoint, through to the disk if that was not done for a second. The lock is held."""
        (kept, _, stop), published = self._known
        _replace(self.latest, note, durable=False)
        if self._synced is None or time.monotonic() - self._synced_at >= SYNC_SECONDS:
            _replace(self.path, note, durable=True)
            self._synced, self._synced_at, kept = note, time.monotonic(), note
        self._known = (kept, note, stop), Published(note, checkpoint, published.stop)

    def close(self) -> None:
        """Write through to the disk what was not yet."""
        if self._synced is None:
            return  # nothing was remembered here
        with self._lock, self._held():
            note = self.read().note
            if note is not None and note != self._synced:
                _replace(self.path, note, durable=True)
                self._synced = note

    def stop(self, reason: str, at: int, size: int = 0) -> None:
        """Let nobody write any more, from now on and after a restart: `reason` is the end of a sentence for people.

        `size` is how many entries the log has that was seen outside.
        """
        with self._lock, self._held():
            _replace(self.stop_mark, msgspec.json.encode(Stop(reason, at, size)) + b"\n", durable=True)

    def go_on(self, size: int) -> None:
        """Lift the stop, if the log now has as many entries as the one that was seen outside."""
        with self._lock, self._held():
            stop = self.read().stop
            if stop is not None and stop.size <= size:
                self.stop_mark.unlink(missing_ok=True)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Be the only one, among processes too, who changes the files; OSError where another one stands still."""
        file = self.path.with_name(self.path.name + ".lock")
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _take(descriptor, self._lock_seconds)
            yield
            flock(descriptor, LOCK_UN)
        finally:
            os.close(descriptor)


def _take(descriptor: int, seconds: float) -> None:
    """Take the lock, which its holder has for less than a millisecond: but a process may be stopped meanwhile."""
    until = time.monotonic() + seconds
    pause = 0.001
    while True:
        try:
            flock(descriptor, LOCK_EX | LOCK_NB)
            return
        except BlockingIOError as e:
            if time.monotonic() > until:
                raise TimeoutError(errno.ETIMEDOUT, "another process holds its lock and stands still") from e
        time.sleep(pause)
        pause = min(2 * pause, 0.05)


def _size(note: bytes) -> int:
    return read_checkpoint_text(note).size


def _replace(file: Path, raw: bytes, *, durable: bool) -> None:
    """Put `raw` in the place of the file, whole or not at all; `durable`: also when the power fails right after."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as opened:
        opened.write(raw)
        if durable:
            opened.flush()
            os.fsync(opened.fileno())
    os.rename(draft, file)
    if durable:
        directory = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
