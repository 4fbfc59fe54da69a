"""Bundles: what is in them, that they stand alone, and the command line that makes and verifies them."""

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from consent_ledger.audit.checkpoint import open_checkpoint
from consent_ledger.audit.replay import Opening
from consent_ledger.audit.tiles import tile_path, tiles_of
from consent_ledger.errors import ConflictError, MalformedError, NotFoundError
from consent_ledger.evidence.bundle import SampleRequest, write_bundle
from consent_ledger.issuing import template_ref
from consent_ledger.licenses import statements as st
from consent_ledger.licenses.signed import skim_signed
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import COSIGNATURE, NoteVerifier, cosignature_line, split_note, vkey_text
from consent_ledger.store.log import read_checkpoint
from consent_ledger.verification import verify_bundle
from consent_ledger.verification.layout import FILES, Scope, decode_opening
from consent_ledger.verification.live import verify_store
from tests.cli.conftest import Run, run
from tests.cli.running import run_process
from tests.evidence.forgery import flip, lines_of
from tests.stores import new_store
from tests.world import DAY, HOUR, OFFER, VKEY, World, key_of, party_of

__all__ = ["run"]

WITNESS = SigningKey.from_seed(b"w" * 32)
USE = st.UseRequest(
    activities=["train"], aims=["general"], context="commercial", audience="internal", territories=["WORLD"]
)


@pytest.fixture
def world(store_url: str) -> Iterator[World]:
    with new_store(store_url) as store:
        world = World(store)
        world.people("anna", "ben")
        for n in range(8):
            world.film(f"film {n}", ["anna"], ["anna", "ben"] if n == 3 else ["anna"])
        world.grant("anna")
        world.wait(HOUR)
        yield world


def test_a_bundle_of_any_database_verifies_with_nothing_but_its_folder(world: World, tmp_path: Path) -> None:
    written = write_bundle(world.store, tmp_path / "bundle")
    report = verify_bundle(tmp_path / "bundle", vkey=VKEY)
    assert (report.findings, written.size, written.vkey) == ((), world.size, VKEY)
    assert report.counts.entries == report.counts.opened == report.counts.signatures == world.size


def test_a_bundle_has_the_files_of_its_layout_and_no_others(world: World, tmp_path: Path) -> None:
    write_bundle(world.store, tmp_path / "bundle", sample=SampleRequest("s", 3, USE, world.now))
    files = {p.relative_to(tmp_path / "bundle").as_posix() for p in (tmp_path / "bundle").rglob("*") if p.is_file()}
    assert {f for f in files if "/" not in f} == FILES
    assert {f for f in files if f.startswith("tile/")} == {tile_path(tile) for tile in tiles_of(world.size)}
    assert len(lines_of(tmp_path / "bundle")) == world.size
    assert not any("no part" in sentence for sentence in verify_bundle(tmp_path / "bundle").not_checked)


def test_a_bundle_written_twice_is_the_same(world: World, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_bundle(world.store, tmp_path / name)
    for path in (tmp_path / "one").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


def test_a_folder_with_something_in_it_is_left_alone(world: World, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConflictError, match="exists already"):
        write_bundle(world.store, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".txt"] == ["mine.txt"]


def test_withheld_openings_leave_the_log_to_be_verified_and_say_what_was_not(world: World, tmp_path: Path) -> None:
    sample = SampleRequest("s", 3, USE, world.now)
    write_bundle(world.store, tmp_path / "bundle", openings="withheld", sample=sample)
    report = verify_bundle(tmp_path / "bundle", vkey=VKEY)
    assert report.findings == ()
    assert (report.counts.opened, report.counts.withheld) == (1, world.size - 1)
    assert any("withheld" in sentence for sentence in report.not_checked)
    assert any("decisions" in sentence for sentence in report.not_checked)


def test_the_decisions_of_a_sample_are_reproduced(world: World, tmp_path: Path) -> None:
    write_bundle(world.store, tmp_path / "bundle", sample=SampleRequest("seed", 5, USE, world.now))
    decisions = [msgspec.json.decode(line) for line in (tmp_path / "bundle/decisions.ndjson").open("rb")]
    assert {d["verdict"] for d in decisions} <= {"allow", "undetermined"}
    assert len({d["asset"] for d in decisions}) == 5
    assert verify_bundle(tmp_path / "bundle", vkey=VKEY).counts.decisions == 5


def test_another_seed_draws_other_assets(world: World, tmp_path: Path) -> None:
    drawn = []
    for seed in ("a", "b", "a"):
        folder = tmp_path / f"bundle{len(drawn)}"
        write_bundle(world.store, folder, sample=SampleRequest(seed, 4, USE, world.now))
        drawn.append((folder / "decisions.ndjson").read_bytes())
    assert drawn[0] == drawn[2]
    assert drawn[0] != drawn[1]


def test_a_sample_that_somebody_chose_is_not_the_one_that_the_seed_draws(world: World, tmp_path: Path) -> None:
    write_bundle(world.store, tmp_path / "bundle", sample=SampleRequest("a", 4, USE, world.now))
    path = tmp_path / "bundle/scope.json"
    scope = msgspec.json.decode(path.read_bytes(), type=Scope)
    assert scope.sample is not None
    other = msgspec.structs.replace(scope, sample=msgspec.structs.replace(scope.sample, seed="b"))
    path.write_bytes(msgspec.json.encode(other))
    assert {f.code for f in verify_bundle(tmp_path / "bundle", vkey=VKEY).findings} == {"decision_differs"}


def test_an_older_checkpoint_shows_that_nothing_was_taken_back(world: World, tmp_path: Path) -> None:
    with world.store.read() as tx:
        older = read_checkpoint(tx)
    assert older is not None
    world.revoke("anna")
    write_bundle(world.store, tmp_path / "bundle")
    report = verify_bundle(tmp_path / "bundle", vkey=VKEY, checkpoints=[older])
    assert report.findings == ()
    assert report.sound == world.size - 1
    assert not any("taken back" in sentence for sentence in report.not_checked)


def test_the_report_says_when_the_key_was_the_bundles_own(world: World, tmp_path: Path) -> None:
    write_bundle(world.store, tmp_path / "bundle")
    assert any("whose log" in sentence for sentence in verify_bundle(tmp_path / "bundle").not_checked)
    assert not any("whose log" in s for s in verify_bundle(tmp_path / "bundle", vkey=VKEY).not_checked)


def test_no_folder_and_no_key_are_told_apart_from_evidence_that_fails(world: World, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no bundle"):
        verify_bundle(tmp_path / "nothing")
    write_bundle(world.store, tmp_path / "bundle")
    with pytest.raises(MalformedError, match="verifier key"):
        verify_bundle(tmp_path / "bundle", vkey="not a key")


def test_worker_processes_come_to_the_same_report(world: World, tmp_path: Path) -> None:
    write_bundle(world.store, tmp_path / "bundle")
    assert verify_bundle(tmp_path / "bundle", jobs=3) == verify_bundle(tmp_path / "bundle", jobs=1)


def test_a_live_ledger_verifies(world: World) -> None:
    report = verify_store(world.store, vkey=VKEY)
    assert (report.findings, report.counts.entries) == ((), world.size)


def test_an_erased_statement_is_shown_as_erased(tmp_path: Path) -> None:
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        world = World(store)
        world.people("anna")
        grant = world.grant("anna").entry
        world.register(
            world.operator, st.Erasure, level="statements", party=party_of("anna"), entries=[grant], basis="request"
        )
        write_bundle(store, tmp_path / "before")
        with store.write() as tx:
            tx.execute("erase", "DROP TRIGGER opening_delete")
            tx.execute("erase", 'DELETE FROM opening WHERE "index" = ?', (grant,))
        write_bundle(store, tmp_path / "after")
        live = verify_store(store, vkey=VKEY)
    before, after = (verify_bundle(tmp_path / name, vkey=VKEY) for name in ("before", "after"))
    assert (before.findings, after.findings, live.findings) == ((), (), ())
    assert (before.counts.erased, after.counts.erased, live.counts.erased) == (0, 1, 1)
    assert any("the log says were erased" in sentence for sentence in before.not_checked)


# A tar, and what is shown ---------------------------------------------------------------------------------------------


def test_a_tar_verifies_as_the_folder_does_and_is_the_same_every_time(world: World, tmp_path: Path) -> None:
    sample = SampleRequest("s", 3, USE, world.now)
    for place in ("folder", "one.tar", "two.tar"):
        write_bundle(world.store, tmp_path / place, sample=sample)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    assert verify_bundle(tmp_path / "one.tar", vkey=VKEY) == verify_bundle(tmp_path / "folder", vkey=VKEY)
    with tarfile.open(tmp_path / "one.tar", "r:") as tar:
        members = {member.name: tar.extractfile(member) for member in tar}
        assert {(m.mtime, m.uid, m.gid, m.uname, m.mode) for m in tar.getmembers()} == {(0, 0, 0, "", 0o644)}
        read = {name: file.read() for name, file in members.items() if file is not None}
    folder = tmp_path / "folder"
    assert read == {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_tar_that_others_packed_verifies_too(world: World, tmp_path: Path) -> None:
    write_bundle(world.store, tmp_path / "folder")
    with tarfile.open(tmp_path / "packed.tar", "w:", format=tarfile.USTAR_FORMAT) as tar:
        tar.add(tmp_path / "folder", ".")
    assert verify_bundle(tmp_path / "packed.tar", vkey=VKEY).findings == ()


def test_a_tar_takes_the_place_of_nothing(world: World, tmp_path: Path) -> None:
    (tmp_path / "mine.tar").write_text("mine")
    with pytest.raises(ConflictError, match="exists already"):
        write_bundle(world.store, tmp_path / "mine.tar")
    assert sorted(path.name for path in tmp_path.glob("*mine*")) == ["mine.tar"]


@pytest.fixture
def two_projects(world: World) -> World:
    """`ben` agreed to the project `other` too, where there is a film of his own."""
    world.register(
        world.studio, st.Project, project="other", controller=world.studio.party, title="other", brief="",
        templates=[template_ref(OFFER)], flags=[],
    )  # fmt: skip
    world.grant("ben")
    world.grant("ben", scope=st.Scope(project="other"), choices={"release": True})
    world.ledger.register(
        world.say(world.studio, st.Asset, project="other", media=[world.medium("elsewhere", ["ben"], ["ben"])])
    )
    world.revoke("anna")
    return world


def opened(bundle: Path) -> dict[int, st.Statement]:
    lines = map(decode_opening, lines_of(bundle))
    return {index: skim_signed(shown.envelope).statement for index, shown in lines if isinstance(shown, Opening)}


def test_a_bundle_of_a_project_shows_what_its_decisions_rest_on_and_nothing_of_another(
    two_projects: World, tmp_path: Path
) -> None:
    world = two_projects
    sample = SampleRequest("seed", 6, USE, world.now)
    written = write_bundle(world.store, tmp_path / "bundle", openings="project", about="films", sample=sample)
    report = verify_bundle(tmp_path / "bundle", vkey=VKEY)
    shown = opened(tmp_path / "bundle")
    assert report.findings == ()
    assert (report.counts.decisions, report.counts.opened) == (6, written.shown)
    assert {s.project for s in shown.values() if isinstance(s, st.Asset)} == {"films"}
    assert {s.scope.project for s in shown.values() if isinstance(s, st.Grant)} == {"films"}
    assert [s for s in shown.values() if isinstance(s, st.Revocation)]
    assert report.counts.withheld == world.size - written.shown == 3  # the other project, its film, the grant for it


def test_a_bundle_of_a_person_shows_what_names_her_and_not_what_others_agreed_to(
    two_projects: World, tmp_path: Path
) -> None:
    world = two_projects
    write_bundle(world.store, tmp_path / "bundle", openings="party", about=party_of("anna"))
    report = verify_bundle(tmp_path / "bundle", vkey=VKEY)
    shown = opened(tmp_path / "bundle")
    assert report.findings == ()
    assert {s.issuer for s in shown.values() if isinstance(s, st.Grant | st.Revocation)} == {party_of("anna")}
    assert sum(isinstance(s, st.Asset) for s in shown.values()) == 8


def test_a_bundle_of_a_sample_shows_what_its_decisions_rest_on(two_projects: World, tmp_path: Path) -> None:
    world = two_projects
    sample = SampleRequest("a seed", 2, USE, world.now)
    written = write_bundle(world.store, tmp_path / "bundle.tar", openings="sample", sample=sample)
    report = verify_bundle(tmp_path / "bundle.tar", vkey=VKEY)
    assert report.findings == ()
    assert report.counts.decisions == 2
    assert 0 < report.counts.withheld == world.size - written.shown
    assert any("draws" in sentence for sentence in report.not_checked)


def test_what_is_not_recorded_has_no_bundle(world: World, tmp_path: Path) -> None:
    for openings, about in (("project", "nothing"), ("party", party_of("nobody"))):
        with pytest.raises(NotFoundError, match="is not recorded"):
            write_bundle(world.store, tmp_path / "bundle", openings=openings, about=about)  # type: ignore[arg-type]
    assert not [*tmp_path.glob("*bundle*")]


def test_the_bundle_says_of_itself_what_it_can_and_cannot_prove(world: World, tmp_path: Path) -> None:
    write_bundle(world.store, tmp_path / "bundle", openings="project", about="films")
    text = (tmp_path / "bundle/README.txt").read_text()
    for words in ("HOW TO VERIFY", "WHAT IT PROVES", "WHAT IT CANNOT PROVE", "left out", VKEY, "the project `films`"):
        assert words in text


def test_verification_needs_no_database_library() -> None:
    code = "import sys, consent_ledger.verification.certificates; print(sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    loaded = msgspec.json.decode(done.stdout.replace("'", '"'), type=list[str])
    assert {"sqlalchemy", "sqlite3", "sqlmodel", "litestar", "click"}.isdisjoint(loaded)


# The command line -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        world = World(store)
        world.people("anna")
        write_bundle(store, tmp_path / "bundle")
    return tmp_path / "bundle"


def test_verify_says_what_was_checked_and_what_was_not(run: Run, bundle: Path) -> None:
    ran = run("verify", bundle, "--vkey", VKEY)
    assert ran.code == 0
    assert "checked 5 entries, 5 opened, 5 signatures" in ran.out
    assert "not checked: " in ran.out
    assert ran.out.endswith("verified: everything that was checked is as it was recorded\n")


def test_verify_exits_with_5_and_names_the_entry(run: Run, bundle: Path) -> None:
    flip(bundle / "openings.ndjson", -20)
    ran = run("verify", bundle, "--vkey", VKEY)
    assert ran.code == 5
    assert "the first bad entry is 4" in ran.out


def test_verify_writes_one_json_document(run: Run, bundle: Path) -> None:
    flip(bundle / "openings.ndjson", -20)
    report = msgspec.json.decode(run("verify", bundle, "--json").out)
    assert (report["verified"], report["first_bad"], report["size"]) == (False, 4, 5)
    assert report["findings"][0]["entry"] == 4


def test_the_new_checkpoint_is_saved_only_once_all_has_passed(run: Run, bundle: Path, tmp_path: Path) -> None:
    saved = tmp_path / "mine.txt"
    assert run("verify", bundle, "--vkey", VKEY, "--save-checkpoint", saved).code == 0
    assert open_checkpoint(saved.read_bytes(), [NoteVerifier.from_vkey(VKEY)]).size == 5
    assert run("verify", bundle, "--vkey", VKEY, "--checkpoint", saved).code == 0
    kept = saved.read_bytes()
    flip(bundle / "tile/0/000.p/5", 3)
    assert run("verify", bundle, "--vkey", VKEY, "--checkpoint", saved, "--save-checkpoint", saved).code == 5
    assert saved.read_bytes() == kept


def test_what_is_not_anchored_or_stale_exits_with_6_and_saves_nothing(run: Run, bundle: Path, tmp_path: Path) -> None:
    saved = tmp_path / "mine.txt"
    verify = ("verify", bundle, "--vkey", VKEY, "--save-checkpoint", saved)
    ran = run(*verify, "--require-anchor")
    assert (ran.code, saved.exists()) == (6, False)
    assert "not anchored" in ran.out
    assert run(*verify, "--max-age", "1d").code == 6
    assert not saved.exists()
    assert run(*verify, "--max-age", "999999d").code == 0
    assert run(*verify, "--checkpoint", saved, "--require-anchor").code == 0
    assert run(*verify, "--max-age", "soon").code == 2


def cosigned(bundle: Path, key: SigningKey = WITNESS, when: int = 1_767_700_000) -> Path:
    """Have the bundle's checkpoint cosigned; return the policy that wants it."""
    path = bundle / "checkpoint"
    text, _ = split_note(path.read_bytes())
    path.write_bytes(path.read_bytes() + cosignature_line(text, "witness.example", key, when))
    vkey = vkey_text("witness.example", WITNESS.public_key, COSIGNATURE)
    (bundle.parent / "policy.txt").write_text(f"log {VKEY}\nwitness one {vkey}\nquorum one\n")
    return bundle.parent / "policy.txt"


def test_a_log_from_the_future_is_not_fresh(run: Run, tmp_path: Path) -> None:
    with new_store(f"sqlite:///{tmp_path}/ledger.db") as store:
        world = World(store)
        world.wait(100 * 365 * DAY)
        world.people("anna")
        write_bundle(store, tmp_path / "bundle")
    assert run("verify", tmp_path / "bundle", "--vkey", VKEY).code == 0
    ran = run("verify", tmp_path / "bundle", "--vkey", VKEY, "--max-age", "7d")
    assert (ran.code, "still to come" in ran.out) == (6, True)


def test_a_certificate_is_no_bundle_and_says_what_to_do(run: Run, tmp_path: Path) -> None:
    (tmp_path / "answer.json").write_text("{}")
    ran = run("verify", tmp_path / "answer.json", "--vkey", VKEY)
    assert (ran.code, "certificate verify" in ran.err) == (2, True)


def test_a_quorum_of_the_auditors_own_policy_anchors_a_bundle(run: Run, bundle: Path) -> None:
    plain = (bundle / "checkpoint").read_bytes()
    policy = cosigned(bundle)
    ran = run("verify", bundle, "--policy", policy, "--require-anchor", "--json")
    report = msgspec.json.decode(ran.out)
    assert (ran.code, report["cosigned"], report["anchored"]) == (0, ["one"], True)
    assert report["seen_at"] == "2026-01-06T11:46:40Z"
    (bundle / "checkpoint").write_bytes(plain)
    ran = run("verify", bundle, "--vkey", VKEY, "--policy", policy)
    assert ran.code == 5
    assert "quorum_not_met" in ran.out


def test_the_bundles_own_policy_is_the_senders_word(run: Run, bundle: Path) -> None:
    policy = cosigned(bundle)
    (bundle / "policy.txt").write_bytes(policy.read_bytes())
    ran = run("verify", bundle, "--vkey", VKEY, "--require-anchor")
    assert ran.code == 6
    assert "which ones you trust" in ran.out


def test_a_key_may_be_given_in_a_file(run: Run, bundle: Path) -> None:
    assert run("verify", bundle, "--vkey", bundle / "keys.txt").code == 0
    assert run("verify", bundle, "--vkey", bundle / "nothing.txt").code == 2


def test_a_live_database_is_verified_by_its_address(run: Run, bundle: Path) -> None:
    assert run("verify", "--ledger", f"sqlite:///{bundle.parent}/ledger.db", "--vkey", VKEY).code == 0
    assert run("verify").code == 2
    assert run("verify", bundle, "--ledger", "x").code == 2


def test_what_is_no_bundle_is_a_plain_failure(run: Run, tmp_path: Path) -> None:
    ran = run("verify", tmp_path)
    assert (ran.code, ran.err) == (
        1,
        f"error: no bundle in `{tmp_path}`, want a folder or a tar with a file `checkpoint`\n",
    )


def test_from_a_home_to_a_sample_and_its_verification(run: Run, tmp_path: Path) -> None:
    home, media = tmp_path / "home", tmp_path / "film.mp4"
    media.write_bytes(b"film")
    init = ("init", "--home", home, "--origin", "ledger.example/cli", "--no-passphrase")
    assert run(*init).code == 0
    out = tmp_path / "bundle"
    assert run("bundle", out, "--home", home, "--sample", "5").code == 2
    assert run("bundle", out, "--home", home, "--for", "open-training").code == 2
    ran = run("bundle", out, "--home", home)
    assert ran.code == 0
    assert run("bundle", out, "--home", home).code == 1
    assert run("verify", out, "--vkey", home / "log.vkey").code == 0
    tar = tmp_path / "ledger.tar"
    assert run("bundle", tar, "--home", home, "--party", "ledger").code == 0
    assert run("verify", tar, "--vkey", home / "log.vkey").code == 0
    assert run("bundle", tmp_path / "x", "--home", home, "--project", "nothing").code == 1
    assert run("bundle", tmp_path / "x", "--home", home, "--only-sample").code == 2
    assert run("bundle", tmp_path / "x", "--home", home, "--party", "ledger", "--withhold-openings").code == 2
    assert not (tmp_path / "x").exists()
    assert run("verify", "--ledger", home).code == 0
    assert run("rebuild", "--home", home).code == 0
    assert run("rebuild", "--home", home, "--dry-run").code == 0


def test_verify_runs_as_a_process_of_its_own_anywhere(bundle: Path, tmp_path: Path) -> None:
    ran = run_process("verify", str(bundle), "--vkey", VKEY, "--jobs", "2", HOME=str(tmp_path / "nowhere"))
    assert ran.code == 0


def test_a_quorum_that_nobody_met_is_said_in_words(run: Run, bundle: Path) -> None:
    witness = vkey_text("witness.example", key_of("witness").public_key, COSIGNATURE)
    policy = bundle.parent / "policy"
    policy.write_text(f"log {VKEY}\nwitness one {witness}\nquorum one\n")
    ran = run("verify", bundle, "--vkey", VKEY, "--policy", policy)
    assert (ran.code, "quorum `one`: nobody did whom the policy names" in ran.out) == (5, True)
