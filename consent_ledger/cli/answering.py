"""Showing clearance answers: a table for people, and JSON, NDJSON or CSV for programs."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import click
import msgspec

from consent_ledger.answers import ClearanceAnswer, VerdictName
from consent_ledger.cli.output import note, on_a_terminal, printable, shown, write_csv, write_json, write_lines
from consent_ledger.media import Unusable

MOST_ROWS = 40

NameOf = Callable[[str], str]


class Asked(NamedTuple):
    """An asset that is asked about, and the file that it came from, if any."""

    asset: str
    path: Path | None

    @property
    def name(self) -> str:
        """What people call it."""
        return self.asset if self.path is None else shown(self.path)


def report(
    asked: Sequence[Asked], unusable: Sequence[Unusable], answers: Sequence[ClearanceAnswer], form: str | None,
    name_of: NameOf,
) -> dict[str, int]:  # fmt: skip
    """Write the answers in the form that is wanted, and return how many there are of each verdict."""
    verdicts = Counter(answer.verdict for answer in answers)
    counts = {name: verdicts[name] for name in get_args(VerdictName)}
    line = f"checked {len(asked)}, " + ", ".join(f"{name} {count}" for name, count in counts.items())
    match form:
        case "json":
            written = list(_written(asked, answers))
            write_json({"checked": len(asked), **counts, "answers": written, "not_checked": _failures(unusable)})
        case "ndjson":
            write_lines(_written(asked, answers))
            write_lines(_failures(unusable))
        case "csv":
            columns = ("file", "asset", "verdict", "reasons", "parties", "valid_until", "as_of", "size")
            write_csv(columns, _rows(asked, answers, name_of))
        case _:
            _show(asked, answers, name_of)
    for item in unusable:
        note(f"not checked: {shown(item.path)}: {item.why}")
    if not asked and not unusable:
        note("nothing to check: no files there")
    click.echo(line, err=form is not None)
    return counts


def _written(asked: Sequence[Asked], answers: Sequence[ClearanceAnswer]) -> Iterator[dict[str, Any]]:
    for one, answer in zip(asked, answers, strict=True):
        file = {} if one.path is None else {"file": one.name}
        yield {**file, **msgspec.structs.asdict(answer)}


def _failures(unusable: Sequence[Unusable]) -> list[dict[str, str]]:
    return [{"file": shown(item.path), "error": item.why} for item in unusable]


def _rows(asked: Sequence[Asked], answers: Sequence[ClearanceAnswer], name_of: NameOf) -> Iterator[dict[str, Any]]:
    for one, answer in zip(asked, answers, strict=True):
        yield {
            "file": "" if one.path is None else one.name,
            "asset": one.asset,
            "verdict": answer.verdict,
            "reasons": " ".join(_codes(answer)),
            "parties": " ".join(_parties(answer, name_of)),
            "valid_until": answer.valid_until or "",
            "as_of": answer.as_of,
            "size": answer.size,
        }


def _codes(answer: ClearanceAnswer) -> list[str]:
    return list(dict.fromkeys(reason.code for reason in answer.reasons))


def _parties(answer: ClearanceAnswer, name_of: NameOf) -> list[str]:
    return list(dict.fromkeys(name_of(r.party) for r in answer.reasons if r.party is not None))


def explain(answer: ClearanceAnswer, name_of: NameOf) -> str:
    """Return the reasons in one line: for each party, in which capacities it is asked, and its codes."""
    found: dict[str | None, tuple[dict[str, None], dict[str, None]]] = {}
    for reason in answer.reasons:
        capacities, codes = found.setdefault(reason.party, ({}, {}))
        codes[reason.code] = None
        if reason.capacity is not None:
            capacities[reason.capacity] = None
    parts = []
    for party, (capacities, codes) in found.items():
        who = "" if party is None else name_of(party) + (f" ({', '.join(capacities)})" if capacities else "")
        parts.append((f"{who}: " if who else "") + ", ".join(codes))
    return "; ".join(parts)


def _show(asked: Sequence[Asked], answers: Sequence[ClearanceAnswer], name_of: NameOf) -> None:
    lines = [(one.name, answer.verdict, explain(answer, name_of)) for one, answer in zip(asked, answers, strict=True)]
    if not on_a_terminal():
        for name, verdict, why in lines:
            click.echo(f"{verdict}\t{name}\t{printable(why)}")
    elif len(lines) <= MOST_ROWS:
        _table(("file", "verdict", "why"), lines)
    else:
        _summary(lines)


def _summary(lines: Sequence[tuple[str, str, str]]) -> None:
    """Show how many files have the same answer for the same reason, the most first; what is allowed is one line."""
    alike = Counter((verdict, "granted" if verdict == "allow" else why) for _, verdict, why in lines).most_common()
    _table(("files", "verdict", "why"), [(str(count), *answer) for answer, count in alike[:MOST_ROWS]])
    left_out = f"; {len(alike) - MOST_ROWS} reasons more" if len(alike) > MOST_ROWS else ""
    note(f"--csv and --ndjson answer for each file{left_out}")


def _table(titles: tuple[str, str, str], lines: Sequence[tuple[str, str, str]]) -> None:
    if not lines:
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold", justify="right" if title == "files" else "left")
    colours = {"allow": "green", "deny": "red", "undetermined": "yellow"}
    for first, verdict, why in lines:
        table.add_row(Text(first), Text(verdict, style=colours[verdict]), Text(why))
    Console().print(table)
