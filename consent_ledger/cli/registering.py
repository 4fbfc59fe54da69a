"""Registering files: hashed in parallel, recorded in statements of as many as fit, each durable on its own."""

import mimetypes
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
from msgspec import UNSET

from consent_ledger.cli.ledgers import Recording, Rehearsed
from consent_ledger.cli.options import instant_fields
from consent_ledger.cli.output import note, shown
from consent_ledger.cli.progress import progress
from consent_ledger.cli.session import Session
from consent_ledger.errors import LedgerError, MalformedError, NotFoundError
from consent_ledger.licenses.facts import optional_micros
from consent_ledger.licenses.records import Claim, Parent
from consent_ledger.licenses.statements import (
    MAX_MEDIA,
    MAX_STATEMENT_BYTES,
    UNIDENTIFIED,
    Asset,
    Derivation,
    Medium,
)
from consent_ledger.manifest import Row, read_manifest
from consent_ledger.media import Hashed, Unusable, asset_of, find_files, hash_files, parse_hash
from consent_ledger.signing.canonical import encode_canonical
from consent_ledger.signing.instants import parse_instant

HEADER_BYTES = 1_000
"""More than a statement's fields take beside its media."""

OTHER_TYPES = {".mkv": "video/x-matroska", ".flac": "audio/flac", ".opus": "audio/ogg", ".webp": "image/webp",
               ".heic": "image/heic", ".avif": "image/avif", ".m4a": "audio/mp4", ".weba": "audio/webm"}  # fmt: skip

PARTIES = ("owners", "subjects", "organisations")


class Derived(NamedTuple):
    """What a file was made from, how, and who is seen or heard in that and not in the file (local names)."""

    parents: tuple[str, ...]
    transform: str
    absent: tuple[str, ...]


class Found(NamedTuple):
    """A file, and what is said of it."""

    file: Hashed | Unusable
    fields: dict[str, Any]


def sources(
    paths: tuple[str, ...], manifests: Iterable[Path], files0: str | None, common: dict[str, Any]
) -> Iterator[Found]:
    """Yield every file that is named, hashed, with its fields: those of a manifest's row come before the common ones.

    A manifest that is wrong is refused before the first file.
    """
    tables = [(manifest, rows, [_fields(row, common, manifest.parent) for row in rows])
              for manifest in manifests for rows in [read_manifest(manifest)]]  # fmt: skip
    roots = [Path(path) for path in paths] + _listed(files0)
    for file in hash_files(find_files(roots)):
        yield Found(file, common)
    for manifest, rows, fields in tables:
        yield from _rows(manifest, rows, fields)


def _listed(files0: str | None) -> list[Path]:
    if files0 is None:
        return []
    raw = sys.stdin.buffer.read() if files0 == "-" else Path(files0).read_bytes()
    return [Path(os.fsdecode(name)) for name in raw.split(b"\0") if name]


def _rows(manifest: Path, rows: list[Row], fields: list[dict[str, Any]]) -> Iterator[Found]:
    hashed = hash_files(manifest.parent / row.path for row in rows if row.path is not None)
    for row, said in zip(rows, fields, strict=True):
        if row.path is not None:
            yield Found(next(hashed), said)
            continue
        hash_ = parse_hash(row.hash or "")
        if hash_ is None:
            yield Found(Unusable(Path(row.hash or ""), "is not a sha-256 hash"), said)
        else:
            yield Found(Hashed(Path(hash_), hash_, row.size or 0), said | {"media_type": row.media_type})


def _fields(row: Row, common: dict[str, Any], folder: Path) -> dict[str, Any]:
    said = dict(common)
    if row.organisations is not None:
        said["organisations"] = row.organisations
    if row.owners is not None:
        said["owners"] = named(row.owners)
    if row.derived_from is not None and row.transform is not None:
        parents = [parent if parse_hash(parent) else os.fspath(folder / parent) for parent in row.derived_from]
        said["derived"] = Derived(tuple(map(asset_of, parents)), row.transform, tuple(row.absent_subjects or ()))
    for name in ("captured_at", "retention_until"):
        if getattr(row, name) is not None:
            said |= instant_fields(**{name: parse_instant(getattr(row, name))})
    if row.subjects is not None:
        said.pop("subjects_unverified", None)
        said.pop("subjects", None)
        if row.subjects == ["unverified"]:
            said["subjects_unverified"] = True
        else:
            said["subjects"] = named(row.subjects)
    if "subjects" not in said and "subjects_unverified" not in said:
        raise MalformedError(f"`{row.path or row.hash}` does not say who is in it, want `nobody` or `unverified` if so")
    return said


def named(people: Iterable[str]) -> list[str]:
    """Return those who are named; `nobody` is nobody."""
    return [name for name in people if name != "nobody"]


class Registration:
    """One run: which files are new, and how it went."""

    def __init__(self, session: Session, ledger: Recording, project: str, by: str) -> None:
        self._book = session.book
        self._ledger = ledger
        self._project = project
        self._issuer = session.issuer(ledger, by)
        self._is_person = session.book.find(by).kind == "person"
        self._seen: dict[str, Path] = {}
        self.new = self.known = self.failed = 0
        ledger.find_project(project)

    def run(self, found: Iterable[Found]) -> int:
        """Record what is new and return the exit code."""
        batch: list[tuple[Path, Medium]] = []
        size = HEADER_BYTES
        for item in progress(found, "registering"):
            medium = self._medium(item)
            if medium is None:
                continue
            length = len(encode_canonical(medium)) + 1
            if len(batch) == MAX_MEDIA or size + length > MAX_STATEMENT_BYTES:
                self._record(batch)
                batch, size = [], HEADER_BYTES
            batch.append((item.file.path, medium))
            size += length
        self._record(batch)
        note(f"registered {self.new}, registered before {self.known}, failed {self.failed}")
        return 1 if self.failed or not self.new + self.known else 0

    def _medium(self, item: Found) -> Medium | None:
        file = item.file
        if isinstance(file, Unusable):
            self._fail(file.path, file.why, lost=file.lost)
            return None
        twin = self._seen.setdefault(file.asset, file.path)
        if twin != file.path:
            note(f"{shown(file.path)}: has the same bytes as {shown(twin)}")
            return None
        fields = dict(item.fields)
        kind = fields.pop("media_type", None) or media_type(file.path)
        derived: Derived | None = fields.pop("derived", None)
        # What is made of others' files is theirs, unless somebody claims that it is hers too.
        fields.setdefault("owners", [] if derived is not None and not self._is_person else [self._issuer.party])
        try:
            fields |= {name: self._parties(fields[name]) for name in PARTIES if name in fields}
            if derived is not None:
                absent = {"absent_subjects": self._parties(derived.absent)} if derived.absent else {}
                fields["derived_from"] = [
                    Derivation(asset=parent, transform=derived.transform, **absent) for parent in derived.parents
                ]
        except NotFoundError as e:
            self._fail(file.path, str(e))
            return None
        return Medium(hash=file.asset, size=file.size, media_type=kind, **fields)

    def _parties(self, names: Iterable[str]) -> list[str]:
        return [UNIDENTIFIED if name == "?" else self._book.find(name).party for name in names]

    def _record(self, batch: list[tuple[Path, Medium]]) -> None:
        """Record those of a batch of which this issuer has not said the same in this project before."""
        claims = self._ledger.find_claims([medium.hash for _, medium in batch])
        mine = (self._issuer.party, self._project)
        fresh = [
            (p, m)
            for p, m in batch
            if not any((c.issuer, c.project) == mine and says_the_same(c, m) for c in claims[m.hash])
        ]
        self.known += len(batch) - len(fresh)
        if not fresh:
            return
        media = [medium for _, medium in fresh]
        envelope = self._issuer.say(Asset, self._ledger.clock(), project=self._project, media=media)
        try:
            self._ledger.register(envelope)
        except Rehearsed:
            note(f"would register {len(fresh)} files (nothing was written)")
            return
        except LedgerError as e:
            if e.problems and len(fresh) > 1:
                return self._record_others(fresh, e)
            if not e.problems:
                raise
            self._fail(fresh[0][0], str(e))
            return
        self.new += len(fresh)
        for path, medium in fresh:
            click.echo(f"{medium.hash}\t{shown(path)}")

    def _record_others(self, fresh: list[tuple[Path, Medium]], error: LedgerError) -> None:
        """Leave out the files that the ledger refused, by the place that it names, and record the others."""
        refused: dict[int, str] = {}
        for problem in error.problems:
            parts = problem.pointer.split("/")
            if len(parts) < 3 or parts[1] != "media" or not parts[2].isdigit():
                raise error
            refused.setdefault(int(parts[2]), problem.detail)
        for number, detail in refused.items():
            self._fail(fresh[number][0], detail)
        self._record([pair for number, pair in enumerate(fresh) if number not in refused])

    def _fail(self, path: Path, why: str, *, lost: bool = True) -> None:
        self.failed += lost
        note(f"{shown(path)}: {why}")


def says_the_same(claim: Claim, medium: Medium) -> bool:
    """Whether a registration that is recorded says of a file what would be said again."""
    derived = () if medium.derived_from is UNSET else medium.derived_from
    return (
        claim.owners == tuple(medium.owners)
        and claim.subjects == (None if medium.subjects is UNSET else tuple(medium.subjects))
        and claim.organisations == (() if medium.organisations is UNSET else tuple(medium.organisations))
        and claim.captured_at == optional_micros(medium.captured_at)
        and claim.retention_until == optional_micros(medium.retention_until)
        and claim.parents == tuple(
            Parent(d.asset, d.transform, frozenset() if d.absent_subjects is UNSET else frozenset(d.absent_subjects))
            for d in derived
        )
    )  # fmt: skip


def media_type(path: Path) -> str:
    """Return the media type that a file's name suggests."""
    guessed, encoding = mimetypes.guess_type(path.name)
    known = guessed if encoding is None else None
    return OTHER_TYPES.get(path.suffix.lower()) or known or "application/octet-stream"
