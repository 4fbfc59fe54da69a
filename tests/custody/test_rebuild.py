"""The index made anew, and every way in which one that was edited differs from the log (S13)."""

from collections.abc import Iterator

import pytest

from consent_ledger.custody.rebuild import Difference, compare, rebuild
from consent_ledger.errors import VerificationError
from consent_ledger.licenses.facts import Facts
from consent_ledger.licenses.keys import asset_key, consent_key, touched_keys
from consent_ledger.licenses.signed import read_signed
from consent_ledger.store.engine import Store
from consent_ledger.store.facts import read_rows, registered
from consent_ledger.store.index import all_touches
from consent_ledger.store.log import read_head
from consent_ledger.verification.live import verify_store
from tests.stores import new_store
from tests.world import HOUR, World, hash_of, party_of


@pytest.fixture
def world(store_url: str) -> Iterator[World]:
    with new_store(store_url) as store:
        yield furnish(World(store))


@pytest.fixture
def here(tmp_path: object) -> Iterator[World]:
    """A world whose database somebody can get at."""
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        yield furnish(World(store))


def furnish(world: World) -> World:
    world.people("anna", "ben")
    for n in range(3):
        world.film(f"film {n}", ["anna"], ["anna", "ben"])
    world.grant("anna")
    world.grant("ben")
    world.wait(HOUR)
    world.revoke("anna")
    return world


def edit(store: Store, table: str, what: str, sql: str, parameters: tuple[object, ...] = ()) -> None:
    """Change a table past its guard, as somebody with the disk could."""
    with store.write() as tx:
        tx.execute("edit", f"DROP TRIGGER {table}_{what}")
        tx.execute("edit", sql, parameters)


def differences(store: Store) -> list[Difference]:
    with store.read() as tx:
        return compare(tx)


def stored_index(store: Store) -> list[tuple[bytes, int]]:
    with store.read() as tx:
        return list(all_touches(tx))


def refolded_index(store: Store) -> list[tuple[bytes, int]]:
    """The definition: what each statement touches, one after the other."""
    facts, touches = Facts(), []
    with store.read() as tx:
        for row in read_rows(tx, range(read_head(tx).size)):
            assert row.opening is not None
            signed = read_signed(row.opening.envelope)
            touches += [(key, row.entry) for key in touched_keys(signed.id, signed.statement, facts)]
            facts.apply(registered(row, signed), signed.statement)
    return sorted(touches)


def test_an_honest_index_does_not_differ(world: World) -> None:
    assert differences(world.store) == []


def test_an_index_made_anew_is_the_same(world: World) -> None:
    before = stored_index(world.store)
    assert rebuild(world.store) == len(before)
    assert stored_index(world.store) == before == refolded_index(world.store)


def test_the_ledger_answers_and_records_after_a_rebuild(world: World) -> None:
    rebuild(world.store)
    assert world.verdict(hash_of("film 1")) == "deny"
    world.reopen()
    world.grant("anna")
    assert world.verdict(hash_of("film 1")) == "allow"
    assert differences(world.store) == []


def test_a_withdrawal_hidden_in_the_index_only_is_found_and_mended(here: World) -> None:
    key, entry = consent_key(party_of("anna")), here.size - 1
    edit(here.store, "touch", "delete", 'DELETE FROM touch WHERE "key" = ? AND entry = ?', (key, entry))
    assert here.verdict(hash_of("film 1")) == "allow"  # what the forger wants
    assert differences(here.store) == [Difference(entry, key, False)]
    report = verify_store(here.store)
    assert (report.first_bad, [f.code for f in report.findings]) == (entry, ["index_differs"])
    rebuild(here.store)
    assert here.verdict(hash_of("film 1")) == "deny"
    assert verify_store(here.store).verified


def test_rows_that_nothing_in_the_log_makes_are_found(here: World) -> None:
    key = asset_key(hash_of("film 0"))
    with here.store.write() as tx:
        tx.execute("edit", 'INSERT INTO touch ("key", entry) VALUES (?, ?)', (key, 2))
    assert differences(here.store) == [Difference(2, key, True)]
    assert verify_store(here.store).first_bad == 2


EDITS = {
    "a time": ("entry", "update", 'UPDATE entry SET recorded_at = recorded_at - 1 WHERE "index" = 5', 5),
    "an entry": (
        "entry",
        "update",
        'UPDATE entry SET bytes = replace(bytes, \'"v":1\', \'"v":2\') WHERE "index" = 5',
        5,
    ),
    "an entry gone": ("entry", "delete", 'DELETE FROM entry WHERE "index" = 5', 5),
    "an opening": ("opening", "update", 'UPDATE opening SET salt = zeroblob(32) WHERE "index" = 5', 5),
    "an opening gone": ("opening", "delete", 'DELETE FROM opening WHERE "index" = 5', 5),
    "a node": ("node", "update", "UPDATE node SET hash = zeroblob(32) WHERE id = 3", 2),
    "a checkpoint": ("checkpoint", "update", "UPDATE checkpoint SET note = zeroblob(9) WHERE size = 6", 5),
}


@pytest.mark.parametrize(("table", "what", "sql", "entry"), EDITS.values(), ids=EDITS.keys())
def test_whatever_is_edited_in_the_database_is_found(here: World, table: str, what: str, sql: str, entry: int) -> None:
    edit(here.store, table, what, sql)
    assert verify_store(here.store).first_bad == entry


def test_the_last_entries_gone_from_the_database_are_found(here: World) -> None:
    edit(here.store, "entry", "delete", 'DELETE FROM entry WHERE "index" >= ?', (here.size - 2,))
    assert not verify_store(here.store).verified


def test_an_index_is_never_made_from_a_damaged_log(here: World) -> None:
    before = stored_index(here.store)
    edit(here.store, "opening", "update", 'UPDATE opening SET salt = zeroblob(32) WHERE "index" = 5')
    with pytest.raises(VerificationError, match="entry 5"):
        rebuild(here.store)
    assert stored_index(here.store) == before
