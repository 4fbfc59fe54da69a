"""The certificate of one answer: what it proves alone, what it does not, and that no byte of it can be changed."""

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from consent_ledger.audit.checkpoint import Checkpoint, sign_checkpoint
from consent_ledger.audit.policy import parse_policy
from consent_ledger.audit.proofs import prove_inclusion
from consent_ledger.audit.replay import Opening
from consent_ledger.audit.tree import Frontier, leaf_hash
from consent_ledger.errors import NotFoundError, UnavailableError, VerificationError
from consent_ledger.evidence.bundle import write_bundle
from consent_ledger.evidence.certificates import certify, sign_payload
from consent_ledger.licenses import statements as st
from consent_ledger.signing.canonical import decode_canonical, encode_canonical
from consent_ledger.signing.envelope import decode_envelope, sign_envelope
from consent_ledger.signing.note import COSIGNATURE, cosignature_line, split_note, vkey_text
from consent_ledger.store.log import read_checkpoint
from consent_ledger.store.witnesses import Cosignature, add_cosignatures
from consent_ledger.verification.certificate_file import (
    ANSWER_TYPE,
    EVIDENCE_TYPE,
    Evidence,
    Sealed,
    decode_certificate,
    encode_certificate,
)
from consent_ledger.verification.certificates import verify_certificate
from tests.cli.conftest import Run, run
from tests.evidence.certificates import USE, answer_on, certificate_on, signer, small_story
from tests.evidence.forgery import Leaf, leaves_of, seal
from tests.evidence.second import Second, second
from tests.stores import new_store
from tests.world import LOG_KEY, ORIGIN, VKEY, World, hash_of, key_of, party_of

__all__ = ["run", "second"]


class Made(NamedTuple):
    world: World
    film: str
    raw: bytes


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with new_store(f"sqlite:///{tmp_path_factory.mktemp('world')}/ledger.db") as store:
        world = World(store)
        film = small_story(world)
        yield Made(world, film, certificate_on(world, film))


def test_a_certificate_proves_an_answer_alone(made: Made, second: Second) -> None:
    proved = verify_certificate(made.raw, VKEY)
    assert (proved.answer.verdict, proved.replayed) == ("allow", True)
    assert proved.answer.asset == made.film
    assert proved.checkpoint.size == proved.answer.size == made.world.size
    assert any("only the whole log" in sentence for sentence in proved.not_checked)
    assert second.certificate(made.raw, VKEY) == []


def test_it_holds_what_the_answer_rests_on_and_nothing_about_others(made: Made) -> None:
    statements = statements_in(made.raw)
    issuers = {s["issuer"] for s in statements if s["type"] in ("grant", "revocation")}
    assert issuers == {party_of("anna"), party_of("ben")}
    assert sum(s["type"] == "asset" for s in statements) == 1
    assert sorted(s["type"] for s in statements).count("grant") == 3


def statements_in(raw: bytes) -> list[dict[str, Any]]:
    entries = json.loads(raw)["entries"]
    envelopes = [msgspec.json.decode(msgspec.json.decode(f'"{e["envelope"]}"', type=bytes)) for e in entries]
    return [json.loads(msgspec.json.decode(f'"{e["payload"]}"', type=bytes)) for e in envelopes]


@pytest.mark.parametrize("size", [5, 8, 12, None])
def test_answers_about_the_past_can_be_certified(made: Made, size: int | None, second: Second) -> None:
    raw = certificate_on(made.world, made.film, **({} if size is None else {"size": size}))
    assert verify_certificate(raw, VKEY).replayed
    assert second.certificate(raw, VKEY) == []


def test_a_denial_and_an_unknown_file_can_be_certified(made: Made, second: Second) -> None:
    open_use = msgspec.structs.replace(USE, audience="open", licence="CC-BY-4.0")
    for asset, use, verdict in ((made.film, open_use, "deny"), (hash_of("lost"), USE, "undetermined")):
        raw = certificate_on(made.world, asset, use)
        assert verify_certificate(raw, VKEY).answer.verdict == verdict
        assert second.certificate(raw, VKEY) == []


def test_without_the_logs_key_from_elsewhere_it_says_so(made: Made) -> None:
    assert any("want --vkey" in sentence for sentence in verify_certificate(made.raw).not_checked)
    with pytest.raises(VerificationError, match="not signed by the key that was given"):
        verify_certificate(made.raw, VKEY.replace("world+", "other+"))


def test_what_the_viewer_may_not_see_is_sealed_and_the_decision_is_then_not_made_anew(
    tmp_path: Path, second: Second
) -> None:
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        world = World(store)
        film = small_story(world)
        rival = world.enrol("rival", kind="organisation")
        world.register(
            rival, st.Project, project="rival", controller=rival.party, title="rival", brief="", templates=[], flags=[]
        )
        world.ledger.register(
            world.say(
                rival, st.Asset, project="rival",
                media=[msgspec.structs.replace(world.medium("film", ["anna"], ["anna", "ben"]), hash=film)],
            )
        )  # fmt: skip
        raw = certificate_on(world, film, viewer=rival.party)
        proved = verify_certificate(raw, VKEY)
        assert not proved.replayed
        assert any("are withheld" in sentence for sentence in proved.not_checked)
        opened = [entry for entry in json.loads(raw)["entries"] if "envelope" in entry]
        assert len(opened) < proved.entries
        assert second.certificate(raw, VKEY) == []
        unseen = certificate_on(world, hash_of("another"), viewer=rival.party)
        assert verify_certificate(unseen, VKEY).answer.reasons[0].code == "asset_unknown"
        assert b"pty_" + party_of("carl")[4:].encode() not in unseen


def test_nothing_is_certified_that_the_evidence_does_not_lead_to(made: Made) -> None:
    answer = answer_on(made.world, made.film)
    with pytest.raises(UnavailableError, match="cannot be certified"):
        certify(made.world.store, answer.replace(b'"allow"', b'"deny"'), signer(made.world))
    with pytest.raises(UnavailableError, match="cannot be certified"):
        certify(made.world.store, answer, signer(made.world)._replace(operator_key=key_of("studio")))
    with pytest.raises(NotFoundError, match="size 0"):
        certify(made.world.store, answer_on(made.world, made.film, size=0), signer(made.world))


def recorded_by_a_cheat(made: Made, place: Path) -> bytes:
    """Return the certificate of a ledger that recorded anna's grant under the organisation's signature."""
    size = write_bundle(made.world.store, place).size
    leaves, old = leaves_of(place, size), decode_certificate(made.raw)
    for n, leaf in enumerate(leaves):
        assert isinstance(leaf.shown, Opening)
        payload = decode_envelope(leaf.shown.envelope).payload
        if b'"type":"grant"' in payload and party_of("anna").encode() in payload:
            leaves[n] = Leaf.of(leaf.recorded_at, sign_envelope(payload, key_of("studio")))
    entries = seal(leaves)
    frontier, nodes = Frontier().extend([leaf_hash(entry) for entry in entries])
    held = decode_canonical(old.evidence.payload, Evidence, limit=10**6)
    root = json.loads(old.answer.payload)["root"].encode()
    answer = old.answer.payload.replace(root, frontier.root().hex().encode())
    evidence = msgspec.structs.replace(held, answer="sha256:" + sha256(answer).hexdigest())
    sealed = [
        Sealed(entry=entries[n].decode(), proof=prove_inclusion(n, size, dict(nodes)), salt=shown.salt,
               envelope=shown.envelope)
        for n in held.entries if isinstance(shown := leaves[n].shown, Opening)
    ]  # fmt: skip
    operator = signer(made.world).operator_key
    return encode_certificate(
        msgspec.structs.replace(
            old,
            entries=tuple(sealed),
            checkpoint=sign_checkpoint(Checkpoint(ORIGIN, size, frontier.root()), LOG_KEY).decode(),
            answer=sign_payload(answer, ANSWER_TYPE, operator),
            evidence=sign_payload(encode_canonical(evidence), EVIDENCE_TYPE, operator),
        )
    )


def test_a_grant_that_another_signed_is_refused_though_the_operator_certifies_it(
    made: Made, tmp_path: Path, second: Second
) -> None:
    forged = recorded_by_a_cheat(made, tmp_path / "bundle")
    with pytest.raises(VerificationError, match="should not have been recorded"):
        verify_certificate(forged, VKEY)
    assert [what for _, what in second.certificate(forged, VKEY)] == ["is not signed by its issuer"]


def test_its_checkpoint_carries_the_cosignatures_of_the_logs_witnesses(tmp_path: Path, second: Second) -> None:
    witness = key_of("witness")
    witness_vkey = vkey_text("witness.example", witness.public_key, COSIGNATURE)
    policy = parse_policy(f"log {VKEY}\nwitness one {witness_vkey}\nquorum one\n".encode())
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        world = World(store)
        film = small_story(world)
        unwitnessed = certificate_on(world, film)
        with store.write() as tx:
            text, _ = split_note(read_checkpoint(tx) or b"")
            line = cosignature_line(text, "witness.example", witness, 1_767_700_000)
            name = f"witness.example+{policy.verifiers[0].key_id.hex()}"
            add_cosignatures(tx, [Cosignature(world.size, name, 1_767_700_000, line)])
        raw = certify(store, answer_on(world, film), signer(world)._replace(policy=policy))
    assert verify_certificate(raw, VKEY, policy).cosigned == ("one",)
    assert second.certificate(raw, VKEY) == []
    with pytest.raises(VerificationError, match="quorum"):
        verify_certificate(unwitnessed, VKEY, policy)
    at = raw.index(line[30:60])
    for place in range(at, at + 60, 7):
        forged = bytearray(raw)
        forged[place] = ord("B") if forged[place] != ord("B") else ord("C")
        with pytest.raises(VerificationError):
            verify_certificate(bytes(forged), VKEY)
        assert second.certificate(bytes(forged), VKEY)


# Altered --------------------------------------------------------------------------------------------------------------

Change = Callable[[dict[str, Any]], object]


def drop_the_withdrawal(certificate: dict[str, Any]) -> None:
    del certificate["entries"][-2]


def drop_an_enrolment(certificate: dict[str, Any]) -> None:
    del certificate["entries"][4]


def swap_two_entries(certificate: dict[str, Any]) -> None:
    entries = certificate["entries"]
    entries[3], entries[4] = entries[4], entries[3]


def say_one_twice(certificate: dict[str, Any]) -> None:
    certificate["entries"].append(certificate["entries"][-1])


def withhold_an_opening(certificate: dict[str, Any]) -> None:
    del certificate["entries"][-2]["envelope"], certificate["entries"][-2]["salt"]
    certificate["entries"][-2]["erased_by"] = 1


def call_it_erased(certificate: dict[str, Any]) -> None:
    del certificate["entries"][-2]["envelope"], certificate["entries"][-2]["salt"]
    certificate["entries"][-2]["erased_by"] = json.loads(certificate["entries"][-1]["entry"])["index"]


def swap_openings(certificate: dict[str, Any]) -> None:
    entries = certificate["entries"]
    for name in ("envelope", "salt"):
        entries[-1][name], entries[-3][name] = entries[-3][name], entries[-1][name]


def shorten_a_proof(certificate: dict[str, Any]) -> None:
    certificate["entries"][2]["proof"].pop()


def swap_the_two_signed_parts(certificate: dict[str, Any]) -> None:
    certificate["answer"], certificate["evidence"] = certificate["evidence"], certificate["answer"]


def add_a_witness(certificate: dict[str, Any]) -> None:
    certificate["witnesses"].append(VKEY)


def name_no_key(certificate: dict[str, Any]) -> None:
    certificate["log_keys"] = []


def add_a_signature_by_nobody(certificate: dict[str, Any]) -> None:
    certificate["checkpoint"] += "— nobody AAAAAAAA\n"


def add_a_field(certificate: dict[str, Any]) -> None:
    certificate["note"] = "all is well"


@pytest.mark.parametrize(
    "change",
    [
        drop_the_withdrawal, drop_an_enrolment, swap_two_entries, say_one_twice, withhold_an_opening, call_it_erased,
        swap_openings, shorten_a_proof, swap_the_two_signed_parts, add_a_witness, name_no_key,
        add_a_signature_by_nobody, add_a_field,
    ],
    ids=lambda change: change.__name__,
)  # fmt: skip
def test_both_verifiers_refuse_what_was_changed(made: Made, second: Second, change: Change) -> None:
    certificate = json.loads(made.raw)
    change(certificate)
    raw = encode_canonical(certificate) + b"\n"
    with pytest.raises(VerificationError):
        verify_certificate(raw, VKEY)
    assert second.certificate(raw, VKEY)


def test_no_byte_of_it_can_be_changed(made: Made, second: Second) -> None:
    step = max(1, len(made.raw) // 250)
    for at in [*range(0, len(made.raw), step), len(made.raw) - 1]:
        raw = bytearray(made.raw)
        raw[at] ^= 1 << at % 7
        with pytest.raises(VerificationError):
            verify_certificate(bytes(raw), VKEY)
        assert second.certificate(bytes(raw), VKEY), at


def test_no_field_of_it_can_be_changed(made: Made, second: Second) -> None:
    certificate = json.loads(made.raw)
    for holder, name in [*fields(certificate)]:
        was = holder[name]
        holder[name] = was[:-6] + ("A" if was[-6] != "A" else "B") + was[-5:] if isinstance(was, str) else was + 1
        raw = encode_canonical(certificate) + b"\n"
        with pytest.raises(VerificationError):
            verify_certificate(raw, VKEY)
        assert second.certificate(raw, VKEY), name
        holder[name] = was
    assert encode_canonical(certificate) + b"\n" == made.raw


def fields(value: Any) -> Iterator[tuple[Any, Any]]:
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for name, member in list(members):
        if isinstance(member, dict | list):
            yield from fields(member)
        else:
            yield value, name


# The command line -----------------------------------------------------------------------------------------------------


def test_from_a_home_to_a_certificate_and_its_verification(run: Run, tmp_path: Path) -> None:
    home, media, out = tmp_path / "home", tmp_path / "film.mp4", tmp_path / "answer.json"
    media.write_bytes(b"film")
    assert run("init", "--home", home, "--origin", "ledger.example/cli", "--no-passphrase").code == 0
    make = ("certificate", "make", media, "--for", "open-training", "--home", home, "-o", out)
    assert run(*make).code == 0
    assert run(*make).code == 1  # it is there, and not overwritten
    ran = run("certificate", "verify", out, "--vkey", home / "log.vkey")
    assert ran.code == 0
    assert "verdict undetermined" in ran.out
    assert "not checked: that no other entry touches the question" in ran.out
    out.write_bytes(out.read_bytes().replace(b'"format"', b'"Format"'))
    assert run("certificate", "verify", out, "--vkey", home / "log.vkey").code == 5
