"""Erasing all that a person said (formats.md section 4, decision 9).

First the `erasure` entry, which names the entries; then a line for each of them in a journal outside the database; then
the openings are destroyed and the database's files scrubbed. Whatever stops in between is completed at the next open:
the log says what has to go, and, for a database that was restored from before, so does the journal.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from consent_ledger.audit.entry import commit, decode_entry
from consent_ledger.custody.holds import Holds
from consent_ledger.errors import ConflictError, LedgerError, MalformedError, VerificationError
from consent_ledger.issuing import Issuer
from consent_ledger.ledger import Ledger, Receipt
from consent_ledger.licenses.erasing import check_erasable, statements_of
from consent_ledger.licenses.signed import skim_signed
from consent_ledger.licenses.statements import Erasure
from consent_ledger.store.engine import Store
from consent_ledger.store.erasing import (
    certificates,
    destroy,
    erased_entries,
    open_among,
    scrub_is_due,
    scrubbed,
)
from consent_ledger.store.facts import FactsReader, read_rows
from consent_ledger.store.log import read_head
from consent_ledger.store.transaction import Step, Transaction
from consent_ledger.verification.certificate_file import Certificate

MOST_ENTRIES = 4_000
"""In one statement, which has at most 48 KiB."""


def go_on(step: str) -> None:
    """Every step is taken."""


class Destroyed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the journal: the opening of this entry is destroyed. The commitment says in which log."""

    entry: int
    commitment: str
    erased_by: int


class Journal:
    """The file that says, outside the database, what was destroyed. Keep it where the database's backups are not."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[int, Destroyed]:
        """Return its lines by entry; LedgerError `journal_unreadable` unless each but a torn last one is whole."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        *lines, _torn = raw.split(b"\n")
        try:
            found = [msgspec.json.decode(line, type=Destroyed) for line in lines]
        except (msgspec.MsgspecError, UnicodeDecodeError) as e:
            raise LedgerError(f"the journal `{self.path}` cannot be understood: {e}", code="journal_unreadable") from e
        return {line.entry: line for line in found}

    def append(self, lines: list[Destroyed], step: Step = go_on) -> None:
        """Add lines, durably."""
        step("journal")
        with open(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as file:
            # What stands after the last line feed was torn when the power failed, and was never relied on.
            file.seek(file.read().rfind(b"\n") + 1)
            file.truncate()
            file.writelines(msgspec.json.encode(line) + b"\n" for line in lines)
            file.flush()
            step("journal_sync")
            os.fsync(file.fileno())
        directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def erase(
    ledger: Ledger, operator: Issuer, party: str, level: Literal["identity", "statements"], basis: str,
    journal: Journal, holds: Holds,
) -> list[Receipt]:  # fmt: skip
    """Erase what a person said, and return the receipts of the erasures.

    ConflictError `legal_hold`, `party_erased`, `nothing_to_erase`; NotFoundError `party_unknown`; RefusedError
    `not_a_person`. At level `identity` only the record is made: names and addresses are not in the ledger.
    """
    holds.check(party)
    if level == "identity":
        said = {"level": level, "party": party, "entries": [], "basis": basis}
        return [ledger.register(operator.say(Erasure, ledger.clock(), **said))]
    receipts: list[Receipt] = []
    # Again, until nothing is left: she may have said something meanwhile.
    while entries := _own_entries(ledger.store, party, first=not receipts):
        parts = [entries[n : n + MOST_ENTRIES] for n in range(0, len(entries), MOST_ENTRIES)]
        envelopes = [
            operator.say(Erasure, ledger.clock(), level=level, party=party, entries=part, basis=basis) for part in parts
        ]
        for outcome in ledger.register_all(envelopes):
            if isinstance(outcome, LedgerError):
                raise outcome
            receipts.append(outcome)
    if not receipts:
        detail = f"`{party}` said nothing that others do not rest on, so nothing can be erased"
        raise ConflictError(detail, code="nothing_to_erase")
    complete(ledger.store, journal)
    return receipts


def _own_entries(store: Store, party: str, *, first: bool) -> list[int]:
    with store.read() as tx:
        reader = FactsReader(tx, 0)
        reader.follow(tx, read_head(tx).size)
    if reader.facts.failure is not None:
        raise VerificationError(f"the ledger is damaged: {reader.facts.failure}", code="ledger_integrity_failure")
    if first:
        check_erasable(reader.facts, party)
    return sorted(statements_of(reader.facts, party))


def watch_erasures(ledger: Ledger, journal: Journal, holds: Holds) -> None:
    """Let no erasure pass a hold, and every one be carried out, whichever way it comes to the ledger."""
    ledger.before_erasure = holds.check
    ledger.after_erasure = lambda: complete(ledger.store, journal)


# Destroying ---------------------------------------------------------------------------------------------------------


def is_pending(tx: Transaction, journal: Journal) -> bool:
    """Whether something is here that was erased."""
    return scrub_is_due(tx) or bool(_pending(tx, journal.read()))


def complete(store: Store, journal: Journal, step: Step = go_on) -> int:
    """Destroy whatever is erased, by the log or by the journal, and is still here; return how many openings it was."""
    with store.read() as tx:
        known = journal.read()
        pending = _pending(tx, known)
        news = [line for line in pending.values() if line.entry not in known]
        due = scrub_is_due(tx)
    if news:
        journal.append(news, step)
    if pending:
        with store.write() as tx:
            destroy(tx, pending, set(_certificates_with(tx, set(pending))))
    if pending or due:
        store.scrub()
        with store.write() as tx:
            scrubbed(tx)
    return len(pending)


def _pending(tx: Transaction, known: dict[int, Destroyed]) -> dict[int, Destroyed]:
    """Return what is to be destroyed, by entry: not on the index alone, nor for another log."""
    named = erased_entries(tx)
    here = open_among(tx, named.keys() | known.keys())
    pending = {}
    says = _reader_of_erasures(tx)
    for row in read_rows(tx, here):
        commitment = decode_entry(row.raw).commitment.hex()
        by = named.get(row.entry)
        if row.entry in known and known[row.entry].commitment == commitment:
            pending[row.entry] = known[row.entry]
        elif by is not None and row.entry in says(by):
            pending[row.entry] = Destroyed(row.entry, commitment, by)
    return pending


def _reader_of_erasures(tx: Transaction) -> Callable[[int], frozenset[int]]:
    """Return what tells the entries that an erasure names, by its own opening."""
    read: dict[int, frozenset[int]] = {}

    def says(by: int) -> frozenset[int]:
        if by not in read:
            read[by] = frozenset()
            for row in read_rows(tx, [by]):
                opening = row.opening
                if opening is None or commit(opening.salt, opening.envelope) != decode_entry(row.raw).commitment:
                    continue
                statement = skim_signed(opening.envelope).statement
                if isinstance(statement, Erasure):
                    read[by] = frozenset(statement.entries)
        return read[by]

    return says


def _certificates_with(tx: Transaction, entries: set[int]) -> Iterator[str]:
    """Yield the certificates of answers that hold an opening of the entries, or that cannot be read."""
    for id_, raw in certificates(tx):
        try:
            shown = msgspec.json.decode(raw, type=Certificate).entries
            held = {decode_entry(sealed.entry.encode()).index for sealed in shown}
        except (msgspec.MsgspecError, MalformedError):
            held = entries
        if held & entries:
            yield id_
