"""A log of any size in a store, without what its entries say; and a reader of published logs, from the definitions.

The reader shares nothing with the publisher: it hashes what it finds, from the checkpoint down.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from consent_ledger.audit.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from consent_ledger.audit.entry import NO_PREVIOUS, encode_entry
from consent_ledger.audit.tree import Frontier, leaf_hash
from consent_ledger.signing.instants import SECOND, parse_time
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import NoteVerifier
from consent_ledger.store.engine import Store
from consent_ledger.store.log import append

ORIGIN = "log.example/published"
KEY = SigningKey.from_seed(b"P" * 32)
VERIFIER = NoteVerifier(ORIGIN, KEY.public_key)
START = parse_time("2026-06-01T12:00:00Z")

Fetch = Callable[[str], bytes | None]


class Growing:
    """A log in a store that grows on request; `flavour` makes another log of the same sizes."""

    def __init__(self, store: Store, flavour: bytes = b"") -> None:
        self.store = store
        self.frontier = Frontier()
        self._flavour = flavour
        self._previous = NO_PREVIOUS

    def grow(self, *sizes: int) -> None:
        """Append up to each size in turn, with a checkpoint for each."""
        for size in sizes:
            entries, leaves = [], []
            for n in range(self.frontier.size, size):
                commitment = sha256(self._flavour + b"%d" % n).digest()
                entry = encode_entry(n, START + n * SECOND, commitment, self._previous)
                self._previous = leaf_hash(entry)
                entries.append((n, START + n * SECOND, entry))
                leaves.append(self._previous)
            self.frontier, nodes = self.frontier.extend(leaves)
            note = sign_checkpoint(Checkpoint(ORIGIN, size, self.frontier.root()), KEY)
            with self.store.write() as tx:
                append(tx, entries=entries, openings=[], nodes=nodes, checkpoint=(size, note))


def folder(root: Path) -> Fetch:
    def fetch(path: str) -> bytes | None:
        place = root / path
        return place.read_bytes() if place.exists() else None

    return fetch


def read_published(fetch: Fetch, verifier: NoteVerifier = VERIFIER) -> int:
    """Return the size of a published log, every promised file of which is there and right; 0 for none yet."""
    note = fetch("checkpoint")
    if note is None:
        return 0
    checkpoint = open_checkpoint(note, [verifier])
    hashes: list[bytes] = []
    for path, width in paths("entries", checkpoint.size):
        bundle = fetch(path)
        assert bundle is not None, path
        entries = split(bundle)
        assert len(entries) == width, path
        hashes += [sha256(b"\0" + entry).digest() for entry in entries]
    level, members = 0, hashes
    while members:
        for start, (path, width) in zip(range(0, len(members), 256), paths(str(level), len(members)), strict=True):
            assert fetch(path) == b"".join(members[start : start + width]), path
        full = range(0, len(members) - len(members) % 256, 256)
        level, members = level + 1, [root_of(members[start : start + 256]) for start in full]
    assert root_of(hashes) == checkpoint.root
    return checkpoint.size


def paths(level: str, members: int) -> list[tuple[str, int]]:
    found = []
    for index in range(-(-members // 256)):
        width = min(256, members - 256 * index)
        digits = f"{index % 1000:03d}" if index < 1000 else f"x{index // 1000:03d}/{index % 1000:03d}"
        found.append((f"tile/{level}/{digits}" + ("" if width == 256 else f".p/{width}"), width))
    return found


def split(bundle: bytes) -> list[bytes]:
    entries = []
    while bundle:
        end = 2 + int.from_bytes(bundle[:2], "big")
        assert len(bundle) >= end
        entries.append(bundle[2:end])
        bundle = bundle[end:]
    return entries


def root_of(hashes: Sequence[bytes]) -> bytes:
    """RFC 9162, 2.1.1, from leaf hashes."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\1" + root_of(hashes[:k]) + root_of(hashes[k:])).digest()
