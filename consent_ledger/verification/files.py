"""Reading a bundle's files: entries held against the tiles, and openings put beside their entries.

Every file is read once and forgotten. What is wrong goes to `findings`; what is read of a damaged bundle is put at the
place where it belongs, so that one change is found as one, at its entry.
"""

from collections import deque
from collections.abc import Iterator
from hashlib import sha256

from consent_ledger.audit.replay import Finding
from consent_ledger.audit.tiles import ENTRIES, FULL_WIDTH, Tile, decode_bundle, decode_tile, tile_path
from consent_ledger.audit.tree import HASH_BYTES, leaf_hash
from consent_ledger.errors import MalformedError
from consent_ledger.verification.layout import MAX_LINE, OPENINGS, Shown, decode_opening
from consent_ledger.verification.source import Source

_MAX_BUNDLE = FULL_WIDTH * 1024
_SHORTEST_LINE = len(b'{"erased_by":1,"index":0}\n')
_MISSING = 10_000


class LogFiles:
    """The entries of a bundle and its hash tiles, for a log of `size` entries.

    `missing` are the entries that are not there, which come out of `entries` as empty bytes.
    """

    def __init__(self, source: Source, size: int, findings: list[Finding]) -> None:
        self.missing: set[int] = set()
        self._source = source
        self._size = size
        self._findings = findings
        # For each level the nodes of the tile that is being filled; None where something was found below already.
        self._levels: list[list[bytes | None]] = [[]]
        self._filled = [0]

    def entries(self) -> Iterator[bytes]:
        """Yield the bytes of every entry, and hold them against the tiles on the way."""
        for start in range(0, self._size, FULL_WIDTH):
            width = min(FULL_WIDTH, self._size - start)
            index = start // FULL_WIDTH
            raw = self._read(Tile(ENTRIES, index, width), _MAX_BUNDLE)
            tile = self._read(Tile(0, index, width), FULL_WIDTH * HASH_BYTES)
            leaves = self._leaves(start, tile, width)
            entries = [] if raw is None else self._split(start, raw, width, leaves)
            yield from (entry or b"" for entry in entries or [b""] * width)
            self._hold(start, entries, leaves, width)
        for level in range(1, len(self._levels)):
            if self._levels[level]:
                self._close(level)

    def _read(self, tile: Tile, limit: int) -> bytes | None:
        path = tile_path(tile)
        first = tile.start if tile.level <= 0 else None  # one above the leaves is about no entry in particular
        try:
            raw = self._source.read(path, limit)
        except MalformedError as e:
            self._findings.append(Finding(first, "tile_malformed", f"`{path}`: {e}"))
            return None
        if raw is None:
            self._findings.append(Finding(first, "tile_missing", f"`{path}` is not there"))
        return raw

    def _leaves(self, start: int, tile: bytes | None, width: int) -> list[bytes] | None:
        try:
            return None if tile is None else decode_tile(tile, width)
        except MalformedError as e:
            self._findings.append(Finding(start, "tile_malformed", str(e)))
            return None

    def _split(self, start: int, raw: bytes, width: int, leaves: list[bytes] | None) -> list[bytes | None]:
        try:
            return [*decode_bundle(raw, width)]
        except MalformedError as e:
            found = _salvage(raw)
            placed = _place(found, width, leaves)
            self.missing.update(start + n for n, entry in enumerate(placed) if entry is None)
            apart = (n for n, entry in enumerate(placed) if n >= len(found) or found[n] != entry)
            # A bundle that is only too long has all its entries: what is too many comes after the last.
            self._findings.append(Finding(start + next(apart, width - 1), "bundle_malformed", str(e)))
            return placed

    def _hold(self, start: int, entries: list[bytes | None], leaves: list[bytes] | None, width: int) -> None:
        if not entries:
            self.missing.update(range(start, start + width))
        nodes: list[bytes | None] = [None] * width if leaves is None else [*leaves]
        for n, entry in enumerate(entries):
            if entry is None:
                nodes[n] = None
            elif leaves is not None and leaf_hash(entry) != leaves[n]:
                nodes[n] = None
                self._findings.append(Finding(start + n, "leaf_mismatch", "entry does not have the hash in its tile"))
        if width == FULL_WIDTH:
            self._add(1, _root(nodes))

    def _add(self, level: int, node: bytes | None) -> None:
        if level == len(self._levels):
            self._levels.append([])
            self._filled.append(0)
        self._levels[level].append(node)
        if len(self._levels[level]) == FULL_WIDTH:
            self._close(level)

    def _close(self, level: int) -> None:
        """Hold a tile above the leaves, full or the last one, against what is below it."""
        nodes = self._levels[level]
        index = self._filled[level]
        self._levels[level] = []
        self._filled[level] += 1
        raw = self._read(Tile(level, index, len(nodes)), FULL_WIDTH * HASH_BYTES)
        if raw is not None:
            self._compare(level, index, nodes, raw)
        if len(nodes) == FULL_WIDTH:
            self._add(level + 1, _root(nodes))

    def _compare(self, level: int, index: int, nodes: list[bytes | None], raw: bytes) -> None:
        path = tile_path(Tile(level, index, len(nodes)))
        first = index * FULL_WIDTH
        if len(raw) != len(nodes) * HASH_BYTES:
            detail = f"`{path}` has {len(raw)} bytes, want {len(nodes) * HASH_BYTES}"
            self._findings.append(Finding(first << 8 * level, "tile_malformed", detail))
            return
        for n, node in enumerate(nodes):
            if node is not None and node != raw[n * HASH_BYTES : (n + 1) * HASH_BYTES]:
                detail = f"`{path}` has another hash than the entries from here on"
                self._findings.append(Finding((first + n) << 8 * level, "tile_altered", detail))


def _root(nodes: list[bytes | None]) -> bytes | None:
    """Return the root of 256 nodes, None where one is not known."""
    if None in nodes:
        return None
    row = [node for node in nodes if node is not None]
    while len(row) > 1:
        pairs = iter(row)
        row = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
    return row[0]


def _salvage(raw: bytes) -> list[bytes]:
    """Return what can be read of a damaged entry bundle."""
    found: list[bytes] = []
    at = 0
    while at + 2 <= len(raw):
        end = at + 2 + int.from_bytes(raw[at : at + 2], "big")
        found.append(raw[at + 2 : end])
        at = end
    return found


def _place(found: list[bytes], width: int, leaves: list[bytes] | None) -> list[bytes | None]:
    """Return entries at the places that their tile has for them, None where it has others."""
    if leaves is None:
        return [*found[:width], *[None] * (width - len(found))]
    by_leaf = {leaf_hash(entry): entry for entry in found}
    return [by_leaf.get(leaf) for leaf in leaves]


def most_lines(source: Source) -> int:
    """Return how many entries a bundle may be about, going by the size of its openings; some more may be missing."""
    try:
        return source.size(OPENINGS) // _SHORTEST_LINE + _MISSING
    except MalformedError:
        return _MISSING


def openings(source: Source, size: int, findings: list[Finding]) -> Iterator[Shown | None]:
    """Yield what is shown of each of `size` entries, None where there is no line for it."""
    lines = _Lines(_lines(source, findings), findings)
    for index in range(size):
        yield lines.of(index)
    for index, _ in lines.rest(size):
        findings.append(Finding(index, "opening_unknown", "a line for an entry that the log does not have"))


def _lines(source: Source, findings: list[Finding]) -> Iterator[bytes]:
    try:
        yield from source.lines(OPENINGS, MAX_LINE)
    except MalformedError as e:
        findings.append(Finding(None, "file_malformed", str(e)))


class _Lines:
    """Lines that should be in the order of their entries."""

    def __init__(self, lines: Iterator[bytes], findings: list[Finding]) -> None:
        self._lines = lines
        self._findings = findings
        self._pending: deque[tuple[int, Shown | None]] = deque()

    def of(self, index: int) -> Shown | None:
        """Return what the lines show of entry `index`, which is one more than it was last time."""
        while (line := self._peek(0, index)) is not None and line[0] != index:
            after = self._peek(1, index) if line[0] > index else None
            if line[0] > index and (after is None or not index <= after[0] < line[0]):
                return None
            detail = f"the line of entry {line[0]} stands where that of entry {index} should"
            self._findings.append(Finding(min(index, line[0]), "opening_misplaced", detail))
            self._pending.popleft()
        return None if line is None else self._pending.popleft()[1]

    def rest(self, index: int) -> Iterator[tuple[int, Shown | None]]:
        """Yield what is left."""
        while self._peek(0, index) is not None:
            yield self._pending.popleft()

    def _peek(self, ahead: int, expected: int) -> tuple[int, Shown | None] | None:
        while len(self._pending) <= ahead:
            raw = next(self._lines, None)
            if raw is None:
                return None
            place = expected + len(self._pending)
            try:
                self._pending.append(decode_opening(raw))
            except MalformedError as e:
                self._findings.append(Finding(place, "opening_malformed", str(e)))
                self._pending.append((place, None))
        return self._pending[ahead]
