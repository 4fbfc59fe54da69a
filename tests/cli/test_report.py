"""`consent-ledger report`: equal ledgers give equal bytes, and the PDF holds its data."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytest.importorskip("weasyprint", reason="NOT TESTED: WeasyPrint is not installed")


def test_the_report_is_written_as_pdf_and_as_data(run: Run, place: Path, tmp_path: Path) -> None:
    first, second, data = (tmp_path / name for name in ("first.pdf", "second.pdf", "report.json"))
    assert run("verify", "--ledger", place / "home", "--jobs", "1").code == 0
    assert run("report", "-o", first, "--json", data).code == 0
    assert run("report", "-o", second).code == 0
    assert first.read_bytes() == second.read_bytes()
    document = json.loads(data.read_bytes())
    assert document["runs"][0]["found"] == 0
    assert sum(tally["entries"] for tally in document["tallies"]) == document["size"]


def test_without_a_place_to_write_to_it_is_refused(run: Run, place: Path) -> None:
    assert run("report").code == 2
