"""Time-stamps of checkpoints, by an authority of one's own."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from consent_ledger.audit.checkpoint import log_note, read_checkpoint_text
from consent_ledger.errors import LedgerError, MalformedError, UnavailableError, VerificationError
from consent_ledger.publishing.cosigned import read_cosigned
from consent_ledger.publishing.timestamps import Authority
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import cosignature_line, split_note
from consent_ledger.store.engine import Store
from consent_ledger.store.log import read_checkpoint
from consent_ledger.store.witnesses import Stamp, read_stamps
from consent_ledger.verification.stamps import read_roots, verify_stamp
from tests.publishing.authority import TimeStamping, time_stamping
from tests.publishing.published import Growing
from tests.publishing.serving import Reply, answering
from tests.stores import EmptyStores


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimeStamping]:
    with time_stamping(tmp_path_factory.mktemp("authority") / "ours") as ours:
        yield ours


@pytest.fixture(scope="module")
def empty_stores(tmp_path_factory: pytest.TempPathFactory) -> EmptyStores:
    return EmptyStores(tmp_path_factory.mktemp("stores"))


def now() -> int:
    return time.time_ns() // 1000


def stamped(store: Store, authority: TimeStamping, url: str | None = None) -> tuple[Stamp, bytes]:
    """The stamp of the newest checkpoint, and that checkpoint."""
    Authority(store, url or authority.url, read_roots(authority.root), now).stamp()
    with store.read() as tx:
        note = read_checkpoint(tx)
        assert note is not None
        (stamp,) = read_stamps(tx, read_checkpoint_text(note).size)
    return stamp, note


def test_each_checkpoint_is_stamped_once_and_the_stamp_verifies(
    empty_stores: EmptyStores, authority: TimeStamping
) -> None:
    with empty_stores() as store:
        log = Growing(store)
        Authority(store, authority.url, [], now).stamp()  # there is nothing to stamp yet
        for size in (3, 5):
            log.grow(size)
            before = now()
            stamp, note = stamped(store, authority)
            assert (stamp, note) == stamped(store, authority)
            assert verify_stamp(stamp.token, note, read_roots(authority.root)) == stamp.signed_at
            assert before - 1_000_000 <= stamp.signed_at <= now()


def test_stamps_are_asked_for_no_more_often_than_is_wanted(empty_stores: EmptyStores, authority: TimeStamping) -> None:
    with empty_stores() as store:
        log = Growing(store)
        log.grow(3)
        stamped(store, authority)
        log.grow(5)
        for later, wanted in ((0, 0), (301_000_000, 1)):
            clock = partial(sum, (now(), later))
            Authority(store, authority.url, read_roots(authority.root), clock, every_seconds=300).stamp()
            with store.read() as tx:
                assert len(read_stamps(tx, 5)) == wanted


def test_a_stamp_is_of_the_log_s_own_signature_whoever_cosigned_later(
    empty_stores: EmptyStores, authority: TimeStamping
) -> None:
    with empty_stores() as store:
        Growing(store).grow(3)
        stamp, note = stamped(store, authority)
        line = cosignature_line(split_note(note)[0], "witness.example", SigningKey.from_seed(b"W" * 32), 1)
        assert log_note(note + line) == note
        assert verify_stamp(stamp.token, note + line, read_roots(authority.root)) == stamp.signed_at
        with store.read() as tx:
            assert read_cosigned(tx) == note


def test_a_stamp_of_something_else_or_by_somebody_else_is_refused(
    empty_stores: EmptyStores, authority: TimeStamping, tmp_path: Path
) -> None:
    with empty_stores() as store:
        log = Growing(store)
        log.grow(3)
        stamp, note = stamped(store, authority)
        log.grow(4)
        with store.read() as tx:
            other = read_checkpoint(tx)
    roots = read_roots(authority.root)
    with pytest.raises(VerificationError):
        verify_stamp(stamp.token, other or b"", roots)
    with pytest.raises(VerificationError):
        verify_stamp(stamp.token, note, roots, nonce=7)
    with time_stamping(tmp_path / "another") as another, pytest.raises(VerificationError):
        verify_stamp(stamp.token, note, read_roots(another.root))
    for at in range(0, len(stamp.token), 7):
        damaged = bytearray(stamp.token)
        damaged[at] ^= 1
        try:
            verify_stamp(bytes(damaged), note, roots)
        except (MalformedError, VerificationError):
            continue
        # What is not signed (a further certificate, the wrapping) may change; what it says may not.
        assert verify_stamp(bytes(damaged), note, roots) == stamp.signed_at


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ((200, {}, b""), MalformedError),
        ((200, {}, b"<html>"), MalformedError),
        ((200, {}, b"x" * 100_000), VerificationError),
        ((500, {}, b""), UnavailableError),
        ((302, {"Location": "/"}, b""), UnavailableError),
    ],
)
def test_an_authority_that_answers_something_else_is_told(
    empty_stores: EmptyStores, authority: TimeStamping, reply: Reply, error: type[LedgerError]
) -> None:
    with empty_stores() as store, answering(lambda path, body: reply) as url:
        Growing(store).grow(3)
        with pytest.raises(error):
            stamped(store, authority, url)
        with store.read() as tx:
            assert read_stamps(tx, 3) == []


def test_an_old_stamp_is_not_taken_for_a_new_one(empty_stores: EmptyStores, authority: TimeStamping) -> None:
    with empty_stores() as store:
        Growing(store).grow(3)
        stamp, _ = stamped(store, authority)
        with answering(lambda path, body: (200, {}, stamp.token)) as url, pytest.raises(VerificationError):
            stamped(store, authority, url)
