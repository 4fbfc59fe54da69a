"""Codes of the Data Use Ontology of GA4GH (github.com/EBISPOT/DUO, release 2021-02-23).

DUO speaks of research on data by approved users. It has no words for what is done with the data or for what it may show
of a person, so a permission is written only when all that machines do is allowed, for every aim that arises.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from consent_ledger.licenses.mappings.relations import Table
from consent_ledger.licenses.mappings.signals import EVERYTHING, MACHINE, OwnerHint, Signal, combine, forbid
from consent_ledger.licenses.mappings.survey import Survey, aims_of, below, cells, standing
from consent_ledger.licenses.reasons import Verdict
from consent_ledger.licenses.terms import Prohibition
from consent_ledger.licenses.vocabulary import ACTIVITY

CONTEXTS: Final[Table] = {
    "noncommercial": [("DUO:0000046", "close")],
    "noncommercial.academic": [("DUO:0000042", "broad"), ("DUO:0000018", "close")],
    "commercial": [("no NCU/NPUNCU modifier present", "close")],
}
AUDIENCES: Final[Table] = {
    "recipient": [("DUO:0000026", "close"), ("DUO:0000028", "close")],
    "open": [("DUO:0000004", "close")],
}
_NO_RESTRICTION, _RESEARCH = "DUO:0000004", "DUO:0000042"
_NON_COMMERCIAL, _NOT_FOR_PROFIT_NON_COMMERCIAL, _NOT_FOR_PROFIT = "DUO:0000046", "DUO:0000018", "DUO:0000045"
_THESE_USERS, _THESE_INSTITUTIONS = "DUO:0000026", "DUO:0000028"
_NO_METHODS = "DUO:0000015"
_NARROWER: Final = {
    "DUO:0000006": "health, medical and biomedical research",
    "DUO:0000007": "research on a disease",
    "DUO:0000011": "the study of origins and ancestry",
    "DUO:0000012": "a type of research",
    "DUO:0000016": "genetic studies",
    "DUO:0000022": "some regions",
    "DUO:0000025": "some time",
    "DUO:0000027": "some projects",
    "DUO:0000044": "what is not about origins and ancestry",
}
_DUTIES: Final = {
    "DUO:0000019": "publication is required",
    "DUO:0000020": "collaboration is required",
    "DUO:0000021": "ethics approval is required",
    "DUO:0000024": "publication must wait",
    "DUO:0000029": "results must be returned",
    "DUO:0000043": "clinical care",
}


def to_duo(survey: Survey) -> tuple[str, ...]:
    """Return the codes that hold for everyone, a permission first; none when DUO has no words for what is allowed."""
    if standing(survey, *ACTIVITY.bit) == "allowed":
        return (_NO_RESTRICTION,)
    for contexts, limits in (
        (["noncommercial", "noncommercial.academic", "commercial"], ()),
        (["noncommercial", "noncommercial.academic"], (_NON_COMMERCIAL,)),
        (["noncommercial.academic"], (_NOT_FOR_PROFIT_NON_COMMERCIAL,)),
    ):
        if _allows(survey, contexts, ["internal", "recipient", "gated"]):
            return (_RESEARCH, *limits)
        if _allows(survey, contexts, ["internal", "recipient"]):
            return (_RESEARCH, *limits, _THESE_USERS, _THESE_INSTITUTIONS)
    return ()


def _allows(survey: Survey, contexts: Sequence[str], audiences: Sequence[str]) -> bool:
    asked = cells(below(MACHINE), aims_of(survey), contexts, audiences)
    return all(survey.verdicts.get(cell) is Verdict.allow for cell in asked)


def from_duo(codes: Iterable[str]) -> Signal:
    """Return what the codes of a data set say together, written `DUO:0000042`, `DUO_0000042` or as an address."""
    named = {code.strip().rpartition("/")[2].replace("_", ":") for code in codes}
    permits = {_NO_RESTRICTION, _RESEARCH} & named
    understood = {_NO_RESTRICTION, _RESEARCH, _NON_COMMERCIAL, _NOT_FOR_PROFIT_NON_COMMERCIAL, _NOT_FOR_PROFIT}
    signals = list(_limits(sorted(named)))
    if permits and named <= understood:
        signals.append(Signal(hints=(_hint(named),)))
    elif permits:
        signals.append(Signal(lost=("the permission has limits that cannot be told here, so it is not a hint",)))
    return combine(signals)


def _hint(named: set[str]) -> OwnerHint:
    source = "duo " + " ".join(sorted(named))
    if _NO_RESTRICTION in named and _RESEARCH not in named and len(named) == 1:
        return OwnerHint(source=source, activities=["analyze"])
    return OwnerHint(source=source, activities=["analyze"], contexts=["noncommercial.academic"])


def _limits(named: Sequence[str]) -> Iterator[Signal]:
    for code in named:
        if code in (_NON_COMMERCIAL, _NOT_FOR_PROFIT_NON_COMMERCIAL, _NOT_FOR_PROFIT):
            yield Signal((Prohibition(contexts=["commercial"]),))
        elif code in (_THESE_USERS, _THESE_INSTITUTIONS):
            yield Signal((Prohibition(min_audience="gated"),), lost=(f"`{code}`: whom it names was not read",))
        elif code == _NO_METHODS:
            yield Signal((forbid("analyze", "train", "evaluate"),))
        elif code in _NARROWER:
            yield Signal(
                (Prohibition(),), lost=(f"`{code}` limits use to {_NARROWER[code]}, so all else is forbidden",)
            )
        elif code in _DUTIES:
            yield Signal(lost=(f"`{code}`: {_DUTIES[code]}",))
        elif code not in (_NO_RESTRICTION, _RESEARCH):
            yield Signal((EVERYTHING,), lost=(f"`{code}` is not a known code, so everything is forbidden",))
