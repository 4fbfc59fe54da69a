"""Replay: walk a log from its first entry and find everything that is not as it was recorded.

Each entry must be canonical, carry its place, link to the leaf hash before it and not go back in time; each opening
must open its commitment; and all together must have the roots that the log signed. A finding never stops the walk.
What the openings say is for others to judge: every entry comes out as `Replayed`, in order and without reading ahead.
"""

from collections.abc import Collection, Iterable, Iterator
from hashlib import sha256
from typing import Literal

import msgspec

from consent_ledger.audit.checkpoint import Checkpoint
from consent_ledger.audit.entry import NO_PREVIOUS, SALT_BYTES, Entry, commit, decode_entry
from consent_ledger.audit.tree import Frontier
from consent_ledger.errors import MalformedError

_BATCH = 1024

Status = Literal["opened", "withheld", "erased", "missing"]


class Opening(msgspec.Struct, frozen=True):
    """What an entry commits to."""

    salt: bytes
    envelope: bytes


class Withheld(msgspec.Struct, frozen=True):
    """The opening exists and is not shown here."""


class Erased(msgspec.Struct, frozen=True):
    """The opening was destroyed, as the entry `by` says; that it does is for the caller to check."""

    by: int


class Finding(msgspec.Struct, frozen=True):
    """Something that is not as it should be: at which entry, if one can be named, a stable code, and what is wrong."""

    entry: int | None
    code: str
    detail: str


class Replayed(msgspec.Struct, frozen=True):
    """An entry at its place in the log, and its opening if it has one that fits the commitment."""

    index: int
    entry: Entry
    leaf: bytes
    status: Status
    envelope: bytes | None
    recorded_at: int
    erased_by: int | None = None


class Replay:
    """One walk. `head` must be the checkpoint of exactly these entries, `older` ones of what they begin with."""

    def __init__(self, head: Checkpoint | None = None, older: Collection[Checkpoint] = ()) -> None:
        self.size = 0
        self._head = head
        self._older = older
        self._frontier = Frontier()
        self._leaves: list[bytes] = []
        self._erasures: dict[int, int] = {}  # entry that is said to have erased: first entry that it erased
        self._roots = {checkpoint.size: b"" for checkpoint in older}
        if 0 in self._roots:
            self._roots[0] = self._frontier.root()

    def root(self) -> bytes:
        """Return the root of the entries so far."""
        if self._leaves:
            self._frontier, _ = self._frontier.extend(self._leaves)
            self._leaves.clear()
        return self._frontier.root()

    def root_at(self, size: int) -> bytes:
        """Return the root of the first `size` entries, a size of an older checkpoint, once so many were walked."""
        return self._roots[size]

    def run(self, pairs: Iterable[tuple[bytes, Opening | Withheld | Erased | None]]) -> Iterator[Replayed | Finding]:
        """Yield each entry of `pairs` (entry bytes and opening, or None for one that is not there) and each finding."""
        chain = _Chain()
        for raw, opening in pairs:
            place = self.size
            leaf = sha256(b"\x00" + raw).digest()
            self._add(leaf)
            try:
                entry = decode_entry(raw)
            except MalformedError as e:
                yield from chain.skip(leaf)
                yield Finding(place, "entry_malformed", str(e))
                continue
            yield from chain.follow(place, entry, leaf)
            replayed, finding = _open(place, entry, leaf, opening)
            if finding is not None:
                yield finding
            if replayed.erased_by is not None:
                self._erasures.setdefault(replayed.erased_by, place)
            yield replayed
        yield from chain.end()
        for by, place in self._erasures.items():
            if by >= self.size:
                yield Finding(place, "erasure_invalid", f"entry {by}, said to have erased it, is not in the log")
        yield from self._compare()

    def _add(self, leaf: bytes) -> None:
        self._leaves.append(leaf)
        self.size += 1
        if self.size in self._roots:
            self._roots[self.size] = self.root()
        elif len(self._leaves) >= _BATCH:
            self.root()

    def _compare(self) -> Iterator[Finding]:
        head = self._head
        if head is not None and head.size != self.size:
            yield Finding(None, "size_mismatch", f"log has {self.size} entries, its checkpoint says {head.size}")
        elif head is not None and head.root != self.root():
            yield Finding(None, "root_mismatch", f"log of {self.size} entries does not have the root that was signed")
        for checkpoint in self._older:
            if head is not None and checkpoint.origin != head.origin:
                detail = f"checkpoint of size {checkpoint.size} is of `{checkpoint.origin}`, not of `{head.origin}`"
                yield Finding(None, "inconsistent_checkpoint", detail)
            elif checkpoint.size > self.size:
                detail = f"checkpoint says {checkpoint.size} entries, the log has only {self.size}"
                yield Finding(None, "inconsistent_checkpoint", detail)
            elif checkpoint.root != self._roots[checkpoint.size]:
                detail = f"first {checkpoint.size} entries do not have the root of the checkpoint of that size"
                yield Finding(None, "inconsistent_checkpoint", detail)


class _Chain:
    """How entries follow each other: place, link and time."""

    def __init__(self) -> None:
        self._leaf = NO_PREVIOUS
        self._index = -1
        self._recorded_at = 0
        self._broken: tuple[int, str] | None = None  # a link that does not hold: at which entry, and how

    def follow(self, place: int, entry: Entry, leaf: bytes) -> Iterator[Finding]:
        """Yield what is wrong between this entry and the one before."""
        linked = entry.previous == self._leaf
        if self._broken is not None:
            # The entry at the broken link is sound if this one links to it: then the one before it was changed.
            yield from self._settle(before=linked)
        # After a gap the numbers may go on from where they are: one finding for one gap.
        placed = entry.index in (place, self._index + 1)
        if not placed:
            yield Finding(place, "index_wrong", f"entry says it is {entry.index}, want {place}")
        if not linked:
            detail = f"entry {place} links to `{entry.previous.hex()}`, want `{self._leaf.hex()}`"
            if place == 0 or not placed:
                yield Finding(place, "link_broken", detail)
            else:
                self._broken = place, detail
        if entry.recorded_at < self._recorded_at:
            yield Finding(place, "time_backwards", "entry was recorded before the one that it follows")
        self._leaf, self._index, self._recorded_at = leaf, entry.index, entry.recorded_at

    def skip(self, leaf: bytes) -> Iterator[Finding]:
        """Step over an entry that cannot be read."""
        yield from self.end()
        self._leaf = leaf
        self._index += 1

    def end(self) -> Iterator[Finding]:
        """Yield the broken link that no further entry explains: most likely the entry before it was changed."""
        yield from self._settle(before=True)

    def _settle(self, *, before: bool) -> Iterator[Finding]:
        if self._broken is not None:
            place, detail = self._broken
            self._broken = None
            yield Finding(place - 1 if before else place, "link_broken", detail)


def _open(
    place: int, entry: Entry, leaf: bytes, opening: Opening | Withheld | Erased | None
) -> tuple[Replayed, Finding | None]:
    finding = None
    status: Status = "missing"
    envelope, erased_by = None, None
    if isinstance(opening, Opening):
        if len(opening.salt) == SALT_BYTES and commit(opening.salt, opening.envelope) == entry.commitment:
            status, envelope = "opened", opening.envelope
        else:
            finding = Finding(place, "commitment_mismatch", "opening is not what the entry commits to")
    elif isinstance(opening, Withheld):
        status = "withheld"
    elif isinstance(opening, Erased):
        status, erased_by = "erased", opening.by
        if opening.by <= place:
            finding = Finding(place, "erasure_invalid", f"entry {opening.by} is not later and cannot have erased it")
    else:
        finding = Finding(place, "opening_missing", "opening is neither here, withheld nor erased")
    return Replayed(place, entry, leaf, status, envelope, entry.recorded_at, erased_by), finding
