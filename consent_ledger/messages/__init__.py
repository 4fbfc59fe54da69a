"""The words of pages and reports: one small catalogue a language, with the same keys in each.

A text may have `{name}` in it. A key that ends in `.one` stands beside one that ends in `.many`.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import msgspec
from markupsafe import Markup, escape

from consent_ledger.signing.instants import format_instant

LANGUAGES = ("en", "nl")
_THOUSANDS = {"en": ",", "nl": "."}
_RANGE = re.compile(r"\s*([a-z]{1,8})(?:-[a-z0-9-]*)?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?)\s*)?", re.IGNORECASE)


class Words:
    """The words of one language."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language = language
        self.texts = texts

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a text with the values in it; KeyError for a key that the catalogue lacks."""
        return self.texts[key].format(**values)

    def count(self, key: str, n: int, /, **values: object) -> str:
        """Return the text for one or for many, with `n` in it."""
        return self(f"{key}.{'one' if n == 1 else 'many'}", n=self.number(n), **values)

    def known(self, prefix: str, name: str) -> str:
        """Return what a code is called, or the code itself."""
        return self.texts.get(f"{prefix}.{name}", name)

    def number(self, n: int) -> str:
        """Return a whole number with its thousands apart."""
        return f"{n:,}".replace(",", _THOUSANDS[self.language])

    def time(self, instant: int) -> str:
        """Return an instant (microseconds) to the second, the same in every language."""
        text = format_instant(instant)
        return f"{text[:10]} {text[11:19]} UTC"


@lru_cache
def words(language: str) -> Words:
    """Return the words of a language."""
    raw = (Path(__file__).parent / f"{language}.toml").read_bytes()
    return Words(language, dict(_flat("", msgspec.toml.decode(raw, type=dict[str, object]))))


def _flat(prefix: str, table: Mapping[str, object]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            found += _flat(f"{prefix}{key}.", value)
        else:
            found.append((prefix + key, str(value)))
    return found


def choose(accepted: str) -> str:
    """Return the language that a reader prefers, given an `Accept-Language` header, English where it names none."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted[:500].split(",")):
        match = _RANGE.fullmatch(part)
        if match is not None and match[1].lower() in LANGUAGES:
            wanted.append((-float(match[2] or 1), place, match[1].lower()))
    first = min(wanted, default=(0.0, 0, LANGUAGES[0]))
    return first[2] if first[0] < 0 else LANGUAGES[0]


def marked(text: str) -> Markup:
    """Return a text as HTML, with what stands between backticks as code."""
    plain, *rest = str(escape(text)).split("`")
    return Markup("".join([plain, *(f"<code>{part}</code>" if n % 2 == 0 else part for n, part in enumerate(rest))]))
