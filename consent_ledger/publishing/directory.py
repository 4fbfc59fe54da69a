"""Publishing to a folder, which any web server can then serve."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from consent_ledger.durable import Step, go_on, replace_file, sync_directory, sync_file
from consent_ledger.errors import UnavailableError, VerificationError
from consent_ledger.publishing.places import differs
from consent_ledger.signing.note import MAX_NOTE

CHECKPOINT = "checkpoint"
LOCK = ".publishing.lock"
DRAFT = ".publishing.draft"


class Directory:
    """A folder, made if it is not there. `step` is told of every step on the disk, see `durable`."""

    def __init__(self, root: Path, *, patience: float = 10.0, step: Step = go_on) -> None:
        """`patience`: how many seconds to wait for another publisher."""
        self._root = root
        self._patience = patience
        self._step = step
        self._touched: set[Path] = set()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait for other publishers of this folder.

        UnavailableError `locked` where one is not ready in time, `cannot_publish` where the disk fails.
        """
        try:
            missing = [path for path in (self._root, *self._root.parents) if not path.exists()]
            self._root.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                self._lock(descriptor)
                self._touched = {self._root, *(path.parent for path in missing)}
                yield
            finally:
                os.close(descriptor)
        except OSError as e:
            reason = (e.strerror or str(e)).lower()
            raise UnavailableError(f"cannot publish to `{self._root}`: {reason}", code="cannot_publish") from e

    def _lock(self, descriptor: int) -> None:
        until = time.monotonic() + self._patience
        while True:
            # Looked at again and again: whoever waits in the system for one that was stopped hears no signal.
            with suppress(BlockingIOError):
                return flock(descriptor, LOCK_EX | LOCK_NB)
            if time.monotonic() >= until:
                raise UnavailableError(f"another publisher is at work in `{self._root}`", code="locked")
            time.sleep(0.02)

    def read_checkpoint(self) -> bytes | None:
        try:
            with (self._root / CHECKPOINT).open("rb") as file:
                return file.read(MAX_NOTE + 1)
        except FileNotFoundError:
            return None

    def add(self, path: str, raw: bytes) -> bool:
        place = self._root / path
        self._touched.update(p for p in place.parents if p.is_relative_to(self._root))
        if place.exists():
            if not place.is_file() or place.read_bytes() != raw:
                raise differs(path)
            # Whoever put it there may have been stopped before its name was on the disk, and it is promised soon.
            sync_file(place, self._step)
            return False
        place.parent.mkdir(parents=True, exist_ok=True)
        replace_file(place, raw, self._root / DRAFT, self._step)
        return True

    def sync(self) -> None:
        # Innermost first, so that no name on the disk leads to a folder that is not.
        for directory in sorted(self._touched, key=lambda path: -len(path.parts)):
            sync_directory(directory, self._step)

    def replace_checkpoint(self, raw: bytes) -> None:
        place = self._root / CHECKPOINT
        if place.is_symlink():
            raise VerificationError("the published checkpoint is a link, want a file", code="published_differs")
        replace_file(place, raw, self._root / DRAFT, self._step)
        sync_directory(self._root, self._step)
