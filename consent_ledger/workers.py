"""Verifier processes: signatures are checked on the cores that the ledger's own process does not use.

A worker is this module run by the same interpreter. It reads frames from its standard input and answers each on its
standard output; it has no database, no keys and no state, and ends when its input does. (A process pool would run the
caller's main module again, or fork it with its threads.)
"""

import gc
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Lock
from types import TracebackType
from typing import IO, Generic, Self, TypeVar

import msgspec

from consent_ledger.errors import LedgerError, UnavailableError
from consent_ledger.licenses.signed import SignedStatement, brought_key, signers_of
from consent_ledger.signing.envelope import pae, time_message
from consent_ledger.signing.keys import enrol_public_key, verify_signature

_LENGTH = struct.Struct(">I")
_ATTEMPTS = 3


T = TypeVar("T")
Signed = tuple[bytes, bytes, bytes]
"""A raw public key, a message and a signature."""


class Job(msgspec.Struct, array_like=True, gc=False):
    """Signatures to check, and raw public keys that may be enrolled or not."""

    signatures: list[Signed] = []
    points: list[bytes] = []


class Sums(Generic[T]):
    """The arithmetic that some statements rest on, and whose it is: all that has to cross to a worker."""

    def __init__(self) -> None:
        self.job = Job([], [])
        self._signers: list[T] = []
        self._enrollers: list[T] = []
        self._verdicts: Future[list[bool]] | None = None

    def __len__(self) -> int:
        return len(self._signers)

    def add(self, whose: T, signed: SignedStatement, keys: Mapping[str, bytes]) -> bool:
        """Add what is to be checked of a statement, or return False where it cannot be done by arithmetic alone: a key
        is not known, a passkey signed, or nobody but a time source."""
        signatures = signed.envelope.signatures
        if not signers_of(signed.envelope).keyids or any(s.is_passkey or s.keyid not in keys for s in signatures):
            return False
        message = pae(signed.envelope.payload_type, signed.envelope.payload)
        for signature in signatures:
            what = message if signature.time is None else time_message(message, signature.time)
            self.job.signatures.append((keys[signature.keyid], what, signature.sig))
            self._signers.append(whose)
        brought = brought_key(signed.statement)
        if brought is not None and brought.scheme == "ed25519":
            self.job.points.append(brought.raw)
            self._enrollers.append(whose)
        return True

    def send(self, workers: "Workers") -> None:
        """Let a worker begin."""
        self._verdicts = workers.compute(self.job)
        self.job = Job([], [])

    def wrong(self) -> Iterator[T]:
        """Wait for the worker, and yield those of whom something is not right."""
        if self._verdicts is not None:
            for whose, good in zip(self._signers + self._enrollers, self._verdicts.result(), strict=True):
                if not good:
                    yield whose


class Workers:
    """Some verifier processes, started when they are first needed, and anew where one has gone. Threads may
    share them.

    Close them, or use as a context manager."""

    def __init__(self, count: int | None = None) -> None:
        self.count = count or os.cpu_count() or 1
        self._threads = ThreadPoolExecutor(self.count, thread_name_prefix="verifier")
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._starting = Lock()

    def start(self) -> None:
        """Start the processes now, so that they are ready when the first job comes."""
        with self._starting:
            while len(self._processes) < self.count:
                command = [sys.executable, "-m", "consent_ledger.workers"]
                process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", env=_environment()
                )
                self._processes.append(process)
                self._idle.put(process)

    def compute(self, job: Job) -> Future[list[bool]]:
        """Return, for each signature, whether it is good, and then for each public key, whether it may be enrolled."""
        self.start()
        return self._threads.submit(self._call, msgspec.msgpack.encode(job))

    def _call(self, job: bytes) -> list[bool]:
        for _ in range(_ATTEMPTS):
            process = self._idle.get()
            answer = _asked(process, job)
            if answer is not None:
                self._idle.put(process)
                return msgspec.msgpack.decode(answer, type=list[bool])
            self._forget(process)
            self.start()
        raise UnavailableError("a verifier process has gone", code="verifier_gone")

    def _forget(self, process: "subprocess.Popen[bytes]") -> None:
        """Let go of a process that has gone, so that another takes its place."""
        with self._starting:
            self._processes.remove(process)
        process.kill()
        process.communicate()

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


def _asked(process: "subprocess.Popen[bytes]", job: bytes) -> bytes | None:
    """Return what a process answers to a job, None where it has gone."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        write_frame(process.stdin, job)
        return read_frame(process.stdout)
    except OSError:
        return None


@contextmanager
def collector_paused() -> Iterator[None]:
    """Spare the garbage collector many thousand new objects, none of which can be part of a cycle."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


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
    """Answer jobs until the input ends, and only then: a signal that is meant for all lets the service finish first."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    decoder = msgspec.msgpack.Decoder(Job)
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        job = decoder.decode(frame)
        verdicts = [*map(is_signed, job.signatures)]
        verdicts += map(may_be_enrolled, job.points)
        write_frame(sys.stdout.buffer, msgspec.msgpack.encode(verdicts))


if __name__ == "__main__":
    main()
