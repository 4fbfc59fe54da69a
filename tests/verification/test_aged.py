"""A ledger that has lived: its bundles and certificates verify, in both verifiers, and what is gone is gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from consent_ledger.evidence.bundle import SampleRequest, Written, write_bundle
from consent_ledger.licenses.statements import UseRequest
from consent_ledger.signing.note import vkey_text
from consent_ledger.verification import verify_bundle
from consent_ledger.verification.certificates import verify_certificate
from consent_ledger.verification.layout import Openings
from consent_ledger.verification.live import verify_store
from tests.evidence.certificates import certificate_of
from tests.evidence.second import Second, second
from tests.ledgers.aged import LOG_KEYS, Aged, build
from tests.ledgers.twine import ORIGIN, PROJECT, key_for
from tests.stores import new_store

__all__ = ["second"]

VKEYS = [vkey_text(ORIGIN, key_for(name).public_key) for name in LOG_KEYS]
USE = UseRequest(
    activities=["train"], aims=["general"], context="commercial", audience="internal", territories=["WORLD"]
)


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Aged, Path]]:
    place = tmp_path_factory.mktemp("aged")
    with new_store(f"sqlite:///{place}/ledger.db") as store:
        yield build(store, place, 90), place


def bundled(aged: Aged, place: Path, to: Path, openings: Openings = "all", about: str | None = None) -> Written:
    sample = None if openings == "party" else SampleRequest("seed", 30, USE, aged.ledger.clock())
    return write_bundle(aged.ledger.store, to, openings=openings, about=about, sample=sample, templates=[place])


@pytest.mark.parametrize("name", ["bundle", "bundle.tar"])
@pytest.mark.parametrize("vkey", VKEYS)
def test_its_bundle_verifies_in_both_by_any_key_it_had(
    aged: tuple[Aged, Path], tmp_path: Path, second: Second, name: str, vkey: str
) -> None:
    ledger, place = aged
    written = bundled(ledger, place, tmp_path / name)
    report = verify_bundle(tmp_path / name, vkey=vkey, checkpoints=[ledger.older])
    found = second.bundle(tmp_path / name, vkey, [ledger.older])
    assert (report.findings, found.findings) == ((), [])
    assert (report.counts.entries, report.counts.decisions) == (written.size, 30)
    assert report.counts.erased > 2 * len(ledger.erased)
    assert (found.statements, found.signatures) == (report.counts.opened, report.counts.signatures)


@pytest.mark.parametrize("openings", ["project", "sample", "withheld", "party"])
def test_parts_of_it_verify_in_both(
    aged: tuple[Aged, Path], tmp_path: Path, second: Second, openings: Openings
) -> None:
    ledger, place = aged
    about = {"project": PROJECT, "party": ledger.twine.issuer(14).party}.get(openings)
    bundled(ledger, place, tmp_path / "bundle", openings, about)
    report = verify_bundle(tmp_path / "bundle", vkey=VKEYS[0])
    found = second.bundle(tmp_path / "bundle", VKEYS[0])
    assert (report.findings, found.findings) == ((), [])
    assert report.counts.decisions == (30 if openings in ("project", "sample") else 0)


@pytest.mark.parametrize("who", [3, 4, 5, 14, 28])
def test_answers_can_be_certified_though_people_are_forgotten(
    aged: tuple[Aged, Path], second: Second, who: int
) -> None:
    ledger, _ = aged
    vkeys = "\n".join(VKEYS)
    raw = certificate_of(ledger.ledger, ledger.twine.video(who, 1), USE, key_for("operator"))
    proved = verify_certificate(raw, vkeys)
    assert proved.replayed
    assert proved.answer.verdict == ("allow" if who == 5 else "deny")
    assert second.certificate(raw, vkeys) == []


def test_the_live_database_verifies(aged: tuple[Aged, Path]) -> None:
    assert verify_store(aged[0].ledger.store, vkey=VKEYS[2]).findings == ()
