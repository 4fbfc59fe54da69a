"""Both languages say the same things."""

import re
from pathlib import Path

import pytest

import consent_ledger
from consent_ledger.licenses.statements import Statement
from consent_ledger.messages import LANGUAGES, choose, marked, words

PACKAGE = Path(consent_ledger.__file__).parent
USED = re.compile(r"""\bt(?:\.count)?\(\s*"([a-z_.]+)"|\b(?:words|text)(?:\.count)?\(\s*"([a-z_.]+)\"""")


def used_keys() -> set[str]:
    files = [*PACKAGE.glob("portal/**/*"), *PACKAGE.glob("reporting/**/*")]
    sources = [f.read_text() for f in files if f.suffix in (".html", ".py")]
    return {found[1] or found[2] for source in sources for found in USED.finditer(source)}


def test_the_catalogues_have_the_same_keys_and_the_same_gaps() -> None:
    english, dutch = (words(language).texts for language in LANGUAGES)
    assert english.keys() == dutch.keys()
    for key in english:
        assert set(re.findall(r"\{\w+\}", english[key])) == set(re.findall(r"\{\w+\}", dutch[key])), key


def test_every_text_that_is_asked_for_is_there() -> None:
    texts = words("en").texts
    assert len(used_keys()) > 60
    assert [k for k in used_keys() if k not in texts and f"{k}.one" not in texts and not k.endswith(".")] == []


def test_every_type_of_statement_has_a_name() -> None:
    tags = {str(kind.__struct_config__.tag) for kind in Statement.__args__}
    assert {f"type.{tag}" for tag in tags} <= words("nl").texts.keys()


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"), ("nl", "nl"), ("nl-BE,en;q=0.8", "nl"), ("en;q=0.5, nl;q=0.7", "nl"), ("fr, nl;q=0.1", "nl"),
        ("nl;q=0", "en"), ("*", "en"), ("nl;q=x", "en"), (",;q=", "en"), ("n" * 9000, "en"),
    ],
)  # fmt: skip
def test_a_reader_gets_the_language_that_the_browser_asks_for(accepted: str, language: str) -> None:
    assert choose(accepted) == language


def test_numbers_and_counts_are_written_as_the_language_does() -> None:
    english, dutch = words("en"), words("nl")
    assert (english.count("log.count", 1), english.count("log.count", 1234)) == ("One entry.", "1,234 entries.")
    assert dutch.count("log.count", 1234) == "1.234 vermeldingen."
    assert english.known("type", "grant") == "grant"
    assert english.known("type", "something new") == "something new"


def test_marked_text_is_escaped() -> None:
    assert marked("run `a <b>` & see") == "run <code>a &lt;b&gt;</code> &amp; see"
