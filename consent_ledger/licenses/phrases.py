"""The vocabulary and a rule's terms in words, for people who read along (English and Dutch)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from msgspec import UNSET, UnsetType

from consent_ledger.licenses.terms import Permission, Prohibition, Rule
from consent_ledger.licenses.vocabulary import WORLD

_ENGLISH: Final = {
    "annotate": "label",
    "analyze": "analyse by computer",
    "index": "index for search",
    "train": "train models of any kind",
    "train.discriminative": "train models that recognise or sort",
    "train.generative": "train models that make new media",
    "evaluate": "test models",
    "infer": "feed to a finished model",
    "display": "show the media themselves",
    "promote": "advertise with the media",
    "general": "any aim that is not sensitive",
    "detect_synthetic": "detecting fakes",
    "biometric": "measuring bodies or voices",
    "biometric.identify": "recognising who somebody is",
    "biometric.categorise": "sorting people by body or voice",
    "emotion": "reading emotions",
    "likeness": "making images or speech that look or sound like a person",
    "noncommercial": "not commercial",
    "noncommercial.academic": "academic research",
    "commercial": "commercial",
    "internal": "only the publisher and those who work for it",
    "recipient": "at most the named recipients",
    "gated": "at most those who accept conditions",
    "open": "everyone",
    "WORLD": "the whole world",
    "permits": "Permits",
    "forbids": "Forbids",
    "aims": "for",
    "contexts": "in a setting that is",
    "audience": "who gets to see it",
    "from_audience": "from this audience up",
    "territories": "where",
    "recipients": "recipients",
    "named": "parties that are named when the template is published",
    "licences": "public licence",
    "capacities": "only for who signs as",
    "everything": "everything",
    "asked": "asked apart: yes or no",
    "always": "part of the agreement",
    "owner": "owner",
    "subject": "person seen or heard",
    "guardian": "guardian",
    "organisation": "organisation",
}
_DUTCH: Final = {
    "annotate": "labelen",
    "analyze": "met de computer analyseren",
    "index": "indexeren om te zoeken",
    "train": "modellen van elke soort trainen",
    "train.discriminative": "modellen trainen die herkennen of sorteren",
    "train.generative": "modellen trainen die nieuwe media maken",
    "evaluate": "modellen testen",
    "infer": "aan een af model voeren",
    "display": "de media zelf tonen",
    "promote": "reclame maken met de media",
    "general": "elk doel dat niet gevoelig is",
    "detect_synthetic": "vervalsingen herkennen",
    "biometric": "lichamen of stemmen meten",
    "biometric.identify": "herkennen wie iemand is",
    "biometric.categorise": "mensen indelen naar lichaam of stem",
    "emotion": "emoties aflezen",
    "likeness": "beelden of spraak maken die op een persoon lijken",
    "noncommercial": "niet commercieel",
    "noncommercial.academic": "wetenschappelijk onderzoek",
    "commercial": "commercieel",
    "internal": "alleen de uitgever en wie voor hem werkt",
    "recipient": "hooguit de genoemde ontvangers",
    "gated": "hooguit wie voorwaarden aanvaardt",
    "open": "iedereen",
    "WORLD": "de hele wereld",
    "permits": "Staat toe",
    "forbids": "Verbiedt",
    "aims": "met als doel",
    "contexts": "in een omgeving die is",
    "audience": "wie het te zien krijgt",
    "from_audience": "vanaf dit publiek",
    "territories": "waar",
    "recipients": "ontvangers",
    "named": "partijen die bij het publiceren worden genoemd",
    "licences": "open licentie",
    "capacities": "alleen voor wie tekent als",
    "everything": "alles",
    "asked": "apart gevraagd: ja of nee",
    "always": "hoort bij de overeenkomst",
    "owner": "eigenaar",
    "subject": "wie te zien of te horen is",
    "guardian": "ouder of voogd",
    "organisation": "organisatie",
}
PHRASES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {"en": MappingProxyType(_ENGLISH), "nl": MappingProxyType(_DUTCH)}
)


def phrases_in(language: str) -> Mapping[str, str]:
    """Return the words in `language`, in English where there are none."""
    return PHRASES.get(language.partition("-")[0], PHRASES["en"])


def describe_rule(rule: Rule, language: str) -> list[tuple[str, str]]:
    """Return what a rule makes as pairs of a heading and a value, in words."""
    words = phrases_in(language)
    lines = [(words["permits"], _listed(part.activities, words)) for part in _permissions(rule)]
    lines += [(words["forbids"], _listed(part.activities, words)) for part in _prohibitions(rule)]
    parts: list[Permission | Prohibition] = [*_permissions(rule), *_prohibitions(rule)]
    for part in parts:
        lines.append((words["aims"], _listed(part.aims, words)))
        lines.append((words["contexts"], _listed(part.contexts, words)))
        if isinstance(part, Permission):
            lines.append((words["audience"], words[part.max_audience]))
        elif part.min_audience is not UNSET:
            lines.append((words["from_audience"], words[part.min_audience]))
        lines.append((words["territories"], _listed(part.territories, words)))
        if part.recipients is not UNSET:
            lines.append((words["recipients"], words["named"]))
        if part.licences is not UNSET:
            lines.append((words["licences"], ", ".join(part.licences)))
        if part.capacities is not UNSET:
            lines.append((words["capacities"], _listed(part.capacities, words)))
    return lines


def _permissions(rule: Rule) -> list[Permission]:
    return [] if rule.permission is UNSET else [rule.permission]


def _prohibitions(rule: Rule) -> list[Prohibition]:
    return [] if rule.prohibition is UNSET else [rule.prohibition]


def _listed(terms: Sequence[str] | UnsetType, words: Mapping[str, str]) -> str:
    if terms is UNSET:
        return words["everything"]
    return words[WORLD] if WORLD in terms else ", ".join(words.get(term, term) for term in terms)
