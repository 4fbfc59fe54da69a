import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_ledger.errors import LedgerError, MalformedError, VerificationError
from consent_ledger.signing.keys import PublicKey, SigningKey
from consent_ledger.signing.note import (
    COSIGNATURE,
    ED25519,
    NoteSignature,
    NoteVerifier,
    cosignature_line,
    open_note,
    sign_note,
    split_note,
    vkey_text,
)

# The example of c2sp.org/signed-note.
SPEC_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()

KEY, OTHER = SigningKey.from_seed(b"k" * 32), SigningKey.from_seed(b"o" * 32)
NAME = "ledger.example/log"
TEXT = b"first line\n\nlast line\n"
VERIFIER = NoteVerifier(NAME, KEY.public_key)
WITNESS = NoteVerifier("witness.example", OTHER.public_key, COSIGNATURE)
NOTE = sign_note(TEXT, NAME, KEY)
BY_US = NoteSignature(NAME, ED25519, None)

# Any Unicode but control characters and surrogates.
texts = st.text(st.characters(codec="utf-8", min_codepoint=32) | st.just("\n")).map(lambda text: (text + "\n").encode())


def line(name: str, blob: bytes) -> bytes:
    return "— ".encode() + name.encode() + b" " + base64.b64encode(blob) + b"\n"


def test_the_example_of_the_specification_opens() -> None:
    verifier = NoteVerifier.from_vkey(SPEC_VKEY)
    opened = open_note(SPEC_NOTE, [verifier])
    assert (opened.text, opened.names) == (b"This is an example message.\n", ("example.com/foo",))
    assert vkey_text(verifier.name, verifier.public_key) == SPEC_VKEY


@given(texts)
def test_a_note_opens_as_it_was_signed(text: bytes) -> None:
    opened = open_note(sign_note(text, NAME, KEY), [VERIFIER])
    assert opened == (text, (BY_US,), ())


@given(st.integers(0, (len(TEXT) - 1) * 8 - 1))
def test_a_flipped_bit_in_the_text_closes_the_note(bit: int) -> None:
    changed = bytearray(NOTE)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises((MalformedError, VerificationError)):
        open_note(bytes(changed), [VERIFIER])


def test_signatures_of_strangers_are_kept_aside() -> None:
    stranger = sign_note(TEXT, "stranger.example", OTHER).removeprefix(TEXT + b"\n")
    unknown_type = line("pq.example", bytes(4) + bytes(2420))
    opened = open_note(NOTE + stranger + unknown_type, [VERIFIER, WITNESS])
    assert opened.verified == (BY_US,)
    assert opened.unverified == (stranger[:-1], unknown_type[:-1])


def test_a_name_or_an_id_alone_does_not_identify_a_key() -> None:
    ours = NOTE.removeprefix(TEXT + b"\n")
    same_name = line(NAME, b"abcd" + bytes(64))
    same_id = line("elsewhere.example", VERIFIER.key_id + bytes(64))
    assert open_note(TEXT + b"\n" + same_name + same_id + ours, [VERIFIER]).verified == (BY_US,)
    with pytest.raises(VerificationError) as caught:
        open_note(TEXT + b"\n" + same_name + same_id, [VERIFIER])
    assert caught.value.code == "key_unknown"


def test_one_bad_signature_of_a_known_key_closes_the_note() -> None:
    bad = line(WITNESS.name, WITNESS.key_id + bytes(72))
    assert open_note(NOTE + bad, [VERIFIER]).verified == (BY_US,)
    with pytest.raises(VerificationError, match="`witness"):
        open_note(NOTE + bad, [VERIFIER, WITNESS])


def test_two_signatures_of_one_key_are_refused() -> None:
    with pytest.raises(VerificationError, match="two signatures"):
        open_note(NOTE + NOTE.removeprefix(TEXT + b"\n"), [VERIFIER])


@given(st.integers(0, 2**63 - 1))
def test_a_witness_signs_the_time_and_the_text(time: int) -> None:
    raw = NOTE + cosignature_line(TEXT, WITNESS.name, OTHER, time)
    assert open_note(raw, [WITNESS, VERIFIER]).verified == (BY_US, NoteSignature(WITNESS.name, COSIGNATURE, time))


def test_a_cosignature_does_not_hold_at_another_time_or_as_a_signature() -> None:
    raw = cosignature_line(TEXT, WITNESS.name, OTHER, 1)
    blob = base64.b64decode(raw.split(b" ")[2])
    later = line(WITNESS.name, blob[:4] + (2).to_bytes(8, "big") + blob[12:])
    too_late = line(WITNESS.name, blob[:4] + (2**63).to_bytes(8, "big") + blob[12:])
    plain = line(WITNESS.name, blob[:4] + OTHER.sign(TEXT))
    for forged in (later, too_late, plain):
        with pytest.raises(VerificationError):
            open_note(NOTE + forged, [VERIFIER, WITNESS])
    with pytest.raises(MalformedError):
        cosignature_line(TEXT, WITNESS.name, OTHER, 2**63)


def test_a_note_may_have_a_hundred_signatures_and_no_more() -> None:
    strangers = [line(f"s{n}.example", bytes(4) + b"x") for n in range(100)]
    assert len(open_note(NOTE + b"".join(strangers[:99]), [VERIFIER]).unverified) == 99
    with pytest.raises(MalformedError, match="at most 100"):
        open_note(NOTE + b"".join(strangers), [VERIFIER])
    with pytest.raises(MalformedError, match="at most 1000000"):
        open_note(b"x" * 1_000_000 + NOTE, [VERIFIER])


MALFORMED: list[Callable[[bytes], bytes]] = [
    lambda raw: b"",
    lambda raw: TEXT,
    lambda raw: TEXT + b"\n",
    lambda raw: raw[:-1],
    lambda raw: raw + b"\n",
    lambda raw: raw + b"x\n",
    lambda raw: raw.replace(b"first", b"fi\x07rst"),
    lambda raw: raw.replace(b"first", b"fi\trst"),
    lambda raw: raw.replace(b"\n", b"\r\n"),
    lambda raw: raw.replace(b"first", b"fi\xffrst"),
    lambda raw: raw.replace("— ".encode(), b"- "),
    lambda raw: raw.replace("— ".encode(), "—  ".encode()),
    lambda raw: raw.replace(b"=\n", b"\n"),
    lambda raw: raw.replace(b"=\n", b"==\n"),
    lambda raw: raw.replace(b"=\n", b"= \n"),
    lambda raw: raw + "— name \n".encode(),
    lambda raw: raw + "— name QUJDRA==\n".encode(),
    lambda raw: raw + "— name QUJDREU\n".encode(),
    lambda raw: raw + "— name QUJDREV=\n".encode(),
    lambda raw: raw + "— na+me QUJDREU=\n".encode(),
    lambda raw: raw + "— na\u00a0me QUJDREU=\n".encode(),
    lambda raw: raw + "— na\u2028me QUJDREU=\n".encode(),
]


@pytest.mark.parametrize("change", MALFORMED)
def test_what_is_no_note_is_refused(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(MalformedError):
        open_note(change(NOTE), [VERIFIER])


def test_the_last_empty_line_ends_the_text() -> None:
    text = b"\n\n- not a signature\n\n"
    assert split_note(sign_note(text, NAME, KEY))[0] == text


@pytest.mark.parametrize("text", [b"", b"no line end", b"tab\t\n", b"\xff\n", b"nul\0\n"])
def test_what_cannot_be_a_note_is_not_signed(text: bytes) -> None:
    with pytest.raises(MalformedError):
        sign_note(text, NAME, KEY)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\u2029b", "a\nb", "a\x01b", "\ud800"])
def test_a_bad_key_name_is_refused(name: str) -> None:
    for attempt in (lambda: sign_note(TEXT, name, KEY), lambda: vkey_text(name, KEY.public_key)):
        with pytest.raises(MalformedError, match="key name"):
            attempt()


@given(st.sampled_from([ED25519, COSIGNATURE]), st.from_regex(r"[a-z./0-9]{1,20}", fullmatch=True))
def test_a_verifier_key_is_read_back_as_it_was_written(kind: int, name: str) -> None:
    verifier = NoteVerifier(name, KEY.public_key, kind)
    assert NoteVerifier.from_vkey(vkey_text(name, KEY.public_key, kind)) == verifier


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "example.com/foo",
        SPEC_VKEY.replace("530d903a", "530D903A"),
        SPEC_VKEY.replace("530d903a", "530d903b"),
        SPEC_VKEY.replace("530d903a", "30d903a"),
        SPEC_VKEY.replace("example.com/foo", "example.com/bar"),
        SPEC_VKEY.replace("example.com/foo", ""),
        SPEC_VKEY.replace("example.com/foo", "example.com /foo"),
        SPEC_VKEY + "\n",
        SPEC_VKEY[:-1],
        SPEC_VKEY[:-4],
        vkey_text("low.example", PublicKey((1).to_bytes(32, "little"))),
        vkey_text("pq.example", KEY.public_key, 6),
    ],
)
def test_a_bad_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(MalformedError):
        NoteVerifier.from_vkey(vkey)


@given(st.binary(max_size=60))
def test_any_bytes_after_a_note_are_read_or_refused(tail: bytes) -> None:
    try:
        opened = open_note(NOTE + tail, [VERIFIER])
    except LedgerError:
        return
    assert opened.verified == (BY_US,)
    assert opened.text == TEXT
