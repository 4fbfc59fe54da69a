"""The ledger is verified again and again while it is served, by one process at a time.

Verifying takes a core for as long as the ledger is large, so it is done in a process of its own that gives way to all
others. What that process finds it keeps in the ledger; here is only looked at when the next one is due.
"""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

from consent_ledger.errors import LedgerError
from consent_ledger.store.engine import Store
from consent_ledger.store.witnesses import take_lease
from consent_ledger.verification.runs import last_run

LOOK_SECONDS = 60.0
LEASE_SECONDS = 3_600
NICENESS = 10
_NAME = "verifying"


def command(home: Path) -> list[str]:
    """Return the command that verifies the ledger at `home` and keeps what it finds."""
    return [sys.executable, "-m", "consent_ledger", "verify", "--ledger", str(home), "--jobs", "1"]


class Watch:
    """A thread that has the ledger verified, between entering and leaving. `said` is told an event and its fields."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], int],
        every_seconds: int,
        verify: Sequence[str],
        said: Callable[..., object],
        *,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._every = every_seconds * 1_000_000
        self._verify = verify
        self._said = said
        self._look = look_seconds
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._over = Event()
        self._thread = Thread(target=self._run, name="verification", daemon=True)

    def _run(self) -> None:
        while not self._over.wait(self._look):
            try:
                if self._is_due():
                    self._have_verified()
            except LedgerError as e:
                self._said("not_verified_now", code=e.code)
            except Exception as e:  # whatever it is, the next look may go well, and nobody else would hear of it
                self._said("not_verified_now", error=type(e).__name__)

    def _is_due(self) -> bool:
        """Whether the last verification is long enough ago, and nobody else is at it."""
        now = self._clock()
        last = last_run(self._store)
        if last is not None and now - last.at < self._every:
            return False
        seconds = now // 1_000_000
        with self._store.write() as tx:
            return take_lease(tx, _NAME, self._holder, seconds, seconds + LEASE_SECONDS)

    def _have_verified(self) -> None:
        quiet = subprocess.DEVNULL
        with subprocess.Popen(self._verify, stdin=quiet, stdout=quiet, stderr=quiet) as process:
            with suppress(OSError):  # it may be over already
                os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
            while process.poll() is None:
                if self._over.wait(0.2):
                    process.terminate()
                    return
        self._said("verified" if process.returncode == 0 else "not_verified", exit_code=process.returncode)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
