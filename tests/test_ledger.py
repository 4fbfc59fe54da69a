"""The one door: what `register` promises to everybody who comes through it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from consent_ledger.audit.checkpoint import open_checkpoint
from consent_ledger.audit.entry import decode_entry
from consent_ledger.audit.receipt import verify_receipt
from consent_ledger.errors import (
    ConflictError,
    ForbiddenError,
    LedgerError,
    MalformedError,
    NotFoundError,
    RefusedError,
    UnavailableError,
    VerificationError,
)
from consent_ledger.issuing import Issuer, key_material, whole_second
from consent_ledger.ledger import Ledger, Outcome, Receipt
from consent_ledger.licenses import statements as st
from consent_ledger.signing.envelope import Envelope, Signature, decode_envelope, encode_envelope, sign_envelope
from consent_ledger.signing.instants import SECOND
from consent_ledger.store.engine import open_store
from consent_ledger.store.log import read_head
from tests.stores import new_store
from tests.world import (
    DAY,
    HOUR,
    INTERNAL,
    LOG_KEY,
    OFFER,
    OPEN,
    ORIGIN,
    World,
    codes,
    hash_of,
    index_is_right,
    issuer_of,
    key_of,
    party_of,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        yield World(store)


def receipt(outcome: Outcome) -> Receipt:
    assert isinstance(outcome, Receipt), outcome
    return outcome


def code(outcome: Outcome) -> str:
    assert isinstance(outcome, LedgerError), outcome
    return outcome.code


def spoilt(envelope: bytes) -> bytes:
    """One bit of the signature is another."""
    signed = decode_envelope(envelope)
    first = signed.signatures[0]
    bad = Signature(first.keyid, first.sig[:-1] + bytes([first.sig[-1] ^ 1]))
    return encode_envelope(Envelope(signed.payload, signed.payload_type, (bad,)))


# Receipts ---------------------------------------------------------------------------------------------------------


def test_registering_returns_a_receipt_that_proves_itself_offline(world: World) -> None:
    world.enrol("ada")
    recorded = world.grant("ada")
    entry, checkpoint = verify_receipt(world.ledger.prove(recorded), recorded.entry_bytes, [world.ledger.verifier])
    assert (entry.index, checkpoint.size) == (recorded.entry, recorded.entry + 1)
    assert decode_entry(recorded.entry_bytes) == entry
    assert (recorded.recorded_at, recorded.is_new) == (world.now, True)


def test_the_id_of_a_statement_is_the_digest_of_its_payload(world: World) -> None:
    world.enrol("ada")
    envelope = world.consent("ada")
    assert world.ledger.register(envelope).id == st.statement_id(decode_envelope(envelope).payload)


def test_a_batch_shares_one_checkpoint_that_covers_all_of_it(world: World) -> None:
    before = world.size
    receipts = [receipt(o) for o in world.ledger.register_all(world.enrolment(f"p{n}") for n in range(20))]
    assert [r.entry for r in receipts] == list(range(before, before + 20))
    (checkpoint,) = {r.checkpoint for r in receipts}
    assert open_checkpoint(checkpoint, [world.ledger.verifier]).size == before + 20
    for r in receipts:
        verify_receipt(world.ledger.prove(r), r.entry_bytes, [world.ledger.verifier])


def test_a_receipt_can_be_fetched_again(world: World) -> None:
    world.enrol("ada")
    recorded = world.grant("ada")
    world.enrol("ben")
    assert world.ledger.find(recorded.id) == recorded._replace(is_new=False)
    with pytest.raises(NotFoundError) as missing:
        world.ledger.find("sha256:" + "0" * 64)
    assert missing.value.code == "statement_unknown"


def test_many_are_recorded_in_the_order_they_came(world: World) -> None:
    names = [f"p{n}" for n in range(2500)]  # more than two transactions
    receipts = [receipt(o) for o in world.ledger.register_all(world.enrolment(n) for n in names)]
    assert [r.entry for r in receipts] == list(range(receipts[0].entry, receipts[0].entry + 2500))
    assert world.findings() == []


def test_nothing_to_record_is_no_transaction(world: World) -> None:
    size = world.size
    assert world.ledger.register_all([]) == []
    assert world.size == size


# The same again ---------------------------------------------------------------------------------------------------


def test_the_same_statement_again_gets_the_first_receipt_and_makes_no_entry(world: World) -> None:
    world.enrol("ada")
    envelope = world.consent("ada")
    first = world.ledger.register(envelope)
    size = world.size
    world.wait(DAY)
    assert world.ledger.register(envelope) == first._replace(is_new=False)
    assert world.size == size


def test_the_same_statement_twice_in_a_batch_is_one_entry(world: World) -> None:
    world.enrol("ada")
    envelope = world.consent("ada")
    first, second = (receipt(o) for o in world.ledger.register_all([envelope, envelope]))
    assert (first.is_new, second.is_new) == (True, False)
    assert first == second._replace(is_new=True)


def test_a_retry_in_a_larger_batch_is_answered_among_new_ones(world: World) -> None:
    world.enrol("ada")
    envelope = world.consent("ada")
    first = world.ledger.register(envelope)
    again, new = (receipt(o) for o in world.ledger.register_all([envelope, world.enrolment("ben")]))
    assert again == first._replace(is_new=False)
    assert new.entry == first.entry + 1


def test_the_same_statement_under_another_spelling_of_the_envelope_is_the_same_statement(world: World) -> None:
    world.enrol("ada")
    envelope = world.consent("ada")
    first = world.ledger.register(envelope)
    assert world.ledger.register(b" " + envelope + b"\n") == first._replace(is_new=False)


def test_the_same_statement_signed_by_a_stranger_too_is_not_waved_through(world: World) -> None:
    world.enrol("ada")
    payload = decode_envelope(world.consent("ada")).payload
    world.ledger.register(sign_envelope(payload, key_of("ada")))
    with pytest.raises(VerificationError):
        world.ledger.register(sign_envelope(payload, key_of("nobody")))


def test_a_retry_after_the_grant_could_no_longer_be_recorded_still_gets_its_receipt(world: World) -> None:
    """The client whose reply was lost must not be told anything else than the one whose was not."""
    world.enrol("kim", age="minor", majority="2026-03-01")
    world.enrol("mum")
    world.film("clip", ["mum"], ["kim"])
    envelope = world.consent("mum", capacities=["guardian"], ward=party_of("kim"))
    first = world.ledger.register(envelope)
    world.wait(90 * DAY)
    assert world.ledger.register(envelope) == first._replace(is_new=False)


# Refusals ---------------------------------------------------------------------------------------------------------


def test_a_statement_that_fails_fails_alone(world: World) -> None:
    world.enrol("ada")
    good = [world.enrolment(f"p{n}") for n in range(4)]
    batch = [
        good[0],
        b"not an envelope",
        good[1],
        spoilt(world.consent("ada")),
        good[2],
        world.consent("ada", starts=whole_second(world.now), ends=whole_second(world.now)),
        good[3],
    ]
    outcomes = world.ledger.register_all(batch)
    assert [isinstance(o, Receipt) for o in outcomes] == [True, False, True, False, True, False, True]
    entries = [o.entry for o in outcomes if isinstance(o, Receipt)]
    assert entries == list(range(entries[0], entries[0] + 4))
    assert [type(o) for o in outcomes if isinstance(o, LedgerError)] == [
        MalformedError,
        VerificationError,
        RefusedError,
    ]
    assert world.findings() == []


def test_another_partys_key_may_not_grant(world: World) -> None:
    world.people("ada", "mallory")
    forged = Issuer(ORIGIN, party_of("ada"), key_of("mallory"))
    draft = st.parse_statement(decode_envelope(world.consent("ada")).payload)
    with pytest.raises(ForbiddenError) as refused:
        world.ledger.register(sign_envelope(st.encode_statement(draft), forged.key))
    assert refused.value.code == "signer_must_be_grantor"


def test_a_key_that_nobody_enrolled_signs_nothing(world: World) -> None:
    world.enrol("ada")
    draft = decode_envelope(world.consent("ada")).payload
    with pytest.raises(VerificationError) as refused:
        world.ledger.register(sign_envelope(draft, key_of("nobody")))
    assert refused.value.code == "key_unknown"


def test_an_altered_payload_is_refused(world: World) -> None:
    world.enrol("ada")
    envelope = decode_envelope(world.consent("ada", choices={"release": False}))
    altered = envelope.payload.replace(b'"release":false', b'"release":true')
    assert altered != envelope.payload
    with pytest.raises(VerificationError) as refused:
        world.ledger.register(encode_envelope(Envelope(altered, envelope.payload_type, envelope.signatures)))
    assert refused.value.code == "signature_invalid"


def test_a_statement_for_another_ledger_is_refused(world: World) -> None:
    world.enrol("ada")
    elsewhere = issuer_of("ada", origin="ledger.example/other")
    with pytest.raises(RefusedError) as refused:
        world.register(elsewhere, st.Revocation, party=party_of("ada"), channel="key")
    assert refused.value.code == "wrong_ledger"


@pytest.mark.parametrize(
    ("spoil", "wanted"),
    [
        (lambda raw: raw.replace(b'"choices"', b'"choices":{},"choices"', 1), "not_canonical"),
        (lambda raw: raw.replace(b'"language":"en"', b'"language": "en"'), "not_canonical"),
        (lambda raw: raw.replace(b'"explicit":true', b'"explicit":1.0', 1), "malformed"),
        (lambda raw: raw.replace(b'"language":"en"', b'"language":null'), "malformed"),
        (lambda raw: raw.replace(b'"type":"grant"', b'"type":"gift"'), "malformed"),
        (lambda raw: raw[:-1] + b',"zeal":1}', "malformed"),
        (lambda raw: raw[:-1] + b',"zeal":"' + b"z" * (48 * 1024) + b'"}', "too_large"),
    ],
)  # fmt: skip
def test_a_payload_in_another_form_is_refused(world: World, spoil: Callable[[bytes], bytes], wanted: str) -> None:
    world.enrol("ada")
    payload = spoil(decode_envelope(world.consent("ada", choices={"faces": True})).payload)
    with pytest.raises(MalformedError) as refused:
        world.ledger.register(sign_envelope(payload, key_of("ada")))
    assert refused.value.code == wanted


def test_a_megabyte_is_refused_before_it_is_read(world: World) -> None:
    with pytest.raises(MalformedError) as refused:
        world.ledger.register(b"[" * 1_000_000)
    assert refused.value.code == "too_large"


# Batches that rest on themselves ----------------------------------------------------------------------------------


def test_a_statement_may_rest_on_one_before_it_in_the_batch(world: World) -> None:
    crop = st.Derivation(asset=hash_of("clip"), transform="crop")
    envelopes = [
        world.enrolment("ada"),
        world.submission(world.medium("clip", ["ada"], ["ada"])),
        world.consent("ada", assets=[hash_of("clip")]),
        world.submission(world.medium("crop", [], derived_from=[crop])),
        world.withdrawal("ada", assets=[hash_of("clip")]),
    ]  # fmt: skip
    assert all(isinstance(o, Receipt) for o in world.ledger.register_all(envelopes))
    assert codes(world.ask(hash_of("crop"))) == {"revoked"}
    assert world.findings() == []


def test_out_of_order_what_comes_too_early_is_refused_and_the_rest_stays(world: World) -> None:
    envelopes = [world.consent("ada"), world.enrolment("ada")]
    early, enrolled = world.ledger.register_all(envelopes)
    assert code(early) == "party_unknown"
    assert isinstance(enrolled, Receipt)
    assert world.ledger.register(envelopes[0]).is_new


def test_what_rests_on_a_refused_statement_is_refused_too(world: World) -> None:
    world.enrol("ada")
    cycle = world.submission(
        world.medium("clip", ["ada"], derived_from=[st.Derivation(asset=hash_of("clip"), transform="crop")])
    )
    outcomes = world.ledger.register_all([world.enrolment("ada"), cycle, world.enrolment("ben")])
    assert [code(o) for o in outcomes[:2]] == ["party_exists", "derivation_cycle"]
    assert isinstance(outcomes[2], Receipt)


def test_a_key_enrolled_in_a_refused_statement_is_nobodys(world: World) -> None:
    """Reading a key out of a statement is not enrolling it."""
    issuer = Issuer(ORIGIN, party_of("ada"), key_of("ada"))
    with pytest.raises(ForbiddenError):
        world.register(issuer_of("studio"), st.Party, party=party_of("org"), kind="organisation",
                       key=st.parse_statement(decode_envelope(world.enrolment("ada")).payload).key)  # fmt: skip
    with pytest.raises(RefusedError) as refused:
        world.ledger.register(world.say(issuer, st.Revocation, party=party_of("ada"), channel="key"))
    assert refused.value.code == "party_unknown"


# The clock --------------------------------------------------------------------------------------------------------


def test_a_cosignature_by_a_key_from_a_refused_statement_is_refused(world: World) -> None:
    world.enrol("ada")
    stranger = key_of("stranger")
    key = key_material(stranger.public_key)
    refused = world.say(issuer_of("ada"), st.Party, party=party_of("eve"), kind="person", age="adult", key=key)
    cosigned = sign_envelope(decode_envelope(world.withdrawal("ada")).payload, key_of("ada"), stranger)
    first, second = world.ledger.register_all([refused, cosigned])
    assert isinstance(first, ForbiddenError)
    assert isinstance(second, ForbiddenError)
    assert second.code == "key_unknown"


def test_a_clock_that_jumps_back_never_takes_the_log_with_it(world: World) -> None:
    world.enrol("ada")
    clip = world.film("clip", ["ada"], ["ada"])
    world.grant("ada")
    world.wait(DAY)
    withdrawn = world.revoke("ada")
    world.wait(-2 * DAY)
    later = world.enrol("ben")
    assert world.ledger.find(world.ledger.register(world.enrolment("cas")).id).recorded_at == withdrawn.recorded_at
    assert later.party == party_of("ben")
    assert codes(world.ask(clip)) == {"revoked"}
    assert world.findings() == []


def test_entries_have_whole_seconds(world: World) -> None:
    world.wait(999_999)
    world.enrol("ada")
    assert world.grant("ada").recorded_at == world.now // SECOND * SECOND


def test_a_withdrawal_acts_from_its_entry_and_not_a_second_earlier(world: World) -> None:
    world.enrol("ada")
    clip = world.film("clip", ["ada"], ["ada"])
    world.grant("ada", choices={"release": True})
    world.wait(HOUR)
    withdrawn = world.revoke("ada", uses=st.Prohibition(min_audience="open"))
    assert world.verdict(clip, INTERNAL) == "allow"
    assert codes(world.ask(clip, OPEN)) == {"revoked"}
    assert world.verdict(clip, OPEN, as_of=withdrawn.recorded_at - SECOND) == "allow"
    assert world.verdict(clip, OPEN, as_of=withdrawn.recorded_at, size=withdrawn.entry) == "allow"
    assert world.verdict(clip, OPEN, known_at=withdrawn.recorded_at - 1) == "allow"


# Opening and creating ---------------------------------------------------------------------------------------------


def test_a_second_genesis_is_refused(world: World) -> None:
    with pytest.raises(ConflictError) as refused:
        Ledger.create(world.store, world.genesis(), key_of("operator"), LOG_KEY, clock=world.clock)
    assert refused.value.code == "genesis_exists"


def test_another_log_key_does_not_open_the_ledger(world: World) -> None:
    with pytest.raises(VerificationError) as refused:
        Ledger.open(world.store, key_of("operator"), clock=world.clock)
    assert refused.value.code == "wrong_log_key"


def test_a_store_without_a_genesis_is_no_ledger(tmp_path: Path) -> None:
    with new_store(f"sqlite:///{tmp_path}/empty.db") as store, pytest.raises(NotFoundError) as missing:
        Ledger.open(store, LOG_KEY)
    assert missing.value.code == "ledger_missing"


def test_a_reopened_ledger_goes_on_where_it_stopped(world: World) -> None:
    world.enrol("ada")
    clip = world.film("clip", ["ada"], ["ada"])
    envelope = world.consent("ada")
    first = world.ledger.register(envelope)
    world.reopen()
    assert world.ledger.register(envelope) == first._replace(is_new=False)
    world.wait()
    assert world.revoke("ada").entry == first.entry + 1
    assert world.verdict(clip) == "deny"
    assert world.findings() == []


def test_a_ledger_opened_for_reading_records_nothing(world: World, tmp_path: Path) -> None:
    envelope = world.enrolment("ada")
    with open_store(f"sqlite:///{tmp_path}/ledger.db", read_only=True) as store:
        ledger = Ledger.open(store, LOG_KEY, clock=world.clock)
        with pytest.raises(UnavailableError) as refused:
            ledger.register(envelope)
    assert refused.value.code == "read_only"
    assert world.ledger.register(envelope).is_new


def test_the_index_is_what_the_log_makes_of_it(world: World) -> None:
    world.people("ada", "ben")
    world.film("clip", ["ada"], ["ada", "ben"])
    given = world.grant("ben", document=OFFER, assets=[hash_of("clip")], capacities=["subject"])
    world.register(issuer_of("ben"), st.Suspension, action="suspended", grants=[given.id])
    world.register(world.operator, st.Dispute, assets=[hash_of("clip")], status="open")
    assert index_is_right(world.store)


# Callers at once --------------------------------------------------------------------------------------------------


def test_threads_that_come_at_once_share_commits(world: World, tmp_path: Path) -> None:
    commits: list[str] = []
    with open_store(f"sqlite:///{tmp_path}/ledger.db", step=commits.append) as store:
        ledger = Ledger.open(store, LOG_KEY, clock=world.clock)
        envelopes = [[world.enrolment(f"t{t}n{n}") for n in range(10)] for t in range(8)]
        receipts: list[list[Receipt]] = [[] for _ in envelopes]
        start = threading.Barrier(len(envelopes))
        commits.clear()

        def register(t: int) -> None:
            start.wait()
            receipts[t] = [ledger.register(envelope) for envelope in envelopes[t]]

        threads = [threading.Thread(target=register, args=(t,)) for t in range(len(envelopes))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(r.entry for rs in receipts for r in rs) == list(range(world.size - 80, world.size))
        assert commits.count("committed") < 80
        for rs in receipts:
            assert [r.entry for r in rs] == sorted(r.entry for r in rs)
            for r in rs:
                verify_receipt(ledger.prove(r), r.entry_bytes, [ledger.verifier])
    assert world.findings() == []


def test_threads_that_send_the_same_statement_get_the_same_receipt(world: World) -> None:
    envelope = world.enrolment("ada")
    receipts: list[Receipt] = []
    threads = [threading.Thread(target=lambda: receipts.append(world.ledger.register(envelope))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({r._replace(is_new=False) for r in receipts}) == 1
    assert sum(r.is_new for r in receipts) == 1


def test_a_thread_whose_statement_is_refused_does_not_disturb_the_others(world: World) -> None:
    envelopes = [world.enrolment("ada")] + [world.enrolment(f"p{n}") for n in range(6)]
    world.ledger.register(envelopes[0])
    envelopes[0] = world.enrolment("ada")  # says it anew: refused
    outcomes: dict[int, Outcome] = {}
    threads = [
        threading.Thread(target=lambda n=n: outcomes.update({n: world.ledger.register_all([envelopes[n]])[0]}))
        for n in range(7)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert code(outcomes.pop(0)) == "party_exists"
    assert all(isinstance(o, Receipt) for o in outcomes.values())
    with world.store.read() as tx:
        assert read_head(tx).size == world.size
