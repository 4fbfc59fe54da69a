"""Policies (c2sp.org/tlog-policy): what is read, what is refused, and when a quorum is met."""

from itertools import combinations

import pytest

from consent_ledger.audit.policy import NOBODY, cosigners, parse_policy, quorum_met, satisfied
from consent_ledger.errors import MalformedError, VerificationError
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import COSIGNATURE, cosignature_line, vkey_text

TEXT = b"log.example\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
KEYS = [SigningKey.from_seed(bytes([n]) * 32) for n in range(1, 9)]
NAMES = [f"witness.example/{n}" for n in range(1, 9)]
VKEYS = [vkey_text(name, key.public_key, COSIGNATURE) for name, key in zip(NAMES, KEYS, strict=True)]
LOG = vkey_text("log.example", KEYS[0].public_key)
TWO_LEVELS = "\n".join(
    [
        "# two organisations",
        f"log {LOG} https://log.example/",
        "",
        *(f"\twitness  X{n} {VKEYS[n]}" for n in (1, 2, 3)),
        *(f"witness Y{n} {VKEYS[3 + n]} https://y{n}.example/ " for n in (1, 2, 3)),
        "group X-witnesses 2 X1 X2 X3",
        "group Y-witnesses any Y1 Y2 Y3",
        "group X-and-Y all X-witnesses Y-witnesses",
        "quorum X-and-Y",
        "",
    ]
).encode()


def line(n: int, time: int = 1_700_000_000, text: bytes = TEXT) -> bytes:
    return cosignature_line(text, NAMES[n], KEYS[n], time)


def test_a_policy_of_two_levels_is_read() -> None:
    policy = parse_policy(TWO_LEVELS)
    assert [log.url for log in policy.logs] == ["https://log.example/"]
    assert [(w.name, w.url) for w in policy.witnesses[2:4]] == [("X3", None), ("Y1", "https://y1.example/")]
    assert policy.quorum == "X-and-Y"


def test_a_quorum_is_met_by_exactly_those_sets_that_the_groups_describe() -> None:
    policy = parse_policy(TWO_LEVELS)
    everyone = ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
    for count in range(7):
        for chosen in combinations(everyone, count):
            xs = sum(name[0] == "X" for name in chosen)
            assert quorum_met(policy, chosen) == (xs >= 2 and count > xs)


def test_cosignatures_count_when_they_verify_and_strangers_are_passed_over() -> None:
    policy = parse_policy(TWO_LEVELS)
    lines = [line(1), line(7), line(2, 5), line(4)]
    assert cosigners(policy, TEXT, lines) == {"X1": 1_700_000_000, "X2": 5, "Y1": 1_700_000_000}
    assert satisfied(policy, TEXT, lines)
    assert not satisfied(policy, TEXT, lines[:3])
    assert not satisfied(policy, TEXT, [line(7)])
    assert not satisfied(policy, TEXT, [])


@pytest.mark.parametrize(
    "lines", [[line(1, text=TEXT.replace(b"\n1\n", b"\n2\n"))], [line(1), line(1, 5)]], ids=["other text", "twice"]
)
def test_a_bad_or_repeated_cosignature_of_a_known_witness_is_refused(lines: list[bytes]) -> None:
    with pytest.raises(VerificationError):
        satisfied(parse_policy(TWO_LEVELS), TEXT, lines)


def test_two_keys_under_one_name_are_two_witnesses() -> None:
    vkey = vkey_text(NAMES[1], KEYS[5].public_key, COSIGNATURE)
    policy = parse_policy(f"witness A {VKEYS[1]}\nwitness B {vkey}\ngroup both all A B\nquorum both\n".encode())
    other = cosignature_line(TEXT, NAMES[1], KEYS[5], 7)
    assert cosigners(policy, TEXT, [other]) == {"B": 7}
    assert satisfied(policy, TEXT, [other, line(1)])


def test_without_witnesses_the_quorum_is_none() -> None:
    assert satisfied(NOBODY, TEXT, [])
    assert parse_policy(b"quorum none\n") == NOBODY
    assert satisfied(NOBODY, TEXT, [line(1)])


def test_a_name_is_octets() -> None:
    policy = parse_policy(
        b"witness \xe2\x84\xaa %b\nwitness \xff %b\nquorum \xff\n" % tuple(v.encode() for v in VKEYS[:2])
    )
    assert satisfied(policy, TEXT, [line(1)])
    assert not satisfied(policy, TEXT, [line(0)])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "quorum none",
        "quorum none\nquorum none\n",
        "quorum A\n",
        f"quorum A\nwitness A {VKEYS[1]}\n",
        f"witness A {LOG}\nquorum A\n",
        f"log {VKEYS[1]}\nquorum none\n",
        f"log {LOG}\nlog {vkey_text('other.example', KEYS[0].public_key)}\nquorum none\n",
        f"witness A {VKEYS[1]}\nwitness A {VKEYS[2]}\nquorum A\n",
        f"witness A {VKEYS[1]}\nwitness B {vkey_text('w', KEYS[1].public_key, COSIGNATURE)}\nquorum A\n",
        f"witness none {VKEYS[1]}\nquorum none\n",
        f"witness A {VKEYS[1]} url more\nquorum A\n",
        f"witness A {VKEYS[1][:-2]}\nquorum A\n",
        f"witness A {VKEYS[1]}\ngroup g 0 A\nquorum g\n",
        f"witness A {VKEYS[1]}\ngroup g 2 A\nquorum g\n",
        f"witness A {VKEYS[1]}\ngroup g 01 A\nquorum g\n",
        f"witness A {VKEYS[1]}\ngroup g +1 A\nquorum g\n",
        f"witness A {VKEYS[1]}\ngroup g \u0661 A\nquorum g\n",
        f"witness A {VKEYS[1]}\ngroup g any\nquorum g\n",
        f"witness A {VKEYS[1]}\ngroup g any none\nquorum g\n",
        f"witness A {VKEYS[1]}\ngroup g any A A\nquorum g\n",
        f"witness A {VKEYS[1]}\ngroup g any A\ngroup h any A\nquorum h\n",
        "group g any g\nquorum g\n",
        "quorum\u00a0none\n",
        "quorum none\r\n",
        "quorum none\n# \x7f\n",
        "Quorum none\n",
    ],
)
def test_what_is_not_understood_is_refused_whole(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_policy(text.encode())
