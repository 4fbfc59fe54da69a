"""Where a bundle is written to: a folder, or a tar of which every byte follows from what is in it."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tarfile import GNU_FORMAT, TarInfo
from typing import IO, Protocol

_BLOCK = 512
_RECORD = 20 * _BLOCK


class Place(Protocol):
    """Takes files, each once and one after the other."""

    def put(self, name: str, raw: bytes) -> None:
        """Write a file."""

    def opened(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file that is not in memory, to write it from beginning to end."""

    def finish(self) -> None:
        """Make it whole and durable."""


class FolderPlace:
    """A new folder."""

    def __init__(self, draft: Path) -> None:
        self._draft = draft
        draft.mkdir()

    def put(self, name: str, raw: bytes) -> None:
        with self.opened(name) as file:
            file.write(raw)

    def opened(self, name: str) -> AbstractContextManager[IO[bytes]]:
        path = self._draft / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")

    def finish(self) -> None:
        pass


class TarPlace:
    """A new tar: files of nobody, of no time, in the order in which they come."""

    def __init__(self, draft: Path) -> None:
        self._file = draft.open("xb")

    def put(self, name: str, raw: bytes) -> None:
        self._file.write(_header(name, len(raw)) + raw + bytes(-len(raw) % _BLOCK))

    @contextmanager
    def opened(self, name: str) -> Iterator[IO[bytes]]:
        start = self._file.tell()
        self._file.write(_header(name, 0))
        yield self._file
        size = self._file.tell() - start - _BLOCK
        self._file.write(bytes(-size % _BLOCK))
        # Only now is its length known.
        end = self._file.tell()
        self._file.seek(start)
        self._file.write(_header(name, size))
        self._file.seek(end)

    def finish(self) -> None:
        end = self._file.tell() + 2 * _BLOCK
        self._file.write(bytes(2 * _BLOCK + -end % _RECORD))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def _header(name: str, size: int) -> bytes:
    member = TarInfo(name)
    member.size = size
    return member.tobuf(GNU_FORMAT)
