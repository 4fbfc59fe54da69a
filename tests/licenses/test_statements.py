"""Statements: their bytes never change, and there is one spelling of each."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as some

from consent_ledger.errors import MalformedError
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.vocabulary import ACTIVITY, AIM, CONTEXT, Audience
from tests.licenses.samples import SAMPLES

GOLDEN = Path(__file__).parents[1] / "golden" / "statements"
TAXONOMY = Path(st.__file__).with_name("taxonomy.json")
PAYLOADS = {name: st.encode_statement(statement) for name, statement in SAMPLES.items()}


# Bytes ------------------------------------------------------------------------------------------------------------


def test_every_type_has_a_sample() -> None:
    assert {type(statement) for statement in SAMPLES.values()} == set(get_args(st.Statement))


def test_every_field_stands_in_a_sample() -> None:
    for kind in get_args(st.Statement):
        spoken = {key for s in SAMPLES.values() if type(s) is kind for key in json.loads(st.encode_statement(s))}
        assert spoken == {"type", *kind.__struct_encode_fields__}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_statement_is_written_as_it_always_was(name: str) -> None:
    assert PAYLOADS[name] == (GOLDEN / f"{name}.json").read_bytes()


def test_there_is_a_sample_for_every_golden_file() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_what_was_written_is_read_as_it_was_meant(name: str) -> None:
    assert st.parse_statement((GOLDEN / f"{name}.json").read_bytes()) == SAMPLES[name]


def test_a_statement_is_named_by_the_digest_of_its_bytes() -> None:
    written = "".join(f"{st.statement_id(PAYLOADS[name])}  {name}.json\n" for name in sorted(SAMPLES))
    assert written == (GOLDEN / "ids.txt").read_text()


# Refusals ---------------------------------------------------------------------------------------------------------


def refused(payload: bytes) -> str:
    with pytest.raises(MalformedError) as error:
        st.parse_statement(payload)
    return error.value.code


def altered(name: str, old: bytes, new: bytes) -> bytes:
    assert PAYLOADS[name].count(old) >= 1
    return PAYLOADS[name].replace(old, new, 1)


def respelled(name: str, /, **changes: Any) -> bytes:
    """The statement with other values in some fields, in canonical form."""
    document = json.loads(PAYLOADS[name]) | changes
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize("name", SAMPLES)
def test_no_type_has_room_for_a_field_more_or_a_field_less(name: str) -> None:
    assert refused(respelled(name, zeal="x")) == "malformed"
    for field in ("ledger", "issuer", "issued_at", "nonce", "type"):
        document = json.loads(PAYLOADS[name])
        del document[field]
        assert refused(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()) == "malformed"


@pytest.mark.parametrize("name", SAMPLES)
def test_no_type_is_read_in_another_spelling(name: str) -> None:
    payload = PAYLOADS[name]
    document = json.loads(payload)
    spellings = [
        payload + b"\n",
        b" " + payload,
        json.dumps(document, sort_keys=True, ensure_ascii=False).encode(),
        json.dumps(dict(reversed(document.items())), separators=(",", ":"), ensure_ascii=False).encode(),
        payload[:-1] + b',"nonce":"' + b"0" * 32 + b'"}',
        payload.replace(b'"ledger":', b'"ledger":"ledger.example/other","ledger":', 1),
        payload.replace(b'"nonce":"', b'"nonce":"\\u0030', 1)[: len(payload) + 6],
    ]
    for spelled in spellings:
        assert refused(spelled) in ("not_canonical", "malformed")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "malformed"),
        (b"null", "malformed"),
        (b"[]", "malformed"),
        (b"{}", "malformed"),
        (b"\xff", "malformed"),
        (b"[" * 40_000, "malformed"),
        (b'{"type":' * 5_000, "malformed"),
        (altered("release", b'"count":22800', b'"count":22800.0'), "malformed"),
        (altered("release", b'"count":22800', b'"count":2.28e4'), "malformed"),
        (altered("release", b'"count":22800', b'"count":-1'), "malformed"),
        (altered("release", b'"count":22800', b'"count":022800'), "malformed"),
        (altered("release", b'"count":22800', b'"count":9007199254740992'), "malformed"),
        (altered("release", b'"count":22800', b'"count":"22800"'), "malformed"),
        (altered("release", b'"count":22800', b'"count":null'), "malformed"),
        (altered("release", b'"count":22800', b'"count":true'), "malformed"),
        (respelled("release", version="1.0"), "malformed"),
        (respelled("release", version="1.0.0\n"), "malformed"),
        (respelled("grant", choices={"release": None}), "malformed"),
        (respelled("grant", choices={"release": 1}), "malformed"),
        (respelled("grant", choices={"Release": True}), "malformed"),
        (respelled("grant", choices={"réponse": True}), "malformed"),
        (respelled("grant", capacities=[]), "malformed"),
        (respelled("grant", capacities=["maker"]), "malformed"),
        (respelled("grant", assurance="sworn"), "malformed"),
        (respelled("grant", starts="2026-06-01T12:00:00+00:00"), "not_canonical"),
        (respelled("grant", starts="2026-06-01T14:00:00+02:00"), "malformed"),
        (respelled("grant", starts="2026-06-01T12:00:00.000001Z"), "malformed"),
        (respelled("grant", starts="2026-06-01T12:00:00.0Z"), "not_canonical"),
        (respelled("grant", starts="2026-06-01T12:00:00"), "malformed"),
        (respelled("grant", starts="2026-06-01t12:00:00z"), "not_canonical"),
        (respelled("grant", starts="2026-06-01T12:00:60Z"), "malformed"),
        (respelled("grant", starts="2026-02-29T12:00:00Z"), "malformed"),
        (respelled("grant", starts="2026-06-01"), "malformed"),
        (respelled("grant", starts=1_780_315_200), "malformed"),
        (respelled("grant", scope={"assets": []}), "malformed"),
        (respelled("grant", scope={"assets": ["sha256:" + "a" * 64] * 501}), "malformed"),
        (respelled("grant", supersedes=[]), "malformed"),
        (respelled("asset", media=[]), "malformed"),
        (respelled("asset", media=json.loads(PAYLOADS["asset"])["media"] * 101), "too_large"),
        (respelled("revocation", assets=[]), "malformed"),
        (respelled("revocation", grants=[]), "malformed"),
        (respelled("revocation", channel="by mail"), "malformed"),
        (respelled("revocation", uses={"activities": ["dance"]}), "malformed"),
        (respelled("revocation", uses={"max_audience": "open"}), "malformed"),
        (respelled("party", party="pty_" + "A" * 32), "malformed"),
        (respelled("party", party="pty_" + "1" * 31), "malformed"),
        (respelled("party", party="pty_" + "1" * 32 + "\n"), "malformed"),
        (respelled("party", majority="2030-02-30"), "malformed"),
        (respelled("party", majority="2030-2-28"), "malformed"),
        (respelled("party", age="old"), "malformed"),
        (respelled("party", key={"public_key": "AAAA", "scheme": "rsa"}), "malformed"),
        (respelled("party", key={"public_key": "AAA", "scheme": "ed25519"}), "malformed"),
        (respelled("party", name="Ada"), "malformed"),
        (respelled("genesis", format=2), "malformed"),
        (respelled("genesis", ledger="Ledger.example"), "malformed"),
        (respelled("fulfilment", condition="transform:"), "malformed"),
        (respelled("fulfilment", condition="loved"), "malformed"),
        (respelled("fulfilment", payment_reference="to Ada, Kerkstraat 1"), "malformed"),
        (respelled("project", title=""), "malformed"),
        (respelled("project", title="e\N{COMBINING ACUTE ACCENT}e\N{COMBINING ACUTE ACCENT}n"), "not_nfc"),
        (respelled("project", brief="x" * 4_001), "malformed"),
        (respelled("project", brief="x" * 50_000), "too_large"),
        (respelled("project", type="plan"), "malformed"),
        (respelled("project", type=["project"]), "malformed"),
        (altered("project", b"Films", b"Films\xed\xa0\x80"), "malformed"),
        (altered("project", b"Films", b"Films\\ud800"), "malformed"),
        (altered("project", b"Films", b"F\\u0069lms"), "not_canonical"),
        (altered("project", b"Films", b"Films\\/"), "not_canonical"),
        (respelled("state", root="E" * 64), "malformed"),
    ],
)  # fmt: skip
def test_what_is_not_a_statement_is_refused(payload: bytes, code: str) -> None:
    assert refused(payload) == code


@given(some.binary(max_size=200) | some.text(max_size=200).map(str.encode))
def test_nothing_but_a_malformed_error_comes_out_of_parsing(payload: bytes) -> None:
    assert refused(payload)


@given(some.sampled_from(sorted(PAYLOADS)), some.data())
def test_one_byte_more_or_less_is_another_statement_or_none(name: str, data: Any) -> None:
    payload = bytearray(PAYLOADS[name])
    place = data.draw(some.integers(0, len(payload) - 1))
    payload[place] = data.draw(some.integers(0, 255))
    try:
        statement = st.parse_statement(bytes(payload))
    except MalformedError:
        return
    assert st.encode_statement(statement) == bytes(payload)
    assert (statement == SAMPLES[name]) == (bytes(payload) == PAYLOADS[name])


# Vocabulary -------------------------------------------------------------------------------------------------------


def test_the_vocabulary_is_the_taxonomy() -> None:
    """`taxonomy.json` is what the rest of the world is given; the trees are what decisions are made by."""
    facets = json.loads(TAXONOMY.read_bytes())["facets"]
    for facet, name in ((ACTIVITY, "activity"), (AIM, "aim"), (CONTEXT, "context")):
        terms = {term["id"]: term for term in facets[name]}
        assert dict(facet.parents) == {id_: term["parent"] for id_, term in terms.items()}
        starred = {id_ for id_, term in terms.items() if term.get("explicit_only")}
        assert facet.explicit_mask == sum(facet.bit[id_] for id_ in starred)
    assert {term["id"]: term["rank"] for term in facets["audience"]} == {a.name: a.value for a in Audience}
    assert sum(map(len, facets.values())) == 24
