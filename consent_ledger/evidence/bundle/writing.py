"""Writing the files of a bundle, from one snapshot."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from consent_ledger.audit.checkpoint import read_checkpoint_text
from consent_ledger.audit.replay import Erased, Opening, Withheld
from consent_ledger.audit.tiles import ENTRIES, Tile, encode_bundle, encode_tile, tile_ids, tile_path, tiles_of
from consent_ledger.clearance import clear
from consent_ledger.errors import MalformedError, NotFoundError, VerificationError
from consent_ledger.evidence.bundle.places import Place
from consent_ledger.evidence.bundle.readme import readme
from consent_ledger.evidence.selection import evidence_for, evidence_on_assets, evidence_on_party, evidence_on_project
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.keys import erasure_key
from consent_ledger.licenses.log_keys import LogKey, signing_at
from consent_ledger.licenses.signed import skim_signed
from consent_ledger.licenses.statements import Template, UseRequest
from consent_ledger.licenses.terms import TemplateDocument
from consent_ledger.publishing.cosigned import read_cosigned
from consent_ledger.signing.canonical import encode_canonical
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader, read_log_keys
from consent_ledger.store.index import entries_touching
from consent_ledger.store.log import (
    Head,
    Recorded,
    read_covering_checkpoint,
    read_entries,
    read_head,
    read_nodes,
    stream,
)
from consent_ledger.store.transaction import Transaction
from consent_ledger.store.witnesses import read_stamps
from consent_ledger.store.wordings import read_wordings
from consent_ledger.verification import layout
from consent_ledger.verification.layout import Openings, Sample, Scope, Shown
from consent_ledger.verification.samples import compile_request, draw, encode_decision

Progress = Callable[[int], None]


class SampleRequest(NamedTuple):
    """Put decisions into the bundle: on `assets` assets drawn by `seed`, for one use, as of an instant."""

    seed: str
    assets: int
    query: UseRequest
    as_of: int


class Written(NamedTuple):
    """What a bundle holds. `absent_texts` are wordings of templates that were not found."""

    size: int
    vkey: str
    decisions: int
    absent_texts: int
    shown: int


def _named(keys: Sequence[LogKey]) -> set[int]:
    """The entries that say which keys are the log's: without them nobody knows whom to believe."""
    return {entry for key in keys for entry in (key.entry, key.retired) if entry is not None}


class Writer:
    """Writes one bundle to one place."""

    def __init__(
        self, store: Store, tx: Transaction, place: Place, openings: Openings, about: str | None, policy: bytes | None,
        progress: Progress,
    ) -> None:  # fmt: skip
        self._policy = policy
        self._store = store
        self._tx = tx
        self._place = place
        self._openings: Openings = openings
        self._about = about
        self._progress = progress
        self._head: Head = read_head(tx)
        self._documents: list[TemplateDocument] = []
        self._shown = self._erased = 0

    def write(self, request: SampleRequest | None, templates: Sequence[Path]) -> Written:
        keys = read_log_keys(self._tx, self._head.size)
        if not keys:
            raise NotFoundError("the database holds no ledger yet, want `init` first", code="ledger_missing")
        vkeys = [key.vkey for key in reversed(keys)]
        head = self._head
        if head.checkpoint is None:
            raise VerificationError("the database has no checkpoint", code="checkpoint_missing")
        sample = None if request is None else Sample(
            request.seed, request.assets, request.query, max(request.as_of, head.recorded_at), head.size
        )  # fmt: skip
        scope = Scope(layout.FORMAT, self._openings, self._about, sample)
        facts = self._facts(scope)
        assets = [] if sample is None else draw(sample.seed, sample.count, layout.sampled_from(scope, facts))
        self._place.put(layout.SCOPE, layout.encode_document(scope))
        self._place.put(layout.KEYS, "".join(f"{vkey}\n" for vkey in vkeys).encode())
        self._place.put(layout.POLICY, layout.policy(signing_at(keys, head.size)[0].vkey, self._policy))
        self._place.put(layout.CHECKPOINT, read_cosigned(self._tx, head.size) or head.checkpoint)
        for stamp in read_stamps(self._tx, head.size):
            self._place.put(layout.stamp_file(stamp.authority), stamp.token)
        self._write_handovers(keys)
        self._write_tiles()
        selected = self._select(facts, assets)
        self._write_openings(None if selected is None else selected | _named(keys))
        if sample is not None:
            self._write_decisions(sample, assets)
        absent = self._write_templates(templates)
        self._place.put(layout.README, readme(head.size, scope, "\n".join(vkeys), self._shown, self._erased))
        return Written(head.size, vkeys[0], len(assets), absent, self._shown)

    def _write_handovers(self, keys: Sequence[LogKey]) -> None:
        """Write, for each further log key, the first checkpoint under which the key before it vouches for it."""
        for key in keys[1:]:
            note = read_covering_checkpoint(self._tx, key.entry)
            self._place.put(layout.handover_file(read_checkpoint_text(note).size), note)

    # What is shown -----------------------------------------------------------------------------------------------

    def _facts(self, scope: Scope) -> Facts:
        """Return all there are, where they are needed to say what is shown."""
        reader = FactsReader(self._tx, 0)
        if scope.sample is not None or scope.openings in ("project", "party", "organisation"):
            reader.follow(self._tx, self._head.size)
        return reader.facts

    def _select(self, facts: Facts, assets: Sequence[str]) -> set[int] | None:
        """Return the entries whose openings are shown, None for all."""
        about = self._about or ""
        match self._openings:
            case "all":
                return None
            case "withheld":
                return {0}
            case "project":
                if about not in facts.projects:
                    raise NotFoundError(f"project `{about}` is not recorded", code="project_unknown")
                return evidence_on_project(self._tx, facts, about)
            case "party":
                if about not in facts.parties:
                    raise NotFoundError(f"party `{about}` is not recorded", code="party_unknown")
                return evidence_on_party(self._tx, facts, about)
            case "organisation":
                return evidence_for(self._tx, facts, about)
            case "sample":
                return evidence_on_assets(self._tx, self._head.size, assets)

    # The log -----------------------------------------------------------------------------------------------------

    def _write_tiles(self) -> None:
        for tile in tiles_of(self._head.size):
            if tile.level == ENTRIES:
                raw = encode_bundle(self._entries(tile))
                self._progress((tile.start + tile.width) // 2)
            else:
                raw = encode_tile(tile, self._nodes(tile))
            self._place.put(tile_path(tile), raw)

    def _entries(self, tile: Tile) -> list[bytes]:
        entries = read_entries(self._tx, tile.start, tile.start + tile.width)
        if len(entries) < tile.width:
            raise VerificationError(
                f"one of the entries from {tile.start} to {tile.start + tile.width - 1} is not in the database",
                code="entry_missing",
            )
        return entries

    def _nodes(self, tile: Tile) -> dict[int, bytes]:
        ids = tile_ids(tile)
        nodes = read_nodes(self._tx, ids)
        if len(nodes) < len(ids):
            raise VerificationError(f"the database lacks nodes of `{tile_path(tile)}`", code="node_missing")
        return nodes

    def _write_openings(self, selected: set[int] | None) -> None:
        size = self._head.size
        with self._place.opened(layout.OPENINGS) as file:
            for row in stream(self._tx, 0, size):
                shown = self._show(row, selected is None or row.index in selected)
                # Neither there nor erased: the bundle has no line, and whoever verifies it is told so.
                if shown is not None:
                    file.write(layout.encode_opening(row.index, shown))
                if not row.index & 0xFF:
                    self._progress((size + row.index) // 2)
        self._progress(size)

    def _show(self, row: Recorded, selected: bool) -> Shown | None:
        if row.opening is None:
            found = entries_touching(self._tx, [erasure_key(row.index)], self._head.size)
            self._erased += bool(found)
            return Erased(next(iter(found.values()))[0]) if found else None
        if not selected:
            return Withheld()
        self._shown += 1
        self._remember(row.opening)
        return row.opening

    def _remember(self, opening: Opening) -> None:
        try:
            statement = skim_signed(opening.envelope).statement
        except MalformedError:
            return  # damaged, which is for the auditor to find
        if isinstance(statement, Template) and isinstance(statement.document, TemplateDocument):
            self._documents.append(statement.document)

    # What goes with it -------------------------------------------------------------------------------------------

    def _write_decisions(self, sample: Sample, assets: Sequence[str]) -> None:
        """Write what the service answers, through its index and all."""
        point = clear(
            self._store, assets, compile_request(sample.query), clock=lambda: sample.as_of, as_of=sample.as_of,
            size=sample.size,
        )  # fmt: skip
        self._place.put(layout.DECISIONS, b"".join(map(encode_decision, assets, point.decisions)))

    def _write_templates(self, folders: Sequence[Path]) -> int:
        """Write the documents and those wordings that are found; return how many are not."""
        wanted = {t for d in self._documents for texts in d.languages.values() for t in (texts.text, texts.summary)}
        documents = {sha256(raw).hexdigest(): raw for raw in map(encode_canonical, self._documents)}
        for digest, raw in documents.items():
            self._place.put(layout.document_file(digest), raw)
        kept = read_wordings(self._tx, [bytes.fromhex(digest[7:]) for digest in wanted])
        published = ((f"sha256:{digest.hex()}", raw) for digest, raw in sorted(kept.items()))
        for digest, raw in chain(published, _wordings(folders)):
            if digest in wanted:
                wanted.discard(digest)
                self._place.put(layout.wording_file(digest), raw)
        return len(wanted)


def _wordings(folders: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    for folder in folders:
        for path in sorted(folder.rglob("*.md")):
            if path.is_file() and path.stat().st_size <= layout.MAX_DOCUMENT:
                raw = path.read_bytes()
                yield "sha256:" + sha256(raw).hexdigest(), raw
