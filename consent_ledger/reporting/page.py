"""The report as one HTML page that needs nothing else: what the PDF is made of. A function of the data."""

from base64 import b64encode
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from consent_ledger.messages import Words, marked
from consent_ledger.reading.checkpoints import witness_name
from consent_ledger.reporting import figures
from consent_ledger.reporting.charts import Labels, bar_chart, growth_chart, mark_sample
from consent_ledger.reporting.document import FILE, Document
from consent_ledger.resources import font_file
from consent_ledger.signing.instants import format_instant

MOST_ROWS = 40


@lru_cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("consent_ledger.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def report_page(document: Document, words: Words) -> str:
    """Return the page of a report."""
    return (
        _environment()
        .get_template("report.html")
        .render(
            d=document,
            t=words,
            figures=figures,
            marked=marked,
            file=FILE,
            most=MOST_ROWS,
            fonts=Markup(_font_faces()),
            created=format_instant(document.as_of),
            growth=Markup(_growth(document, words)),
            months=Markup(_months(document, words)),
            sample=lambda n: Markup(mark_sample(n)),
            name=witness_name,
        )
    )


def _growth(document: Document, words: Words) -> str:
    grown = document.growth
    names = {witness.name: witness_name(witness.name) for witness in grown.witnesses}
    text = words(
        "checkpoints.chart_text",
        first=words.time(document.first_at),
        last=words.time(document.last_at),
        size=words.number(document.size),
    )
    labels = Labels(words("report.growth"), text, words("checkpoints.axis_size"))
    marks = [(mark.at, mark.size, mark.witness) for mark in grown.marks]
    return growth_chart([(point.at, point.size) for point in grown.points], marks, names, labels)


def _months(document: Document, words: Words) -> str:
    labels = Labels(words("report.months"), words("report.months"), words("checkpoints.axis_size"))
    return bar_chart(figures.by_month(document), labels)


def _font_faces() -> str:
    return "".join(
        f'@font-face {{ font-family: "Report"; font-weight: {weight}; '
        f'src: url("data:font/woff2;base64,{b64encode(font_file(name)).decode()}") format("woff2") }}\n'
        for weight, name in ((400, "Regular"), (700, "Bold"))
    )
