"""Media: naming files by the SHA-256 of their bytes. Nothing is uploaded, and a file is read once.

A thread reads ahead while another hashes, so a large file costs what its hash costs; several files are hashed at once.
What cannot be read becomes a finding with its path, and the others are not lost for it.
"""

import hashlib
import os
import re
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import BinaryIO, NamedTuple

from consent_ledger.errors import LedgerError, MalformedError

CHUNK = 1 << 21
_AHEAD = 2  # buffers: more of them no longer stay in the cache between reading and hashing
_HASH = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


class Hashed(NamedTuple):
    """A file, and what its bytes are: `sha256:` and hex digest, and their number."""

    path: Path
    asset: str
    size: int


class Unusable(NamedTuple):
    """A path that stands for no media file, and why. `lost`: what is there, if anything, was not looked at."""

    path: Path
    why: str
    lost: bool = True


def parse_hash(text: str) -> str | None:
    """Return `sha256:` and the hex digest that `text` spells, with or without the prefix, or None."""
    spelled = _HASH.fullmatch(text)
    return None if spelled is None else f"sha256:{spelled[1]}"


def asset_of(text: str) -> str:
    """Return the hash that `text` spells, or else the hash of the file at that path."""
    spelled = parse_hash(text)
    if spelled is not None:
        return spelled
    match hash_file(Path(text)):
        case Hashed(asset=asset):
            return asset
        case Unusable(why=why):
            raise LedgerError(f"`{text}` is neither a hash nor a file that can be read: {why}", code="unusable_file")


def parse_hash_line(line: bytes) -> tuple[str, str | None]:
    """Return the hash, and the name behind it if any, of a line as `sha256sum` writes it or of a hash alone."""
    text = line.decode("utf-8", "surrogateescape").strip("\r\n")
    hash_, _, name = text.strip().partition(" ")
    spelled = parse_hash(hash_)
    if spelled is None:
        raise MalformedError(f"{text[:80]!a} is not a sha-256 hash")
    return spelled, name.lstrip(" *") or None


# Finding files -------------------------------------------------------------------------------------------------------


def find_files(roots: Iterable[Path]) -> Iterator[Path | Unusable]:
    """Yield the files named and all those in the folders named, by name; links are followed, no folder twice."""
    seen: set[tuple[int, int]] = set()
    for root in roots:
        try:
            is_folder = stat.S_ISDIR(os.stat(root).st_mode)
        except OSError as e:
            yield Unusable(root, _reason(e))
            continue
        if is_folder:
            yield from _walk(root, seen)
        else:
            yield root


def _walk(root: Path, seen: set[tuple[int, int]]) -> Iterator[Path | Unusable]:
    pending = [root]
    while pending:
        folder = pending.pop()
        try:
            status = os.stat(folder)
            if (status.st_dev, status.st_ino) in seen:
                yield Unusable(folder, "leads to a folder that was walked already", lost=False)
                continue
            seen.add((status.st_dev, status.st_ino))
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as e:
            yield Unusable(folder, _reason(e))
            continue
        folders = []
        for entry in entries:
            path = Path(entry.path)
            try:
                if entry.is_dir():
                    folders.append(path)
                else:
                    yield path
            except OSError as e:
                yield Unusable(path, _reason(e))
        pending += reversed(folders)


# Hashing -------------------------------------------------------------------------------------------------------------


def hash_files(paths: Iterable[Path | Unusable], workers: int | None = None) -> Iterator[Hashed | Unusable]:
    """Yield what each path is, in the order given, hashing as many at once as there are processors."""
    workers = workers or os.cpu_count() or 1
    source = iter(paths)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        queue: deque[Future[Hashed | Unusable]] = deque(pool.submit(_hash, p) for p in islice(source, 8 * workers))
        try:
            while queue:
                done = queue.popleft().result()
                queue.extend(pool.submit(_hash, p) for p in islice(source, 1))
                yield done
        finally:
            for future in queue:
                future.cancel()


def _hash(path: Path | Unusable) -> Hashed | Unusable:
    return path if isinstance(path, Unusable) else hash_file(path)


def hash_file(path: Path) -> Hashed | Unusable:
    """Return the file's hash and size, or why it has none: unreadable, not a file, empty, or changing meanwhile."""
    try:
        # Without O_NONBLOCK a pipe would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb", buffering=0) as file:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                return Unusable(path, "is not a file")
            digest, size = _digest(file, before.st_size)
            after = os.fstat(descriptor)
    except OSError as e:
        return Unusable(path, "is not a file" if isinstance(e, IsADirectoryError) else _reason(e))
    except ValueError:  # a zero byte in the name
        return Unusable(path, "is not a name that a file can have")
    if size == 0:
        return Unusable(path, "is empty")
    if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size) or size != after.st_size:
        return Unusable(path, "changed while it was read")
    return Hashed(path, f"sha256:{digest}", size)


def _digest(file: BinaryIO, size: int) -> tuple[str, int]:
    if size <= CHUNK:
        raw = file.read(CHUNK + 1)
        if len(raw) <= CHUNK and not file.read(1):
            return hashlib.sha256(raw).hexdigest(), len(raw)
        file.seek(0)
    return _digest_reading_ahead(file)


def _digest_reading_ahead(file: BinaryIO) -> tuple[str, int]:
    """Hash one buffer while a thread fills the next ones; both let go of the interpreter while they work."""
    free: SimpleQueue[bytearray | None] = SimpleQueue()
    full: SimpleQueue[tuple[bytearray, int] | OSError] = SimpleQueue()
    for _ in range(_AHEAD):
        free.put(bytearray(CHUNK))

    def read() -> None:
        while (buffer := free.get()) is not None:
            try:
                count = file.readinto(buffer)  # type: ignore[attr-defined]  # opened unbuffered
            except OSError as e:
                full.put(e)
                return
            full.put((buffer, count))
            if not count:
                return

    reader = Thread(target=read, daemon=True)
    reader.start()
    digest, size = hashlib.sha256(), 0
    try:
        while True:
            item = full.get()
            if isinstance(item, OSError):
                raise item
            buffer, count = item
            if not count:
                return digest.hexdigest(), size
            digest.update(memoryview(buffer)[:count])
            size += count
            free.put(buffer)
    finally:
        free.put(None)
        reader.join()


def _reason(error: OSError) -> str:
    return (error.strerror or "cannot be read").lower()
