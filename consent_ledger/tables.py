"""Tables that people write: CSV with a heading, or NDJSON. A row becomes a Struct, or its line is named."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from consent_ledger.errors import LedgerError, MalformedError, Problem

Row = TypeVar("Row", bound=msgspec.Struct)


class Shape(NamedTuple):
    """What a table looks like: its name for people, columns that hold several values, columns that have other names
    besides, and those of which there has to be one."""

    name: str
    lists: Sequence[str]
    synonyms: Mapping[str, str]
    needed: Sequence[str]


def read_table(path: Path, row_type: type[Row], shape: Shape, check: Callable[[Row], None]) -> list[tuple[int, Row]]:
    """Return the rows with their line numbers; `check` raises MalformedError for a row that makes no sense.

    Raises MalformedError naming every line that is wrong.
    """
    what = f"{shape.name} `{path}`"
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise MalformedError(f"{what} is not UTF-8") from e
    except OSError as e:
        raise LedgerError(f"{what} cannot be read: {(e.strerror or '').lower()}", code=shape.name) from e
    lines = _json_lines(text) if text.lstrip().startswith("{") else _csv_lines(what, text, row_type, shape)
    rows, problems = [], []
    for number, fields in lines:
        try:
            row = _row(fields, row_type, shape)
            check(row)
            rows.append((number, row))
        except (msgspec.ValidationError, msgspec.DecodeError, MalformedError) as e:
            problems.append(Problem(f"line {number}", f"{shape.name}_line", str(e)[:1].lower() + str(e)[1:]))
    if problems:
        count = f"{len(problems)} lines that are wrong" if len(problems) > 1 else "a line that is wrong"
        raise MalformedError(f"{what} has {count}", problems=tuple(problems))
    return rows


def _json_lines(text: str) -> list[tuple[int, Any]]:
    return [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]


def _csv_lines(what: str, text: str, row_type: type[Row], shape: Shape) -> list[tuple[int, Any]]:
    columns = row_type.__struct_encode_fields__
    reader = csv.DictReader(io.StringIO(text, newline=""))
    heading = [shape.synonyms.get(name.strip(), name.strip()) for name in reader.fieldnames or ()]
    unknown = [name for name in heading if name not in columns]
    if unknown or not set(shape.needed) & set(heading):
        needed = " or ".join(f"`{name}`" for name in shape.needed)
        detail = f"unknown column `{unknown[0]}`" if unknown else f"no column {needed}"
        raise MalformedError(f"{what} has {detail}, want some of {', '.join(columns)}")
    reader.fieldnames = heading
    return [(reader.line_num, fields) for fields in reader]


def _row(fields: Any, row_type: type[Row], shape: Shape) -> Row:
    if isinstance(fields, str):
        fields = msgspec.json.decode(fields)
        if not isinstance(fields, dict):
            raise MalformedError("is not an object")
        fields = {shape.synonyms.get(name, name): value for name, value in fields.items()}
    elif None in fields or None in fields.values():
        raise MalformedError("does not have as many columns as the heading")
    given = {name: value for name, value in fields.items() if value not in ("", None)}
    for name in shape.lists:
        if isinstance(given.get(name), str):
            given[name] = given[name].replace(",", " ").split()
    return msgspec.convert(given, row_type, strict=False)
