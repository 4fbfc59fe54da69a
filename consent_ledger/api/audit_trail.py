"""The audit trail, written behind the answers: what was asked must not make those who ask wait.

One thread writes what has come every second, and at the end. What cannot be written waits, in a bounded queue; what
does not fit is dropped and counted. So a crash loses at most the last second of it: of questions, as acts are in the
log itself by then.
"""

from collections import deque
from collections.abc import Callable
from itertools import islice
from threading import Event, Thread
from typing import Any, NamedTuple

from litestar.types import Scope

from consent_ledger.api.frame import request_id_of
from consent_ledger.api.logs import Logger
from consent_ledger.api.requests import HttpRequest
from consent_ledger.errors import LedgerError
from consent_ledger.signing.instants import SECOND
from consent_ledger.store.engine import Store
from consent_ledger.store.request_log import Asked, delete_oldest, insert_requests

DAY = 24 * 3600 * SECOND
AT_ONCE = 2_000  # rows in one transaction: others want to write too
LONGEST_QUEUE = 200_000
MAX_SUBJECT = 200
TIDY_SECONDS = 600


class Trail(NamedTuple):
    """How the trail is kept: how often it is written, for how many days, and how much may wait."""

    seconds: float = 1.0
    days: int = 365
    longest: int = LONGEST_QUEUE


def about(request: HttpRequest, subject: str) -> None:
    """Say what a request is about, for the trail: ids, hashes and counts, nothing that describes a person.

    What a database might not take is left out: one row that cannot be written would keep all others from it.
    """
    request.scope["state"]["subject"] = "".join(c if " " <= c <= "~" else "?" for c in subject[:MAX_SUBJECT])


class AuditTrail:
    """Takes requests in from the event loop and writes them in a thread of its own, between `start` and `stop`."""

    def __init__(self, store: Store, clock: Callable[[], int], logger: Logger, how: Trail) -> None:
        self._store = store
        self._clock = clock
        self._logger = logger
        self._how = how
        self._queue: deque[Asked] = deque()
        self._ending = Event()
        self._thread: Thread | None = None
        self._dropped_before = 0
        self.dropped = 0
        """How many requests found the queue full."""

    @property
    def waiting(self) -> int:
        """How many requests are not written yet."""
        return len(self._queue)

    def start(self) -> None:
        """Begin to write."""
        self._ending.clear()
        self._thread = Thread(target=self._run, name="audit-trail")
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, then end."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def add(self, scope: Scope) -> None:
        """Take in a request that was answered, if it is known who asked."""
        state: dict[str, Any] = scope["state"]
        caller = state.get("caller")
        if caller is None:
            return
        if len(self._queue) >= self._how.longest:
            self.dropped += 1
            return
        operation = getattr(scope.get("route_handler"), "name", None) or ""
        subject = state.get("subject", "")
        status = state.get("status", 0)
        at = self._clock()
        self._queue.append(
            Asked(at, caller.organisation, caller.token, request_id_of(scope), operation, subject, status)
        )

    def flush(self) -> None:
        """Write all that waits; what cannot be written keeps waiting."""
        while self._queue:
            rows = list(islice(self._queue, AT_ONCE))
            with self._store.write() as tx:
                insert_requests(tx, rows)
            for _ in rows:  # only this thread takes out, so these are still the first
                self._queue.popleft()

    def _run(self) -> None:
        waited = TIDY_SECONDS * 1.0
        while not self._ending.wait(self._how.seconds):
            self._try(self.flush)
            waited += self._how.seconds
            if waited >= TIDY_SECONDS:
                waited = 0.0
                self._try(self._tidy)
        self._try(self.flush)

    def _try(self, write: Callable[[], None]) -> None:
        """Whatever is wrong with the trail, the service goes on answering."""
        try:
            write()
        except LedgerError as e:
            self._logger.error("audit_trail_waits", code=e.code, waiting=self.waiting)
        except Exception as e:
            self._logger.error("audit_trail_waits", error=type(e).__name__, waiting=self.waiting)
        if self.dropped != self._dropped_before:
            self._dropped_before = self.dropped
            self._logger.error("audit_trail_full", dropped=self.dropped)

    def _tidy(self) -> None:
        before = self._clock() - self._how.days * DAY
        gone = AT_ONCE
        while gone == AT_ONCE and not self._ending.is_set():
            with self._store.write() as tx:
                gone = delete_oldest(tx, before, AT_ONCE)
