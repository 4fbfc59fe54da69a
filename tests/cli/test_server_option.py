"""Commands say the same and exit alike, whether the ledger is here or at a server."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from consent_ledger.access.callers import SCOPES
from consent_ledger.access.organisations import open_account, operator_of
from consent_ledger.access.tokens import create_token
from consent_ledger.address_book import AddressBook
from consent_ledger.ledger import system_clock
from consent_ledger.store.engine import Store, open_store
from tests.cli.conftest import Run
from tests.cli.running import ROOT, Ran
from tests.client.hostile import answering, lines_told, said, told

INSIDE = ("--activity", "train", "--aim", "general", "--context", "commercial", "--audience", "internal")
OPEN = (*INSIDE[:-1], "open", "--licence", "CC-BY-4.0")


class Both(NamedTuple):
    """One home with the ledger, and one that has only keys and names, and talks to the server of the other."""

    here: Path
    there: Path
    media: Path
    server: str
    token: Path
    studio: Path


@pytest.fixture(scope="module")
def both(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("both")
    shutil.copytree(furnished, folder / "place")
    here, there = folder / "place/home", folder / "there"
    there.mkdir(mode=0o700)
    for name in ("keys", "parties.ndjson", "log.vkey", "operator.key"):
        source = here / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, there / name)
    with open_store(f"sqlite:///{here}/ledger.db") as store:
        studio = AddressBook(here / "parties.ndjson").find("studio").party
        tokens = [token_file(store, folder / party, party) for party in (operator_of(store), studio)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "consent_ledger", "serve", "--home", str(here), "--port", "0"],
            stdout=subprocess.PIPE, stderr=log, cwd=ROOT, env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        assert " at http://" in line, (folder / "log").read_text()
        server = line.partition(" at ")[2].partition(",")[0].strip()
        yield Both(here, there, folder / "place/media", server, *tokens)
    finally:
        process.terminate()
        process.wait(timeout=15)
        if process.stdout is not None:
            process.stdout.close()


def token_file(store: Store, path: Path, party: str) -> Path:
    """Make a token of an organisation with every scope, and return its file."""
    now = system_clock()
    open_account(store, party, "tests", now)
    path.write_text(create_token(store, party, SCOPES, now).text + "\n")
    path.chmod(0o600)
    return path


class Runs(NamedTuple):
    """Runs a command at either ledger."""

    run: Run
    both: Both

    def here(self, *arguments: str | Path) -> Ran:
        return self.run(*arguments, "--home", self.both.here)

    def there(self, *arguments: str | Path, token: Path | None = None) -> Ran:
        """As the operator, or with another token."""
        server = ("--server", self.both.server, "--token-file", token or self.both.token)
        return self.run(*arguments, "--home", self.both.there, *server)


@pytest.fixture
def runs(run: Run, both: Both) -> Runs:
    return Runs(run, both)


@pytest.fixture(scope="module")
def granted(both: Both) -> str:
    """A grant of anna's, signed and recorded through the server."""
    done = subprocess.run(
        [sys.executable, "-m", "consent_ledger", "grant", "--party", "anna", "--project", "twine", "--yes", "open",
         "--home", both.there, "--server", both.server, "--token-file", both.token],
        capture_output=True, cwd=ROOT, check=True,
    )  # fmt: skip
    return done.stdout.decode().strip()


AT = ("--as-of", "2040-01-01T00:00:00Z")
QUESTIONS: dict[str, tuple[str, ...]] = {
    "check": ("check", "{media}", *INSIDE),
    "check, denied": ("check", "{media}", *INSIDE[:-1], "open", "--licence", "CC0-1.0"),
    "check, unknown": ("check", "9f" * 32, *OPEN),
    "check as json": ("check", "{media}", *OPEN, "--json", *AT),
    "check as lines": ("check", "{media}", "--for", "open-training", "--ndjson", *AT),
    "check as a table": ("check", "{media}", "--for", "open-training", "--csv", *AT),
    "check at a size": ("check", "{media}", *OPEN, "--json", *AT, "--size", "7"),
    "check at another size": ("check", "{media}", *OPEN, "--size", "100000"),
    "check at a time": ("check", "{media}", *OPEN, "--json", "--at", "2026-01-01T00:00:00Z"),
    "check of nothing": ("check", "{media}/no-such-file", *OPEN),
    "check for a recipient": ("check", "{media}", *INSIDE[:-1], "recipient", "--recipient", "bob", "--json", *AT),
    "explain": ("explain", "{media}", *OPEN),
    "explain what is missing": ("explain", "{media}", "9f" * 32, "--for", "open-training", "--json"),
    "explain as lines": ("explain", "{media}", "9f" * 32, *INSIDE[:-1], "open", "--licence", "CC0-1.0", "--ndjson"),
    "explain as a table": ("explain", "{media}", *INSIDE[:-1], "open", "--licence", "CC0-1.0", "--csv"),
    "asset show": ("asset", "show", "{media}/0.mp4"),
    "asset show, unknown": ("asset", "show", "9f" * 32),
    "project show": ("project", "show", "twine"),
    "project show, unknown": ("project", "show", "tweed"),
    "party show": ("party", "show", "anna"),
    "party show, nothing": ("party", "show", "bob"),
    "party show, unknown": ("party", "show", "pty_" + "0" * 32),
    "statement show": ("statement", "show", "{grant}"),
    "statement show, envelope": ("statement", "show", "{grant}", "--envelope"),
    "statement show, unknown": ("statement", "show", "sha256:" + "9f" * 32),
    "receipt": ("receipt", "take", "{grant}"),
    "receipt, proof": ("receipt", "take", "{grant}", "--tlog-proof"),
    "receipt, unknown": ("receipt", "take", "sha256:" + "9f" * 32),
}


@pytest.mark.parametrize("kind", QUESTIONS)
def test_a_question_is_answered_alike(runs: Runs, granted: str, kind: str) -> None:
    asked = [word.format(media=runs.both.media, grant=granted) for word in QUESTIONS[kind]]
    here, there = runs.here(*asked), runs.there(*asked)
    assert (there.code, there.out) == (here.code, here.out)
    assert bool(there.err) == bool(here.err)


def test_what_is_recorded_at_the_server_is_there_for_all(runs: Runs, granted: str) -> None:
    media = runs.both.media
    assert runs.there("check", media, *OPEN).code == runs.here("check", media, *OPEN).code == 0
    paused = runs.there("suspend", "--party", "anna", "--grant", granted, "--json")
    assert (paused.code, json.loads(paused.out)["is_new"]) == (0, True)
    assert runs.here("check", media, *OPEN).code == 3
    assert runs.there("resume", "--party", "anna", "--grant", granted).code == 0
    assert runs.there("submission", "accept", media, "--by", "studio", token=runs.both.studio).code == 0
    assert runs.here("check", media, *OPEN).code == 0


def test_files_are_registered_once_wherever_one_is(runs: Runs, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.mp4").write_bytes(b"made for the server, " + name.encode())
    register = ("asset", "register", tmp_path, "--project", "twine", "--by", "studio", "--owner", "bob",
                "--subject", "bob")  # fmt: skip
    first, again = (runs.there(*register, token=runs.both.studio) for _ in range(2))
    here = runs.here(*register)
    assert (first.code, len(first.out.splitlines())) == (0, 2)
    assert (again.code, again.out) == (here.code, here.out) == (0, "")
    assert again.err == here.err == "registered 0, registered before 2, failed 0\n"


def test_the_same_withdrawal_again_finds_the_one_that_stands(runs: Runs) -> None:
    assert runs.there("grant", "--party", "cleo", "--project", "twine", "--no", "open").code == 0
    withdraw = ("revoke", "--party", "cleo", "--audience", "open", "--json")
    first = json.loads(runs.there(*withdraw).out)
    assert first["is_new"] is True
    for again in (runs.there(*withdraw), runs.here(*withdraw)):
        assert json.loads(again.out) == first | {"is_new": False}


def test_a_table_of_grants_and_signed_lines_go_through_the_server_too(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "grants.csv").write_text("party,yes,no\nbob,,open\ncleo,,\n")
    granted = runs.there("grant", "--from", tmp_path / "grants.csv", "--project", "twine")
    assert granted.code == 1
    assert "line 3: `cleo`: optional rule `open` is not answered" in granted.err
    id_ = granted.out.split("\t")[0]
    signed = runs.there("statement", "show", id_, "--envelope").out
    (tmp_path / "lines").write_text(signed + "{}\n" + signed)
    there = runs.there("statement", "submit", tmp_path / "lines", "--ndjson")
    here = runs.here("statement", "submit", tmp_path / "lines", "--ndjson")
    told = [[json.loads(line) for line in ran.out.splitlines()] for ran in (there, here)]
    assert there.code == here.code == 1
    assert told[0][0] == told[1][0]
    assert told[0][2] == told[1][2]
    assert [["error" in line for line in lines] for lines in told] == [[False, True, False]] * 2


def test_to_ask_nobody_needs_a_home(run: Run, both: Both, granted: str, tmp_path: Path) -> None:
    server = ("--server", both.server, "--token-file", both.token, "--home", tmp_path / "none")
    asked = run("check", both.media, *OPEN, *server)
    assert (asked.code, asked.out.splitlines()[-1]) == (0, "checked 4, allow 4, deny 0, undetermined 0")
    assert not (tmp_path / "none").exists()


def test_nothing_is_signed_for_a_log_that_is_not_known_or_another(runs: Runs, both: Both, tmp_path: Path) -> None:
    stranger = tmp_path / "there"
    shutil.copytree(both.there, stranger)
    key = (stranger / "log.vkey").read_text()
    server = ("--server", both.server, "--token-file", both.token)
    withdraw = ("revoke", "--party", "bob", "--all", "--home", stranger, *server)
    (stranger / "log.vkey").unlink()
    unknown = runs.run(*withdraw)
    assert (unknown.code, unknown.out) == (1, "")
    assert "want `log.vkey` in the home, or --vkey" in unknown.err
    assert runs.run("init", "--home", tmp_path / "other", "--origin", "other.example/x").code == 0
    other = runs.run("--vkey", tmp_path / "other/log.vkey", *withdraw)
    assert (other.code, other.out) == (5, "")
    assert runs.run("--vkey", key.strip(), *withdraw).code == 0


REHEARSED: dict[str, tuple[str, ...]] = {
    "grant": ("grant", "--party", "anna", "--project", "twine", "--yes", "open"),
    "grant, unanswered": ("grant", "--party", "anna", "--project", "twine"),
    "grants": ("grant", "--from", "{table}", "--project", "twine", "--yes", "open"),
    "revoke": ("revoke", "--party", "anna", "--all"),
    "suspend": ("suspend", "--party", "anna", "--grant", "{grant}"),
    "suspend, another's": ("suspend", "--party", "bob", "--grant", "{grant}"),
    "resume, unknown": ("resume", "--party", "anna", "--grant", "sha256:" + "9f" * 32),
    "submission": ("submission", "paid", "{media}", "--by", "studio"),
    "submission, another's": ("submission", "reject", "{media}", "--by", "anna", "--reason", "blurred"),
    "asset register": ("asset", "register", "{table}", "--project", "twine", "--by", "studio", "--no-subjects"),
    "statement submit": ("statement", "submit", "{table}", "--ndjson"),
    "party add": ("party", "add", "dora", "--adult", "--by", "studio"),
}


@pytest.mark.parametrize("kind", REHEARSED)
def test_a_rehearsal_says_the_same_and_records_nothing(
    runs: Runs, granted: str, tmp_path: Path, kind: str
) -> None:  # fmt: skip
    table = tmp_path / "table.csv"
    table.write_text("party\nanna\nbob\n")
    said = [word.format(media=runs.both.media, grant=granted, table=table) for word in REHEARSED[kind]]
    before = runs.here("receipt", "take", granted, "--tlog-proof").out
    size = len(json.loads(runs.here("party", "show", "anna").out)["grants"])
    here, there = (run(*said, "--dry-run") for run in (runs.here, partial(runs.there, token=runs.both.studio)))
    assert (there.code, there.out, there.err) == (here.code, here.out, here.err)
    assert runs.here("receipt", "take", granted, "--tlog-proof").out == before
    assert len(json.loads(runs.here("party", "show", "anna").out)["grants"]) == size


def test_a_withdrawal_wants_no_token(runs: Runs, both: Both) -> None:
    withdraw = ("revoke", "--party", "bob", "--all", "--home", both.there, "--server", both.server)
    assert runs.run(*withdraw).code == 0
    refused = runs.run("grant", "--party", "bob", "--project", "twine", "--yes", "open", "--home", both.there,
                       "--server", both.server)  # fmt: skip
    assert (refused.code, refused.out) == (1, "")


def test_the_environment_and_a_file_in_the_home_name_the_server(
    run: Run, both: Both, granted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "server.toml").write_text(f'server = "{both.server}"\ntoken_file = "token"\n')
    shutil.copy2(both.token, home / "token")
    assert run("check", both.media, *OPEN, "--home", home).code == 0
    monkeypatch.setenv("CONSENT_LEDGER_SERVER", both.server)
    monkeypatch.setenv("CONSENT_LEDGER_TOKEN", both.token.read_text())
    assert run("check", both.media, *OPEN, "--home", tmp_path / "none").code == 0
    (home / "server.toml").write_text("serve = 1\n")
    assert "cannot be understood" in run("check", both.media, *OPEN, "--home", home).err


def test_a_token_that_others_can_read_is_not_used(run: Run, both: Both, tmp_path: Path) -> None:
    shared = tmp_path / "token"
    shutil.copy2(both.token, shared)
    shared.chmod(0o644)
    assert stat.S_IMODE(shared.stat().st_mode) == 0o644
    refused = run("check", both.media, *OPEN, "--server", both.server, "--token-file", shared, "--home", tmp_path)
    assert (refused.code, refused.out) == (1, "")
    assert "is open to others (mode 0644), want 0600" in refused.err


def test_a_home_put_together_by_hand_is_enough_to_enrol(run: Run, both: Both, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    for name in ("log.vkey", "keys/studio.key"):
        shutil.copy2(both.there / name, home)
    studio = json.loads((both.there / "parties.ndjson").read_text().splitlines()[1])
    (home / "parties.ndjson").write_text(json.dumps(studio | {"key": "studio.key"}) + "\n")
    (home / "server.toml").write_text(f'server = "{both.server}"\ntoken_file = "{both.studio}"\n')
    assert run("party", "add", "emma", "--adult", "--by", "studio", "--home", home).code == 0
    assert [path.stat().st_mode & 0o777 for path in (home / "keys", home / "keys/emma.key")] == [0o700, 0o600]
    assert run("--home", home, "--server", both.server, "key", "new", home / "new.key").code == 0
    added = run("--home", home, "--server", both.server, "--token-file", both.studio, "key", "add", "emma",
                home / "new.key")  # fmt: skip
    assert added.code == 0


@pytest.mark.parametrize("command", [("bundle", "x"), ("serve",), ("rebuild",), ("org", "admin", "studio")])
def test_what_works_on_the_database_itself_takes_no_server(run: Run, both: Both, command: tuple[str, ...]) -> None:
    refused = run("--server", both.server, "--home", both.here, *command)
    assert (refused.code, refused.out) == (2, "")


GRANTED = {"code": "granted", "capacity": None, "party": None, "grant": None, "entry": 1, "rule": None, "via": []}
WRONG = {
    "html": said("200 OK", "text/html", b"<p>allow</p>"),
    "json": told({"verdict": "allow"}),
    "a redirection": said("302 Found", "text/html", b"", Location="http://127.0.0.1:9/"),
    "no lines": lines_told(),
    "a line that is none": lines_told("allow"),
    "another asset": lines_told({"verdict": "allow", "asset": "sha256:" + "00" * 32, "query": {
        "activities": ["train"], "aims": ["general"], "context": "commercial", "audience": "internal",
        "territories": ["WORLD"]}, "reasons": [GRANTED], "requirements": [], "obligations": [], "warnings": [],
        "valid_until": None, "as_of": "2099-01-01T00:00:00Z", "size": 1, "root": None, "policy": "1"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_no_answer_of_a_hostile_server_clears(
    run: Run, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(WRONG[kind]) as hostile:
        asked = run("check", "9f" * 32, *INSIDE, "--server", hostile.place, "--home", tmp_path)
    assert asked.code in (1, 5)
    assert asked.out == ""
    assert "allow" not in asked.err
