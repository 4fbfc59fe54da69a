"""More that somebody could do on the way, to every kind of file, and to a tar: both verifiers find the same entry."""

import io
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from consent_ledger.audit.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from consent_ledger.audit.replay import Erased, Opening, Withheld
from consent_ledger.audit.tiles import FULL_WIDTH, encode_bundle
from consent_ledger.evidence.bundle import write_bundle
from consent_ledger.licenses import statements as st
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import COSIGNATURE, NoteVerifier, cosignature_line, sign_note, split_note, vkey_text
from consent_ledger.verification import verify_bundle
from consent_ledger.verification.layout import encode_opening
from tests.evidence import forgery
from tests.evidence.forgery import edit_line, entry_bundle, flip, leaves_of, lines_of
from tests.evidence.second import Second
from tests.stores import new_store
from tests.verification.tampering import Evidence, assert_both_name_it, audit, cheat
from tests.world import LOG_KEY, ORIGIN, VKEY, World, key_of, party_of

WITNESS = SigningKey.from_seed(b"w" * 32)
WITNESS_VKEY = vkey_text("witness.example", WITNESS.public_key, COSIGNATURE)
Deed = Callable[[Evidence], int | None]


# Lines ----------------------------------------------------------------------------------------------------------------


def lines_end_as_on_windows(e: Evidence) -> int:
    edit_line(e.bundle, 12, lines_of(e.bundle)[12].replace(b"\n", b"\r\n"))
    return 12


def the_last_line_has_no_end(e: Evidence) -> int:
    path = e.bundle / "openings.ndjson"
    path.write_bytes(path.read_bytes()[:-1])
    return e.size - 1


def an_empty_line_is_put_between(e: Evidence) -> int:
    edit_line(e.bundle, 12, b"\n" + lines_of(e.bundle)[12])
    return 12


def a_line_says_its_number_twice(e: Evidence) -> int:
    edit_line(e.bundle, 12, lines_of(e.bundle)[12].replace(b'"index":12', b'"index":12,"index":12'))
    return 12


def a_line_is_repeated_much_later(e: Evidence) -> int:
    edit_line(e.bundle, 200, lines_of(e.bundle)[200] + lines_of(e.bundle)[5])
    return 5


def a_line_takes_the_place_of_another(e: Evidence) -> int:
    edit_line(e.bundle, 12, lines_of(e.bundle)[13].replace(b'"index":13', b'"index":12'))
    return 12


def a_line_has_a_number_with_a_fraction(e: Evidence) -> int:
    edit_line(e.bundle, 12, lines_of(e.bundle)[12].replace(b'"index":12', b'"index":12.0'))
    return 12


def an_opening_becomes_null(e: Evidence) -> int:
    edit_line(e.bundle, 12, b'{"index":12,"withheld":null}\n')
    return 12


def an_opening_is_erased_and_open(e: Evidence) -> int:
    edit_line(e.bundle, 12, lines_of(e.bundle)[12].replace(b"{", b'{"erased_by":%d,' % e.at["erasure"], 1))
    return 12


def the_erased_one_is_withheld(e: Evidence) -> int:
    edit_line(e.bundle, e.at["erased"], encode_opening(e.at["erased"], Withheld()))
    return e.at["erased"]


def the_erasure_is_withheld(e: Evidence) -> int:
    edit_line(e.bundle, e.at["erasure"], encode_opening(e.at["erasure"], Withheld()))
    return e.at["erasure"]


def the_erased_one_is_erased_by_another_entry(e: Evidence) -> int:
    edit_line(e.bundle, e.at["erased"], encode_opening(e.at["erased"], Erased(e.size - 1)))
    return e.at["erased"]


def a_grant_is_called_erased_by_the_erasure_of_another(e: Evidence) -> int:
    edit_line(e.bundle, e.at["grant"], encode_opening(e.at["grant"], Erased(e.at["erasure"])))
    return e.at["grant"]


def the_genesis_is_withheld(e: Evidence) -> int:
    edit_line(e.bundle, 0, encode_opening(0, Withheld()))
    return 0


def the_template_is_withheld(e: Evidence) -> int:
    edit_line(e.bundle, e.at["template"], encode_opening(e.at["template"], Withheld()))
    return e.at["template"]


def a_salt_is_one_byte_short(e: Evidence) -> int:
    shown = leaves_of(e.bundle, e.size)[12].shown
    assert isinstance(shown, Opening)
    edit_line(e.bundle, 12, encode_opening(12, Opening(shown.salt[:-1], shown.salt[-1:] + shown.envelope)))
    return 12


# Tiles and entries ----------------------------------------------------------------------------------------------------


def an_entry_is_there_twice(e: Evidence) -> int:
    entries = forgery.read_entries(e.bundle, e.size)[:FULL_WIDTH]
    entry_bundle(e.bundle, 0, e.size).write_bytes(encode_bundle([*entries[:80], entries[80], *entries[80:255]]))
    return 81


def an_entry_is_empty(e: Evidence) -> int:
    entries = forgery.read_entries(e.bundle, e.size)[:FULL_WIDTH]
    entries[31] = b""
    entry_bundle(e.bundle, 0, e.size).write_bytes(encode_bundle(entries))
    return 31


def an_entry_has_white_space(e: Evidence) -> int:
    entries = forgery.read_entries(e.bundle, e.size)[:FULL_WIDTH]
    entries[31] = entries[31].replace(b",", b", ", 1)
    entry_bundle(e.bundle, 0, e.size).write_bytes(encode_bundle(entries))
    return 31


def the_entry_bundles_are_swapped(e: Evidence) -> int:
    one, two = (entry_bundle(e.bundle, n, e.size) for n in (0, 1))
    first, second_ = one.read_bytes(), two.read_bytes()
    one.write_bytes(second_)
    two.write_bytes(first)
    return 0


def the_tiles_are_swapped(e: Evidence) -> int:
    one, two = e.bundle / "tile/0/000", e.bundle / f"tile/0/001.p/{e.size - FULL_WIDTH}"
    first, second_ = one.read_bytes(), two.read_bytes()
    one.write_bytes(second_)
    two.write_bytes(first)
    return 0


def a_tile_is_of_another_width(e: Evidence) -> int:
    width = e.size - FULL_WIDTH
    (e.bundle / f"tile/0/001.p/{width}").rename(e.bundle / f"tile/0/001.p/{width - 1}")
    return FULL_WIDTH


def an_entry_bundle_is_of_another_width(e: Evidence) -> int:
    width = e.size - FULL_WIDTH
    path = e.bundle / f"tile/entries/001.p/{width}"
    entries = forgery.read_entries(e.bundle, e.size)[FULL_WIDTH:-1]
    path.unlink()
    (path.parent / str(width - 1)).write_bytes(encode_bundle(entries))
    return FULL_WIDTH


def a_tile_is_cut_in_half(e: Evidence) -> int:
    path = e.bundle / "tile/0/000"
    path.write_bytes(path.read_bytes()[:4096])
    return 0


def a_tile_is_empty(e: Evidence) -> int:
    (e.bundle / "tile/1/000.p/1").write_bytes(b"")
    return 0


def two_hashes_are_swapped(e: Evidence) -> int:
    path = e.bundle / "tile/0/000"
    raw = path.read_bytes()
    path.write_bytes(raw[: 40 * 32] + raw[41 * 32 : 42 * 32] + raw[40 * 32 : 41 * 32] + raw[42 * 32 :])
    return 40


def a_tile_is_a_link(e: Evidence) -> None:
    path = e.bundle / "tile/0/000"
    path.rename(e.bundle.parent / "elsewhere")
    path.symlink_to(e.bundle.parent / "elsewhere")


# Notes, keys and policies ---------------------------------------------------------------------------------------------


def text_of(e: Evidence) -> bytes:
    return split_note((e.bundle / "checkpoint").read_bytes())[0]


def the_checkpoint_is_signed_twice(e: Evidence) -> None:
    path = e.bundle / "checkpoint"
    path.write_bytes(path.read_bytes() + path.read_bytes().rpartition(b"\n\n")[2])


def the_checkpoint_has_a_fourth_line(e: Evidence) -> None:
    (e.bundle / "checkpoint").write_bytes(sign_note(text_of(e) + b"more\n", ORIGIN, LOG_KEY))


def the_checkpoint_is_of_another_origin(e: Evidence) -> None:
    text = text_of(e).replace(ORIGIN.encode(), b"other.example/log")
    (e.bundle / "checkpoint").write_bytes(sign_note(text, ORIGIN, LOG_KEY))


def the_checkpoint_has_the_root_of_another_size(e: Evidence) -> None:
    root = open_checkpoint(e.older, [NoteVerifier.from_vkey(VKEY)]).root
    (e.bundle / "checkpoint").write_bytes(sign_checkpoint(Checkpoint(ORIGIN, e.size, root), LOG_KEY))


def the_checkpoint_is_empty(e: Evidence) -> None:
    (e.bundle / "checkpoint").write_bytes(b"\n")


def the_size_has_a_leading_zero(e: Evidence) -> None:
    text = text_of(e).replace(b"\n%d\n" % e.size, b"\n0%d\n" % e.size)
    (e.bundle / "checkpoint").write_bytes(sign_note(text, ORIGIN, LOG_KEY))


def the_keys_are_those_of_another(e: Evidence) -> None:
    (e.bundle / "keys.txt").write_text(vkey_text(ORIGIN, key_of("thief").public_key) + "\n")


def the_keys_have_no_end(e: Evidence) -> None:
    (e.bundle / "keys.txt").write_text(VKEY)


def the_policy_names_nobody_as_quorum(e: Evidence) -> None:
    (e.bundle / "policy.txt").write_text(f"log {VKEY}\nquorum somebody\n")


def the_policy_is_of_another_log(e: Evidence) -> None:
    other = vkey_text("other.example/log", LOG_KEY.public_key)
    (e.bundle / "policy.txt").write_text(f"log {other}\nquorum none\n")


def witnessed(e: Evidence, text: bytes, flipped: bool = False) -> None:
    line = bytearray(cosignature_line(text, "witness.example", WITNESS, 1_767_700_000))
    line[60] ^= flipped * (line[60] ^ (66 if line[60] == 65 else 65))
    with (e.bundle / "checkpoint").open("ab") as file:
        file.write(line)
    (e.bundle / "policy.txt").write_text(f"log {VKEY}\nwitness one {WITNESS_VKEY}\nquorum one\n")


def a_cosignature_is_forged(e: Evidence) -> None:
    witnessed(e, text_of(e), flipped=True)


def a_cosignature_is_of_another_checkpoint(e: Evidence) -> None:
    witnessed(e, split_note(e.older)[0])


DEEDS: list[Deed] = [
    lines_end_as_on_windows, the_last_line_has_no_end, an_empty_line_is_put_between, a_line_says_its_number_twice,
    a_line_is_repeated_much_later, a_line_takes_the_place_of_another, a_line_has_a_number_with_a_fraction,
    an_opening_becomes_null, an_opening_is_erased_and_open, the_erased_one_is_withheld, the_erasure_is_withheld,
    the_erased_one_is_erased_by_another_entry, a_grant_is_called_erased_by_the_erasure_of_another,
    the_genesis_is_withheld, the_template_is_withheld, a_salt_is_one_byte_short, an_entry_is_there_twice,
    an_entry_is_empty, an_entry_has_white_space, the_entry_bundles_are_swapped, the_tiles_are_swapped,
    a_tile_is_of_another_width, an_entry_bundle_is_of_another_width, a_tile_is_cut_in_half, a_tile_is_empty,
    two_hashes_are_swapped, a_tile_is_a_link, the_checkpoint_is_signed_twice, the_checkpoint_has_a_fourth_line,
    the_checkpoint_is_of_another_origin, the_checkpoint_has_the_root_of_another_size, the_checkpoint_is_empty,
    the_size_has_a_leading_zero, the_keys_are_those_of_another, the_keys_have_no_end,
    the_policy_names_nobody_as_quorum, the_policy_is_of_another_log, a_cosignature_is_forged,
    a_cosignature_is_of_another_checkpoint,
]  # fmt: skip


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
def test_what_is_done_on_the_way_is_found_by_both_at_one_entry(forged: Evidence, second: Second, deed: Deed) -> None:
    entry = deed(forged)
    report = audit(forged)
    assert not report.verified
    if entry is not None:
        assert report.first_bad == entry
    assert_both_name_it(forged, second, report)


def test_a_good_cosignature_is_no_forgery(forged: Evidence, second: Second) -> None:
    witnessed(forged, text_of(forged))
    assert audit(forged).verified
    found = second.bundle(forged.bundle, VKEY, [forged.older])
    assert found.findings == []
    assert any("witness.example" in sentence for sentence in found.not_checked)


def test_files_that_are_no_part_of_a_bundle_are_named_by_both(forged: Evidence, second: Second) -> None:
    (forged.bundle / "tile/2").mkdir()
    (forged.bundle / "tile/2/000.p").mkdir()
    (forged.bundle / "tile/2/000.p/1").write_bytes(bytes(32))
    assert any("tile/2/000.p/1" in sentence for sentence in audit(forged).not_checked)
    found = second.bundle(forged.bundle, VKEY)
    assert any("tile/2/000.p/1" in sentence for sentence in found.not_checked)


# What a cheating operator can do --------------------------------------------------------------------------------------


def an_erasure_of_what_comes_later(e: Evidence) -> bytes:
    return e.world.say(
        e.world.operator, st.Erasure, level="statements", party=party_of("anna"), entries=[e.size + 1], basis="request"
    )


def an_erasure_by_another(e: Evidence) -> bytes:
    return e.world.say(
        e.world.studio, st.Erasure, level="statements", party=party_of("anna"), entries=[e.at["grant"]], basis="request"
    )


@pytest.mark.parametrize("say", [an_erasure_of_what_comes_later, an_erasure_by_another], ids=lambda say: say.__name__)
def test_an_erasure_that_is_none_is_found_by_both(
    forged: Evidence, second: Second, say: Callable[[Evidence], bytes]
) -> None:
    (forged.bundle / "scope.json").unlink()
    place = cheat(forged, say(forged))
    report = audit(forged)
    assert report.first_bad == place
    assert_both_name_it(forged, second, report)


def test_the_last_five_dropped_and_a_chain_rewritten_are_seen_by_both(forged: Evidence, second: Second) -> None:
    (forged.bundle / "scope.json").unlink()
    leaves = leaves_of(forged.bundle, forged.size)
    newest = (forged.bundle / "checkpoint").read_bytes()
    forgery.rewrite(forged.bundle, leaves[:-5], LOG_KEY)
    assert second.bundle(forged.bundle, VKEY).findings == []
    assert second.bundle(forged.bundle, VKEY, [newest]).first_bad == forged.size - 5
    del leaves[forged.at["second grant"]]
    forgery.rewrite(forged.bundle, leaves, LOG_KEY)
    assert second.bundle(forged.bundle, VKEY, [forged.older]).findings
    assert not audit(forged).verified


# Tars -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    with new_store(f"sqlite:///{folder}/ledger.db") as store:
        World(store)
        write_bundle(store, folder / "bundle.tar")
    return folder / "bundle.tar"


def repacked(tar: Path, change: Callable[[tarfile.TarFile], None]) -> None:
    """Add to a tar."""
    with tarfile.open(tar, "a:") as file:
        change(file)


def with_member(**fields: object) -> Callable[[Path], None]:
    def add(tar: Path) -> None:
        def put(file: tarfile.TarFile) -> None:
            member = tarfile.TarInfo("templates/x.md")
            for name, value in fields.items():
                setattr(member, name, value)
            file.addfile(member, io.BytesIO(bytes(member.size)) if member.isreg() else None)

        repacked(tar, put)

    return add


def cut(count: int) -> Callable[[Path], None]:
    return lambda tar: os.truncate(tar, tar.stat().st_size - count)


TARS = {
    "cut in the middle": lambda tar: os.truncate(tar, tar.stat().st_size // 2),
    "cut before its end": lambda tar: os.truncate(tar, tar.stat().st_size // 512 * 512 - 20 * 512),
    "a symbolic link": with_member(type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "a hard link": with_member(type=tarfile.LNKTYPE, linkname="checkpoint"),
    "a device": with_member(type=tarfile.CHRTYPE),
    "a pipe": with_member(type=tarfile.FIFOTYPE),
    "an absolute name": with_member(name="/tmp/x"),
    "a name that leads out": with_member(name="../x"),
    "a name that leads out later": with_member(name="templates/../../x"),
    "a file twice": with_member(name="checkpoint", size=3),
    "a header changed": lambda tar: flip(tar, 1024 + 10),
    "something after its end": lambda tar: tar.open("ab").write(b"x" * 512),
    "no tar at all": lambda tar: tar.write_bytes(b"x" * 5000),
    "nothing": lambda tar: tar.write_bytes(b""),
}


@pytest.mark.parametrize("what", TARS)
def test_a_tar_that_is_not_plain_or_not_whole_is_found_by_both(
    packed: Path, tmp_path: Path, second: Second, what: str
) -> None:
    tar = Path(shutil.copy(packed, tmp_path / "bundle.tar"))
    assert verify_bundle(tar, vkey=VKEY).verified
    assert second.bundle(tar, VKEY).findings == []
    TARS[what](tar)
    assert not verify_bundle(tar, vkey=VKEY).verified
    assert second.bundle(tar, VKEY).findings
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.tar"]
