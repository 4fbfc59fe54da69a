"""Signing grants, one or a table of them: what a template and the answers make of each, and in which capacities."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from consent_ledger.batch import Outcome, Receipt
from consent_ledger.cli.ledgers import Recording, Rehearsed
from consent_ledger.cli.lookup import pick_template
from consent_ledger.cli.options import instant_fields
from consent_ledger.cli.output import note, write_lines
from consent_ledger.cli.session import Session
from consent_ledger.errors import LedgerError, MalformedError, NotFoundError, RefusedError
from consent_ledger.issuing import grant_fields
from consent_ledger.licenses.statements import Grant, Scope
from consent_ledger.licenses.terms import TemplateDocument
from consent_ledger.media import asset_of
from consent_ledger.signing.instants import format_time, parse_instant
from consent_ledger.tables import Shape, read_table


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A grant as people write it: names of parties, files or hashes, times as text."""

    party: str
    yes: list[str] = []
    no: list[str] = []
    template: str | None = None
    language: str | None = None
    capacities: list[str] = []
    ward: str | None = None
    assets: list[str] = []
    starts: str | None = None
    ends: str | None = None
    supersedes: list[str] = []


SHAPE = Shape(
    name="table of grants",
    lists=("yes", "no", "capacities", "assets", "supersedes"),
    synonyms={"capacity": "capacities", "asset": "assets"},
    needed=("party",),
)


class Drafted(NamedTuple):
    """A signed grant and what it says, for people."""

    envelope: bytes
    words: str


class Granting:
    """Signs the grants of one project with the keys of the address book."""

    def __init__(self, session: Session, ledger: Recording, project: str) -> None:
        self._session = session
        self._ledger = ledger
        self._project = project
        self._offered = ledger.find_project(project)[1]

    def sign(self, wish: Wish, key_file: Path | None = None) -> Drafted:
        """Return the grant that is wished for, signed. Raises where a question is open or something is unknown."""
        document = pick_template(self._offered, self._project, wish.template)
        choices = dict.fromkeys(wish.yes, True) | dict.fromkeys(wish.no, False)
        fields = _fields(document, wish.language or "en", choices)
        fields |= {"ward": self._session.party_of(wish.ward)} if wish.ward else {}
        fields |= {"supersedes": wish.supersedes} if wish.supersedes else {}
        now = self._ledger.clock()
        starts = now if wish.starts is None else parse_instant(wish.starts)
        ends = None if wish.ends is None else parse_instant(wish.ends)
        envelope = self._session.issuer(self._ledger, wish.party, key_file).say(
            Grant, now, capacities=self._capacities(wish, document), scope=self._scope(wish),
            assurance="own_key", **instant_fields(starts=starts, ends=ends), **fields,
        )  # fmt: skip
        said = ", ".join(f"{rule} {'yes' if answer else 'no'}" for rule, answer in choices.items())
        words = f"`{wish.party}` grants `{document.id}/{document.version}`" + (f" ({said})" if said else "")
        return Drafted(envelope, words)

    def _scope(self, wish: Wish) -> Scope:
        return Scope(assets=[asset_of(a) for a in wish.assets]) if wish.assets else Scope(project=self._project)

    def _capacities(self, wish: Wish, document: TemplateDocument) -> Any:
        """Return as what the party signs: a person who films herself is owner and subject at once."""
        if wish.capacities:
            return list(dict.fromkeys(wish.capacities))
        if wish.ward is not None:
            return ["guardian"]
        organisation = self._session.book.find(wish.party).kind == "organisation"
        wanted = ("owner", "organisation") if organisation else ("owner", "subject")
        return [c for c in wanted if c in document.capacities] or list(document.capacities[:1])


def _fields(document: TemplateDocument, language: str, choices: dict[str, bool]) -> dict[str, Any]:
    """Return what template and answers make of a grant; say which questions are open."""
    if language not in document.languages:
        texts = ", ".join(sorted(document.languages))
        raise RefusedError(f"the template has no text in `{language}`, want one of {texts}", code="language_unknown")
    try:
        return grant_fields(document, language, choices)
    except RefusedError as e:
        hint = " (answer each with --yes RULE or --no RULE)" if e.code == "choice_missing" else ""
        raise RefusedError(f"{e}{hint}", code=e.code, problems=e.problems[1:]) from e


def check_answers(wish: Wish) -> None:
    """Raise unless every answer is yes or no."""
    both = sorted(set(wish.yes) & set(wish.no))
    if both:
        raise MalformedError(f"`{both[0]}` is answered with yes and with no")


def read_wishes(session: Session, path: Path, common: dict[str, Any]) -> list[tuple[int, Wish]]:
    """Return the rows of a table with their line numbers; what a row leaves out is as in `common`.

    Somebody whom nobody knows here is a mistake in the table: then nothing is granted.
    """
    rows = read_table(path, Wish, SHAPE, check_answers)
    unknown = [f"line {number}: {e}" for number, wish in rows if (e := _unknown(session, wish)) is not None]
    if unknown:
        more = f", and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise MalformedError(f"`{path}` {unknown[0]}{more}")
    return [(number, _completed(wish, common)) for number, wish in rows]


def _unknown(session: Session, wish: Wish) -> NotFoundError | None:
    try:
        for name in (wish.party, wish.ward):
            if name is not None:
                session.book.find(name)
    except NotFoundError as e:
        return e
    return None


def _completed(wish: Wish, common: dict[str, Any]) -> Wish:
    """Fill in what the row leaves out. An answer in the row comes before the common one."""
    own = {*wish.yes, *wish.no}
    answers = {name: [*getattr(wish, name), *(r for r in common[name] if r not in own)] for name in ("yes", "no")}
    rest = {name: value for name, value in common.items() if name not in answers and not getattr(wish, name)}
    return msgspec.structs.replace(wish, **answers, **rest)


def grant_all(
    granting: Granting, ledger: Recording, wishes: list[tuple[int, Wish]], *, rehearse: bool, as_json: bool
) -> int:
    """Record a grant for each wish, show each, and return the exit code. What is refused takes nothing with it."""
    refused: dict[int, LedgerError] = {}
    drafted: list[int] = []

    def envelopes() -> Iterator[bytes]:
        for number, wish in wishes:
            try:
                envelope = granting.sign(wish).envelope
            except LedgerError as e:
                refused[number] = e
            else:
                drafted.append(number)
                yield envelope

    if rehearse:
        refused |= _rehearse(ledger, envelopes(), drafted)
        outcomes: list[Outcome] = []
    else:
        outcomes = ledger.register_all(envelopes())
    answers = dict(zip(drafted, outcomes, strict=False))
    refused |= {number: outcome for number, outcome in answers.items() if isinstance(outcome, LedgerError)}
    for number, wish in wishes:
        _tell(number, wish.party, refused.get(number) or answers.get(number), as_json=as_json)
    done = len(wishes) - len(refused)
    note(f"would be granted {done}, refused {len(refused)}" if rehearse else f"granted {done}, refused {len(refused)}")
    return int(bool(refused))


def _tell(number: int, party: str, outcome: Receipt | LedgerError | None, *, as_json: bool) -> None:
    """Show what became of a line; nothing of one that was rehearsed."""
    match outcome:
        case LedgerError() if as_json:
            write_lines([{"line": number, "party": party, "error": str(outcome), "code": outcome.code}])
        case LedgerError():
            note(f"line {number}: `{party}`: {outcome}")
        case Receipt() if as_json:
            at = format_time(outcome.recorded_at)
            write_lines([{"line": number, "party": party, "id": outcome.id, "entry": outcome.entry, "recorded_at": at}])
        case Receipt():
            click.echo(f"{outcome.id}\t{party}")


def _rehearse(ledger: Recording, envelopes: Iterator[bytes], drafted: list[int]) -> dict[int, LedgerError]:
    """Try each as if it were alone: a rehearsal stops where the first would be written."""
    refused: dict[int, LedgerError] = {}
    for envelope in envelopes:
        try:
            (outcome,) = ledger.register_all([envelope])
        except Rehearsed:
            continue
        if isinstance(outcome, LedgerError):
            refused[drafted[-1]] = outcome
    return refused
