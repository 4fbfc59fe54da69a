"""Verifier processes: signatures are checked on the cores that the ledger's own process does not use.

A worker is this module run by the same interpreter. It reads frames from its standard input and answers each on its
standard output; it has no database, no keys and no state, and ends when its input does. (A process pool would run the
caller's main module again, or fork it with its threads.)
"""

import os
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Self

import msgspec

from consent_ledger.errors import LedgerError, UnavailableError
from consent_ledger.licenses.signed import read_signed, verify_signed
from consent_ledger.signing.keys import enrol_public_key, verify_signature

_LENGTH = struct.Struct(">I")


Signed = tuple[bytes, bytes, bytes]
"""A raw public key, a message and a signature."""


class Job(msgspec.Struct, array_like=True, gc=False):
    """Envelopes to verify, and the raw public keys by keyid to verify them with; or, where the caller has read the
    envelopes, only the arithmetic: signatures, and raw public keys that may be enrolled or not."""

    envelopes: list[bytes]
    keys: dict[str, bytes]
    signatures: list[Signed] = []
    points: list[bytes] = []


class Workers:
    """Some verifier processes, started when they are first needed. Close them, or use as a context manager."""

    def __init__(self, count: int | None = None) -> None:
        self._count = count or os.cpu_count() or 1
        self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="verifier")
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start the processes now, so that they are ready when the first job comes."""
        while len(self._processes) < self._count:
            command = [sys.executable, "-m", "consent_ledger.workers"]
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", env=_environment()
            )
            self._processes.append(process)
            self._idle.put(process)

    def verify(self, envelopes: Sequence[bytes], keys: Mapping[str, bytes]) -> Future[list[bool]]:
        """Return, for each envelope, whether it is in its one form and every signature on it is good."""
        return self._submit(Job(list(envelopes), dict(keys)))

    def compute(self, signatures: Sequence[Signed], points: Sequence[bytes]) -> Future[list[bool]]:
        """Return, for each signature, whether it is good, and then for each public key, whether it may be enrolled."""
        return self._submit(Job([], {}, list(signatures), list(points)))

    def _submit(self, job: Job) -> Future[list[bool]]:
        self.start()
        return self._threads.submit(self._call, msgspec.msgpack.encode(job))

    def _call(self, job: bytes) -> list[bool]:
        process = self._idle.get()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            write_frame(process.stdin, job)
            answer = read_frame(process.stdout)
        except OSError as e:
            raise UnavailableError("a verifier process has gone", code="verifier_gone") from e
        finally:
            self._idle.put(process)
        if answer is None:
            raise UnavailableError("a verifier process has gone", code="verifier_gone")
        return msgspec.msgpack.decode(answer, type=list[bool])

    def close(self) -> None:
        """End the processes."""
        self._threads.shutdown()
        for process in self._processes:
            process.communicate()
        self._processes.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _environment() -> dict[str, str]:
    """The environment in which the worker finds this same package, from whatever directory."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


def write_frame(stream: IO[bytes], body: bytes) -> None:
    """Write the length in four bytes, then the body."""
    stream.write(_LENGTH.pack(len(body)))
    stream.write(body)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """Return the next body, or None where the stream has ended."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    return body if len(body) == length else None


def is_good(envelope: bytes, keys: Mapping[str, bytes]) -> bool:
    """Whether an envelope is in its one form and every signature on it is good, by one of `keys`."""
    try:
        verify_signed(read_signed(envelope), keys)
    except LedgerError:
        return False
    return True


def is_signed(signed: Signed) -> bool:
    """Whether a signature is good."""
    try:
        verify_signature(*signed)
    except LedgerError:
        return False
    return True


def may_be_enrolled(point: bytes) -> bool:
    """Whether a raw public key may be enrolled."""
    try:
        enrol_public_key(point)
    except LedgerError:
        return False
    return True


def main() -> None:
    """Answer jobs until the input ends."""
    decoder = msgspec.msgpack.Decoder(Job)
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        job = decoder.decode(frame)
        verdicts = [is_good(envelope, job.keys) for envelope in job.envelopes]
        verdicts += map(is_signed, job.signatures)
        verdicts += map(may_be_enrolled, job.points)
        write_frame(sys.stdout.buffer, msgspec.msgpack.encode(verdicts))


if __name__ == "__main__":
    main()
