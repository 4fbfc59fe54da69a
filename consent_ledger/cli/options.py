"""Options that several commands share: instants, and the facets of a use."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from consent_ledger.errors import LedgerError
from consent_ledger.issuing import whole_second
from consent_ledger.licenses.statements import ASSURANCES, UseRequest
from consent_ledger.licenses.vocabulary import ACTIVITY, AIM, CONTEXT, WORLD, Audience
from consent_ledger.signing.instants import parse_instant

Command = TypeVar("Command", bound=Callable[..., Any])

PURPOSES: dict[str, dict[str, Any]] = {
    "open-dataset": {
        "activity": ("train",), "aim": ("general",), "context": "commercial", "audience": "open",
        "licence": "CC-BY-4.0",
    },
    "internal-training": {
        "activity": ("train",), "aim": ("general",), "context": "commercial", "audience": "internal",
    },
}  # fmt: skip
"""Named purposes: the facets that each stands for."""


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
    return click.option("--for", "purpose", type=click.Choice(list(PURPOSES)), help="A named purpose.")(command)


def use_request(facets: dict[str, Any], purpose: str | None, party_of: Callable[[str], str]) -> UseRequest:
    """Return the use that the options name; facets that are given come before those of the purpose."""
    given = {name: value for name, value in facets.items() if value}
    facets = {**PURPOSES.get(purpose or "", {}), **given}
    missing = [f"--{name}" for name in ("activity", "aim", "context", "audience") if not facets.get(name)]
    if missing:
        names = ", ".join(PURPOSES)
        raise click.UsageError(f"a use is not complete without {', '.join(missing)}; or name one with --for ({names})")
    extra: dict[str, Any] = {name: facets[name] for name in ("licence", "min_assurance") if facets.get(name)}
    if facets.get("recipient"):
        extra["recipient"] = party_of(facets["recipient"])
    return UseRequest(
        activities=list(facets["activity"]), aims=list(facets["aim"]), context=facets["context"],
        audience=facets["audience"], territories=_territories(facets.get("territory") or (WORLD,)), **extra,
    )  # fmt: skip


def _territories(codes: tuple[str, ...]) -> list[str]:
    for code in codes:
        if re.fullmatch(r"WORLD|[A-Z]{2}", code) is None:
            raise click.UsageError(f"`{code}` is not a territory, want WORLD or two capital letters")
    return list(codes)
