"""Options that several commands share: instants, and the facets of a use."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from consent_ledger.errors import LedgerError
from consent_ledger.issuing import whole_second
from consent_ledger.licenses.purposes import Purpose, load_purposes, purpose_named
from consent_ledger.licenses.statements import ASSURANCES, UseRequest
from consent_ledger.licenses.vocabulary import ACTIVITY, AIM, CONTEXT, WORLD, Audience
from consent_ledger.resources import shipped_purposes
from consent_ledger.signing.instants import parse_instant

Command = TypeVar("Command", bound=Callable[..., Any])


class InstantType(click.ParamType[int]):
    """A time as RFC 3339 has it, in microseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the instant; fail with what was wanted."""
        if isinstance(value, int):
            return value
        try:
            return parse_instant(value)
        except LedgerError as e:
            self.fail(f"{e}, want for example 2026-06-01T12:00:00Z", param, ctx)


INSTANT = InstantType()


def instant_fields(**instants: int | None) -> dict[str, Any]:
    """Return the fields of a statement for those instants that are given."""
    return {name: whole_second(instant) for name, instant in instants.items() if instant is not None}


def facet_options(command: Command) -> Command:
    """Give a command the facets of a use; how many of them must be there is the command's affair."""
    for option in reversed(
        [
            click.option("--activity", multiple=True, type=click.Choice(list(ACTIVITY.bit)), help="What is done."),
            click.option("--aim", multiple=True, type=click.Choice(list(AIM.bit)), help="What it is done for."),
            click.option("--context", type=click.Choice(list(CONTEXT.bit)), help="In which kind of undertaking."),
            click.option("--audience", type=click.Choice(list(Audience.__members__)), help="Who gets the files."),
            click.option("--licence", "--license", metavar="SPDX", help="The licence of an open release."),
            click.option("--territory", multiple=True, metavar="CODE", help="Two letters, or WORLD [default: WORLD]."),
            click.option("--recipient", metavar="PARTY", help="Who receives the files."),
        ]
    ):
        command = option(command)
    return command


def use_options(command: Command) -> Command:
    """Give a command all that names a use that is asked about."""
    command = click.option(
        "--min-assurance", type=click.Choice(list(ASSURANCES)), help="Count only what is signed at least this surely."
    )(command)
    command = facet_options(command)
    command = click.option(
        "--list-purposes", is_flag=True, is_eager=True, expose_value=False, callback=_list_purposes,
        help="Show the named purposes, those of --purposes too if it stands before, and stop.",
    )(command)  # fmt: skip
    command = click.option(
        "--purposes", type=click.Path(path_type=Path), is_eager=True,
        help="A file of named purposes of your own, for --for.",
    )(command)  # fmt: skip
    return click.option("--for", "purpose", metavar="NAME", shell_complete=_complete_purpose,
                        help="A named purpose instead of facets, for example open-training.")(command)  # fmt: skip


def use_request(
    facets: dict[str, Any], purpose: str | None, purposes: Path | None, party_of: Callable[[str], str]
) -> UseRequest:
    """Return the use that the options name; facets that are given come before those of the purpose."""
    given = {_FIELDS[name]: _listed(name, value) for name, value in facets.items() if value}
    if given.get("recipient"):
        given["recipient"] = party_of(given["recipient"])
    if purpose is not None:
        named = purpose_named(_read_purposes(purposes), purpose)
        return msgspec.structs.replace(named.use(), **given)
    missing = [f"--{name}" for name in ("activity", "aim", "context", "audience") if not facets.get(name)]
    if missing:
        names = ", ".join(_read_purposes(purposes))
        raise click.UsageError(f"a use is not complete without {', '.join(missing)}; or name one with --for: {names}")
    return UseRequest(**{"territories": [WORLD], **given})


_FIELDS = {
    "activity": "activities", "aim": "aims", "context": "context", "audience": "audience", "licence": "licence",
    "territory": "territories", "recipient": "recipient", "min_assurance": "min_assurance",
}  # fmt: skip


def use_in_words(use: UseRequest) -> str:
    """Return the use on one line, as people read it."""
    text = f"{' '.join(use.activities)} for {' '.join(use.aims)}, {use.context}, {use.audience}"
    text += "" if use.licence is msgspec.UNSET else f", under {use.licence}"
    text += "" if use.territories == [WORLD] else f", in {' '.join(use.territories)}"
    text += "" if use.recipient is msgspec.UNSET else f", by {use.recipient}"
    return text + ("" if use.min_assurance is msgspec.UNSET else f", signed at least `{use.min_assurance}`")


def _listed(name: str, value: Any) -> Any:
    return _territories(value) if name == "territory" else list(value) if isinstance(value, tuple) else value


def _read_purposes(own: Path | None) -> dict[str, Purpose]:
    shipped = load_purposes(shipped_purposes())
    return shipped if own is None else shipped | load_purposes(own.read_bytes())


def _complete_purpose(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in _read_purposes(None) if name.startswith(incomplete)]


def _list_purposes(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value:
        return
    for name, purpose in _read_purposes(ctx.params.get("purposes")).items():
        click.echo(f"{name}\n    {purpose.title}\n    {use_in_words(purpose.use())}")
    ctx.exit()


def _territories(codes: tuple[str, ...]) -> list[str]:
    for code in codes:
        if re.fullmatch(r"WORLD|[A-Z]{2}", code) is None:
            raise click.UsageError(f"`{code}` is not a territory, want WORLD or two capital letters")
    return list(codes)
