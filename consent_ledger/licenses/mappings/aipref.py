"""AI preferences of the IETF, pinned to draft-ietf-aipref-vocab-07 and draft-ietf-aipref-attach-05.

A preference is `y`, `n` or not stated. Unstated leaves the use to law and custom, so ours are always stated, and what
is only partly allowed is `n`: an agreement that permits more stands above a preference. `TERMS` has the labels of every
draft that the taxonomy maps; what is written are those of the pinned one.
"""

import re
from collections.abc import Mapping
from typing import Final

from consent_ledger.licenses.mappings.signals import MACHINE, OwnerHint, Signal, combine, forbid
from consent_ledger.licenses.mappings.survey import Survey, standing
from consent_ledger.licenses.terms import Activity

DRAFT: Final = "07"
TERMS: Final[Mapping[str, Mapping[str, str | None]]] = {
    "analyze": {"01": "tdm", "02": "all", "03": "bots", "04": "bots", "05": None, "06": None, "07": None},
    "index": dict.fromkeys(("01", "02", "03", "04", "05", "06", "07"), "search"),
    "train": {"01": "ai", "02": "train-ai", "03": "train-ai", "04": None, "05": None, "06": None, "07": None},
    "train.generative": {
        "01": "genai", "02": "train-genai", "03": "train-genai",
        "04": "train-ai", "05": "train-ai", "06": "train-ai", "07": "train-ai",
    },
    "infer": {"01": "inference", "02": "ai-use", "03": None, "04": "ai-output", "05": None, "06": None, "07": None},
}  # fmt: skip
"""Our activities, and the label of each draft."""

_FORBIDS: Final[Mapping[str, tuple[Activity, ...]]] = {
    "search": ("index",),
    "ai": ("train", "infer"),
    "train-ai": ("train",),  # until draft 03 of any model: a header does not say which draft it means
    "genai": ("train.generative",),
    "train-genai": ("train.generative",),
    "inference": ("infer",),
    "ai-use": ("infer",),
    "ai-output": ("infer",),
    "tdm": MACHINE,
    "all": MACHINE,
    "bots": MACHINE,
}
_PERMITS: Final[Mapping[str, tuple[Activity, ...]]] = {
    "train-ai": ("train.generative",),
    "genai": ("train.generative",),
    "train-genai": ("train.generative",),
}
"""`search` permits less than indexing (only what leads back to where the asset came from), and labels that draft 07
dropped permit nothing that can be told."""

_ITEM: Final = r'(?:"[^"\\]*"|[A-Za-z*][^\s,;"()]*|[0-9?:@-][^\s,;"()]*)'
_MEMBER: Final = re.compile(
    rf"[ \t]*([a-z*][a-z0-9_\-.*]*)(?:=({_ITEM}))?(?:; *[a-z*][a-z0-9_\-.*]*(?:={_ITEM})?)*[ \t]*"
)
_REFUSAL: Final = re.compile(r"(?:^|,)[ \t]*([a-z*][a-z0-9_\-.*]*)=n(?![^\s,;])")


def to_aipref(survey: Survey) -> str:
    """Return the value of a `Content-Usage` field: each category of the pinned draft, always stated."""
    labels = {labels[DRAFT]: term for term, labels in TERMS.items() if labels[DRAFT] is not None}
    return ", ".join(
        f"{label}={'y' if standing(survey, term) == 'allowed' else 'n'}" for label, term in sorted(labels.items())
    )


def from_aipref(value: str) -> Signal:
    """Return what a `Content-Usage` value says (RFC 9651: a dictionary of tokens).

    Of several members with one label the last counts, except that an `n` is never undone. In what is not such a
    dictionary an `n` is still heard, and a `y` is not."""
    refused = dict.fromkeys(_REFUSAL.findall(value))
    members = [_MEMBER.fullmatch(part) for part in value.split(",")] if value.strip() else []
    said = [(m[1], m[2]) for m in members if m is not None]
    lost = () if len(said) == len(members) else ("the preferences are not a dictionary of tokens, so none is a yes",)
    last = {} if lost else dict(said)
    return combine(
        [*map(_refused, refused), *(_stated(k, v) for k, v in last.items() if k not in refused), Signal(lost=lost)]
    )


def _refused(label: str) -> Signal:
    lost = () if label in _FORBIDS else (f"`{label}` is not a known category, so all that machines do is forbidden",)
    return Signal((forbid(*_FORBIDS.get(label, MACHINE)),), lost=lost)


def _stated(label: str, token: str | None) -> Signal:
    if token == "y" and label in _PERMITS:
        return Signal(hints=(OwnerHint(source=f"aipref {label}=y", activities=list(_PERMITS[label])),))
    if token == "y":
        return Signal(lost=(f"`{label}=y` permits nothing that can be told",))
    return Signal(lost=(f"`{label}` states no preference",))
