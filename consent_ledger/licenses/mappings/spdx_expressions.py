"""SPDX licence expressions in and out (SPDX 2.3 annex D), parsed by the `license-expression` library.

A public licence speaks for whoever holds the rights, never for a person shown. What several licences say together,
with `AND` or `OR`, is read the same way: any of them may forbid, and all must permit. The library is an optional extra.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from consent_ledger.errors import MalformedError, UnavailableError
from consent_ledger.licenses.mappings.signals import EVERYTHING, OwnerHint, Signal, combine
from consent_ledger.licenses.spdx import LICENCES
from consent_ledger.licenses.terms import Activity, Context, Permission, Prohibition
from consent_ledger.licenses.vocabulary import ACTIVITY, WORLD

_IDENTIFIER: Final = re.compile(r"(?:DocumentRef-[A-Za-z0-9.\-]+:)?[A-Za-z0-9.\-]+\+?")
_USES: Final[tuple[Activity, ...]] = (
    "annotate", "analyze", "index", "train", "evaluate", "infer", "display",
)  # fmt: skip
_COMPUTATIONAL: Final[tuple[Activity, ...]] = tuple(use for use in _USES if use != "display")


def from_spdx(expression: str) -> Signal:
    """Return what a licence expression says of the owner's wishes.

    Raises MalformedError for what is no expression, UnavailableError without the library."""
    licences = licences_of(expression)
    unknown = [licence for licence in licences if licence not in LICENCES]
    if unknown:
        lost = tuple(f"what `{licence}` says is not known here, so everything is forbidden" for licence in unknown)
        return combine([*map(_limits, licences), Signal((EVERYTHING,), lost=lost)])
    return combine([*map(_limits, licences), _together(licences)])


def to_spdx(permissions: Iterable[Permission]) -> str | None:
    """Return the expression for an open release under any of the licences that every open permission names.

    None where there is none: an expression cannot say "not released"."""
    named = [p.licences for p in permissions if p.max_audience == "open" and isinstance(p.licences, list)]
    every = dict.fromkeys(licence for licences in named for licence in licences)
    common = [licence for licence in every if all(licence in licences for licences in named)]
    return " OR ".join(common) or None


def licences_of(expression: str) -> list[str]:
    """Return the licences that an expression names, in order and without exceptions that follow `WITH`."""
    try:
        from license_expression import ExpressionError, LicenseWithExceptionSymbol, Licensing
    except ImportError as e:
        message = "licence expressions want the extra `spdx`, install `consent-ledger[spdx]`"
        raise UnavailableError(message, code="extra_missing") from e
    licensing = Licensing()
    try:
        parsed = licensing.parse(expression)
        symbols = [] if parsed is None else list(licensing.license_symbols(parsed, unique=True, decompose=False))
    except ExpressionError as e:
        raise MalformedError(f"`{expression}` is not an SPDX licence expression") from e
    if not symbols:
        raise MalformedError("licence expression names no licence, want one such as `CC-BY-4.0`")
    names = [s.license_symbol.key if isinstance(s, LicenseWithExceptionSymbol) else s.key for s in symbols]
    for name in names:
        if not _IDENTIFIER.fullmatch(name):
            raise MalformedError(f"`{name}` is not an SPDX licence identifier, want one such as `CC-BY-4.0`")
    return list(dict.fromkeys(_canonical(name) for name in names))


def _canonical(name: str) -> str:
    """Return the identifier as SPDX writes it; letters match in either case."""
    return next((licence for licence in LICENCES if licence.casefold() == name.casefold()), name)


def _limits(licence: str) -> Signal:
    """Return what one licence forbids, and what it says that a prohibition cannot."""
    expressed = LICENCES.get(licence, frozenset())
    said = {
        "no_derivatives": f"`{licence}`: what is changed may not be passed on",
        "share_alike": f"`{licence}`: what is made from it goes out under the same licence",
    }
    return Signal(
        ((Prohibition(contexts=["commercial"]),) if "not_commercial" in expressed else ())
        + ((Prohibition(activities=["display", "promote"]),) if "computational_use" in expressed else ()),
        lost=tuple(text for word, text in said.items() if word in expressed),
    )


def _together(licences: Sequence[str]) -> Signal:
    """Return the hint of what all the licences permit."""
    expressed = {word for licence in licences for word in LICENCES[licence]}
    contexts: list[Context] = ["noncommercial"] if "not_commercial" in expressed else ["noncommercial", "commercial"]
    uses = set(_USES)
    if "computational_use" in expressed:
        uses &= set(_COMPUTATIONAL)
    if "no_derivatives" in expressed:
        # whether a model is made from what it learned is not settled: narrow
        uses &= {"display", "analyze", "index", "evaluate"}
    return Signal(
        hints=(
            OwnerHint(
                source="spdx " + " ".join(licences),
                activities=[term for term in _USES if term in uses and term in ACTIVITY.bit],
                contexts=contexts,
                max_audience="open",
                territories=[WORLD],
                licences=list(licences),
            ),
        )
    )
