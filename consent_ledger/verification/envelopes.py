"""Checking envelopes, which is nearly all the work of an audit: in this process, or in one more for each core.

Signatures are checked while the walk goes on, so a bad one is found a little later than its entry is walked, and what
it signed is folded in meanwhile: one finding for one bad signature, however many processes there are.
"""

import os
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import Protocol

from consent_ledger.audit.replay import Finding
from consent_ledger.errors import LedgerError, MalformedError
from consent_ledger.licenses.signed import SignedStatement, Signers, brought_key, signers_of, verify_signed
from consent_ledger.signing.envelope import pae, time_message
from consent_ledger.workers import Signed, Workers

CHUNK = 1_000
_AHEAD = 3
_WORTH_PROCESSES = 3_000
"""From this many entries on, starting processes costs less than it saves."""


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


class _Chunk:
    """What is sent to a worker at once, and which entry each part of it is of."""

    def __init__(self) -> None:
        self.signatures: list[Signed] = []
        self.points: list[bytes] = []
        self.signers: list[tuple[int, SignedStatement]] = []
        self.enrollers: list[tuple[int, SignedStatement]] = []
        self.keys: dict[str, bytes] = {}
        self.verdicts: Future[list[bool]] | None = None


class InProcesses:
    """In worker processes, some chunks ahead of the walk and no more, so that memory stays bounded.

    Only arithmetic on curves is done there, which is most of the work and the least to carry over.
    """

    def __init__(self, jobs: int) -> None:
        self._workers = Workers(jobs)
        self._workers.start()
        self._limit = jobs * _AHEAD
        self._sent: deque[_Chunk] = deque()
        self._chunk = _Chunk()
        self._one = InProcess()

    def check(self, entry: int, signed: SignedStatement, keys: Mapping[str, bytes]) -> Signers:
        signers = signers_of(signed.envelope)
        signatures = signed.envelope.signatures
        if not signers.keyids or any(signature.is_passkey for signature in signatures):
            return self._one.check(entry, signed, keys)  # which says what is wrong
        chunk = self._chunk
        message = pae(signed.envelope.payload_type, signed.envelope.payload)
        for signature in signatures:
            key = chunk.keys[signature.keyid] = keys[signature.keyid]
            what = message if signature.time is None else time_message(message, signature.time)
            chunk.signatures.append((key, what, signature.sig))
            chunk.signers.append((entry, signed))
        brought = brought_key(signed.statement)
        if brought is not None and brought.scheme == "ed25519":
            chunk.points.append(brought.raw)
            chunk.enrollers.append((entry, signed))
        if len(chunk.signatures) >= CHUNK:
            self._send()
        return signers

    def _send(self) -> None:
        chunk = self._chunk
        chunk.verdicts = self._workers.compute(chunk.signatures, chunk.points)
        chunk.signatures, chunk.points = [], []
        self._sent.append(chunk)
        self._chunk = _Chunk()

    def found(self, *, final: bool = False) -> Iterator[Finding]:
        if final and self._chunk.signers:
            self._send()
        while self._sent and (final or len(self._sent) > self._limit):
            chunk = self._sent.popleft()
            assert chunk.verdicts is not None
            for (entry, signed), good in zip(chunk.signers + chunk.enrollers, chunk.verdicts.result(), strict=True):
                if not good:
                    self._one.check(entry, signed, chunk.keys)
        yield from self._one.found()

    def close(self) -> None:
        self._workers.close()
