"""The audit report: every figure in the PDF is recomputed from the file attached to it, and that from the ledger."""

import io
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from consent_ledger.errors import UnavailableError
from consent_ledger.reading.log import read_entered
from consent_ledger.reporting.charts import Labels, bar_chart, growth_chart
from consent_ledger.reporting.document import FILE, encode_document, gather
from consent_ledger.reporting.pdf import report_pdf, report_pdf_apart
from consent_ledger.signing.instants import SECOND
from consent_ledger.store.witnesses import Cosignature, Stamp, add_cosignatures, add_stamp
from consent_ledger.verification.runs import verify_and_record
from tests.ledgers.neighbours import Neighbours
from tests.stores import EmptyStores
from tests.world import DAY, party_of

pypdf = pytest.importorskip("pypdf")
WITNESSES = ("one.example+0123abcd", "two.example+89abcdef")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    """Eight months with two witnesses, a time-stamp, and an opening that somebody deleted and a verification found."""
    with EmptyStores(tmp_path_factory.mktemp("report"))() as store:
        world = Neighbours(store)
        for n in range(8):
            world.wait(30 * DAY)
            world.enrol(f"late{n}")
            with store.write() as tx:
                lines = [Cosignature(world.size, w, world.now // SECOND + n, b"-\n") for w in WITNESSES[: 1 + n % 2]]
                add_cosignatures(tx, lines)
        with store.write() as tx:
            add_stamp(tx, Stamp(world.size, "https://tsa.example/tsr", world.now, b"-"))
            tx.execute("break", "DROP TRIGGER opening_delete")
            tx.execute("break", 'DELETE FROM opening WHERE "index" = 7')
        verify_and_record(store, world.clock, jobs=1)
        world.enrol("afterwards")
        yield world


@pytest.fixture(scope="module")
def data(world: Neighbours) -> bytes:
    return encode_document(gather(world.store, None))


@pytest.fixture(scope="module")
def pdf(data: bytes) -> bytes:
    return report_pdf(data, "en")


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def recounted(data: bytes) -> dict[str, list[int]]:
    """The figures of the report, from its file alone, by this test's own counting."""
    document: dict[str, Any] = json.loads(data)
    by = {field: Counter[Any]() for field in ("type", "status", "month")}
    for tally in document["tallies"]:
        for field, counts in by.items():
            counts[tally[field]] += tally["entries"]
    run, growth = document["runs"][0], document["growth"]
    return {
        "total": [sum(by["type"].values())],
        **{field: sorted(counts.values()) for field, counts in by.items()},
        "witnesses": [len(growth["witnesses"]), sum(w["count"] for w in growth["witnesses"])],
        "signed": [n for w in growth["witnesses"] + growth["authorities"] for n in (w["count"], w["size"])],
        "erased": [sum(len(erasure["erased"]) for erasure in document["erasures"])],
        "checked": [n for n in run["counts"].values() if n],
        "run": [run["size"], run["found"], run["first_bad"], document["size"], document["size"] - run["size"]],
        "found": [f["entry"] for f in run["findings"] if f["entry"] is not None],
    }


def test_every_figure_on_the_pages_is_recomputed_from_the_attached_file(pdf: bytes, data: bytes) -> None:
    figures = recounted(data)
    text = re.sub(r"\d{4}-\d\d(-\d\d)?( \d\d:\d\d(:\d\d)?( UTC)?)?", "", text_of(pdf))
    text = re.sub(r"(?m)^\d+ / \d+$|[0-9a-f]{64}|PDF/A-3", "", text)
    told = Counter(int(n.replace(",", "")) for n in re.findall(r"(?<![\w./+=`-])\d[\d,]*(?![\w./+=`-])", text))
    axes = {n * step for step in (1, 2, 5, 10, 20, 50) for n in range(5)}
    known = {n for numbers in figures.values() for n in numbers}
    assert told.keys() - known - axes == set()
    missing = {
        n for name in ("total", "type", "status", "month", "signed", "checked", "witnesses") for n in figures[name]
    }
    assert missing - told.keys() == set()


def test_the_file_is_what_the_ledger_holds(world: Neighbours, data: bytes) -> None:
    document = json.loads(data)
    with world.store.read() as tx:
        entered = read_entered(tx, None, range(world.size))
    types, statuses = Counter(e.type for e in entered), Counter(e.status for e in entered)
    assert types["party"] > 8
    for field, counts in (("type", types), ("status", statuses)):
        told: Counter[Any] = Counter()
        for tally in document["tallies"]:
            told[tally[field]] += tally["entries"]
        assert told == counts
    assert (document["size"], document["origin"]) == (world.size, world.ledger.origin)
    assert document["log_keys"] == [world.ledger.vkey]
    assert document["growth"]["points"][-1]["size"] == world.size


def test_equal_data_give_equal_bytes_here_and_in_another_process(pdf: bytes, data: bytes) -> None:
    assert report_pdf(data, "en") == pdf
    assert report_pdf_apart(data, "en") == pdf


def test_the_file_is_attached_and_nothing_is_set_in_a_font_of_the_machine(pdf: bytes, data: bytes) -> None:
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    assert list(reader.attachments.items()) == [(FILE, [data])]
    fonts = {
        str(font.get_object()["/BaseFont"]) for page in reader.pages for font in page["/Resources"]["/Font"].values()
    }
    assert {name.rpartition("+")[2].removesuffix("-Bold") for name in fonts} == {"Report"}
    assert 'pdfaid:part="3"' in str(pdf) or b"pdfaid" in reader.xmp_metadata.stream.get_data()


def test_the_dutch_report_has_the_same_figures(pdf: bytes, data: bytes) -> None:
    dutch = text_of(report_pdf(data, "nl"))
    assert "NIET geverifieerd" in dutch
    assert "Controleverslag" in dutch


def test_an_organisations_report_counts_what_it_may_see_and_names_no_other(world: Neighbours) -> None:
    raw = encode_document(gather(world.store, party_of("studio")))
    document = json.loads(raw)
    assert sum(t["entries"] for t in document["tallies"]) == world.size
    assert sum(t["entries"] for t in document["tallies"] if t["status"] == "withheld") > 10
    assert party_of("rival") not in raw.decode()
    assert {f["detail"] for run in document["runs"] for f in run["findings"]} == {""}


def test_what_is_no_report_is_refused() -> None:
    command = [sys.executable, "-m", "consent_ledger.reporting", "en"]
    refused = subprocess.run(command, input=b"{}", capture_output=True, check=False)
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert b"no report of format" in refused.stderr
    with pytest.raises(UnavailableError):
        report_pdf_apart(b"{}", "en")


def test_pictures_of_little_and_of_much() -> None:
    labels = Labels("a <b>", "c & d", "entries")
    assert growth_chart([], [], {}, labels) == bar_chart([], labels) == ""
    for points in ([(0, 0)], [(5, 1)], [(0, 1), (10**15, 2_000_000)]):
        svg = growth_chart(points, [(points[-1][0], 1, "w"), (0, 0, "unknown")], {"w": "W"}, labels)
        assert "a &lt;b&gt;" in svg
        assert "style=" not in svg
        assert "nan" not in svg
    assert bar_chart([("2026-01", 10**9)], labels).count("<rect") == 1
