"""All that somebody could do to the evidence, by what she holds, and that it is found at the right entry (S13)."""

import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from consent_ledger.audit.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from consent_ledger.audit.entry import NO_PREVIOUS, encode_entry
from consent_ledger.audit.replay import Erased, Opening, Withheld
from consent_ledger.audit.tiles import FULL_WIDTH, encode_bundle
from consent_ledger.audit.tree import Frontier, leaf_hash
from consent_ledger.evidence.bundle import write_bundle
from consent_ledger.issuing import template_ref
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.terms import TemplateDocument
from consent_ledger.signing.envelope import (
    Envelope,
    Signature,
    decode_envelope,
    encode_envelope,
    pae,
    sign_envelope,
)
from consent_ledger.signing.instants import SECOND
from consent_ledger.signing.note import NoteVerifier, vkey_text
from consent_ledger.verification import verify_bundle
from consent_ledger.verification.layout import encode_opening, wording_file
from tests.evidence import forgery
from tests.evidence.forgery import Leaf, edit_line, entry_bundle, flip, leaves_of, lines_of, rewrite
from tests.evidence.second import Second
from tests.stores import new_store
from tests.verification.tampering import WORDING, Evidence, assert_both_name_it, audit, cheat
from tests.world import LOG_KEY, OFFER, ORIGIN, TEXT, VKEY, World, issuer_of, key_of, party_of


def test_the_honest_bundle_verifies(evidence: Evidence) -> None:
    report = audit(evidence)
    assert report.findings == ()
    assert report.counts.entries == evidence.size
    assert report.counts.opened == evidence.size - 1
    assert report.counts.signatures == evidence.size  # the erased one had one, the added key two
    assert report.counts.decisions == 20
    assert report.counts.templates == 2
    assert report.first_bad is None


# What anybody can do who passes the bundle on ------------------------------------------------------------------------

Deed = Callable[[Evidence], int | None]
"""Does it; returns the entry that must be named, None where all that can be said is that nothing vouches for any."""


def one_byte_of_an_opening_is_changed(e: Evidence) -> int:
    line = lines_of(e.bundle)[100]
    edit_line(e.bundle, 100, line[:60] + bytes([line[60] ^ 1 or 65]) + line[61:])
    return 100


def the_last_bits_of_base64_are_changed(e: Evidence) -> int:
    """Bits that do not count: another byte, the same opening."""
    for n, line in enumerate(lines_of(e.bundle)):
        end = line.index(b'","index"')
        if line[end - 1 : end] == b"=" and n > 5:
            spare = bytearray(line)
            at = end - (2 if line[end - 2 : end - 1] != b"=" else 3)
            spare[at] += 1
            edit_line(e.bundle, n, bytes(spare))
            return n
    raise AssertionError("no line with padding")


def a_salt_is_changed(e: Evidence) -> int:
    leaf = leaves_of(e.bundle, e.size)[7].shown
    assert isinstance(leaf, Opening)
    edit_line(e.bundle, 7, encode_opening(7, Opening(bytes(32), leaf.envelope)))
    return 7


def white_space_is_added(e: Evidence) -> int:
    edit_line(e.bundle, 40, lines_of(e.bundle)[40].replace(b",", b", ", 1))
    return 40


def a_field_is_added(e: Evidence) -> int:
    edit_line(e.bundle, 40, lines_of(e.bundle)[40].replace(b'"index"', b'"hint":1,"index"'))
    return 40


def a_line_is_cut_short(e: Evidence) -> int:
    edit_line(e.bundle, 40, lines_of(e.bundle)[40][:80] + b"\n")
    return 40


def an_opening_is_removed(e: Evidence) -> int:
    edit_line(e.bundle, e.at["revocation"], None)
    return e.at["revocation"]


def the_last_openings_are_cut_off(e: Evidence) -> int:
    path = e.bundle / "openings.ndjson"
    path.write_bytes(b"".join(lines_of(e.bundle)[:-3]))
    return e.size - 3


def two_openings_are_swapped(e: Evidence) -> int:
    lines = lines_of(e.bundle)
    edit_line(e.bundle, 20, lines[21])
    edit_line(e.bundle, 21, lines[20])
    return 20


def two_openings_are_swapped_with_their_numbers(e: Evidence) -> int:
    shown = [leaf.shown for leaf in leaves_of(e.bundle, e.size)]
    edit_line(e.bundle, 20, encode_opening(20, shown[21] or Withheld()))
    edit_line(e.bundle, 21, encode_opening(21, shown[20] or Withheld()))
    return 20


def an_opening_is_there_twice(e: Evidence) -> int:
    edit_line(e.bundle, 30, lines_of(e.bundle)[30] * 2)
    return 30


def a_line_for_an_entry_that_is_not_there(e: Evidence) -> int:
    with (e.bundle / "openings.ndjson").open("ab") as file:
        file.write(encode_opening(e.size, Withheld()))
    return e.size


def the_revocation_is_withheld(e: Evidence) -> int:
    edit_line(e.bundle, e.at["revocation"], encode_opening(e.at["revocation"], Withheld()))
    return e.at["revocation"]


def the_revocation_is_called_erased(e: Evidence) -> int:
    edit_line(e.bundle, e.at["revocation"], encode_opening(e.at["revocation"], Erased(e.at["erasure"])))
    return e.at["revocation"]


def the_revocation_is_erased_by_the_future(e: Evidence) -> int:
    edit_line(e.bundle, e.at["revocation"], encode_opening(e.at["revocation"], Erased(e.size + 5)))
    return e.at["revocation"]


def the_revocation_is_erased_by_the_past(e: Evidence) -> int:
    edit_line(e.bundle, e.at["revocation"], encode_opening(e.at["revocation"], Erased(3)))
    return e.at["revocation"]


def the_erasure_is_called_erased(e: Evidence) -> int:
    edit_line(e.bundle, e.at["erasure"], encode_opening(e.at["erasure"], Erased(e.size - 1)))
    return e.at["erasure"]


def an_entry_is_deleted(e: Evidence) -> int:
    entries = forgery.read_entries(e.bundle, e.size)[:FULL_WIDTH]
    entry_bundle(e.bundle, 0, e.size).write_bytes(encode_bundle(entries[:50] + entries[51:]))
    return 50


def two_entries_are_swapped(e: Evidence) -> int:
    entries = forgery.read_entries(e.bundle, e.size)[:FULL_WIDTH]
    entries[50], entries[51] = entries[51], entries[50]
    entry_bundle(e.bundle, 0, e.size).write_bytes(encode_bundle(entries))
    return 50


def one_byte_of_an_entry_is_changed(e: Evidence) -> int:
    first = entry_bundle(e.bundle, 1, e.size).read_bytes()
    flip(entry_bundle(e.bundle, 1, e.size), first.index(b'"commitment":"', 100) + 20)
    return FULL_WIDTH + 1


def an_entry_bundle_is_padded(e: Evidence) -> int:
    with entry_bundle(e.bundle, 0, e.size).open("ab") as file:
        file.write(b"\0\2{}")
    return FULL_WIDTH - 1


def an_entry_is_inserted(e: Evidence) -> int:
    entries = forgery.read_entries(e.bundle, e.size)[:FULL_WIDTH]
    entry_bundle(e.bundle, 0, e.size).write_bytes(encode_bundle([*entries[:9], entries[3], *entries[9:]]))
    return 9


def an_entry_bundle_ends_early(e: Evidence) -> int:
    path = entry_bundle(e.bundle, 0, e.size)
    path.write_bytes(path.read_bytes()[:-10])
    return FULL_WIDTH - 1


def an_entry_bundle_is_gone(e: Evidence) -> int:
    entry_bundle(e.bundle, 1, e.size).unlink()
    return FULL_WIDTH


def a_tile_is_altered(e: Evidence) -> int:
    flip(e.bundle / "tile/0/000", 32 * 77)
    return 77


def a_tile_above_is_altered(e: Evidence) -> int:
    flip(e.bundle / "tile/1/000.p/1", 5)
    return 0


def a_tile_is_gone(e: Evidence) -> int:
    (e.bundle / "tile/0/000").unlink()
    return 0


def a_tile_is_too_long(e: Evidence) -> int:
    with (e.bundle / f"tile/0/001.p/{e.size - FULL_WIDTH}").open("ab") as file:
        file.write(bytes(32))
    return FULL_WIDTH


def a_template_text_is_changed(e: Evidence) -> int:
    flip(e.bundle / wording_file(TEXT), 10)
    return e.at["template"]


def a_template_document_is_changed(e: Evidence) -> int:
    digest = template_ref(OFFER).digest.removeprefix("sha256:")
    flip(e.bundle / f"templates/{digest}.json", 10)
    return e.at["template"]


def a_decision_is_changed(e: Evidence) -> None:
    path = e.bundle / "decisions.ndjson"
    path.write_bytes(path.read_bytes().replace(b'"deny"', b'"allow"', 1))


def a_decision_is_removed(e: Evidence) -> None:
    path = e.bundle / "decisions.ndjson"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))


def the_checkpoint_is_altered(e: Evidence) -> None:
    flip(e.bundle / "checkpoint", len(ORIGIN) + 10)


def the_checkpoint_signature_is_altered(e: Evidence) -> None:
    flip(e.bundle / "checkpoint", -10)


def the_checkpoint_is_unsigned(e: Evidence) -> None:
    path = e.bundle / "checkpoint"
    path.write_bytes(path.read_bytes().partition(b"\n\n")[0] + b"\n")


def the_keys_are_altered(e: Evidence) -> None:
    flip(e.bundle / "keys.txt", -8)


def the_policy_is_altered(e: Evidence) -> None:
    (e.bundle / "policy.txt").write_text("log somebody+else\nquorum none\n")


def the_openings_are_gone(e: Evidence) -> int:
    (e.bundle / "openings.ndjson").unlink()
    return 0


def the_tiles_are_gone(e: Evidence) -> int:
    shutil.rmtree(e.bundle / "tile")
    return 0


def the_checkpoint_claims_more_than_there_can_be(e: Evidence) -> int:
    root = open_checkpoint((e.bundle / "checkpoint").read_bytes(), [NoteVerifier.from_vkey(VKEY)]).root
    (e.bundle / "checkpoint").write_bytes(sign_checkpoint(Checkpoint(ORIGIN, 2**62, root), LOG_KEY))
    return FULL_WIDTH  # the last partial tiles are not where a larger log has them


PASSING_ON: list[Deed] = [
    the_openings_are_gone, the_tiles_are_gone, the_checkpoint_claims_more_than_there_can_be,
    one_byte_of_an_opening_is_changed, the_last_bits_of_base64_are_changed, a_salt_is_changed, white_space_is_added,
    a_field_is_added, a_line_is_cut_short, an_opening_is_removed, the_last_openings_are_cut_off,
    two_openings_are_swapped, two_openings_are_swapped_with_their_numbers, an_opening_is_there_twice,
    a_line_for_an_entry_that_is_not_there, the_revocation_is_withheld, the_revocation_is_called_erased,
    the_revocation_is_erased_by_the_future, the_revocation_is_erased_by_the_past, the_erasure_is_called_erased,
    an_entry_is_deleted, two_entries_are_swapped, one_byte_of_an_entry_is_changed, an_entry_bundle_is_padded,
    an_entry_is_inserted, an_entry_bundle_ends_early, an_entry_bundle_is_gone, a_tile_is_altered,
    a_tile_above_is_altered, a_tile_is_gone, a_tile_is_too_long, a_template_text_is_changed,
    a_template_document_is_changed, a_decision_is_changed, a_decision_is_removed, the_checkpoint_is_altered,
    the_checkpoint_signature_is_altered, the_checkpoint_is_unsigned, the_keys_are_altered, the_policy_is_altered,
]  # fmt: skip


BEYOND_THE_SECOND = {a_decision_is_changed, a_decision_is_removed}
"""What the one-file verifier says that it does not check."""


@pytest.mark.parametrize("deed", PASSING_ON, ids=lambda deed: deed.__name__)
def test_what_is_done_on_the_way_is_found_and_named_by_both(forged: Evidence, second: Second, deed: Deed) -> None:
    entry = deed(forged)
    report = audit(forged)
    assert not report.verified
    if entry is not None:
        assert report.first_bad == entry
    if deed not in BEYOND_THE_SECOND:
        assert_both_name_it(forged, second, report)


# What a stranger can do who makes all the arithmetic agree ------------------------------------------------------------


@pytest.mark.parametrize("place", [1, 50, 255, 256, 264])
def test_an_entry_left_out_of_a_rewritten_chain_breaks_the_signed_root(forged: Evidence, place: int) -> None:
    leaves = leaves_of(forged.bundle, forged.size)
    rewrite(forged.bundle, leaves[:place] + leaves[place + 1 :], None)
    report = audit(forged)
    assert not report.verified


def test_a_statement_changed_in_a_rewritten_chain_has_no_good_signature(forged: Evidence) -> None:
    leaves = leaves_of(forged.bundle, forged.size)
    place = forged.at["revocation"]
    shown = leaves[place].shown
    assert isinstance(shown, Opening)
    envelope = decode_envelope(shown.envelope)
    payload = envelope.payload.replace(b'"channel":"key"', b'"channel":"kea"')
    leaves[place] = Leaf.of(
        leaves[place].recorded_at, encode_envelope(Envelope(payload, envelope.payload_type, envelope.signatures))
    )
    rewrite(forged.bundle, leaves, None)
    report = audit(forged)
    assert report.first_bad == place
    assert {f.code for f in report.findings if f.entry == place} == {"signature_invalid"}


def test_another_log_key_is_not_the_log(forged: Evidence) -> None:
    rewrite(forged.bundle, leaves_of(forged.bundle, forged.size), key_of("thief"))
    (forged.bundle / "keys.txt").write_text(vkey_text(ORIGIN, key_of("thief").public_key) + "\n")
    report = audit(forged)
    assert {"log_key_replaced", "checkpoint_invalid"} <= {finding.code for finding in report.findings}
    believed = audit(forged, vkey=None, checkpoints=())
    assert [(f.entry, f.code) for f in believed.findings if f.entry == 0] == [(0, "log_key_replaced")]


def test_a_checkpoint_of_another_log_is_refused(forged: Evidence) -> None:
    root = open_checkpoint((forged.bundle / "checkpoint").read_bytes(), [NoteVerifier.from_vkey(VKEY)]).root
    other = sign_checkpoint(Checkpoint("other.example/log", forged.size, root), LOG_KEY)
    (forged.bundle / "checkpoint").write_bytes(other)
    assert "checkpoint_invalid" in {finding.code for finding in audit(forged).findings}
    believed = audit(forged, vkey=vkey_text("other.example/log", LOG_KEY.public_key))
    assert {"origin_mismatch", "log_key_replaced"} <= {f.code for f in believed.findings if f.entry == 0}


# What a cheating operator can do, who holds the log key ---------------------------------------------------------------


def test_an_honest_statement_more_is_no_forgery(forged: Evidence) -> None:
    cheat(forged, forged.world.withdrawal("ben"))
    assert {f.code for f in audit(forged).findings} <= {"sample_incomplete", "decision_differs"}


def signed_by_another(e: Evidence) -> bytes:
    return sign_envelope(decode_envelope(e.world.consent("ben")).payload, key_of("anna"))


def signed_by_a_retired_key(e: Evidence) -> bytes:
    return e.world.consent("carl")


def signed_by_an_unknown_key(e: Evidence) -> bytes:
    return sign_envelope(decode_envelope(e.world.consent("ben")).payload, key_of("ben"), key_of("nobody"))


def recorded_twice(e: Evidence) -> bytes:
    shown = leaves_of(e.bundle, e.size)[e.at["grant"]].shown
    assert isinstance(shown, Opening)
    return shown.envelope


def of_an_unknown_party(e: Evidence) -> bytes:
    return e.world.submission(e.world.medium("new", ["nobody"]))


def with_other_terms(e: Evidence) -> bytes:
    payload = decode_envelope(e.world.consent("ben")).payload
    return sign_envelope(payload.replace(b'"max_audience":"internal"', b'"max_audience":"open"', 1), key_of("ben"))


def of_another_ledger(e: Evidence) -> bytes:
    return issuer_of("ben", "other.example/log").say(st.Revocation, e.world.now, party=party_of("ben"), channel="key")


def not_canonical(e: Evidence) -> bytes:
    payload = decode_envelope(e.world.consent("ben")).payload
    return sign_envelope(payload.replace(b":", b": ", 1), key_of("ben"))


def of_an_unknown_type(e: Evidence) -> bytes:
    payload = decode_envelope(e.world.consent("ben")).payload
    return sign_envelope(payload.replace(b'"type":"grant"', b'"type":"grunt"'), key_of("ben"))


def another_genesis(e: Evidence) -> bytes:
    return sign_envelope(st.encode_statement(e.world.genesis()), key_of("operator"))


def a_bad_signature(e: Evidence) -> bytes:
    envelope = decode_envelope(e.world.consent("ben"))
    sig = envelope.signatures[0]
    bad = Signature(sig.keyid, sig.sig[:10] + bytes([sig.sig[10] ^ 1]) + sig.sig[11:])
    return encode_envelope(Envelope(envelope.payload, envelope.payload_type, (bad,)))


def a_key_of_low_order(e: Evidence) -> bytes:
    weak = st.KeyMaterial(scheme="ed25519", public_key="AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    return e.world.say(e.world.operator, st.Party, party=party_of("weak"), kind="person", age="adult", key=weak)


def withdrawn_for_another(e: Evidence) -> bytes:
    return e.world.say(issuer_of("ben"), st.Revocation, party=party_of("anna"), channel="key")


def a_template_changed_in_place(e: Evidence) -> bytes:
    document = forged_offer()
    return e.world.say(
        e.world.studio, st.Template, template=template_ref(document), action="published", document=document
    )


def forged_offer() -> TemplateDocument:
    return msgspec.structs.replace(OFFER, obligations=["nothing"])


def only_a_time_source(e: Evidence) -> bytes:
    payload = decode_envelope(e.world.consent("ben")).payload
    stamp = Signature(
        key_of("ben").public_key.keyid, key_of("ben").sign(pae("x", payload)), time="2026-01-05T09:00:00Z"
    )
    envelope = decode_envelope(e.world.consent("ben"))
    return encode_envelope(Envelope(payload, envelope.payload_type, (stamp,)))


AGAINST_THE_RULES = {
    of_an_unknown_party, with_other_terms, of_an_unknown_type, withdrawn_for_another, a_template_changed_in_place,
}  # fmt: skip
"""What the one-file verifier does not judge."""


@pytest.mark.parametrize(
    "say",
    [
        signed_by_another, signed_by_a_retired_key, signed_by_an_unknown_key, recorded_twice, of_an_unknown_party,
        with_other_terms, of_another_ledger, not_canonical, of_an_unknown_type, another_genesis, a_bad_signature,
        a_key_of_low_order, withdrawn_for_another, a_template_changed_in_place, only_a_time_source,
    ],
    ids=lambda say: say.__name__,
)  # fmt: skip
def test_what_must_not_be_recorded_is_found_though_the_operator_recorded_it(
    forged: Evidence, second: Second, say: Callable[[Evidence], bytes]
) -> None:
    (forged.bundle / "scope.json").unlink()
    place = cheat(forged, say(forged))
    report = audit(forged)
    assert report.first_bad == place
    assert {finding.entry for finding in report.findings} == {place}
    if say not in AGAINST_THE_RULES:
        assert_both_name_it(forged, second, report)


@pytest.mark.parametrize("say", [a_bad_signature, not_canonical, a_key_of_low_order], ids=lambda say: say.__name__)
def test_worker_processes_find_what_one_process_finds(forged: Evidence, say: Callable[[Evidence], bytes]) -> None:
    cheat(forged, say(forged))
    assert audit(forged, jobs=2) == audit(forged, jobs=1)


def test_the_last_five_dropped_are_seen_only_by_an_older_checkpoint(forged: Evidence) -> None:
    leaves = leaves_of(forged.bundle, forged.size)
    newest = (forged.bundle / "checkpoint").read_bytes()
    rewrite(forged.bundle, leaves[:-5], LOG_KEY)
    (forged.bundle / "scope.json").unlink()
    assert audit(forged, checkpoints=[]).verified
    report = audit(forged, checkpoints=[newest])
    assert [(f.entry, f.code) for f in report.findings] == [(forged.size - 5, "inconsistent_checkpoint")]


def test_a_chain_rewritten_as_a_whole_is_seen_by_an_older_checkpoint(forged: Evidence) -> None:
    leaves = leaves_of(forged.bundle, forged.size)
    del leaves[forged.at["grant"]]
    rewrite(forged.bundle, leaves, LOG_KEY)
    assert "inconsistent_checkpoint" in {finding.code for finding in audit(forged).findings}


def test_older_checkpoints_narrow_down_where_a_chain_was_rewritten(forged: Evidence) -> None:
    leaves = leaves_of(forged.bundle, forged.size)
    entries = forgery.seal(leaves)
    checkpoints = [
        sign_checkpoint(Checkpoint(ORIGIN, n, Frontier().extend(map(leaf_hash, entries[:n]))[0].root()), LOG_KEY)
        for n in (10, 100, 200)
    ]
    later = leaves[150].recorded_at + SECOND
    moved = [leaf._replace(recorded_at=max(leaf.recorded_at, later)) for leaf in leaves[150:]]
    rewrite(forged.bundle, leaves[:150] + moved, LOG_KEY)
    report = audit(forged, checkpoints=checkpoints)
    assert not report.verified
    assert (report.first_bad, report.is_named, report.sound) == (100, False, 100)


def test_time_never_goes_backwards(forged: Evidence) -> None:
    leaves = leaves_of(forged.bundle, forged.size)
    leaves[-1] = leaves[-1]._replace(recorded_at=leaves[0].recorded_at - SECOND)
    rewrite(forged.bundle, leaves, LOG_KEY)
    assert (forged.size - 1, "time_backwards") in [(f.entry, f.code) for f in audit(forged).findings]
    assert audit(forged).first_bad == forged.size - 1


def test_entries_are_numbered_without_gaps(forged: Evidence) -> None:
    leaves = leaves_of(forged.bundle, forged.size)
    numbers = [n if n < 100 else n + 1 for n in range(forged.size)]
    forgery.put_together(forged.bundle, forgery.seal(leaves, numbers=numbers), [leaf.shown for leaf in leaves], LOG_KEY)
    assert audit(forged).first_bad == 100


def test_links_hold_in_every_entry(forged: Evidence) -> None:
    leaves = leaves_of(forged.bundle, forged.size)
    entries = forgery.seal(leaves)
    entries[-1] = encode_entry(forged.size - 1, leaves[-1].recorded_at, leaves[-1].commitment, NO_PREVIOUS)
    forgery.put_together(forged.bundle, entries, [leaf.shown for leaf in leaves], LOG_KEY)
    assert audit(forged).first_bad in (forged.size - 2, forged.size - 1)


def test_an_entry_that_is_no_entry_is_named(forged: Evidence) -> None:
    leaves = leaves_of(forged.bundle, forged.size)
    entries = forgery.seal(leaves)
    entries[-1] = entries[-1].replace(b'"v":1', b'"v":2')
    forgery.put_together(forged.bundle, entries, [leaf.shown for leaf in leaves], LOG_KEY)
    assert audit(forged).first_bad == forged.size - 1


def test_every_byte_of_a_small_bundle_counts(tmp_path: Path) -> None:
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        World(store)
        write_bundle(store, tmp_path / "bundle")
    for path in sorted((tmp_path / "bundle").rglob("*")):
        if path.is_dir() or path.name in ("README.txt", "scope.json"):
            continue
        raw = path.read_bytes()
        for at in range(0, len(raw), max(1, len(raw) // 30)):
            flip(path, at, 1 << at % 7)
            assert not verify_bundle(tmp_path / "bundle", vkey=VKEY, jobs=1).verified, (path.name, at)
            path.write_bytes(raw)
    assert verify_bundle(tmp_path / "bundle", vkey=VKEY, jobs=1).verified
    assert sha256(WORDING).hexdigest() == TEXT.removeprefix("sha256:")
