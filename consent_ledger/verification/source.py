"""Where a bundle's files are read from: a folder, or a tar that nothing is unpacked from.

Whoever made a bundle may be hostile. Nothing but plain files is read: no link is followed, no pipe is waited for, and a
tar may hold files and folders with plain relative names and nothing else.
"""

import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from tarfile import HeaderError, TarInfo
from typing import Any, Protocol

from consent_ledger.errors import MalformedError, NotFoundError, UnavailableError

BLOCK = 512
_FILE_TYPES, _FOLDER = (b"0", b"\0"), b"5"


class Source(Protocol):
    """The files of a bundle by their names. `defects` are what is wrong with the container itself."""

    defects: list[str]

    def read(self, name: str, limit: int) -> bytes | None:
        """Return what is in a file, None where there is none; MalformedError where it is longer than `limit`."""

    def size(self, name: str) -> int:
        """Return how many bytes a file has, 0 where there is none."""

    def lines(self, name: str, limit: int) -> Iterator[bytes]:
        """Yield the lines of a file with their ends; one longer than `limit` comes in pieces."""

    def names(self) -> Iterator[str]:
        """Yield the names of all files, and of whatever else there is."""

    def close(self) -> None:
        """Let go of it."""


def open_source(place: Path) -> Source:
    """Return the bundle at `place`; NotFoundError where there is neither a folder nor a file."""
    if place.is_dir():
        return Folder(place)
    if place.is_file():
        return Archive(place)
    raise NotFoundError(f"no bundle at `{place}`, want a folder or a tar", code="bundle_missing")


class Folder:
    """A bundle as a folder."""

    def __init__(self, place: Path) -> None:
        self.defects: list[str] = []
        self._place = place

    def read(self, name: str, limit: int) -> bytes | None:
        file = self._open(name)
        if file is None:
            return None
        with file:
            return _within(name, file.read(limit + 1), limit)

    def size(self, name: str) -> int:
        file = self._open(name)
        if file is None:
            return 0
        with file:
            return os.fstat(file.fileno()).st_size

    def lines(self, name: str, limit: int) -> Iterator[bytes]:
        file = self._open(name)
        if file is not None:
            with file:
                yield from iter(lambda: file.readline(limit), b"")

    def names(self) -> Iterator[str]:
        for folder, folders, files in os.walk(self._place):
            inside = Path(folder).relative_to(self._place)
            links = [name for name in folders if Path(folder, name).is_symlink()]
            yield from ((inside / name).as_posix() for name in sorted([*files, *links]))
            folders.sort()

    def close(self) -> None:
        pass

    def _open(self, name: str) -> io.BufferedReader | None:
        path = self._place / name
        try:
            # A pipe would be waited for, for ever.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as e:
            if path.is_symlink():
                raise MalformedError(f"`{name}` is a link, want a file") from e
            raise UnavailableError(f"`{path}` cannot be read: {(e.strerror or '').lower()}", code="cannot_read") from e
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise MalformedError(f"`{name}` is no file")
        return open(descriptor, "rb")


class Archive:
    """A bundle as a plain tar, read in place. What comes after the first thing that is not right is not looked at."""

    def __init__(self, place: Path) -> None:
        self.defects: list[str] = []
        self._members: dict[str, tuple[int, int]] = {}
        self._descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._index(os.fstat(self._descriptor).st_size)
        except (MalformedError, HeaderError, UnicodeDecodeError, ValueError) as e:
            self.defects.append(f"the tar cannot be read on from here: {e}")

    def _index(self, length: int) -> None:
        at = 0
        while (header := self._pread(BLOCK, at)) != bytes(BLOCK):
            if len(header) < BLOCK:
                raise MalformedError(f"it ends after {length} bytes without an end")
            member = TarInfo.frombuf(header, "utf-8", "strict")
            name = _plain_name(member)
            at += BLOCK
            end = at + -(-member.size // BLOCK) * BLOCK
            if member.size < 0 or end > length:
                raise MalformedError(f"`{name}` is cut short")
            if any(self._pread(end - at - member.size, at + member.size)):
                raise MalformedError(f"`{name}` has something after its end")
            if member.type == _FOLDER:
                if member.size:
                    raise MalformedError(f"`{name}` is a folder that holds bytes")
            elif self._members.setdefault(name, (at, member.size)) != (at, member.size):
                raise MalformedError(f"`{name}` is there twice")
            at = end
        while block := self._pread(1 << 20, at):
            if any(block):
                raise MalformedError("something comes after its end")
            at += len(block)
        if at % BLOCK or len(self._pread(2 * BLOCK, at - 2 * BLOCK)) < 2 * BLOCK:
            raise MalformedError("its end is cut short")

    def _pread(self, count: int, at: int) -> bytes:
        return os.pread(self._descriptor, count, at)

    def read(self, name: str, limit: int) -> bytes | None:
        if name not in self._members:
            return None
        at, size = self._members[name]
        return _within(name, self._pread(min(size, limit + 1), at), limit)

    def size(self, name: str) -> int:
        return self._members.get(name, (0, 0))[1]

    def lines(self, name: str, limit: int) -> Iterator[bytes]:
        if name in self._members:
            file = io.BufferedReader(_Part(self._descriptor, *self._members[name]), 1 << 16)
            yield from iter(lambda: file.readline(limit), b"")

    def names(self) -> Iterator[str]:
        return iter(sorted(self._members))

    def close(self) -> None:
        os.close(self._descriptor)


class _Part(io.RawIOBase):
    """A part of a file, to be read from its beginning to its end."""

    def __init__(self, descriptor: int, start: int, size: int) -> None:
        self._descriptor, self._at, self._left = descriptor, start, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        raw = os.pread(self._descriptor, min(len(view), self._left), self._at)
        view[: len(raw)] = raw
        self._at += len(raw)
        self._left -= len(raw)
        return len(raw)


def _within(name: str, raw: bytes, limit: int) -> bytes:
    if len(raw) > limit:
        raise MalformedError(f"`{name}` is longer than {limit} bytes")
    return raw


def _plain_name(member: TarInfo) -> str:
    """Return the name of a file or folder; MalformedError for a link, a device, or a name that leads elsewhere."""
    name = member.name.removeprefix("./").removesuffix("/")
    if member.type not in (*_FILE_TYPES, _FOLDER):
        raise MalformedError(f"`{name[:100]!a}` is neither a file nor a folder")
    if name not in ("", ".") and any(part in ("", ".", "..") for part in name.split("/")):
        raise MalformedError(f"`{name[:100]!a}` is a name that leads elsewhere")
    return name
