"""The bundle of one organisation: it verifies, and shows nothing of another."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from consent_ledger.evidence.bundle import write_bundle
from consent_ledger.licenses import statements as st
from consent_ledger.verification import verify_bundle
from tests.ledgers.neighbours import PROJECTS, Neighbours
from tests.stores import EmptyStores
from tests.world import issuer_of, party_of


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Neighbours]:
    (tmp_path / "store").mkdir()
    with EmptyStores(tmp_path / "store")() as store:
        yield Neighbours(store)


def test_it_verifies_and_opens_what_the_organisation_may_see(world: Neighbours, tmp_path: Path) -> None:
    world.allow(issuer_of("ada"), world.documents["rival"], st.Scope(project=PROJECTS["rival"]))
    world.submit("ada", "by ada for the rival", ["ada"], PROJECTS["rival"])
    for name, other in (("studio", "rival"), ("rival", "studio")):
        place = tmp_path / name
        written = write_bundle(world.store, place, openings="organisation", about=party_of(name))
        report = verify_bundle(place, vkey=world.ledger.vkey, jobs=1)
        assert report.findings == ()
        assert report.counts.entries == world.size
        lines = [msgspec.json.decode(line) for line in (place / "openings.ndjson").read_bytes().splitlines()]
        opened = {line["index"] for line in lines if "envelope" in line}
        assert len(opened) == written.shown
        assert {receipt.entry for receipt in world.said[name].values()} <= opened
        # Her enrolment and keys are shown to whoever holds something that she signed; nothing else is.
        shared = {world.said[other][type_].entry for type_ in ("party", "key")} if other == "studio" else set()
        assert {receipt.entry for receipt in world.said[other].values()} & opened == shared
