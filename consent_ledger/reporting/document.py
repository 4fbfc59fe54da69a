"""The data of the audit report. Instants are microseconds since 1970 in UTC."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from consent_ledger.audit.checkpoint import read_checkpoint_text
from consent_ledger.audit.entry import commit, decode_entry
from consent_ledger.errors import MalformedError, NotFoundError
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.keys import erasure_key
from consent_ledger.licenses.signed import skim_signed
from consent_ledger.licenses.visibility import Viewer, sees_statement
from consent_ledger.reading.checkpoints import Growth, read_growth
from consent_ledger.reading.log import ErasureItem, Status, list_erasures, type_of
from consent_ledger.signing.instants import format_time
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import FactsReader, read_log_keys
from consent_ledger.store.index import entries_touching
from consent_ledger.store.log import Recorded, read_head, stream
from consent_ledger.store.transaction import Transaction
from consent_ledger.verification.runs import Run, list_runs

FORMAT: Literal["consent-ledger/report/v1"] = "consent-ledger/report/v1"
FILE = "consent-ledger-report.json"
RUNS = 20
Progress = Callable[[int], None]


class Tally(msgspec.Struct, frozen=True):
    """How many entries of a month (`2026-11`) are of a type and a status; the type of what is not shown is None."""

    month: str
    type: str | None
    status: Status
    entries: int


class Document(msgspec.Struct, frozen=True):
    """All that the report says. `viewer` is who may see what is counted as opened, None for the operator.

    `checkpoint` is the signed note that the report is of, `log_keys` the verifier keys of the log, the newest first;
    `runs` are the latest verifications, newest first; `as_of` is the latest instant in all this.
    """

    format: Literal["consent-ledger/report/v1"]
    origin: str
    viewer: str | None
    as_of: int
    size: int
    root: str
    first_at: int
    last_at: int
    checkpoint: str
    log_keys: list[str]
    tallies: list[Tally]
    growth: Growth
    erasures: list[ErasureItem]
    runs: list[Run]


def gather(store: Store, viewer: Viewer, progress: Progress = lambda entries: None) -> Document:
    """Return the data of the report, read in one snapshot but for the verifications; every entry is read.

    NotFoundError `ledger_missing` for a database without entries.
    """
    runs = [_shown(kept.run, viewer) for kept in list_runs(store, RUNS)]
    with store.read() as tx:
        head = read_head(tx)
        if head.checkpoint is None:
            raise NotFoundError("the database holds no ledger yet, want `init` first", code="ledger_missing")
        signed = read_checkpoint_text(head.checkpoint)
        reader = FactsReader(tx, 0)
        if viewer is not None:
            reader.follow(tx, head.size)
        tallies, first_at = _count(tx, head.size, viewer, reader.facts, progress)
        growth = read_growth(tx)
        instants = [head.recorded_at, *(run.at for run in runs), *(mark.at for mark in growth.marks)]
        return Document(
            format=FORMAT,
            origin=signed.origin,
            viewer=viewer,
            as_of=max(instants),
            size=head.size,
            root=signed.root.hex(),
            first_at=first_at,
            last_at=head.recorded_at,
            checkpoint=head.checkpoint.decode(),
            log_keys=[key.vkey for key in sorted(read_log_keys(tx, head.size), key=lambda key: -key.entry)],
            tallies=tallies,
            growth=growth,
            erasures=list_erasures(tx, viewer),
            runs=runs,
        )


def _shown(run: Run, viewer: Viewer) -> Run:
    """Return the verification without details, which may name what is another's."""
    if viewer is None:
        return run
    findings = tuple(msgspec.structs.replace(finding, detail="") for finding in run.findings)
    return msgspec.structs.replace(run, findings=findings)


def _count(tx: Transaction, size: int, viewer: Viewer, facts: Facts, progress: Progress) -> tuple[list[Tally], int]:
    """Return the counts, and the instant of the first entry."""
    counts: Counter[tuple[str, str | None, Status]] = Counter()
    first = 0
    for row, month, at in _dated(tx, size):
        counts[month, *_standing(tx, row, size, viewer, facts)] += 1
        first = first or at
        if not row.index & 0xFFF:
            progress(row.index)
    progress(size)
    return [Tally(*key, n) for key, n in sorted(counts.items(), key=lambda item: (item[0][0], item[0][1] or ""))], first


def _dated(tx: Transaction, size: int) -> Iterator[tuple[Recorded, str, int]]:
    for row in stream(tx, 0, size):
        try:
            at = decode_entry(row.entry).recorded_at
        except (MalformedError, TypeError):  # TypeError: somebody made it text
            yield row, "", 0
            continue
        yield row, format_time(at)[:7], at


def _standing(tx: Transaction, row: Recorded, size: int, viewer: Viewer, facts: Facts) -> tuple[str | None, Status]:
    """Return the type and the status of an entry for the viewer."""
    if row.opening is None:
        return None, "erased" if entries_touching(tx, [erasure_key(row.index)], size) else "missing"
    try:
        fits = decode_entry(row.entry).commitment == commit(row.opening.salt, row.opening.envelope)
    except (MalformedError, TypeError):
        fits = False
    if not fits:
        return None, "damaged"
    statement = skim_signed(row.opening.envelope).statement
    return (type_of(statement), "opened") if sees_statement(viewer, statement, facts) else (None, "withheld")


def encode_document(document: Document) -> bytes:
    """Return the file: equal data give equal bytes."""
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=1) + b"\n"


def decode_document(raw: bytes) -> Document:
    """Return the data in a file; raise MalformedError for anything else."""
    try:
        return msgspec.json.decode(raw, type=Document)
    except msgspec.MsgspecError as e:
        raise MalformedError(f"this is no report of format `{FORMAT}`: {e}") from e
