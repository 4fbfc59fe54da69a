"""Witnesses are asked again and again, by one process at a time.

A lease in the database says whose turn it is, so that any number of processes may serve and publish one ledger. It
saves work and guards nothing: two that ask at once do no harm.
"""

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from types import TracebackType
from typing import Self

from consent_ledger.custody.anchor import Anchor
from consent_ledger.errors import LedgerError, StaleError
from consent_ledger.publishing.cosigned import Quorum
from consent_ledger.publishing.witnessing import Round, Witnessing
from consent_ledger.store.engine import Store
from consent_ledger.store.witnesses import release_lease, take_lease

INTERVAL_SECONDS = 5.0
LEASE_SECONDS = 120
_NAME = "witnessing"


class Heartbeat:
    """Asks when it is this process's turn.

    Once the `anchor` is stopped, the turn goes to others: they may have an anchor of their own, and are to hear it too.
    """

    def __init__(self, store: Store, witnessing: Witnessing, anchor: Anchor, clock: Callable[[], int]) -> None:
        self._store = store
        self._anchor = anchor
        self._witnessing = witnessing
        self._clock = clock
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._leased_until = 0.0  # on the monotonic clock

    def beat(self) -> Round | None:
        """Ask the witnesses; None where another process does, it is stopped, or the log is empty.

        StaleError as `Witnessing.ask`.
        """
        if self._anchor.read().stop is not None:
            self.close()
            return None
        return self._witnessing.ask() if self._has_lease() else None

    def close(self) -> None:
        """Let another process have the turn."""
        if self._leased_until > 0:
            with self._store.write() as tx:
                release_lease(tx, _NAME, self._holder)
            self._leased_until = 0.0

    def _has_lease(self) -> bool:
        if time.monotonic() < self._leased_until - LEASE_SECONDS / 2:
            return True
        now = self._clock() // 1_000_000
        until = time.monotonic() + LEASE_SECONDS
        with self._store.write() as tx:
            has = take_lease(tx, _NAME, self._holder, now, now + LEASE_SECONDS)
        self._leased_until = until if has else 0.0
        return has


@contextmanager
def asking(
    store: Store, quorum: Quorum, anchor: Anchor, *, clock: Callable[[], int], heartbeat_seconds: int
) -> Iterator[Witnessing]:
    """Give what asks the witnesses of a ledger, and stops it through its anchor."""
    witnessing = Witnessing(
        store,
        quorum,
        clock=clock,
        stop=lambda reason, size: anchor.stop(reason, clock(), size),
        heartbeat_seconds=heartbeat_seconds,
        before_leaving=anchor.advance,
    )
    try:
        yield witnessing
    finally:
        witnessing.close()


class InBackground:
    """A thread in which a heart beats, between entering and leaving. `said` is told an event and what belongs to it."""

    def __init__(
        self, heartbeat: Heartbeat, said: Callable[..., object], *, interval_seconds: float = INTERVAL_SECONDS
    ) -> None:
        self._heartbeat = heartbeat
        self._said = said
        self._interval = interval_seconds
        self._over = Event()
        self._thread = Thread(target=self._run, name="heartbeat", daemon=True)

    def _run(self) -> None:
        while True:
            self._beat()
            if self._over.wait(self._interval):
                return

    def _beat(self) -> None:
        try:
            done = self._heartbeat.beat()
        except StaleError as e:
            self._said("stopped_by_witness", code=e.code, detail=str(e))
        except LedgerError as e:
            self._said("witnesses_not_asked", code=e.code)
        except Exception as e:  # whatever it is, the next beat may go well, and nobody else would hear of it
            self._said("witnesses_not_asked", error=type(e).__name__)
        else:
            for reply in done.replies if done is not None else ():
                self._said("witness_asked", witness=reply.witness, error=reply.error)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self._heartbeat.close()
