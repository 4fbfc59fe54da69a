"""A witness, over real HTTP: it cosigns nothing but what goes on from what it cosigned last, and never forgets that."""

import os
import signal
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_ledger.audit.checkpoint import Checkpoint, sign_checkpoint
from consent_ledger.audit.cosigning import MAX_SUBMISSION, Submission, encode_submission
from consent_ledger.audit.proofs import consistency_ids, prove_consistency
from consent_ledger.audit.tree import Frontier, leaf_hash
from consent_ledger.errors import LedgerError, UnavailableError
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import NoteVerifier, open_note, sign_note
from consent_ledger.witness import Memory
from consent_ledger.witness.server import create_app
from tests.publishing.serving import serving

ORIGIN = "log.example/one"
NAME = "witness.example/w1"
KEY, STRANGER, OURS = (SigningKey.from_seed(letter * 32) for letter in (b"L", b"S", b"W"))
LOGS = {ORIGIN: [NoteVerifier(ORIGIN, KEY.public_key)]}
LEAVES = [leaf_hash(b"%d" % n) for n in range(64)]
NODES = dict(Frontier().extend(LEAVES)[1])
ROOTS = [Frontier().extend(LEAVES[:size])[0].root() for size in range(65)]
NOW = 1_790_000_000


class Clock:
    now = NOW

    def __call__(self) -> int:
        self.now += 1
        return self.now


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory(tmp_path, NAME, OURS, LOGS, clock=Clock()) as memory:
        yield memory


@pytest.fixture
def address(memory: Memory) -> Iterator[str]:
    with serving(create_app(memory)) as address:
        yield address


def text(size: int, root: bytes | None = None) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, size, root or ROOTS[size]), KEY).partition(b"\n\n")[0] + b"\n"


def body(old: int, size: int, *, root: bytes | None = None, key: SigningKey = KEY, origin: str = ORIGIN) -> bytes:
    ids = consistency_ids(min(old, size), size)
    proof = prove_consistency(min(old, size), size, {id_: NODES[id_] for id_ in ids})
    return encode_submission(
        Submission(old, proof, sign_checkpoint(Checkpoint(origin, size, root or ROOTS[size]), key))
    )


def post(address: str, raw: bytes) -> httpx.Response:
    return httpx.post(f"{address}/add-checkpoint", content=raw)


def times(memory: Memory, size: int, answer: httpx.Response) -> list[int | None]:
    return [s.time for s in open_note(text(size) + b"\n" + answer.content, [memory.verifier]).verified]


def test_a_log_that_grows_is_cosigned_and_the_same_size_again_with_a_new_time(memory: Memory, address: str) -> None:
    last = NOW
    for old, size in ((0, 0), (0, 1), (1, 1), (1, 2), (2, 33), (33, 33), (33, 64)):
        answer = post(address, body(old, size))
        assert answer.status_code == 200, answer.text
        (time,) = times(memory, size, answer)
        assert time is not None
        assert time > last
        last = time


WRONG = [
    (b"", 400),
    (b"old 8\n", 400),
    (b"old 08\n\n" + text(9), 400),
    (body(9, 8), 400),
    (body(8, 9, key=STRANGER), 403),
    (body(8, 9).replace(b"\n9\n", b"\n10\n"), 403),
    (body(8, 9, origin="log.example/other"), 404),
    (body(0, 9), 409),
    (body(0, 7), 409),
    (body(7, 9), 409),
    (body(9, 9), 409),
    (body(8, 9, root=b"x" * 32), 422),
    (body(8, 8, root=b"x" * 32), 422),
    (encode_submission(Submission(8, (), sign_checkpoint(Checkpoint(ORIGIN, 9, ROOTS[9]), KEY))), 422),
    (b"x" * (MAX_SUBMISSION + 1), 413),
]


def test_what_is_wrong_is_answered_as_the_protocol_says_and_changes_nothing(memory: Memory, address: str) -> None:
    assert post(address, body(0, 8)).status_code == 200
    for raw, status in WRONG:
        answer = post(address, raw)
        assert answer.status_code == status, (raw[:200], answer.text)
        if status == 409:
            assert (answer.content, answer.headers["content-type"]) == (b"8\n", "text/x.tlog.size")
    assert post(address, body(8, 9)).status_code == 200


def test_a_first_tree_needs_no_proof_and_takes_none(address: str) -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 9, ROOTS[9]), KEY)
    assert post(address, encode_submission(Submission(0, (b"x" * 32,), note))).status_code == 422
    empty = b"%b\n0\n%b\n" % (ORIGIN.encode(), text(9).split(b"\n")[2])
    assert post(address, encode_submission(Submission(0, (), sign_note(empty, ORIGIN, KEY)))).status_code == 422
    assert post(address, body(5, 9)).content == b"0\n"


def test_monitors_read_the_checkpoint_that_was_cosigned_last(memory: Memory, address: str) -> None:
    url = f"{address}/{sha256(ORIGIN.encode()).hexdigest()}/checkpoint"
    assert httpx.get(url).status_code == 404
    line = post(address, body(0, 8)).content
    read = httpx.get(url)
    assert read.content.endswith(line)
    assert open_note(read.content, [memory.verifier, *LOGS[ORIGIN]]).names == (ORIGIN, NAME)
    for other in (f"{address}/", f"{address}/{'0' * 64}/checkpoint", f"{address}/add-checkpoint"):
        assert httpx.get(other).status_code in (404, 405)


def test_of_many_at_once_one_history_is_cosigned(memory: Memory, address: str) -> None:
    post(address, body(0, 8))
    answers: dict[int, httpx.Response] = {}

    def submit(size: int) -> None:
        answers[size] = post(address, body(8, size))

    threads = [threading.Thread(target=submit, args=(size,)) for size in range(9, 25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = (size for size, answer in answers.items() if answer.status_code == 200)
    assert {answer.content for answer in answers.values() if answer.status_code != 200} == {b"%d\n" % winner}


def test_a_folder_has_one_witness_at_a_time(memory: Memory, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        Memory(tmp_path, NAME, OURS, LOGS, clock=Clock())


def test_two_keys_of_a_log_are_known_while_it_changes_them(tmp_path: Path) -> None:
    logs = {ORIGIN: [*LOGS[ORIGIN], NoteVerifier(ORIGIN, STRANGER.public_key)]}
    with Memory(tmp_path, NAME, OURS, logs, clock=Clock()) as memory:
        assert isinstance(memory.cosign(body(0, 8)), bytes)
        assert isinstance(memory.cosign(body(8, 9, key=STRANGER)), bytes)
        assert memory.cosign(body(8, 9)) == 9


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_memory_that_was_tampered_with_is_not_believed(tmp_path: Path, damage: bytes | None) -> None:
    with Memory(tmp_path, NAME, OURS, LOGS, clock=Clock()) as memory:
        memory.cosign(body(0, 8))
        place = tmp_path / sha256(ORIGIN.encode()).hexdigest() / "checkpoint"
        place.write_bytes(body(0, 4).partition(b"\n\n")[2] if damage is None else damage)
        with pytest.raises(UnavailableError):
            memory.cosign(body(4, 9))


# Stopped at any moment ------------------------------------------------------------------------------------------


class Killing:
    """Kills the process, or lets the disk fail, at one of its steps."""

    def __init__(self, at: int, *, kill: bool) -> None:
        self.left, self.kill = at, kill

    def __call__(self, name: str) -> None:
        if self.left == 0:
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            self.left -= 1
            raise OSError(28, "No space left on device")
        self.left -= 1


def test_killed_at_every_step_no_cosignature_left_that_is_not_remembered(tmp_path: Path) -> None:
    """A child tells what left it through a pipe; its successor must refuse everything that is not after that."""
    for at in range(9):
        place = tmp_path / str(at)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            memory = Memory(place, NAME, OURS, LOGS, clock=Clock(), step=Killing(at, kill=True))
            for old, size in ((0, 8), (8, 9)):
                assert isinstance(memory.cosign(body(old, size)), bytes)
                os.write(writing, bytes([size]))
            os._exit(0)
        os.close(writing)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        left = max(os.read(reading, 9), default=0)
        os.close(reading)
        with Memory(place, NAME, OURS, LOGS, clock=Clock()) as memory:
            remembered = memory.cosign(body(5, 6))
            assert isinstance(remembered, int)
            assert left <= remembered <= 9
            assert isinstance(memory.cosign(body(remembered, 12)), bytes)


def test_a_disk_that_fails_at_any_step_gives_no_cosignature(tmp_path: Path) -> None:
    for at in range(4):
        with Memory(tmp_path / str(at), NAME, OURS, LOGS, clock=Clock(), step=Killing(at, kill=False)) as memory:
            with serving(create_app(memory)) as address:
                assert post(address, body(0, 8)).status_code == 503
                again = post(address, body(0, 9))  # the disk is well now
            assert (again.status_code, again.content) in ((409, b"8\n"), (200, again.content))


# Whatever is submitted ------------------------------------------------------------------------------------------

FORKED = [*LEAVES[:4], *(leaf_hash(b"other %d" % n) for n in range(4, 12))]
HISTORIES = (LEAVES[:12], FORKED)
submissions = st.lists(
    st.tuples(st.sampled_from([0, 1]), st.none() | st.integers(0, 12), st.integers(0, 12), st.booleans()), max_size=30
)
"""Which history, from which size (None: that of the witness), to which; and whether the witness starts anew before."""


def of_history(history: int, old: int, size: int) -> tuple[bytes, bytes]:
    """A submission with the proof that its own log has, and its root."""
    leaves = HISTORIES[history]
    frontier, nodes = Frontier().extend(leaves[:size])
    proof = prove_consistency(min(old, size), size, dict(nodes))
    note = sign_checkpoint(Checkpoint(ORIGIN, size, frontier.root()), KEY)
    return encode_submission(Submission(old, proof, note)), frontier.root()


@given(submissions)
def test_whatever_is_submitted_the_cosigned_trees_are_one_history_that_grows(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[tuple[int, int | None, int, bool]]
) -> None:
    place = tmp_path_factory.mktemp("memory")
    cosigned: list[tuple[int, bytes]] = []
    memory = Memory(place, NAME, OURS, LOGS, clock=Clock())
    for history, start, size, restarts in wanted:
        if restarts:
            memory.close()
            memory = Memory(place, NAME, OURS, LOGS, clock=Clock())
        last = cosigned[-1][0] if cosigned else 0
        old = last if start is None else start
        raw, root = of_history(history, old, size)
        try:
            answer = memory.cosign(raw)
        except LedgerError:
            continue
        if isinstance(answer, int):
            assert answer == last != old
        else:
            cosigned.append((size, root))
    memory.close()
    assert [size for size, _ in cosigned] == sorted(size for size, _ in cosigned)
    roots = [{size: of_history(history, 0, size)[1] for size in range(13)} for history in (0, 1)]
    assert any(all(one[size] == root for size, root in cosigned) for one in roots)
