"""The index answers for any set of keys at any size, and can be thrown away and filled again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_ledger.store import log
from consent_ledger.store.engine import Store
from consent_ledger.store.index import all_touches, clear_index, entries_touching, insert_touches
from consent_ledger.store.transaction import Transaction
from tests.store.rows import append_entries, findings
from tests.stores import new_store

KEYS = st.binary(max_size=3)


class Undo(Exception):
    """Leaves a transaction."""


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with new_store(store_url) as store:
        yield store


@contextmanager
def undone(store: Store) -> Iterator[Transaction]:
    """A write that does not happen."""
    with suppress(Undo), store.write() as tx:
        yield tx
        raise Undo


def test_entries_touching_is_its_definition(store: Store) -> None:
    @given(touches=st.sets(st.tuples(KEYS, st.integers(0, 20))), keys=st.lists(KEYS), size=st.integers(0, 22))
    def check(touches: set[tuple[bytes, int]], keys: list[bytes], size: int) -> None:
        with undone(store) as tx:
            insert_touches(tx, list(touches))
            want = {key: sorted(e for k, e in touches if k == key and e < size) for key in keys}
            assert entries_touching(tx, keys, size) == {key: entries for key, entries in want.items() if entries}
            assert list(all_touches(tx)) == sorted(touches)

    check()


def test_a_hundred_thousand_keys_are_one_question(store: Store) -> None:
    keys = [os.urandom(8) for _ in range(100_000)]
    with store.write() as tx:
        insert_touches(tx, [(key, n) for n, key in enumerate(keys[::10])] + [(b"other", 1), (keys[0], 7), (keys[0], 5)])
    with store.read() as tx:
        found = entries_touching(tx, keys, 10_000)
        assert found.pop(keys[0]) == [0, 5, 7]
        assert found == {key: [n] for n, key in enumerate(keys[::10]) if n}
        assert entries_touching(tx, keys, 3) == {keys[0]: [0], keys[10]: [1], keys[20]: [2]}
        assert len(list(all_touches(tx))) == 10_003


def test_no_keys_touch_nothing(store: Store) -> None:
    with store.read() as tx:
        assert entries_touching(tx, [], 10) == {}
        assert entries_touching(tx, [b"unknown"], 10) == {}


def test_the_index_is_cleared_and_filled_again_in_one_transaction(store: Store) -> None:
    with store.write() as tx:
        append_entries(tx, 10)
    with store.write() as tx:
        touches = list(all_touches(tx))
        clear_index(tx)
        assert list(all_touches(tx)) == []
        insert_touches(tx, touches)
    with store.read() as tx:
        assert findings(tx) == []


def test_a_rebuild_that_fails_leaves_the_index_as_it_was(store: Store) -> None:
    with store.write() as tx:
        append_entries(tx, 10)
    with undone(store) as tx:
        clear_index(tx)
    with store.read() as tx:
        assert findings(tx) == []
        assert log.read_head(tx).size == 10
