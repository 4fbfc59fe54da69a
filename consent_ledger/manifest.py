"""Manifests: tables that say, for each media file, whose it is and whom it shows. CSV with a heading, or NDJSON.

Columns: `path` (from the manifest's folder) or `hash` with `size` and `media_type`; `owners`, `subjects`,
`organisations` (several: with spaces or commas between), `captured_at`, `retention_until`. `subjects` may be `nobody`,
`unverified`, or hold `?` for somebody whom nobody could name.
"""

import csv
import io
from pathlib import Path
from typing import Any

import msgspec

from consent_ledger.errors import LedgerError, MalformedError, Problem

COLUMNS = (
    "path", "hash", "size", "media_type", "owners", "subjects", "organisations", "captured_at", "retention_until",
)  # fmt: skip


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


_SYNONYMS = {"owner": "owners", "subject": "subjects", "organisation": "organisations", "file": "path"}
_LISTS = ("owners", "subjects", "organisations")


def read_manifest(path: Path) -> list[Row]:
    """Return the rows; raise MalformedError naming every line that is wrong."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise MalformedError(f"manifest `{path}` is not UTF-8") from e
    except OSError as e:
        raise LedgerError(f"manifest `{path}` cannot be read: {(e.strerror or '').lower()}", code="manifest") from e
    lines = _json_lines(text) if text.lstrip().startswith("{") else _csv_lines(path, text)
    rows, problems = [], []
    for number, fields in lines:
        try:
            rows.append(_row(fields))
        except (msgspec.ValidationError, msgspec.DecodeError, MalformedError) as e:
            problems.append(Problem(f"line {number}", "manifest_line", str(e)[:1].lower() + str(e)[1:]))
    if problems:
        raise MalformedError(f"manifest `{path}` has {len(problems)} lines that are wrong", problems=tuple(problems))
    return rows


def _json_lines(text: str) -> list[tuple[int, Any]]:
    return [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]


def _csv_lines(path: Path, text: str) -> list[tuple[int, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    heading = [_SYNONYMS.get(name.strip(), name.strip()) for name in reader.fieldnames or ()]
    unknown = [name for name in heading if name not in COLUMNS]
    if unknown or not {"path", "hash"} & set(heading):
        detail = f"unknown column `{unknown[0]}`" if unknown else "no column `path` or `hash`"
        raise MalformedError(f"manifest `{path}` has {detail}, want some of {', '.join(COLUMNS)}")
    reader.fieldnames = heading
    return [(reader.line_num, fields) for fields in reader]


def _row(fields: Any) -> Row:
    if isinstance(fields, str):
        fields = msgspec.json.decode(fields)
        if not isinstance(fields, dict):
            raise MalformedError("is not an object")
        fields = {_SYNONYMS.get(name, name): value for name, value in fields.items()}
    elif None in fields or None in fields.values():
        raise MalformedError("does not have as many columns as the heading")
    given = {name: value for name, value in fields.items() if value not in ("", None)}
    for name in _LISTS:
        if isinstance(given.get(name), str):
            given[name] = given[name].replace(",", " ").split()
    row = msgspec.convert(given, Row, strict=False)
    if (row.path is None) == (row.hash is None):
        raise MalformedError("has to have either `path` or `hash`")
    if row.hash is not None and (row.size is None or row.media_type is None):
        raise MalformedError("a `hash` goes with `size` and `media_type`")
    return row
