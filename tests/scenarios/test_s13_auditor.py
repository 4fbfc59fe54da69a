"""S13: an auditor, offline, with a bundle, the log's key and a checkpoint of last time."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from consent_ledger.audit.checkpoint import Checkpoint, sign_checkpoint
from consent_ledger.audit.replay import Opening
from consent_ledger.audit.tiles import encode_bundle
from consent_ledger.audit.tree import Frontier, leaf_hash
from consent_ledger.keyfile import read_key_file
from consent_ledger.signing.keys import SigningKey
from consent_ledger.signing.note import vkey_text
from tests.cli.running import Ran
from tests.evidence.forgery import Leaf, edit_line, entry_bundle, flip, leaves_of, lines_of, read_entries, rewrite, seal
from tests.scenarios.playing import OPEN, Stage, found, media

ORIGIN = "ledger.example/scenarios"
PEOPLE = [f"p{n:02}" for n in range(15)]
TEMPLATE = 2 + len(PEOPLE)
"""The entry that publishes it, after the genesis, the studio and the people."""


class Audit(NamedTuple):
    """The stage, what the auditor was handed, and how many entries it and the checkpoint of last time have."""

    stage: Stage
    bundle: Path
    size: int
    older: int

    def verify(self, *more: object) -> Ran:
        words = ("--vkey", self.stage.home / "log.vkey", "--checkpoint", self.stage.folder / "older", "--jobs", 1)
        return self.stage.run("verify", self.bundle, *words, *map(str, more))

    def sign(self, leaves: list[Leaf], key: SigningKey) -> None:
        """Write the log anew, under a key."""
        rewrite(self.bundle, leaves, None)
        root = Frontier().extend([leaf_hash(entry) for entry in seal(leaves)])[0].root()
        (self.bundle / "checkpoint").write_bytes(sign_checkpoint(Checkpoint(ORIGIN, len(leaves), root), key))


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    stage = found(Stage(tmp_path_factory.mktemp("s13")))
    stage.do("org", "enrol", "studio")
    stage.do("party", "add", *PEOPLE, "--adult", "--by", "studio")
    stage.do("template", "publish", "open-video-dataset/1.0", "--by", "studio")
    stage.do("project", "create", "films", "--by", "studio", "--title", "Films", "--template", "open-video-dataset/1.0")
    rows = [{"hash": media(f"{p} {k}"), "owners": [p], "subjects": [p]} for p in PEOPLE for k in range(5)]
    stage.register(rows, "films", "studio")
    stage.grant_all([{"party": p, "yes" if n % 3 else "no": ["open"]} for n, p in enumerate(PEOPLE)], "films")
    older = stage.size()
    stage.do("bundle", stage.folder / "before")
    vkey, saved = stage.home / "log.vkey", stage.folder / "older"
    stage.do("verify", stage.folder / "before", "--vkey", vkey, "--save-checkpoint", saved)
    for person in PEOPLE[:6]:
        stage.do("revoke", "--party", person, "--all")
    stage.do("bundle", stage.folder / "bundle", "--sample", 50, "--seed", "8c1f", *OPEN)
    return Audit(stage, stage.folder / "bundle", stage.size(), older)


@pytest.fixture
def audit(honest: Audit, tmp_path: Path) -> Audit:
    """A copy to do things to."""
    return honest._replace(bundle=Path(shutil.copytree(honest.bundle, tmp_path / "bundle")))


def test_everything_is_counted_decided_anew_and_what_was_not_looked_at_is_listed(honest: Audit) -> None:
    ran = honest.verify()
    assert ran.code == 0
    n = honest.size
    assert f"checked {n} entries, {n} opened, {n} signatures, 5 templates, 50 decisions\n" in ran.out
    decided = next(line for line in ran.out.splitlines() if line.startswith("decided anew: "))
    assert "seed `8c1f`" in decided
    assert sum(map(int, [word for word in decided.partition(";")[0].split() if word.isdigit()])) == 50
    assert ran.out.count("not checked: ") >= 3


def one_byte_of_an_opening(a: Audit) -> str:
    line = lines_of(a.bundle)[9]
    edit_line(a.bundle, 9, line[:200] + (b"A" if line[200:201] != b"A" else b"B") + line[201:])
    return "is 9"


def an_entry_deleted(a: Audit) -> str:
    entries = read_entries(a.bundle, a.size)
    entry_bundle(a.bundle, 0, a.size).write_bytes(encode_bundle(entries[:11] + entries[12:]))
    return "is 11"


def two_entries_swapped(a: Audit) -> str:
    entries = read_entries(a.bundle, a.size)
    entries[11], entries[12] = entries[12], entries[11]
    entry_bundle(a.bundle, 0, a.size).write_bytes(encode_bundle(entries))
    return "is 11"


def the_last_dropped(a: Audit) -> str:
    """More than five, so that the checkpoint of last time sees it."""
    kept = a.older - 5
    a.sign(leaves_of(a.bundle, a.size)[:kept], key_of(a))
    (a.bundle / "scope.json").unlink()
    return f"is {kept}"


def the_chain_rewritten(a: Audit) -> str:
    shown = [(leaf.recorded_at, leaf.shown) for leaf in leaves_of(a.bundle, a.size)]
    a.sign([Leaf.of(at, opening.envelope) for at, opening in shown if isinstance(opening, Opening)], key_of(a))
    return "may be any from entry 0 on"


def the_log_key_replaced(a: Audit) -> str:
    thief = SigningKey.from_seed(b"t" * 32)
    a.sign(leaves_of(a.bundle, a.size), thief)
    (a.bundle / "keys.txt").write_text(vkey_text(ORIGIN, thief.public_key) + "\n")
    return f"may be any from entry {a.older} on"


def a_template_text_changed(a: Audit) -> str:
    flip(next((a.bundle / "templates").glob("*.md")), 40)
    return f"is {TEMPLATE}"


def an_opening_removed(a: Audit) -> str:
    edit_line(a.bundle, a.size - 1, None)
    return f"is {a.size - 1}"


def key_of(a: Audit) -> SigningKey:
    return read_key_file(a.stage.home / "log.key", None)


TAMPERINGS = [
    one_byte_of_an_opening, an_entry_deleted, two_entries_swapped, the_last_dropped, the_chain_rewritten,
    the_log_key_replaced, a_template_text_changed, an_opening_removed,
]  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_each_tampering_exits_with_5_and_names_the_first_bad_entry(
    audit: Audit, tamper: Callable[[Audit], str]
) -> None:
    named = tamper(audit)
    ran = audit.verify("--save-checkpoint", audit.bundle.parent / "new")
    assert (ran.code, ran.out.splitlines()[-1].partition("the first bad entry ")[2]) == (5, named), ran.out
    assert not (audit.bundle.parent / "new").exists()


def test_the_last_five_dropped_are_seen_only_through_the_checkpoint_of_last_time(audit: Audit) -> None:
    audit.sign(leaves_of(audit.bundle, audit.size)[: audit.older - 5], key_of(audit))
    (audit.bundle / "scope.json").unlink()
    assert audit.stage.run("verify", audit.bundle, "--vkey", audit.stage.home / "log.vkey").code == 0
    assert audit.verify().code == 5


def test_a_status_changed_in_the_index_only_is_found_in_the_ledger_itself(honest: Audit, tmp_path: Path) -> None:
    """The last withdrawal is taken out of the index, where clearance looks for it; the log still has it."""
    home = Path(shutil.copytree(honest.stage.home, tmp_path / "home"))
    with sqlite3.connect(home / "ledger.db") as database:
        database.execute("DROP TRIGGER touch_delete")
        database.execute("DELETE FROM touch WHERE entry = ?", (honest.size - 1,))
    ran = honest.stage.run("verify", "--ledger", home, "--jobs", 1)
    assert (ran.code, ran.out.splitlines()[-1].partition("the first bad entry ")[2]) == (5, f"is {honest.size - 1}")


def test_a_changed_pdf_is_found(honest: Audit, tmp_path: Path) -> None:
    pytest.importorskip("weasyprint", reason="NOT TESTED: WeasyPrint is not installed")
    report = tmp_path / "report.pdf"
    honest.stage.do("report", "-o", report)
    flip(report, report.stat().st_size // 3)
    assert honest.stage.run("report", "--check", report).code == 5
