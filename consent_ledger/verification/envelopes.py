"""Checking envelopes, which is nearly all the work of an audit: in this process, or in one more for each core.

Signatures are checked while the walk goes on, so a bad one is found a little later than its entry is walked, and what
it signed is folded in meanwhile: one finding for one bad signature, however many processes there are.
"""

import os
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import NamedTuple, Protocol

from consent_ledger.audit.replay import Finding
from consent_ledger.errors import LedgerError, MalformedError
from consent_ledger.licenses.signed import SignedStatement, read_signed, skim_signed, verify_signed
from consent_ledger.workers import Workers

CHUNK = 400
_AHEAD = 3
_WORTH_PROCESSES = 3_000
"""From this many entries on, starting processes costs less than it saves."""


class Envelopes(Protocol):
    """Where envelopes are opened and handed in to be checked, and what was found of them."""

    def open(self, entry: int, raw: bytes) -> SignedStatement:
        """Return what the envelope holds; raise MalformedError where it cannot be read at all."""

    def check(self, entry: int, signed: SignedStatement, keys: Mapping[str, bytes]) -> None:
        """Have one form and good signatures checked, now or later. `keys` has every keyid of the envelope."""

    def found(self, *, final: bool = False) -> Iterator[Finding]:
        """Yield what is wrong so far; when `final`, with all that was handed in."""

    def close(self) -> None:
        """Leave nothing running."""


def envelopes(jobs: int | None, entries: int) -> Envelopes:
    """Return where to check the envelopes of a log of so many `entries`, with `jobs` processes (None: all cores)."""
    if jobs is None:
        jobs = (os.cpu_count() or 1) if entries >= _WORTH_PROCESSES else 1
    return InProcess() if jobs <= 1 else InProcesses(jobs)


def judge(entry: int, raw: bytes, keys: Mapping[str, bytes]) -> Finding | None:
    """Return what is wrong with one envelope, if anything is."""
    try:
        verify_signed(read_signed(raw), keys)
    except LedgerError as e:
        return _finding(entry, e)
    return None


def _finding(entry: int, error: LedgerError) -> Finding:
    return Finding(
        entry, "statement_malformed" if isinstance(error, MalformedError) else "signature_invalid", str(error)
    )


class InProcess:
    """One after the other, at once."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []

    def open(self, entry: int, raw: bytes) -> SignedStatement:
        try:
            return read_signed(raw)
        except MalformedError as e:
            self._findings.append(_finding(entry, e))
            return skim_signed(raw)

    def check(self, entry: int, signed: SignedStatement, keys: Mapping[str, bytes]) -> None:
        try:
            verify_signed(signed, keys)
        except LedgerError as e:
            self._findings.append(_finding(entry, e))

    def found(self, *, final: bool = False) -> Iterator[Finding]:
        yield from self._findings
        self._findings.clear()

    def close(self) -> None:
        pass


class _Chunk(NamedTuple):
    entries: list[int]
    raws: list[bytes]
    keys: dict[str, bytes]
    verdicts: Future[list[bool]] | None = None


class InProcesses:
    """In worker processes, some chunks ahead of the walk and no more, so that memory stays bounded."""

    def __init__(self, jobs: int) -> None:
        self._workers = Workers(jobs)
        self._workers.start()
        self._limit = jobs * _AHEAD
        self._sent: deque[_Chunk] = deque()
        self._chunk = _Chunk([], [], {})

    def open(self, entry: int, raw: bytes) -> SignedStatement:
        return skim_signed(raw)

    def check(self, entry: int, signed: SignedStatement, keys: Mapping[str, bytes]) -> None:
        chunk = self._chunk
        chunk.entries.append(entry)
        chunk.raws.append(signed.raw)
        for signature in signed.envelope.signatures:
            chunk.keys[signature.keyid] = keys[signature.keyid]
        if len(chunk.entries) >= CHUNK:
            self._send()

    def _send(self) -> None:
        chunk = self._chunk
        self._sent.append(chunk._replace(verdicts=self._workers.verify(chunk.raws, chunk.keys)))
        self._chunk = _Chunk([], [], {})

    def found(self, *, final: bool = False) -> Iterator[Finding]:
        if final and self._chunk.entries:
            self._send()
        while self._sent and (final or len(self._sent) > self._limit):
            chunk = self._sent.popleft()
            assert chunk.verdicts is not None
            for entry, raw, good in zip(chunk.entries, chunk.raws, chunk.verdicts.result(), strict=True):
                finding = None if good else judge(entry, raw, chunk.keys)
                if finding is not None:
                    yield finding

    def close(self) -> None:
        self._workers.close()
