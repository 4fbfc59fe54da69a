"""`add-checkpoint` (c2sp.org/tlog-witness): what is said, and when a witness cosigns."""

import pytest

from consent_ledger.audit.checkpoint import Checkpoint, sign_checkpoint
from consent_ledger.audit.cosigning import (
    NO_TREE,
    SKEW_SECONDS,
    Submission,
    TreeHead,
    check_growth,
    decode_submission,
    decode_text,
    encode_submission,
    open_offer,
    read_conflict,
    read_cosignature,
)
from consent_ledger.audit.proofs import consistency_ids, prove_consistency
from consent_ledger.audit.tree import Frontier, empty_root, leaf_hash
from consent_ledger.errors import ConflictError, ForbiddenError, MalformedError, NotFoundError, VerificationError
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import COSIGNATURE, NoteVerifier, cosignature_line, sign_note

MOST = 20
LEAVES = [leaf_hash(b"%d" % n) for n in range(MOST)]
NODES = dict(Frontier().extend(LEAVES)[1])
ROOTS = [Frontier().extend(LEAVES[:size])[0].root() for size in range(MOST + 1)]
KEY, STRANGER, WITNESS = (SigningKey.from_seed(letter * 32) for letter in (b"L", b"S", b"W"))
LOGS = {"log.example": [NoteVerifier("log.example", KEY.public_key)]}
US = NoteVerifier("witness.example", WITNESS.public_key, COSIGNATURE)
NOW = 1_790_000_000


def checkpoint(size: int, root: bytes | None = None, key: SigningKey = KEY, origin: str = "log.example") -> bytes:
    return sign_checkpoint(Checkpoint(origin, size, ROOTS[size] if root is None else root), key)


def submission(old: int, size: int) -> Submission:
    ids = consistency_ids(old, size)
    return Submission(old, prove_consistency(old, size, {id_: NODES[id_] for id_ in ids}), checkpoint(size))


@pytest.mark.parametrize("size", range(MOST + 1))
def test_every_growth_from_the_last_size_is_accepted_and_survives_the_wire(size: int) -> None:
    for old in range(size + 1):
        wanted = submission(old, size)
        assert decode_submission(encode_submission(wanted)) == wanted
        offer = open_offer(wanted.checkpoint, LOGS)
        assert offer.head == TreeHead(size, ROOTS[size])
        check_growth(TreeHead(old, ROOTS[old]), wanted, offer.head)


def test_what_does_not_go_on_from_the_last_tree_is_refused() -> None:
    other = TreeHead(4, b"x" * 32)
    four, nine = TreeHead(4, ROOTS[4]), TreeHead(9, ROOTS[9])
    with pytest.raises(MalformedError):
        check_growth(four, Submission(9, (), checkpoint(4)), four)
    with pytest.raises(ConflictError):
        check_growth(nine, submission(4, 9), nine)
    with pytest.raises(ConflictError):
        check_growth(nine, submission(0, 4), four)
    with pytest.raises(VerificationError):
        check_growth(other, submission(4, 9), nine)
    with pytest.raises(VerificationError):
        check_growth(four, submission(4, 4), other)
    with pytest.raises(VerificationError):
        check_growth(four, Submission(4, submission(4, 9).proof[:-1], checkpoint(9)), nine)
    with pytest.raises(VerificationError):
        check_growth(four, Submission(4, (b"x" * 32,), checkpoint(4)), four)
    with pytest.raises(VerificationError):
        check_growth(NO_TREE, Submission(0, (b"x" * 32,), checkpoint(9)), nine)
    with pytest.raises(VerificationError):
        check_growth(NO_TREE, Submission(0, (), b""), TreeHead(0, b"x" * 32))


def test_only_a_known_log_s_own_signature_opens_a_checkpoint() -> None:
    with pytest.raises(NotFoundError):
        open_offer(checkpoint(4, origin="other.example"), LOGS)
    with pytest.raises(ForbiddenError):
        open_offer(checkpoint(4, key=STRANGER), LOGS)
    good = checkpoint(4)
    with pytest.raises(ForbiddenError):
        open_offer(good.replace(b"\n4\n", b"\n5\n"), LOGS)
    stranger = checkpoint(4, key=STRANGER).rpartition(b"\n\n")[2]
    assert open_offer(good + stranger, LOGS).signatures == (good.rpartition(b"\n\n")[2].rstrip(b"\n"),)


def test_any_log_s_checkpoint_is_read_the_checksum_database_s_too() -> None:
    text = b"go.sum database tree\n4\n%b\nextension\n" % checkpoint(4).split(b"\n")[2]
    logs = {"go.sum database tree": [NoteVerifier("sum.golang.org", KEY.public_key)]}
    assert open_offer(sign_note(text, "sum.golang.org", KEY), logs).head == TreeHead(4, ROOTS[4])
    assert decode_text(text)[0] == "go.sum database tree"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"old 0\n",
        b"0\n\n" + checkpoint(4),
        b"old 00\n\n" + checkpoint(4),
        b"old +1\n\n" + checkpoint(4),
        b"old -1\n\n" + checkpoint(4),
        b"old 9223372036854775808\n\n" + checkpoint(4),
        b"old 1\r\n\r\n" + checkpoint(4),
        b"old 1\nAAAA\n\n" + checkpoint(4),
        b"old 1\nnot base64\n\n" + checkpoint(4),
        b"old 1\n" + b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 64 + b"\n" + checkpoint(4),
        b"old 1\n\n" + b"x" * 200_000,
    ],
)
def test_a_body_that_is_not_a_submission_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_submission(raw)


@pytest.mark.parametrize("text", [b"a\n1\n", b"a\n\n1\n", b"a\n01\nAA==\n", b"a\n1\nAA==\n", b"a\n1\nx\n"])
def test_a_note_that_is_no_checkpoint_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedError):
        open_offer(sign_note(text, "a", KEY), {"a": LOGS["log.example"]})


def test_an_answer_is_read_as_real_witnesses_write_it() -> None:
    text = checkpoint(4).partition(b"\n\n")[0] + b"\n"
    ours = cosignature_line(text, US.name, WITNESS, NOW)
    later = cosignature_line(text, US.name, WITNESS, NOW + 5)
    stranger = cosignature_line(text, "other.example", STRANGER, NOW)
    namesake = cosignature_line(text, US.name, STRANGER, NOW)
    for body in (ours, ours[:-1], stranger + ours, ours + namesake, b"\n" + ours + b"\n\n", b"hello\n" + ours):
        assert read_cosignature(body, text, US, NOW) == (ours, NOW)
    assert read_cosignature(later + ours, text, US, NOW) == (later, NOW + 5)


@pytest.mark.parametrize("time", [0, NOW - SKEW_SECONDS - 1, NOW + SKEW_SECONDS + 1, 2**63 - 1])
def test_a_cosignature_of_another_time_is_refused(time: int) -> None:
    text = checkpoint(4).partition(b"\n\n")[0] + b"\n"
    with pytest.raises(VerificationError):
        read_cosignature(cosignature_line(text, US.name, WITNESS, time), text, US, NOW)


def test_a_cosignature_of_something_else_or_of_nobody_we_know_is_refused() -> None:
    text, other = (checkpoint(size).partition(b"\n\n")[0] + b"\n" for size in (4, 5))
    for body in (
        b"",
        b"<html>",
        cosignature_line(other, US.name, WITNESS, NOW),
        cosignature_line(text, US.name, STRANGER, NOW),
        cosignature_line(text, "other.example", WITNESS, NOW),
    ):
        with pytest.raises(VerificationError):
            read_cosignature(body, text, US, NOW)


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (b"7\n", 7),
        (b"7", 7),
        (b" 7\r\n", 7),
        (b"0\n", 0),
        (b"", None),
        (b"-1\n", None),
        (b"7 8", None),
        (b"9" * 30, None),
    ],
)
def test_the_size_in_a_conflict_is_read_with_or_without_its_line_feed(body: bytes, size: int | None) -> None:
    assert read_conflict(body) == size


def test_nothing_is_known_of_a_log_that_was_never_cosigned() -> None:
    assert TreeHead(0, empty_root()) == NO_TREE
