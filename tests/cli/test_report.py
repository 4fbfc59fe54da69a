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


def test_a_pdf_of_which_a_byte_was_changed_is_found(run: Run, place: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.pdf"
    assert run("report", "-o", report).code == 0
    checked = run("report", "--check", report, "--vkey", place / "home/log.vkey")
    assert (checked.code, checked.out.splitlines()[-1][:9]) == (0, "verified:")
    other = "other.example/log+" + (place / "home/log.vkey").read_text().partition("+")[2].strip()
    assert run("report", "--check", report, "--vkey", other).code != 0
    whole = report.read_bytes()
    at = len(whole) // 7
    report.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    assert run("report", "--check", report).code == 5
    report.write_bytes(b"%PDF-1.7\n")
    assert run("report", "--check", report).code == 5
