"""Checking envelopes, which is nearly all the work of an audit: in this process, or in one more for each core.

Signatures are checked while the walk goes on, so a bad one is found a little later than its entry is walked, and what
it signed is folded in meanwhile: one finding for one bad signature, however many processes there are.
"""

import os
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Protocol

from consent_ledger.audit.replay import Finding
from consent_ledger.errors import LedgerError, MalformedError
from consent_ledger.licenses.signed import SignedStatement, Signers, signers_of, verify_signed
from consent_ledger.workers import Sums, Workers

CHUNK = 1_000
_AHEAD = 3
_WORTH_PROCESSES = 3_000
"""From this many entries on, starting processes costs less than it saves."""


_Chunk = Sums[tuple[int, SignedStatement]]


class Envelopes(Protocol):
    """Where envelopes are handed in to be checked, and what was found of them."""

    def check(self, entry: int, signed: SignedStatement, keys: Mapping[str, bytes]) -> Signers:
        """Return who signed, and have it checked, now or later. `keys` has every keyid of the envelope."""

    def found(self, *, final: bool = False) -> Iterator[Finding]:
        """Yield what is wrong so far; when `final`, with all that was handed in."""

    def close(self) -> None:
        """Leave nothing running."""


def envelopes(jobs: int | None, entries: int) -> Envelopes:
    """Return where to check the envelopes of a log of so many `entries`, with `jobs` processes (None: all cores)."""
    if jobs is None:
        jobs = (os.cpu_count() or 1) if entries >= _WORTH_PROCESSES else 1
    return InProcess() if jobs <= 1 else InProcesses(jobs)


class InProcess:
    """One after the other, at once."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []

    def check(self, entry: int, signed: SignedStatement, keys: Mapping[str, bytes]) -> Signers:
        try:
            return verify_signed(signed, keys)
        except LedgerError as e:
            code = "statement_malformed" if isinstance(e, MalformedError) else "signature_invalid"
            self._findings.append(Finding(entry, code, str(e)))
            return signers_of(signed.envelope)

    def found(self, *, final: bool = False) -> Iterator[Finding]:
        yield from self._findings
        self._findings.clear()

    def close(self) -> None:
        pass


class InProcesses:
    """In worker processes, some chunks ahead of the walk and no more, so that memory stays bounded.

    Only arithmetic on curves is done there, which is most of the work and the least to carry over.
    """

    def __init__(self, jobs: int) -> None:
        self._workers = Workers(jobs)
        self._workers.start()
        self._limit = jobs * _AHEAD
        self._sent: deque[_Chunk] = deque()
        self._chunk: _Chunk = Sums()
        self._keys: dict[str, bytes] = {}
        self._one = InProcess()

    def check(self, entry: int, signed: SignedStatement, keys: Mapping[str, bytes]) -> Signers:
        if not self._chunk.add((entry, signed), signed, keys):
            return self._one.check(entry, signed, keys)  # which says what is wrong
        for keyid in signed.keyids:
            self._keys[keyid] = keys[keyid]
        if len(self._chunk) >= CHUNK:
            self._send()
        return signers_of(signed.envelope)

    def _send(self) -> None:
        self._chunk.send(self._workers)
        self._sent.append(self._chunk)
        self._chunk = Sums()

    def found(self, *, final: bool = False) -> Iterator[Finding]:
        if final and len(self._chunk):
            self._send()
        while self._sent and (final or len(self._sent) > self._limit):
            for entry, signed in self._sent.popleft().wrong():
                self._one.check(entry, signed, self._keys)
        yield from self._one.found()

    def close(self) -> None:
        self._workers.close()
