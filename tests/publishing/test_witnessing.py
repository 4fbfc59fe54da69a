"""Asking witnesses: real ones over HTTP, ones that deviate, and ones that have seen more than there is."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from consent_ledger.audit.checkpoint import read_checkpoint_text
from consent_ledger.audit.cosigning import decode_submission
from consent_ledger.audit.policy import cosigners, parse_policy
from consent_ledger.errors import StaleError
from consent_ledger.publishing.cosigned import Quorum, read_cosigned, read_shown
from consent_ledger.publishing.witnessing import Witnessing
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import COSIGNATURE, cosignature_line, split_note, vkey_text
from consent_ledger.store.engine import Store
from consent_ledger.store.witnesses import newest_cosignatures
from consent_ledger.witness import Memory
from consent_ledger.witness.server import create_app
from tests.publishing.published import ORIGIN, VERIFIER, Growing
from tests.publishing.serving import Reply, answering, serving
from tests.stores import EmptyStores

NOW = 1_790_000_000
KEYS = {name: SigningKey.from_seed(name.encode() * 32) for name in "ABC"}
NOWHERE = "http://127.0.0.1:9"


def vkey(name: str) -> str:
    return vkey_text(f"witness.example/{name}", KEYS[name].public_key, COSIGNATURE)


def quorum(addresses: dict[str, str], wanted: str = "all", *, closed: bool = True) -> Quorum:
    lines = [f"witness {name} {vkey(name)} {address}" for name, address in addresses.items()]
    lines += [f"group all-of-them {wanted} {' '.join(addresses)}", "quorum all-of-them", ""]
    return Quorum(parse_policy("\n".join(lines).encode()), closed)


@pytest.fixture(scope="module")
def empty_stores(tmp_path_factory: pytest.TempPathFactory) -> EmptyStores:
    return EmptyStores(tmp_path_factory.mktemp("stores"))


@pytest.fixture
def log(empty_stores: EmptyStores) -> Iterator[Growing]:
    with empty_stores() as store:
        yield Growing(store)


class Witnesses:
    """Real witnesses over HTTP, each with a memory of its own."""

    def __init__(self, place: Path, stack: ExitStack) -> None:
        self.now = NOW
        self._place, self._stack = place, stack

    def start(self, name: str) -> str:
        memory = Memory(
            self._place / name, f"witness.example/{name}", KEYS[name], {ORIGIN: [VERIFIER]}, clock=lambda: self.now
        )
        self._stack.enter_context(memory)
        return self._stack.enter_context(serving(create_app(memory)))


@pytest.fixture
def witnesses(tmp_path: Path) -> Iterator[Witnesses]:
    with ExitStack() as stack:
        yield Witnesses(tmp_path, stack)


_open: list[Witnessing] = []


@pytest.fixture(autouse=True)
def _connections_closed() -> Iterator[None]:
    yield
    while _open:
        _open.pop().close()


class Asking:
    """Our side, with a clock of its own and a list of the times it was stopped."""

    def __init__(self, store: Store, quorum: Quorum) -> None:
        self.now = NOW
        self.stops: list[tuple[str, int]] = []
        self.left: list[bytes] = []
        self.witnessing = Witnessing(
            store, quorum, clock=lambda: self.now * 1_000_000, heartbeat_seconds=600,
            stop=lambda reason, size: self.stops.append((reason, size)), before_leaving=self.left.append,
        )  # fmt: skip
        _open.append(self.witnessing)

    def ask(self) -> tuple[int, dict[str, str | None], bool]:
        done = self.witnessing.ask()
        assert done is not None
        return done.size, {reply.witness: reply.error for reply in done.replies}, done.has_quorum


def test_checkpoints_are_cosigned_as_the_log_grows_and_again_while_it_does_not(
    log: Growing, witnesses: Witnesses
) -> None:
    wanted = quorum({"A": witnesses.start("A"), "B": witnesses.start("B")})
    asking = Asking(log.store, wanted)
    assert asking.witnessing.ask() is None
    for size in (1, 2, 255, 300, 700):
        log.grow(size)
        with log.store.read() as tx:
            before = read_shown(tx, wanted)
        assert before is None or read_checkpoint_text(before).size < size
        assert asking.ask() == (size, {"A": None, "B": None}, True)
        with log.store.read() as tx:
            shown = read_shown(tx, wanted)
        assert shown is not None
        assert read_checkpoint_text(shown).size == size
        assert shown.startswith(asking.left[-1])
    assert asking.ask() == (700, {}, True)  # nobody's turn
    asking.now = witnesses.now = NOW + 600
    assert asking.ask() == (700, {"A": None, "B": None}, True)
    with log.store.read() as tx:
        shown = read_shown(tx, wanted)
    text, lines = split_note(shown or b"")
    assert cosigners(wanted.policy, text, [line + b"\n" for line in lines]) == {"A": NOW + 600, "B": NOW + 600}


def test_fail_closed_keeps_back_what_lacks_its_quorum_and_fail_open_does_not(
    log: Growing, witnesses: Witnesses
) -> None:
    closed = quorum({"A": witnesses.start("A"), "B": witnesses.start("B")})
    one_is_down = quorum({"A": closed.policy.witnesses[0].url or "", "B": NOWHERE})
    log.grow(5)
    assert Asking(log.store, closed).ask()[2]
    log.grow(9)
    size, replies, has = Asking(log.store, one_is_down).ask()
    assert (size, replies["A"], has) == (9, None, False)
    assert "cannot be reached" in (replies["B"] or "")
    with log.store.read() as tx:
        assert read_checkpoint_text(read_shown(tx, closed) or b"").size == 5
        assert read_checkpoint_text(read_shown(tx, Quorum(closed.policy, closed=False)) or b"").size == 9
        assert read_checkpoint_text(read_shown(tx, quorum({"A": "", "B": ""}, "any")) or b"").size == 9
    stricter = quorum({"A": "", "B": "", "C": ""})
    with log.store.read() as tx:
        assert read_shown(tx, stricter) is None
    asking = Asking(log.store, one_is_down)
    assert asking.ask()[1].keys() == {"B"}
    assert asking.ask()[1] == {}  # not at once again


def test_a_witness_that_knows_another_size_names_it_and_is_asked_from_there(
    log: Growing, empty_stores: EmptyStores, witnesses: Witnesses, tmp_path: Path
) -> None:
    wanted = quorum({"A": witnesses.start("A")})
    log.grow(5, 9)
    Asking(log.store, wanted).ask()
    with log.store.write() as tx:
        tx.execute("any", "DELETE FROM cosignature")
    log.grow(20)
    assert Asking(log.store, wanted).ask() == (20, {"A": None}, True)


def test_a_witness_that_has_seen_more_than_there_is_stops_the_log(
    log: Growing, empty_stores: EmptyStores, witnesses: Witnesses
) -> None:
    wanted = quorum({"A": witnesses.start("A"), "B": NOWHERE}, "any")
    log.grow(9)
    Asking(log.store, wanted).ask()
    log.store.close()
    with empty_stores() as store:
        Growing(store).grow(5)
        asking = Asking(store, wanted)
        with pytest.raises(StaleError) as error:
            asking.ask()
    assert error.value.code == "witness_ahead"
    assert asking.stops == [("witness `A` has seen 9 entries and there are 5", 9)]


@pytest.mark.parametrize("size", [9, 20])
def test_a_witness_that_has_seen_other_entries_stops_the_log(
    log: Growing, empty_stores: EmptyStores, witnesses: Witnesses, size: int
) -> None:
    wanted = quorum({"A": witnesses.start("A")})
    log.grow(9)
    Asking(log.store, wanted).ask()
    log.store.close()
    with empty_stores() as store:
        Growing(store, b"another").grow(size)
        asking = Asking(store, wanted)
        with pytest.raises(StaleError) as error:
            asking.ask()
        assert error.value.code == "witness_disagrees"
        assert asking.stops[0][1] == 9
        with store.read() as tx:
            assert newest_cosignatures(tx, size) == []


def test_another_process_that_was_faster_is_no_rollback(log: Growing, witnesses: Witnesses) -> None:
    wanted = quorum({"A": witnesses.start("A")})
    log.grow(5)
    asking = Asking(log.store, wanted)
    faster = Asking(log.store, wanted)

    def overtake(note: bytes) -> None:
        log.grow(9)
        faster.ask()

    asking.witnessing._before_leaving = overtake
    size, replies, _ = asking.ask()
    assert size == 5
    assert "newer checkpoint" in (replies["A"] or "")
    assert not asking.stops


# Witnesses that deviate, or lie -----------------------------------------------------------------------------------

Sign = Callable[[str, bytes], bytes]


def sign(name: str, body: bytes, time: int = NOW) -> bytes:
    text = split_note(decode_submission(body).checkpoint)[0]
    return cosignature_line(text, f"witness.example/{name}", KEYS[name], time)


@pytest.mark.parametrize(
    "respond",
    [
        lambda body: (200, {"Content-Type": "application/octet-stream"}, sign("A", body)),
        lambda body: (200, {}, sign("A", body).rstrip(b"\n")),
        lambda body: (200, {"Content-Type": "text/html"}, sign("B", body) + sign("A", body) + b"\n"),
        lambda body: (200, {}, sign("A", body)) if b"old 2\n" in body else (409, {}, b"2"),
        lambda body: (200, {}, sign("A", body)) if b"old 2\n" in body else (409, {"Content-Type": "a/b"}, b" 2\r\n"),
    ],
    ids=["content type", "no line feed", "others too", "bare size", "size with blanks"],
)
def test_what_real_witnesses_do_differently_is_borne(log: Growing, respond: Callable[[bytes], Reply]) -> None:
    log.grow(5)
    with answering(lambda path, body: respond(body)) as address:
        asking = Asking(log.store, quorum({"A": f"{address}/prefix/"}))
        assert asking.ask() == (5, {"A": None}, True)


@pytest.mark.parametrize(
    "respond",
    [
        lambda body: (200, {}, b""),
        lambda body: (200, {}, sign("B", body)),
        lambda body: (200, {}, sign("A", body.replace(b"\n5\n", b"\n6\n"))),
        lambda body: (200, {}, sign("A", body, 0)),
        lambda body: (200, {}, sign("A", body, NOW + 10_000)),
        lambda body: (200, {}, sign("A", body) * 1000),
        lambda body: (201, {}, sign("A", body)),
        lambda body: (302, {"Location": "/elsewhere"}, sign("A", body)),
        lambda body: (404, {}, b"never heard of it"),
        lambda body: (409, {}, b""),
        lambda body: (409, {}, b"0\n"),
        lambda body: (409, {}, b"1\n" if b"old 0\n" in body or b"old 2\n" in body else b"2\n"),
        lambda body: (422, {}, b"validation error"),
        lambda body: (500, {}, b"5\n"),
    ],
)
def test_an_answer_that_proves_nothing_is_no_cosignature_and_stops_nothing(
    log: Growing, respond: Callable[[bytes], Reply]
) -> None:
    log.grow(5)
    with answering(lambda path, body: respond(body)) as address:
        asking = Asking(log.store, quorum({"A": address}))
        _, replies, has = asking.ask()
    assert replies["A"]
    assert not has
    assert not asking.stops
    with log.store.read() as tx:
        assert newest_cosignatures(tx, 5) == []
        assert read_cosigned(tx) == read_shown(tx, Quorum())


@pytest.mark.parametrize(
    "address", ["nowhere", "ftp://a.example", "http://[::1", "http://xn--/", "http://127.0.0.1:9/\udcff", "file:///etc"]
)
def test_an_address_that_is_none_keeps_no_other_witness_from_being_asked(
    log: Growing, witnesses: Witnesses, address: str
) -> None:
    lines = f"witness A {vkey('A')} {witnesses.start('A')}\nwitness B {vkey('B')} {address}\nquorum A\n"
    log.grow(5)
    size, replies, has = Asking(log.store, Quorum(parse_policy(lines.encode(errors="surrogateescape")), True)).ask()
    assert (size, replies["A"], has) == (5, None, True)
    assert "cannot be reached" in (replies["B"] or "")


def test_many_rounds_at_once_agree(log: Growing, witnesses: Witnesses) -> None:
    wanted = quorum({"A": witnesses.start("A"), "B": witnesses.start("B")})
    log.grow(5)
    stops: list[object] = []

    def run() -> None:
        asking = Asking(log.store, wanted)
        for _ in range(3):
            try:
                asking.ask()
            except StaleError as e:
                stops.append(e)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    log.grow(9, 30, 31)
    for thread in threads:
        thread.join()
    assert not stops
    Asking(log.store, wanted).ask()
    with log.store.read() as tx:
        assert read_checkpoint_text(read_shown(tx, wanted) or b"").size == 31
