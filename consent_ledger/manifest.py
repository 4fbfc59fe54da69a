"""Manifests: tables that say, for each media file, whose it is and whom it shows. CSV with a heading, or NDJSON.

Columns: `path` (from the manifest's folder) or `hash` with `size` and `media_type`; `owners`, `subjects`,
`organisations` (several: with spaces or commas between), `captured_at`, `retention_until`. `subjects` may be `nobody`,
`unverified`, or hold `?` for somebody whom nobody could name. What was made from other files says from which in
`derived_from`, how in `transform`, and in `absent_subjects` whom they show and it does not; its `owners` may be
`nobody`.
"""

from pathlib import Path

import msgspec

from consent_ledger.errors import MalformedError
from consent_ledger.tables import Shape, read_table


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One file as the manifest has it; names of parties and times still as text."""

    path: str | None = None
    hash: str | None = None
    size: int | None = None
    media_type: str | None = None
    owners: list[str] | None = None
    subjects: list[str] | None = None
    organisations: list[str] | None = None
    captured_at: str | None = None
    retention_until: str | None = None
    derived_from: list[str] | None = None
    transform: str | None = None
    absent_subjects: list[str] | None = None


SHAPE = Shape(
    name="manifest",
    lists=("owners", "subjects", "organisations", "derived_from", "absent_subjects"),
    synonyms={"owner": "owners", "subject": "subjects", "organisation": "organisations", "file": "path"},
    needed=("path", "hash"),
)


def read_manifest(path: Path) -> list[Row]:
    """Return the rows; raise MalformedError naming every line that is wrong."""
    return [row for _, row in read_table(path, Row, SHAPE, _check)]


def _check(row: Row) -> None:
    if (row.path is None) == (row.hash is None):
        raise MalformedError("has to have either `path` or `hash`")
    if row.hash is not None and (row.size is None or row.media_type is None):
        raise MalformedError("a `hash` goes with `size` and `media_type`")
    if (row.derived_from is None) != (row.transform is None):
        raise MalformedError("`derived_from` goes with `transform`, which says how it was made")
    if row.absent_subjects is not None and row.derived_from is None:
        raise MalformedError("`absent_subjects` goes with `derived_from`: whom does that show?")
