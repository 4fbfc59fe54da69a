"""What the tests of the mappings share: random terms and surveys, and what a signal would permit if it were a grant."""

from datetime import UTC, datetime
from itertools import product

from hypothesis import strategies as st
from msgspec import UNSET

from consent_ledger.licenses.mappings.relations import STARRED
from consent_ledger.licenses.mappings.signals import OwnerHint, Signal
from consent_ledger.licenses.mappings.survey import Cell, Survey, cells, use_of
from consent_ledger.licenses.masks import Use, compile_permission, compile_prohibition, compile_use
from consent_ledger.licenses.reasons import Verdict
from consent_ledger.licenses.terms import (
    ConditionRule,
    LanguageDigests,
    Permission,
    Prohibition,
    Rule,
    TemplateDocument,
    Terms,
)
from consent_ledger.licenses.vocabulary import ACTIVITY, AIM, CONTEXT, WORLD, Audience

PARTIES = ["pty_" + digit * 32 for digit in "abc"]
PUBLISHER, ISSUER = PARTIES[0], "pty_" + "d" * 32
DECISION = "https://ledger.example/v1/clearance"
LICENCES = ["CC-BY-4.0", "CC-BY-NC-4.0", "CC0-1.0"]
TERRITORIES = ["NL", "DE", WORLD]
CELLS = tuple(cells())
PLAIN_ACTIVITIES = [term for term in ACTIVITY.bit if term not in STARRED]
PLAIN_AIMS = [term for term in AIM.bit if term not in STARRED]


def some(items: list[str], least: int = 1) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(items), min_size=least, max_size=3, unique=True)


def maybe(strategy: st.SearchStrategy[list[str]]) -> st.SearchStrategy[object]:
    return st.one_of(st.just(UNSET), strategy)


CAPACITIES = st.sampled_from([UNSET, UNSET, UNSET, ["owner"], ["subject"], ["owner", "subject"]])
PERMISSIONS = st.builds(
    Permission,
    rule=st.sampled_from(["r1", "r2"]),
    capacities=CAPACITIES,
    activities=st.one_of(some(PLAIN_ACTIVITIES), some(PLAIN_ACTIVITIES), some(list(ACTIVITY.bit), 0)),
    aims=st.one_of(some(PLAIN_AIMS), some(PLAIN_AIMS), some(list(AIM.bit))),
    contexts=some(list(CONTEXT.bit)),
    max_audience=st.sampled_from(list(Audience.__members__)),
    territories=some(TERRITORIES),
    recipients=maybe(some(PARTIES)),
    licences=maybe(some(LICENCES)),
    explicit=st.booleans(),
)
PROHIBITIONS = st.builds(
    Prohibition,
    capacities=CAPACITIES,
    activities=maybe(some(list(ACTIVITY.bit), 0)),
    aims=maybe(some(list(AIM.bit))),
    contexts=maybe(some(list(CONTEXT.bit))),
    min_audience=st.sampled_from([UNSET, *Audience.__members__]),
    territories=maybe(some(TERRITORIES)),
    recipients=maybe(some(PARTIES)),
    licences=maybe(some(LICENCES)),
)
TERMS = st.builds(
    Terms,
    permissions=st.lists(PERMISSIONS, min_size=1, max_size=2),
    prohibitions=st.one_of(st.just([]), st.lists(PROHIBITIONS, max_size=2)),
    conditions=st.sampled_from([[], [], [], [ConditionRule(condition="paid", rules=["r1"])]]),
    obligations=st.sampled_from([[], ["attribution"]]),
    derivatives=st.sampled_from(["allowed", "allowed", "allowed", "allowed", "none"]),
    exclusive_to=st.sampled_from([UNSET, UNSET, PARTIES[1]]),
    copyright=st.just("revocable"),
    survives_death=st.booleans(),
    retention_until=st.sampled_from([UNSET, datetime(2030, 1, 1, tzinfo=UTC)]),
)
USES = st.builds(
    lambda activity, aim, context, audience, territory, licence, recipient: compile_use(
        [activity], [aim], context, audience, [territory], licence, recipient
    ),
    st.sampled_from(list(ACTIVITY.bit)),
    st.sampled_from(list(AIM.bit)),
    st.sampled_from(list(CONTEXT.bit)),
    st.sampled_from(list(Audience.__members__)),
    st.sampled_from(TERRITORIES),
    st.sampled_from([None, *LICENCES]),
    st.sampled_from([None, *PARTIES]),
)


def uses_within(terms: Terms) -> list[Use]:
    """Uses that the permissions of the terms name, by nobody and by everybody in turn."""
    found = []
    for p in terms.permissions:
        licences = [None] if p.licences is UNSET else p.licences
        for activity, aim, context, licence in product(p.activities, p.aims, p.contexts, licences):
            for recipient in (None, *PARTIES):
                for audience in ("internal", p.max_audience):
                    found.append(
                        compile_use([activity], [aim], context, audience, p.territories[:1], licence, recipient)
                    )
    return found


def would_permit(hint: OwnerHint, use: Use) -> bool:
    """Whether a hint would permit the use, were it the permission that it never is."""
    named = ("activities", "aims", "contexts", "max_audience", "territories", "recipients", "licences")
    return _names(Permission(rule="hint", explicit=False, **{name: getattr(hint, name) for name in named}), use)


def permits(terms: Terms, use: Use, publisher: str, capacities: list[str]) -> bool:
    """Whether an owner's permission in the terms covers the use, with nothing left to wait for."""
    return any(
        "owner" in (capacities if p.capacities is UNSET else p.capacities)
        and _names(p, use)
        and (terms.exclusive_to is UNSET or use.recipient == terms.exclusive_to)
        and not any(c.rules is UNSET or p.rule in c.rules for c in terms.conditions)
        for p in terms.permissions
    )


def _names(permission: Permission, use: Use) -> bool:
    p, atom = compile_permission(permission), use.atoms[0]
    return bool(
        p.activities & atom.activity
        and p.aims & atom.aim
        and p.contexts & use.context
        and use.audience <= p.max_audience
        and (WORLD in p.territories or use.territories <= p.territories)
        and (p.recipients is None or use.recipient in p.recipients)
        and (p.licences is None if use.licence is None else p.licences is not None and use.licence in p.licences)
    )


def forbids(prohibitions: object, use: Use) -> bool:
    """Whether a prohibition reaches the use, in whatever capacity."""
    return any(compile_prohibition(p).overlaps(use, use.atoms[0]) for p in prohibitions)  # type: ignore[attr-defined]


def cell_use(cell: Cell) -> Use:
    return use_of(cell, "CC-BY-4.0" if cell.audience == "open" else None)


def reaches(signal: Signal, cell: Cell) -> bool:
    """Whether the hints of a signal that says nothing of licences reach a cell, whatever is forbidden beside."""
    return any(
        ACTIVITY.covers(h.activities) & ACTIVITY.bit[cell.activity]
        and AIM.covers(h.aims) & AIM.bit[cell.aim]
        and CONTEXT.covers(h.contexts) & CONTEXT.bit[cell.context]
        and Audience[cell.audience] <= Audience[h.max_audience]
        for h in signal.hints
    )


def _survey(yes: set[tuple[str, ...]], answers: list[Verdict], shows_nobody: bool) -> Survey:
    """A survey that allows some regions and answers the rest with one verdict, as real ones do."""
    allowed, rest = Verdict.allow, answers[0]
    return Survey(
        {
            cell: allowed
            if any(
                cell.activity in region or (cell.activity.startswith("train.") and "train" in region)
                for region in yes
                if (cell.aim not in STARRED or "*" in region)
                and (cell.context != "commercial" or "commercial" in region)
                and (cell.audience != "open" or "open" in region)
            )
            else rest
            for cell in CELLS
        },
        shows_nobody,
        DECISION,
    )


REGIONS = st.builds(
    lambda activities, flags: tuple(activities + flags),
    st.one_of(
        st.just(list(ACTIVITY.bit)),
        st.just(["annotate", "analyze", "index", "train", "evaluate", "infer"]),
        st.lists(st.sampled_from(list(ACTIVITY.bit)), min_size=1, max_size=6, unique=True),
    ),
    st.one_of(
        st.just(["*", "commercial", "open"]), st.lists(st.sampled_from(["*", "commercial", "open"]), unique=True)
    ),
)
SURVEYS = st.builds(
    _survey,
    st.sets(REGIONS, max_size=2),
    st.lists(st.sampled_from([Verdict.deny, Verdict.undetermined]), min_size=1, max_size=1),
    st.booleans(),
)


def document(terms: Terms, optional: bool) -> TemplateDocument:
    """A template whose rules are those of the terms."""
    rules = [Rule(id=f"p{n}", optional=optional, permission=p) for n, p in enumerate(terms.permissions)]
    rules += [Rule(id=f"f{n}", optional=optional, prohibition=p) for n, p in enumerate(terms.prohibitions)]
    shared = ("conditions", "obligations", "derivatives", "exclusive_to", "copyright", "survives_death")
    digest = "sha256:" + "0" * 64
    return TemplateDocument(
        id="a-template",
        version="1.0",
        publisher=PUBLISHER,
        capacities=["owner", "subject"],
        rules=rules,
        policies={},
        languages={"en": LanguageDigests(text=digest, summary=digest)},
        retention_until=terms.retention_until,
        **{name: getattr(terms, name) for name in shared},
    )
