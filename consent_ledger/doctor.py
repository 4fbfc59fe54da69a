"""The doctor: looks at a ledger's home, one thing after another, and says for each what to do when it is not in order.

Nothing is changed, and nothing needs a passphrase.
"""

import os
import platform
import sqlite3
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from consent_ledger.address_book import AddressBook
from consent_ledger.audit.checkpoint import open_checkpoint
from consent_ledger.custody.anchor import Anchor
from consent_ledger.errors import LedgerError, StaleError
from consent_ledger.settings import Settings, read_settings
from consent_ledger.signing.instants import SECOND, format_time
from consent_ledger.signing.note import NoteVerifier
from consent_ledger.store.engine import Store, open_store
from consent_ledger.store.log import Head, read_head
from consent_ledger.store.schema import HEAD as SCHEMA

OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 37)
BUILT = 1_780_000_000
"""Seconds: a clock before this (May 2026) has not been set."""
SLACK = 60 * SECOND


class Finding(NamedTuple):
    """One thing that was looked at; `advice` is empty where it is in order."""

    name: str
    detail: str
    advice: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is in order."""
        return not self.advice


def examine(home: Path, environ: Mapping[str, str], now: int) -> Iterator[Finding]:
    """Yield what is found; `now` is the clock's instant in microseconds. What needs a home ends where there is none."""
    yield from _machine(now)
    try:
        settings = read_settings(home, environ)
    except LedgerError as e:
        yield Finding("home", str(e), "make one with `consent-ledger init`, or name it with --home")
        return
    yield Finding("home", str(home))
    yield from _files(settings)
    try:
        with open_store(settings.database, read_only=True) as store:
            yield Finding("database", f"{store.place}, version {SCHEMA}")
            yield from _log(settings, store, now)
            yield from _published(settings, store)
    except LedgerError as e:
        yield Finding("database", str(e), "restore it as docs/restore.md says, or repair what the message names")


def _machine(now: int) -> Iterator[Finding]:
    version = platform.python_version()
    old = sys.version_info[:2] < OLDEST_PYTHON
    yield Finding("python", version, "install Python 3.11 or newer" if old else "")
    old = sqlite3.sqlite_version_info < OLDEST_SQLITE
    yield Finding("sqlite", sqlite3.sqlite_version, "install a Python with SQLite 3.37 or newer" if old else "")
    unset = now < BUILT * SECOND
    yield Finding("clock", format_time(now), "set the clock of this machine" if unset else "")


def _files(settings: Settings) -> Iterator[Finding]:
    keys = [*(settings.log_keys or [settings.log_key]), settings.operator_key]
    try:
        contacts = AddressBook(settings.address_book).contacts
    except LedgerError as e:
        yield Finding("address book", str(e), "repair the line that the message names, or restore the file")
    else:
        keys += [settings.home / c.key for c in contacts if c.key is not None]
        yield Finding("address book", f"{len(contacts)} names")
    private = [settings.home, settings.home / "settings.toml", *dict.fromkeys(keys)]
    problems = [problem for path in private if (problem := _privacy(path))]
    if not problems:
        yield Finding("keys", f"{len(dict.fromkeys(keys))} key files, for their owner only")
    for detail, advice in problems:
        yield Finding("keys", detail, advice)


def _privacy(path: Path) -> tuple[str, str] | None:
    """Return what is wrong with who may read a private file, and what to do."""
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)
    except OSError as e:
        return f"{path}: {(e.strerror or '').lower()}", "restore it from a backup: nobody can make this key again"
    if mode & 0o077:
        return f"{path} is open to others (mode {mode:04o})", f"chmod {'700' if path.is_dir() else '600'} {path}"
    return None


def _published(settings: Settings, store: Store) -> Iterator[Finding]:
    """Hold the log against what it is known to have published."""
    try:
        known = Anchor(settings.anchor_file).read()
        with store.read() as tx:
            known.hold(tx, read_head(tx))
    except StaleError as e:
        yield Finding("published", str(e), "read docs/restore.md before anything else")
    else:
        size = "nothing" if known.checkpoint is None else f"{known.checkpoint.size} entries"
        yield Finding("published", f"{size}, as {settings.anchor_file} remembers")


def _log(settings: Settings, store: Store, now: int) -> Iterator[Finding]:
    with store.read() as tx:
        head = read_head(tx)
    advice = "stop writing, keep a copy, and run `consent-ledger verify`"
    try:
        told = settings.verifier_key.read_text(encoding="ascii").split()
        _require_checkpoint(head, [NoteVerifier.from_vkey(line) for line in told])
    except (LedgerError, OSError, UnicodeDecodeError) as e:
        yield Finding("log", str(e), advice)
    else:
        yield Finding("log", f"{head.size} entries, as its signed checkpoint says")
    if head.recorded_at > now + SLACK:
        detail = f"the last entry was recorded at {format_time(head.recorded_at)}, after now"
        yield Finding("clock", detail, "set this machine's clock: until then entries get the last one's time")


def _require_checkpoint(head: Head, verifiers: list[NoteVerifier]) -> None:
    if head.checkpoint is None:
        raise LedgerError("the log has no checkpoint")
    checkpoint = open_checkpoint(head.checkpoint, verifiers)
    if (checkpoint.size, checkpoint.root) != (head.size, head.frontier.root()):
        raise LedgerError("the log does not match its own checkpoint")
