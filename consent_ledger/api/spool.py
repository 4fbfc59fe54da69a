"""A request's lines on their way to where they are answered, in bounded memory.

A client may send everything before it reads anything, or wait for each answer before it sends the next line. So
what arrives is always taken in, and what cannot be answered yet waits in a temporary file; only when that is full
does the client have to wait.
"""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from tempfile import SpooledTemporaryFile

from litestar.types import Receive

from consent_ledger.errors import LedgerError, MalformedError, UnavailableError

IN_MEMORY = 1024 * 1024
ON_DISK = 1024 * 1024 * 1024
CHUNK = 512 * 1024
IDLE_SECONDS = 60.0


class ClientGone(LedgerError):
    """The client closed the connection, or sent nothing for too long, before its request was complete."""

    default_code = "client_gone"


class LineSpool:
    """Lines of up to `longest` bytes. One task fills it, one reads it."""

    def __init__(self, longest: int, *, on_disk: int = ON_DISK, whole: bool = False) -> None:
        """`whole`: nothing is taken out before all is in, so what does not fit is too large."""
        self.digest = sha256()
        """Of what came so far, if it is taken as a whole."""
        self._whole = whole
        self._longest = longest
        self._on_disk = on_disk
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed by `close`
        self._written = 0
        self._read = 0
        self._complete = False
        self._changed = asyncio.Condition()

    @property
    def is_complete(self) -> bool:
        """Whether the whole request has come."""
        return self._complete

    async def fill(self, receive: Receive) -> None:
        """Take in the whole request; raise ClientGone where it ends early, MalformedError `too_large`, UnavailableError
        where the disk is full."""
        more = True
        while more:
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    message = await receive()
            except TimeoutError as e:
                raise ClientGone(f"nothing arrived for {IDLE_SECONDS:.0f} seconds") from e
            if message["type"] != "http.request":
                raise ClientGone("request ends before it is complete")
            more = message.get("more_body", False)
            if self._whole:
                self._take_in_whole(message.get("body", b""))
            async with self._changed:
                await self._changed.wait_for(lambda: self._written - self._read <= self._on_disk)
                self._write(message.get("body", b""))
                self._complete = not more
                self._changed.notify_all()

    async def lines(self) -> AsyncIterator[list[bytes | None]]:
        """Yield lists of the lines that have come, without their ends; None for one that is longer than allowed."""
        rest: bytes | None = b""
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._complete or self._read < self._written)
                chunk = self._take()
                self._changed.notify_all()
            if not chunk:
                break
            lines, rest = self._split(rest, chunk)
            if lines:
                yield lines
        if rest != b"":
            yield [rest]

    def close(self) -> None:
        """Give back the memory or the file."""
        self._file.close()

    def _take_in_whole(self, body: bytes) -> None:
        self.digest.update(body)
        if self._written + len(body) > self._on_disk:
            detail = f"request is longer than {self._on_disk} bytes, and was to be taken as a whole"
            raise MalformedError(detail, code="too_large")

    def _write(self, body: bytes) -> None:
        try:
            self._file.seek(self._written)
            self._file.write(body)
        except OSError as e:
            reason = (e.strerror or str(e)).lower()
            raise UnavailableError(f"there is no room for what waits: {reason}", code="no_room") from e
        self._written += len(body)

    def _take(self) -> bytes:
        self._file.seek(self._read)
        chunk = self._file.read(CHUNK)
        self._read += len(chunk)
        if self._read == self._written:
            self._file.seek(0)
            self._file.truncate()
            self._read = self._written = 0
        return chunk

    def _split(self, rest: bytes | None, chunk: bytes) -> tuple[list[bytes | None], bytes | None]:
        """Return the whole lines, and the begun one: None while it is past its longest, and the rest of it is lost."""
        first, *others = chunk.split(b"\n")
        pieces: list[bytes | None] = [None if rest is None else rest + first, *others]
        fitting = [None if piece is None or len(piece) > self._longest else piece for piece in pieces]
        return fitting[:-1], fitting[-1]
