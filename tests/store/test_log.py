"""The log gives back what was appended, byte for byte, and knows where it ends."""

import random

import pytest

from consent_ledger.audit.replay import Opening
from consent_ledger.audit.tree import Frontier, frontier_ids, leaf_hash, stored_count
from consent_ledger.errors import ConflictError
from consent_ledger.store import log
from tests.reference.rfc9162 import mth
from tests.store.rows import START, append_entries, envelope_of, findings, note_of, salt_of
from tests.stores import new_store


def test_an_empty_log_has_a_head_to_append_to(store_url: str) -> None:
    with new_store(store_url) as store, store.read() as tx:
        assert log.read_head(tx) == log.Head(0, bytes(32), 0, Frontier(), None)
        assert log.read_checkpoint(tx) is None
        assert log.read_entries(tx, 0, 10) == []
        assert list(log.stream(tx, 0, 10)) == []
        assert log.size_at(tx, START) == 0


def test_the_head_follows_every_append(store_url: str) -> None:
    with new_store(store_url) as store:
        size = 0
        for count in (1, 1, 2, 3, 7, 16):
            with store.write() as tx:
                append_entries(tx, count)
            size += count
            with store.read() as tx:
                head = log.read_head(tx)
                entries = log.read_entries(tx, 0, size)
            assert head.size == len(entries) == size
            assert head.last_leaf == leaf_hash(entries[-1])
            assert head.frontier.root() == mth(entries)
            assert head.checkpoint == note_of(size, mth(entries))


def test_what_is_read_is_what_was_appended(store_url: str) -> None:
    with new_store(store_url) as store:
        with store.write() as tx:
            append_entries(tx, 2500)
        with store.read() as tx:
            entries = log.read_entries(tx, 0, 2500)
            opening = {index: Opening(salt_of(index), envelope_of(index)) for index in range(2500)}
            assert [log.Recorded(i, entries[i], opening[i]) for i in range(2500)] == list(log.stream(tx, 0, 9999))
            assert [log.Recorded(i, entries[i], opening[i]) for i in range(7, 2011)] == list(log.stream(tx, 7, 2011))
            assert log.read_entries(tx, 7, 10) == entries[7:10]
            assert log.read_openings(tx, [5, 2499, 2500, 5]) == {5: opening[5], 2499: opening[2499]}
            _, nodes = Frontier().extend(map(leaf_hash, entries))
            assert log.read_nodes(tx, range(stored_count(2500) + 10)) == dict(nodes)
            assert log.read_nodes(tx, []) == {}
            assert log.read_checkpoint(tx) == log.read_checkpoint(tx, 2500) == note_of(2500, mth(entries))
            assert log.read_checkpoint(tx, 2499) is None
            assert log.read_covering_checkpoint(tx, 2499) == note_of(2500, mth(entries))
            assert findings(tx) == []


def test_an_entry_without_an_opening_is_streamed_without_one(store_url: str) -> None:
    with new_store(store_url) as store:
        with store.write() as tx:
            log.append(
                tx,
                entries=[(0, START, b"a"), (1, START, b"b")],
                openings=[(1, b"s", b"e")],
                nodes=[],
                checkpoint=(2, b"n"),
            )
        with store.read() as tx:
            assert list(log.stream(tx, 0, 2)) == [
                log.Recorded(0, b"a", None),
                log.Recorded(1, b"b", Opening(b"s", b"e")),
            ]


def test_numbers_are_64_bits_wide(store_url: str) -> None:
    large = 2**62
    with new_store(store_url) as store:
        with store.write() as tx:
            log.append(
                tx,
                entries=[(large, 253_402_300_799_999_999, b"")],
                openings=[(large, b"", b"\x00")],
                nodes=[(large, b"h")],
                checkpoint=(large, b"n"),
                touches=[(b"k", large)],
            )
        with store.read() as tx:
            assert list(log.stream(tx, large, large + 1)) == [log.Recorded(large, b"", Opening(b"", b"\x00"))]
            assert log.read_nodes(tx, [large]) == {large: b"h"}
            assert log.read_checkpoint(tx, large) == b"n"


def test_size_at_counts_what_was_recorded_by_then(store_url: str) -> None:
    """Against its definition, with many entries in one instant."""
    rng = random.Random(1)
    with new_store(store_url) as store:
        instants: list[int] = []
        now = 1
        for _ in range(12):
            count = rng.randint(1, 9)
            with store.write() as tx:
                append_entries(tx, count, recorded_at=now)
            instants += [now] * count
            now += rng.randint(0, 2)
        with store.read() as tx:
            for instant in range(now + 2):
                assert log.size_at(tx, instant) == sum(recorded_at <= instant for recorded_at in instants)


@pytest.mark.parametrize("again", ["entries", "openings", "nodes", "checkpoint", "touches"])
def test_nothing_is_appended_twice(store_url: str, again: str) -> None:
    fresh = {
        "entries": [(100, START, b"x")],
        "openings": [(100, b"s", b"e")],
        "nodes": [(1000, b"h")],
        "checkpoint": (100, b"n"),
        "touches": [(b"new", 100)],
    }
    taken = {
        "entries": [(2, START, b"x")],
        "openings": [(2, b"s", b"e")],
        "nodes": [(3, b"h")],
        "checkpoint": (3, b"n"),
        "touches": [(b"asset2", 2)],
    }
    with new_store(store_url) as store:
        with store.write() as tx:
            append_entries(tx, 3)
        with pytest.raises(ConflictError, match="already recorded"), store.write() as tx:
            log.append(tx, **{**fresh, again: taken[again]})  # type: ignore[arg-type]
        with store.read() as tx:
            assert log.read_head(tx).size == 3
            assert findings(tx) == []


def test_a_head_can_be_read_at_any_size(store_url: str) -> None:
    """Node ids of every frontier are stored: nothing that a proof may name is missing."""
    with new_store(store_url) as store:
        with store.write() as tx:
            append_entries(tx, 70)
        with store.read() as tx:
            entries = log.read_entries(tx, 0, 70)
            for size in range(71):
                nodes = log.read_nodes(tx, frontier_ids(size))
                assert Frontier.load(size, nodes).root() == mth(entries[:size])
