"""A template as people will see it, for the lawyer who reviews it: one HTML page that needs nothing else, or a PDF.

The page shows the summary, the questions with nothing preset, the full text, and beside each clause what it makes in
the words of the ledger, so that text and rules can be read against each other. The PDF needs the extra `pdf`.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from html import escape
from typing import Final, NamedTuple

from consent_ledger.errors import NotFoundError, UnavailableError
from consent_ledger.licenses.phrases import describe_rule, phrases_in
from consent_ledger.licenses.templates import TemplateFiles, policies
from consent_ledger.licenses.terms import Rule
from consent_ledger.licenses.wording import Block, Clause, Wording

_STYLE: Final = """
:root { color-scheme: light }
* { box-sizing: border-box }
body { font: 400 1rem/1.5 "Preview", sans-serif; color: #1c1f24; background: #fff; margin: 0 auto; padding: 1.5rem;
  max-width: 46rem }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 1.5rem 0 .5rem }
h2 { font-size: 1.15rem; line-height: 1.3; margin: 1.6rem 0 .3rem; break-after: avoid }
h1.part { border-top: 2px solid #1c1f24; padding-top: 1rem; margin-top: 2.5rem }
p, ul { margin: .4rem 0 }
ul { padding-left: 1.2rem }
li { margin: .3rem 0 }
.note { border-left: 4px solid #9a6700; background: #fff8e5; padding: .5rem .8rem }
.stamp { color: #555c66; font-size: .85rem; overflow-wrap: anywhere }
.question { border: 1px solid #8a919c; border-radius: .4rem; padding: .2rem 1rem .8rem; margin: 1rem 0;
  break-inside: avoid }
.question h2 { margin-top: .6rem }
.answers { display: flex; gap: 1rem; margin-top: .7rem }
.answers span { flex: 1; border: 1px solid #1c1f24; border-radius: .4rem; padding: .4rem; text-align: center }
.made { background: #f2f4f7; border-radius: .3rem; padding: .5rem .8rem; margin: .5rem 0; font-size: .85rem;
  break-inside: avoid; break-before: avoid }
.made b { font-weight: 700 }
.made dl { display: grid; grid-template-columns: 11rem 1fr; gap: .1rem .8rem; margin: .3rem 0 0 }
.made dt { color: #555c66 }
.made dd { margin: 0 }
code { font-family: inherit; background: #e6e9ee; border-radius: .2rem; padding: 0 .25rem }
@media (max-width: 34rem) { .made dl { grid-template-columns: 1fr } .made dd { margin-bottom: .3rem } }
@page { size: A4; margin: 20mm 18mm 22mm;
  @bottom-center { content: counter(page) " / " counter(pages); font: 400 8pt "Preview" } }
@media print { body { font-size: 10pt; padding: 0; max-width: none }
  h1.part { break-before: page; border-top: 0; margin-top: 0 } }
"""

_ENGLISH: Final = {
    "sample": "Sample: no lawyer has taken responsibility for this template. Have it reviewed before anybody signs.",
    "summary": "What people read first",
    "text": "The full text",
    "policies": "What people are told, as codes",
    "made": "What this clause makes",
    "notice": "This clause explains; it makes no rule.",
    "yes": "Yes",
    "no": "No",
    "digest": "Digest of these bytes",
}
_DUTCH: Final = {
    "sample": "Voorbeeld: geen jurist staat in voor dit sjabloon. Laat het beoordelen voordat iemand tekent.",
    "summary": "Wat mensen eerst lezen",
    "text": "De volledige tekst",
    "policies": "Wat mensen wordt verteld, als codes",
    "made": "Wat deze bepaling vastlegt",
    "notice": "Deze bepaling licht toe; zij legt geen regel vast.",
    "yes": "Ja",
    "no": "Nee",
    "digest": "Vingerafdruk van deze bytes",
}


class Fonts(NamedTuple):
    """The bytes of the font (WOFF2) in two weights: the page carries its own, whatever the machine has."""

    regular: bytes
    bold: bytes


def preview_html(files: TemplateFiles, language: str, fonts: Fonts) -> str:
    """Return the page in one language. Raises NotFoundError for a language that the template lacks."""
    if language not in files.texts:
        raise NotFoundError(f"template has no text in `{language}`, want one of {', '.join(files.languages)}")
    words = _DUTCH if language.startswith("nl") else _ENGLISH
    source, text, summary = files.source, files.texts[language], files.summaries[language]
    name = f"{source.id} {source.version}"
    body = [
        f'<p class="stamp">{escape(name)} · {escape(language)}</p>',
        f'<p class="note">{words["sample"]}</p>' if source.review == "sample" else "",
        f'<p class="stamp">{words["summary"]}</p>',
        f"<h1>{_inline(summary.title)}</h1>",
        _blocks(summary.opening),
        *(_question(clause, words) for clause in summary.clauses),
        _stamp(summary, words),
        f'<h1 class="part">{_inline(text.title)}</h1><p class="stamp">{words["text"]}</p>',
        _blocks(text.opening),
        *(_clause(clause, files, language, words) for clause in text.clauses),
        _stamp(text, words),
        f'<h1 class="part">{words["policies"]}</h1>',
        f'<div class="made">{_pairs(policies(source).items())}</div>',
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(text.title)} ({escape(name)})</title>"
        f"<style>{_font_faces(fonts)}{_STYLE}</style></head>\n<body>\n"
        + "\n".join(filter(None, body))
        + "\n</body></html>\n"
    )


def preview_pdf(page: str) -> bytes:
    """Return the page as PDF. Raises UnavailableError where the extra `pdf` or its system libraries are missing.

    Nothing is fetched: the page carries its font, and every other address is refused."""
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as e:  # OSError: the libraries that WeasyPrint opens are not on this machine
        raise UnavailableError(
            "PDF needs WeasyPrint: install `consent-ledger[pdf]` and the system packages libpango-1.0-0, "
            "libpangoft2-1.0-0 and libharfbuzz-subset0, or take the HTML preview",
            code="pdf_unavailable",
        ) from e
    fetcher = URLFetcher(allowed_protocols=("data",), fail_on_errors=True)
    pdf: bytes = HTML(string=page, url_fetcher=fetcher).write_pdf()
    return pdf


def _font_faces(fonts: Fonts) -> str:
    return "".join(
        f'@font-face {{ font-family: "Preview"; font-weight: {weight}; '
        f'src: url("data:font/woff2;base64,{b64encode(font).decode()}") format("woff2") }}\n'
        for weight, font in ((400, fonts.regular), (700, fonts.bold))
    )


def _inline(text: str) -> str:
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(text, quote=False))


def _blocks(blocks: Iterable[Block]) -> str:
    html, is_list = [], False
    for block in blocks:
        if (block.kind == "item") != is_list:
            html.append("</ul>" if is_list else "<ul>")
            is_list = not is_list
        said = _inline(block.text)
        html.append(
            {"item": f"<li>{said}</li>", "note": f'<p class="note">{said}</p>'}.get(block.kind, f"<p>{said}</p>")
        )
    return "\n".join([*html, *(["</ul>"] if is_list else [])])


def _question(clause: Clause, words: Mapping[str, str]) -> str:
    return (
        f'<div class="question"><h2>{_inline(clause.heading)}</h2>{_blocks(clause.blocks)}'
        f'<div class="answers"><span>{words["yes"]}</span><span>{words["no"]}</span></div></div>'
    )


def _clause(clause: Clause, files: TemplateFiles, language: str, words: Mapping[str, str]) -> str:
    anchor = clause.anchor or ""
    return (
        f'<h2 id="{escape(anchor)}">{_inline(clause.heading)}</h2>\n{_blocks(clause.blocks)}\n'
        f'<div class="made">{_made(anchor, files, language, words)}</div>'
    )


def _made(anchor: str, files: TemplateFiles, language: str, words: Mapping[str, str]) -> str:
    kind, _, name = anchor.partition("-")
    if kind == "notice":
        return words["notice"]
    rules = {rule.id: rule for rule in files.source.rules}
    if kind == "rule" and name in rules:
        return f"<b>{words['made']}:</b> <code>{escape(name)}</code> · {_rule(rules[name], language)}"
    codes = policies(files.source)
    prefix = {"roles": "role", "legal_basis": "basis", "effects": "effect"}.get(name, name)
    told = {key: code for key, code in codes.items() if kind == "policy" and key.startswith(prefix)}
    told |= {"copyright": files.source.revocation.copyright} if name in ("copyright", "revocation") else {}
    told |= {"derivatives": files.source.derivatives} if name == "derivatives" else {}
    label = f"<b>{words['made']}:</b>"
    return f"{label} {_pairs(told.items())}" if told else f"{label} <code>{escape(anchor)}</code>"


def _rule(rule: Rule, language: str) -> str:
    phrases = phrases_in(language)
    asked = phrases["asked"] if rule.optional else phrases["always"]
    return f"{asked}{_pairs(describe_rule(rule, language))}"


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(key)}</dt><dd>{escape(value)}</dd>' for key, value in pairs)}</dl>"


def _stamp(wording: Wording, words: Mapping[str, str]) -> str:
    return f'<p class="stamp">{words["digest"]}: sha256:{hashlib.sha256(wording.raw).hexdigest()}</p>'
