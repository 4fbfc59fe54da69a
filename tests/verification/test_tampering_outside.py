"""What an outside auditor tried, in the place of a cheating sender or operator, and what it found."""

import shutil
import subprocess
import sys
import tarfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from consent_ledger.audit.replay import Erased, Opening, Withheld
from consent_ledger.evidence.bundle import SampleRequest, write_bundle
from consent_ledger.issuing import Issuer, key_material, whole_second
from consent_ledger.licenses import statements as st
from consent_ledger.signing.envelope import (
    PAYLOAD_TYPE,
    Envelope,
    Signature,
    decode_envelope,
    encode_envelope,
    pae,
    sign_envelope,
    time_message,
)
from consent_ledger.signing.instants import SECOND, format_time
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import vkey_text
from consent_ledger.store.engine import open_store
from consent_ledger.verification import Report, verify_bundle
from consent_ledger.verification.layout import wording_file
from tests.evidence.forgery import Leaf, leaves_of, rewrite
from tests.evidence.second import FILE, Found, Second, second
from tests.verification.tampering import QUERY, WORDING
from tests.world import DAY, HOUR, LOG_KEY, ORIGIN, TEXT, VKEY, World, issuer_of, key_of, party_of

__all__ = ["second"]


class Small(NamedTuple):
    """An honest bundle of few entries, of a ledger where edna was erased."""

    bundle: Path
    world: World
    size: int
    grant: int


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    folder = tmp_path_factory.mktemp("small")
    (folder / "text.md").write_bytes(WORDING)
    with open_store(f"sqlite:///{folder}/ledger.db", create=True) as store:
        world = World(store)
        world.people("anna", "ben", "edna")
        world.film("one", ["anna"], ["anna"])
        grant = world.grant("anna").entry
        edna = world.size
        world.grant("edna")
        world.register(
            world.operator, st.Erasure, level="statements", party=party_of("edna"), entries=[edna], basis="request"
        )
        sample = SampleRequest("a seed", 1, QUERY, world.now)
        size = write_bundle(store, folder / "bundle", sample=sample, templates=[folder]).size
        world.wait(DAY)
        small = Small(folder / "bundle", world, size, grant)
        leaves = leaves_of(small.bundle, size)
        leaves[edna] = leaves[edna]._replace(shown=Erased(edna + 1))
        rewrite(small.bundle, leaves, LOG_KEY)
        yield small


@pytest.fixture
def small(honest: Small, tmp_path: Path) -> Small:
    """A copy to do things to."""
    return honest._replace(bundle=Path(shutil.copytree(honest.bundle, tmp_path / "bundle")))


def audit(small: Small, **how: Any) -> Report:
    return verify_bundle(small.bundle, **({"vkey": VKEY, "jobs": 1} | how))


def record(small: Small, *envelopes: bytes) -> None:
    """Let a cheating operator record what nobody checked."""
    leaves = leaves_of(small.bundle, small.size)
    more = [Leaf.of(small.world.now + n * HOUR, envelope) for n, envelope in enumerate(envelopes)]
    rewrite(small.bundle, [*leaves, *more], LOG_KEY)
    (small.bundle / "scope.json").unlink()
    (small.bundle / "decisions.ndjson").unlink()


def raw_envelope(payload: bytes, *keys: SigningKey) -> dict[str, Any]:
    message = pae(PAYLOAD_TYPE, payload)
    signatures = [{"keyid": key.public_key.keyid, "sig": b64encode(key.sign(message)).decode()} for key in keys]
    return {"payload": b64encode(payload).decode(), "payloadType": PAYLOAD_TYPE, "signatures": signatures}


def canonical(value: object) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def test_the_honest_one_verifies(small: Small, second: Second) -> None:
    report = audit(small)
    assert (report.findings, report.counts.erased, report.verdicts) == ((), 1, {"allow": 1})
    assert second.bundle(small.bundle, VKEY).findings == []


# What a cheating operator records: at which of the entries added it is found ------------------------------------------

EVIL = key_of("evil")


def new_key(by: Issuer, party: str, *signers: SigningKey) -> bytes:
    key = key_material(EVIL.public_key)
    return sign_envelope(st.encode_statement(by.draft(st.Key, 0, party=party, action="added", key=key)), *signers)


def consent_by(w: World, name: str, *signers: SigningKey) -> bytes:
    return canonical(raw_envelope(decode_envelope(w.consent(name)).payload, *signers))


def a_key_added_for_another(w: World) -> list[bytes]:
    return [new_key(issuer_of("ben"), party_of("anna"), key_of("ben"), EVIL), consent_by(w, "anna", EVIL)]


def a_key_added_by_the_operator(w: World) -> list[bytes]:
    return [new_key(w.operator, party_of("anna"), w.operator.key, EVIL), consent_by(w, "anna", EVIL)]


def a_key_added_by_itself(w: World) -> list[bytes]:
    return [new_key(issuer_of("anna"), party_of("anna"), EVIL), consent_by(w, "anna", EVIL)]


def a_key_that_nobody_was_shown_to_have(w: World) -> list[bytes]:
    return [new_key(issuer_of("anna"), party_of("anna"), key_of("anna"))]


def enrolled_again_with_another_key(w: World) -> list[bytes]:
    again = {"party": party_of("anna"), "kind": "person", "age": "adult", "key": key_material(EVIL.public_key)}
    return [w.say(w.studio, st.Party, **again), consent_by(w, "anna", EVIL)]


def a_key_retired_by_another(w: World) -> list[bytes]:
    keyid = key_of("anna").public_key.keyid
    return [w.say(issuer_of("ben"), st.Key, party=party_of("anna"), action="retired", keyid=keyid), w.consent("anna")]


def enrolled_by_a_person(w: World) -> list[bytes]:
    return [w.say(issuer_of("anna"), st.Party, party=party_of("new"), kind="person", age="adult")]


def a_log_key_by_an_organisation(w: World) -> list[bytes]:
    return [w.say(w.studio, st.Key, party=w.studio.party, action="added", log_key=vkey_text(ORIGIN, EVIL.public_key))]


def an_organisation_erased(w: World) -> list[bytes]:
    return [w.say(w.operator, st.Erasure, level="statements", party=w.studio.party, entries=[3], basis="request")]


def forged_beside_the_name_of_somebody_erased(w: World) -> list[bytes]:
    payload = decode_envelope(w.submission(w.medium("planted", ["edna"], ["anna"]))).payload
    return [canonical(raw_envelope(payload, EVIL))]


def a_comment_in_an_envelope(w: World) -> list[bytes]:
    return [canonical({**msgspec.json.decode(w.withdrawal("ben")), "comment": "paid"})]


def a_comment_in_a_signature(w: World) -> list[bytes]:
    envelope = msgspec.json.decode(w.withdrawal("ben"))
    envelope["signatures"][0]["comment"] = "paid"
    return [canonical(envelope)]


def two_signatures_by_one_key(w: World) -> list[bytes]:
    envelope = msgspec.json.decode(w.withdrawal("ben"))
    envelope["signatures"] *= 2
    return [canonical(envelope)]


def a_statement_with_null(w: World) -> list[bytes]:
    statement = msgspec.json.decode(decode_envelope(w.withdrawal("ben")).payload)
    return [canonical(raw_envelope(canonical({**statement, "assets": None}), key_of("ben")))]


def a_statement_too_long(w: World) -> list[bytes]:
    statement = msgspec.json.decode(decode_envelope(w.withdrawal("ben")).payload)
    return [canonical(raw_envelope(canonical({**statement, "channel": "k" * 50_000}), key_of("ben")))]


def stamped(envelope: bytes, key: SigningKey, at: int) -> bytes:
    said = decode_envelope(envelope)
    time = format_time(at)
    sig = key.sign(time_message(pae(PAYLOAD_TYPE, said.payload), time))
    return encode_envelope(
        Envelope(said.payload, PAYLOAD_TYPE, (*said.signatures, Signature(key.public_key.keyid, sig, time=time)))
    )


def timed_by_no_time_source(w: World) -> list[bytes]:
    return [stamped(w.consent("ben"), key_of("anna"), w.now)]


RECORDED = [
    a_key_added_for_another, a_key_added_by_the_operator, a_key_added_by_itself, a_key_that_nobody_was_shown_to_have,
    enrolled_again_with_another_key, a_key_retired_by_another, enrolled_by_a_person, a_log_key_by_an_organisation,
    an_organisation_erased, forged_beside_the_name_of_somebody_erased, a_comment_in_an_envelope,
    a_comment_in_a_signature, two_signatures_by_one_key, a_statement_with_null, a_statement_too_long,
    timed_by_no_time_source,
]  # fmt: skip


@pytest.mark.parametrize("say", RECORDED, ids=lambda say: say.__name__)
def test_what_an_operator_slipped_in_is_found_by_both_where_it_is(
    small: Small, second: Second, say: Callable[[World], list[bytes]]
) -> None:
    record(small, *say(small.world))
    found = second.bundle(small.bundle, VKEY)
    assert (audit(small).first_bad, found.first_bad) == (small.size, small.size)


@pytest.mark.parametrize(("hours", "first_bad"), [(-1, None), (1, 2)])
def test_a_time_source_vouches_to_both_that_a_key_was_used_before_it_was_compromised(
    small: Small, second: Second, hours: int, first_bad: int | None
) -> None:
    w = small.world
    ben, since = key_of("ben").public_key.keyid, whole_second(w.now)
    record(
        small,
        w.enrolment("clock", kind="time_source"),
        w.say(issuer_of("ben"), st.Key, party=party_of("ben"), action="compromised", keyid=ben, since=since),
        stamped(w.consent("ben"), key_of("clock"), w.now + hours * HOUR),
    )
    place = None if first_bad is None else small.size + first_bad
    assert (audit(small).first_bad, second.bundle(small.bundle, VKEY).first_bad) == (place, place)


# What a sender does ---------------------------------------------------------------------------------------------------


def test_a_senders_own_key_beside_the_logs_vouches_for_nothing(small: Small, second: Second) -> None:
    """A log made up as a whole, with nothing shown that could contradict it, under a key that `keys.txt` adds."""
    rewrite(small.bundle, [Leaf(n * SECOND, bytes([n]) * 32, Withheld()) for n in range(20)], EVIL)
    (small.bundle / "keys.txt").write_text(f"{VKEY}\n{vkey_text(ORIGIN, EVIL.public_key)}\n")
    (small.bundle / "scope.json").write_text('{"format":"consent-ledger/bundle/v1","openings":"withheld"}')
    assert [(f.entry, f.code) for f in audit(small).findings] == [(None, "checkpoint_invalid")]
    assert second.bundle(small.bundle, VKEY).findings


def test_what_was_erased_has_erased_nothing(small: Small, second: Second) -> None:
    """A grant said to be erased by an entry that is itself erased, which nobody can look into."""
    leaves = leaves_of(small.bundle, small.size)
    leaves[small.grant] = leaves[small.grant]._replace(shown=Erased(small.grant + 1))
    rewrite(small.bundle, leaves, LOG_KEY)
    assert (audit(small).first_bad, second.bundle(small.bundle, VKEY).first_bad) == (small.grant, small.grant)


def said(report: Report, found: Found, words: str) -> bool:
    """Whether both say that they did not look at something."""
    return all(any(words in sentence for sentence in each) for each in (report.not_checked, found.not_checked))


def test_what_is_not_looked_at_is_said_by_both(small: Small, second: Second) -> None:
    (small.bundle / wording_file(TEXT)).unlink()
    (small.bundle / "CHECKPOINT").write_text("in capitals")
    report, found = audit(small), second.bundle(small.bundle, VKEY)
    assert report.verified
    assert found.findings == []
    assert said(report, found, wording_file(TEXT))
    assert said(report, found, "CHECKPOINT")


def test_decisions_that_no_scope_explains_are_not_said_to_be_absent(small: Small) -> None:
    (small.bundle / "scope.json").unlink()
    assert any("`decisions.ndjson`, of which" in sentence for sentence in audit(small).not_checked)


def test_decisions_of_a_size_that_the_log_never_had_are_found(small: Small) -> None:
    scope = msgspec.json.decode((small.bundle / "scope.json").read_bytes())
    scope["sample"]["size"] += 1
    (small.bundle / "scope.json").write_bytes(canonical(scope))
    assert [finding.code for finding in audit(small).findings] == ["sample_malformed"]


def test_a_template_that_is_a_link_is_refused_by_both(small: Small, second: Second) -> None:
    path = small.bundle / wording_file(TEXT)
    path.rename(small.bundle.parent / "elsewhere")
    path.symlink_to(small.bundle.parent / "elsewhere")
    assert audit(small).first_bad == second.bundle(small.bundle, VKEY).first_bad == 2


def test_a_checkpoint_that_is_a_folder_is_a_finding(small: Small) -> None:
    (small.bundle / "checkpoint").unlink()
    (small.bundle / "checkpoint").mkdir()
    assert not audit(small).verified


def test_a_tar_with_more_than_plain_headers_is_found_by_both(small: Small, second: Second) -> None:
    """A header of the other kinds could say another name or length than the one that is looked at."""
    place = small.bundle.parent / "bundle.tar"
    with tarfile.open(place, "w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "more"}) as tar:
        tar.add(small.bundle, ".")
    assert not verify_bundle(place, vkey=VKEY).verified
    assert second.bundle(place, VKEY).findings


def test_names_and_nesting_cannot_make_the_second_verifier_say_what_is_not_so(small: Small) -> None:
    (small.bundle / "x\nverified: everything\x1b[2J").touch()
    (small.bundle / "openings.ndjson").unlink()
    (small.bundle.parent / "deep.json").write_text('{"a":' + "[" * 100_000)
    for place in (small.bundle, small.bundle.parent / "deep.json"):
        ran = subprocess.run(
            [sys.executable, "-I", FILE, place, "--vkey", VKEY], capture_output=True, text=True, check=False
        )
        assert (ran.returncode, ran.stderr) == (5, "")
        assert not any(line.startswith("verified") for line in ran.stdout.splitlines())
        assert "\x1b" not in ran.stdout


def test_an_opening_that_is_no_longer_erased_is_told(small: Small) -> None:
    leaves = leaves_of(small.bundle, small.size)
    shown = Opening(bytes(range(32)), small.world.withdrawal("edna"))
    leaves[small.grant + 1] = Leaf.of(leaves[small.grant].recorded_at, shown.envelope)
    rewrite(small.bundle, leaves, LOG_KEY)
    assert any("why 1 openings are here" in sentence for sentence in audit(small).not_checked)
