"""Facts from the log: the entries under the keys of a question, folded as an auditor would fold all of them.

Each entry that is read is held against its commitment and the stored leaf hash on the way. One that does not fit
makes the facts fail, and then nothing can be decided on them.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from consent_ledger.audit.entry import commit, decode_entry
from consent_ledger.audit.replay import Opening
from consent_ledger.audit.tree import leaf_hash, stored_index
from consent_ledger.errors import MalformedError, VerificationError
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.keys import GENESIS_KEY, erasure_key, keyid_key, party_key, touched_keys
from consent_ledger.licenses.log_keys import LogKey
from consent_ledger.licenses.records import Registered
from consent_ledger.licenses.signed import SignedStatement, brought_key, signers_of, skim_signed
from consent_ledger.store.index import entries_touching
from consent_ledger.store.log import LONGEST, read_nodes, read_openings
from consent_ledger.store.transaction import Transaction

_PAGE = 2_000


class Row(NamedTuple):
    """An entry as stored, its opening (None when erased or missing), and the leaf hash that the tree holds."""

    entry: int
    raw: bytes
    opening: Opening | None
    leaf: bytes | None


def read_rows(tx: Transaction, indexes: Collection[int]) -> Iterator[Row]:
    """Yield those entries that there are, in ledger order, a page of them in memory."""
    ordered = sorted(indexes)
    sql = """
        SELECT e."index", e.bytes, o.salt, o.envelope
        FROM entry e LEFT JOIN opening o ON o."index" = e."index" WHERE e."index" {among} ORDER BY e."index"
    """
    for start in range(0, len(ordered), _PAGE):
        page = ordered[start : start + _PAGE]
        leaves = read_nodes(tx, [stored_index(0, index) for index in page])
        for rows in tx.select_among(sql, page):
            for index, entry, salt, envelope in rows:
                opening = None if envelope is None else Opening(salt, envelope)
                yield Row(index, entry, opening, leaves.get(stored_index(0, index)))


def read_public_keys(tx: Transaction, keyids: Collection[str]) -> dict[str, bytes]:
    """Return the raw public keys of those keyids that the log has.

    A keyid is the digest of its key, so where it was found is no matter: nothing is held against the log here.
    """
    touching = entries_touching(tx, [keyid_key(keyid) for keyid in keyids], LONGEST)
    found = {}
    for opening in read_openings(tx, {entry for entries in touching.values() for entry in entries}).values():
        with suppress(MalformedError, TypeError):  # somebody changed it: then there is no such key
            material = brought_key(skim_signed(opening.envelope).statement)
            if material is not None:
                found[st.keyid_of(material)] = material.raw
    return found


class FactsReader:
    """Facts at one ledger size, loaded as far as they were asked for. It belongs to one transaction at a time."""

    def __init__(self, tx: Transaction, size: int) -> None:
        self.facts = Facts()
        self._tx = tx
        self._size = size
        self._loaded: set[bytes] = set()
        self._applied: set[int] = set()
        self._is_past: bool | None = None

    @property
    def weight(self) -> int:
        """How many keys and entries it remembers."""
        return len(self._loaded) + len(self._applied)

    def resume(self, tx: Transaction, size: int) -> None:
        """Go on in another transaction. Of the entries that others added since, fold in what touches a loaded key."""
        begin, self._tx, self._size, self._is_past = self._size, tx, size, None
        others = set(range(begin, size)) - self._applied
        for row in read_rows(tx, others):
            others.discard(row.entry)
            signed = None if row.entry in self._applied else self._open(row)
            if signed is not None and self._concerns(signed):
                # What enrols a key that was asked for is folded with all about its party, as when it is loaded.
                self.load([party_key(party) for party in _enrolling(signed.statement)])
                self._apply(row, signed)
        if others:
            self.facts.failure = f"entry {min(others)} is not in the log"

    def _concerns(self, signed: SignedStatement) -> bool:
        """Whether a statement says something about what is loaded."""
        if isinstance(signed.statement, st.Suspension):  # of what it touches, only grants that are loaded are known
            return any(grant in self.facts.grant_by_id for grant in signed.statement.grants)
        return not self._loaded.isdisjoint(touched_keys(signed.id, signed.statement, self.facts))

    def need(self, wanted: Callable[[Facts], set[bytes]]) -> None:
        """Load until the facts hold every key that `wanted`, asked again after each load, names."""
        while missing := wanted(self.facts) - self._loaded:
            self.load(missing)

    def load(self, keys: Collection[bytes]) -> None:
        """Fold in the entries that touch `keys`, in ledger order."""
        missing = set(keys) - self._loaded
        self._loaded |= missing
        # A key's enrolment is folded with everything else about its party, never alone.
        enrolments = {key for key in missing if key[:1] == b"k"}
        if enrolments:
            self._load_enrolments(enrolments)
        self._heed_erasures(missing)
        touching = entries_touching(self._tx, missing - enrolments, self._size)
        self._fold({entry for entries in touching.values() for entry in entries})

    def _heed_erasures(self, keys: set[bytes]) -> None:
        """Forget those whose statements were erased since the size that is asked about; at the head the index says."""
        parties = {b"x" + key[1:] for key in keys if key[:1] in (b"c", b"p")}
        if not parties:
            return
        if self._is_past is None:
            self._is_past = bool(self._tx.select('SELECT 1 FROM entry WHERE "index" >= ? LIMIT 1', (self._size,)))
        if self._is_past:
            found = {e for entries in entries_touching(self._tx, parties, LONGEST).values() for e in entries}
            self._apply_erasures(found)

    def _apply_erasures(self, entries: set[int]) -> None:
        for row in read_rows(self._tx, entries - self._applied):
            signed = self._open(row)
            if signed is not None and isinstance(signed.statement, st.Erasure):
                self.facts.erase(row.entry, signed.statement)

    def _load_enrolments(self, keys: set[bytes]) -> None:
        entries = {e for found in entries_touching(self._tx, keys, self._size).values() for e in found}
        parties = set()
        for row in read_rows(self._tx, entries - self._applied):
            signed = self._open(row)
            if signed is not None:
                for party in _enrolling(signed.statement):
                    parties.add(party_key(party))
        if parties:
            self.load(parties)

    def _fold(self, entries: set[int]) -> None:
        for row in read_rows(self._tx, entries - self._applied):
            signed = self._open(row)
            if signed is None:
                self._applied.add(row.entry)
            else:
                self._apply(row, signed)
        absent = entries - self._applied
        if absent:
            self.facts.failure = f"entry {min(absent)} is in the index and not in the log"

    def _apply(self, row: Row, signed: SignedStatement) -> None:
        if row.entry not in self._applied:
            self.add(registered(row, signed), signed.statement)

    def follow(self, tx: Transaction, size: int) -> None:
        """Fold in, a page at a time, all that was recorded since the size this was last at: from 0, the whole log."""
        begin, self._tx, self._size = self._size, tx, max(size, self._size)
        for start in range(begin, size, _PAGE):
            self._fold(set(range(start, min(start + _PAGE, size))))

    def add(self, where: Registered, statement: st.Statement) -> None:
        """Fold in a statement, such as one that is being recorded in this transaction."""
        self._applied.add(where.entry)
        self.facts.apply(where, statement)

    def _open(self, row: Row) -> SignedStatement | None:
        """Return the statement, or None when it was erased; what does not fit its commitment fails the facts."""
        if row.opening is None:
            if row.entry not in self.facts.erased:
                by = entries_touching(self._tx, [erasure_key(row.entry)], LONGEST).get(erasure_key(row.entry), ())
                self._apply_erasures({entry for entry in by if entry > row.entry})
            if row.entry not in self.facts.erased:
                self.facts.failure = f"entry {row.entry} has no opening, and no erasure names it"
            return None
        try:
            committed = decode_entry(row.raw).commitment == commit(row.opening.salt, row.opening.envelope)
            if committed and row.leaf == leaf_hash(row.raw):
                return skim_signed(row.opening.envelope)
        except (MalformedError, TypeError):  # TypeError: somebody made it text
            pass  # the same finding: these are not the bytes that were admitted
        self.facts.failure = f"entry {row.entry} is not what the ledger recorded"
        return None


def _enrolling(statement: st.Statement) -> Iterable[str]:
    match statement:
        case st.Party() | st.Key():
            return (statement.party,)
        case st.Genesis():
            return (statement.issuer,)
        case _:
            return ()


def read_log_keys(tx: Transaction, size: int) -> list[LogKey]:
    """Return the keys that the log has had by `size`, as its entries say; none where it has no genesis."""
    reader = FactsReader(tx, size)
    reader.load([GENESIS_KEY])
    if reader.facts.failure is not None:
        raise VerificationError(reader.facts.failure, code="ledger_integrity_failure")
    return reader.facts.log_keys


def registered(row: Row, signed: SignedStatement) -> Registered:
    """Return where a statement of the log stands, by its entry's own bytes and the keys that signed it."""
    signers = signers_of(signed.envelope)
    return Registered(row.entry, decode_entry(row.raw).recorded_at, signed.id, signers.keyids, signers.time)
