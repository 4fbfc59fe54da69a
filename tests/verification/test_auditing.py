"""What an auditor sees of the log without its content, and verifications that are remembered."""

from collections.abc import Iterator

import pytest

from consent_ledger.reading.log import Entered, find_entered, read_entered
from consent_ledger.verification.runs import find_run, last_run, list_runs, verify_and_record
from tests.ledgers.neighbours import Neighbours
from tests.stores import EmptyStores, new_store
from tests.world import World, party_of


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> EmptyStores:
    return EmptyStores(tmp_path_factory.mktemp("auditing"))


@pytest.fixture
def world(empty: EmptyStores) -> Iterator[Neighbours]:
    with empty() as store:
        yield Neighbours(store)


def entered(world: World, viewer: str | None) -> list[Entered]:
    with world.store.read() as tx:
        return read_entered(tx, None if viewer is None else party_of(viewer), range(world.size + 5))


def test_everything_is_open_to_the_operator_and_to_an_organisation_what_it_may_see(world: Neighbours) -> None:
    assert {entry.status for entry in entered(world, None)} == {"opened"}
    for name, other in (("studio", "rival"), ("rival", "studio")):
        seen = {entry.id for entry in entered(world, name) if entry.status == "opened"}
        assert {receipt.id for receipt in world.said[name].values()} <= seen
        assert seen & {receipt.id for receipt in world.said[other].values()} == {world.said[other]["template"].id}


def test_what_is_withheld_has_neither_type_nor_issuer(world: Neighbours) -> None:
    withheld = [entry for entry in entered(world, "bank") if entry.status == "withheld"]
    assert len(withheld) > 10
    assert {(e.type, e.id, e.issuer, e.erased_by) for e in withheld} == {(None, None, None, None)}


def test_a_damaged_opening_is_told_from_a_missing_one(world: Neighbours) -> None:
    with world.store.write() as tx:
        tx.execute("break", "DROP TRIGGER opening_update")
        tx.execute("break", "DROP TRIGGER opening_delete")
        tx.execute("break", 'UPDATE opening SET envelope = ? WHERE "index" = ?', (b"{}", 4))
        tx.execute("break", 'DELETE FROM opening WHERE "index" = ?', (5,))
    statuses = {entry.index: entry.status for entry in entered(world, None)}
    assert {n for n, status in statuses.items() if status != "opened"} == {4, 5}
    assert (statuses[4], statuses[5]) == ("damaged", "missing")
    with world.store.read() as tx:
        assert find_entered(tx, None, 5).id is None


def test_a_verification_is_remembered_with_what_it_found(store_url: str) -> None:
    with new_store(store_url) as store:
        world = World(store)
        assert last_run(store) is None
        assert verify_and_record(store, world.clock).verified
        clean = last_run(store)
        assert clean is not None
        assert (clean.verified, clean.size, clean.at, clean.counts["entries"]) == (True, world.size, world.now, 4)
        with store.write() as tx:
            triggers = "DROP TRIGGER opening_update" + ("" if "sqlite" in store_url else " ON opening")
            tx.execute("break", triggers)
            tx.execute("break", 'UPDATE opening SET envelope = ? WHERE "index" = ?', (b"{}", 2))
        assert not verify_and_record(store, world.clock).verified
        broken = last_run(store)
        assert broken is not None
        assert (broken.verified, broken.first_bad, broken.findings[0].entry) == (False, 2, 2)
        first, second = list_runs(store, 10)
        assert (first.run, second.run) == (broken, clean)
        assert find_run(store, second.id) == second
        assert list_runs(store, 10, before=second.id) == []
