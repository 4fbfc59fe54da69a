"""The index made anew: every row of it follows from the log, so it can be dropped, refolded and compared.

`rebuild` and `compare` read the log through `Replay`: an index is never made from, or excused by, a damaged log. What
an erased statement touched nobody knows any more; rows for it may stay and are not made again.
"""

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple

from consent_ledger.audit.replay import Erased, Finding, Opening, Replay, Replayed, Withheld
from consent_ledger.errors import LedgerError, VerificationError
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.keys import touched_keys
from consent_ledger.licenses.records import Registered
from consent_ledger.licenses.signed import signers_of, skim_signed
from consent_ledger.licenses.statements import Suspension
from consent_ledger.store.engine import Store
from consent_ledger.store.index import all_touches, clear_index, insert_touches
from consent_ledger.store.log import read_head, stream
from consent_ledger.store.transaction import Transaction

_BATCH = 20_000

Pair = tuple[bytes, Opening | Withheld | Erased | None]
Touch = tuple[bytes, int]
Progress = Callable[[int], None]

_KINDS = {
    b"a": "asset", b"c": "consent of party", b"e": "erasure of entry", b"g": "genesis", b"j": "project", b"k": "key",
    b"n": "template name", b"p": "party", b"s": "statement", b"t": "template",
}  # fmt: skip


class Difference(NamedTuple):
    """A row that the index has and the log does not give (`surplus`), or the reverse."""

    entry: int
    key: bytes
    surplus: bool

    def __str__(self) -> str:
        kind = _KINDS.get(self.key[:1], "row")
        verb = "has" if self.surplus else "lacks"
        return f"index {verb} that entry {self.entry} touches {kind} `{self.key[1:].hex()}`"


def _stored(tx: Transaction, size: int) -> Iterator[Pair]:
    """Yield every entry below `size`; empty bytes where one is gone."""
    next_ = 0
    for row in stream(tx, 0, size):
        yield from [(b"", None)] * (row.index - next_)
        next_ = row.index + 1
        # Whether it may be absent is judged by the log itself, at the end: the index is not to be asked.
        yield as_bytes(row.entry), as_opening(row.opening) or Withheld()
    yield from [(b"", None)] * (size - next_)


def as_bytes(value: object) -> bytes:
    """Return a column's bytes: whoever edits SQLite by hand may leave text, or a number, where bytes belong."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")


def as_opening(opening: Opening | None) -> Opening | None:
    """Return an opening of bytes, whatever its columns hold."""
    return None if opening is None else Opening(as_bytes(opening.salt), as_bytes(opening.envelope))


class Refold:
    """What each entry touches, by the log alone. `erased` are the entries that only their erasures speak of."""

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self.erased: set[int] = set()
        self.partial: set[int] = set()
        """The entries that touched, with what was erased, more than anybody can tell now."""
        self._pairs = pairs
        self._facts = Facts()

    def touches(self) -> Iterator[Touch]:
        """Yield (key, entry) in ledger order; VerificationError at the first entry that is not sound."""
        for item in Replay().run(self._pairs):
            if isinstance(item, Finding):
                raise VerificationError(f"entry {item.entry}: {item.detail}", code=item.code)
            if item.envelope is None:
                self.erased.add(item.index)
                continue
            try:
                yield from self._fold(item, item.envelope)
            except (LedgerError, KeyError) as e:
                detail = f"entry {item.index} does not follow from those before it: {e}"
                raise VerificationError(detail, code="statement_malformed") from e
        gone = self.erased - self._facts.erased.keys()
        if gone:
            detail = f"entry {min(gone)} has no opening, and no erasure names it"
            raise VerificationError(detail, code="opening_missing")

    def _fold(self, item: Replayed, envelope: bytes) -> list[Touch]:
        signed = skim_signed(envelope)
        signers = signers_of(signed.envelope)
        if (
            isinstance(signed.statement, Suspension)
            and self.erased
            and any(grant not in self._facts.grant_by_id for grant in signed.statement.grants)
        ):
            self.partial.add(item.index)
        where = Registered(item.index, item.recorded_at, signed.id, signers.keyids, signers.time)
        touches = [(key, item.index) for key in dict.fromkeys(touched_keys(signed.id, signed.statement, self._facts))]
        self._facts.apply(where, signed.statement)
        return touches


def rebuild(store: Store, progress: Progress = lambda entries: None) -> int:
    """Drop the index and fill it from the log, in one transaction; return the number of its rows.

    VerificationError where the log is not sound: then nothing was changed.
    """
    with store.write() as tx:
        clear_index(tx)
        rows = 0
        batch: list[Touch] = []
        for touch in Refold(_stored(tx, read_head(tx).size)).touches():
            batch.append(touch)
            if len(batch) >= _BATCH:
                insert_touches(tx, batch)
                rows += len(batch)
                progress(touch[1])
                batch = []
        insert_touches(tx, batch)
        return rows + len(batch)


def compare(tx: Transaction) -> list[Difference]:
    """Return every row in which the index differs from a refold of the log, by entry; none where it is right.

    VerificationError where the log is not sound.
    """
    refold = Refold(_stored(tx, read_head(tx).size))
    folded = sum(map(_digest, refold.touches()))
    stored = sum(_digest(touch) for touch in _touches(tx) if touch[1] not in refold.erased)
    if folded == stored:
        return []
    # Only now is it worth the memory to hold both against each other row by row.
    refold = Refold(_stored(tx, read_head(tx).size))
    wanted = set(refold.touches())
    surplus = []
    for touch in _touches(tx):
        if touch in wanted:
            wanted.discard(touch)
        elif touch[1] not in refold.erased | refold.partial:
            surplus.append(touch)
    found = [Difference(e, key, True) for key, e in surplus] + [Difference(e, key, False) for key, e in wanted]
    return sorted(found)


def _touches(tx: Transaction) -> Iterator[Touch]:
    return ((as_bytes(key), entry) for key, entry in all_touches(tx))


def _digest(touch: Touch) -> int:
    """The hash of a row as a number: a sum of these is the same for the same rows in any order."""
    key, entry = touch
    return int.from_bytes(sha256(entry.to_bytes(8) + key).digest())
