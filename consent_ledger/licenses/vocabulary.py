"""The vocabulary of uses: three trees of terms and one ladder (clearance.md, "Vocabulary").

A set of terms is a bit mask over its facet. `covers` spreads a permission down its tree; `touches` spreads a
prohibition down and also up, because a request that is broader than what is forbidden contains it.
`taxonomy.json` beside this file holds the same terms with their labels and mappings to other vocabularies.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from consent_ledger.errors import MalformedError

VERSION: Final = "1"


class Audience(IntEnum):
    """Who gets to see the bytes, a ladder: permission covers lower rungs, prohibition higher ones."""

    internal = 0
    recipient = 1
    gated = 2
    open = 3


class Facet:
    """One tree of terms: each term's parent, its bit, and the masks that inheritance makes of it."""

    def __init__(self, name: str, parents: Mapping[str, str | None], explicit: Iterable[str] = ()) -> None:
        self.name = name
        self.parents = MappingProxyType(dict(parents))
        self.bit = MappingProxyType({term: 1 << n for n, term in enumerate(parents)})
        self.explicit_mask = sum(self.bit[term] for term in explicit)
        self._covers = {t: sum(b for o, b in self.bit.items() if t in self.lineage(o)) for t in parents}
        self._touches = {t: self._covers[t] | sum(self.bit[a] for a in self.lineage(t)[1:]) for t in parents}
        self.everything = sum(self.bit.values())

    def lineage(self, term: str) -> list[str]:
        """Return `term` and its ancestors, nearest first."""
        line = [term]
        while (parent := self.parents[line[-1]]) is not None:
            line.append(parent)
        return line

    def covers(self, terms: Iterable[str]) -> int:
        """Return the mask of the terms that a permission naming `terms` reaches: those and all below them."""
        return self._spread(self._covers, terms)

    def touches(self, terms: Iterable[str]) -> int:
        """Return the mask of the terms that a prohibition naming `terms` blocks: those, all below, all above."""
        return self._spread(self._touches, terms)

    def _spread(self, table: Mapping[str, int], terms: Iterable[str]) -> int:
        mask = 0
        for term in terms:
            if term not in table:
                raise MalformedError(
                    f"unknown {self.name} `{term}`, want one of {', '.join(table)}", code="term_unknown"
                )
            mask |= table[term]
        return mask


ACTIVITY: Final = Facet(
    "activity",
    {
        "annotate": None,
        "analyze": None,
        "index": None,
        "train": None,
        "train.discriminative": "train",
        "train.generative": "train",
        "evaluate": None,
        "infer": None,
        "display": None,
        "promote": None,
    },
    explicit=["promote"],
)
AIM: Final = Facet(
    "aim",
    {
        "general": None,
        "detect_synthetic": "general",
        "biometric": None,
        "biometric.identify": "biometric",
        "biometric.categorise": "biometric",
        "emotion": None,
        "likeness": None,
    },
    explicit=["biometric", "biometric.identify", "biometric.categorise", "emotion", "likeness"],
)
CONTEXT: Final = Facet(
    "context", {"noncommercial": None, "noncommercial.academic": "noncommercial", "commercial": None}
)

WORLD: Final = "WORLD"
