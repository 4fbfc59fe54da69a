"""Files that are whole or not there, also when the power fails: a draft, synced, renamed, and the folder synced.

`step` is told of each step before it is taken: `write`, `fsync`, `rename`, `fsync_directory`. An exception from it is a
fault at that step.
"""

import os
from collections.abc import Callable
from pathlib import Path

Step = Callable[[str], None]


def go_on(name: str) -> None:
    """Every step is taken."""


def replace_file(path: Path, raw: bytes, draft: Path, step: Step = go_on) -> None:
    """Put a file with these bytes at `path`, by way of `draft`, which must be on the same disk and nobody else's.

    Its name is durable only after `sync_directory`.
    """
    step("write")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644), "wb") as file:
        file.write(raw)
        file.flush()
        step("fsync")
        os.fsync(file.fileno())
    step("rename")
    os.rename(draft, path)


def sync_file(path: Path, step: Step = go_on) -> None:
    """Wait until what is in a file is on the disk."""
    _sync(path, os.O_RDONLY, "fsync", step)


def sync_directory(path: Path, step: Step = go_on) -> None:
    """Wait until the names in a folder are on the disk."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY, "fsync_directory", step)


def _sync(path: Path, flags: int, name: str, step: Step) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        step(name)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
