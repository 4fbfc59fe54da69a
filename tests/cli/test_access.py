"""Who may use the HTTP service, from the command line: the first administrator, tokens, staff."""

import re
from pathlib import Path

from consent_ledger.access.organisations import operator_of
from consent_ledger.access.sessions import Lifetimes, sign_in
from consent_ledger.access.tokens import Callers, hash_token
from consent_ledger.ledger import system_clock
from consent_ledger.store.engine import open_store
from tests.cli.conftest import Run

TOKEN = re.compile(r"clt_[0-9a-f]{16}_[0-9a-f]{64}\n")


def passes(place: Path, text: str) -> object:
    with open_store(f"sqlite:///{place}/home/ledger.db") as store:
        (caller,) = Callers(store, operator_of(store), system_clock).find([hash_token(text.strip().encode())])
    return caller


def test_the_first_tokens_come_from_the_command_line(place: Path, run: Run) -> None:
    operator, studio = run("org", "admin", "ledger"), run("org", "admin", "studio", "--scope", "admin")
    for made in (operator, studio):
        assert made.code == 0
        assert TOKEN.fullmatch(made.out)
        assert made.out.strip().rpartition("_")[2] not in made.err
    assert [getattr(passes(place, made.out), "is_operator", None) for made in (operator, studio)] == [True, False]


def test_a_token_is_made_listed_and_revoked(place: Path, run: Run) -> None:
    run("org", "admin", "studio")
    made = run(
        "token", "create", "--org", "studio", "--scope", "clearance:read", "--expires", "7", "--label", "nightly"
    )
    id_ = made.out.strip().rpartition("_")[0]
    assert [
        line.split("\t")[1] for line in run("token", "list", "--org", "studio").out.splitlines() if id_ in line
    ] == ["holds"]
    assert run("token", "revoke", id_, "--org", "studio").code == 0
    assert isinstance(passes(place, made.out), Exception)
    listed = run("token", "list", "--org", "studio", "--json").out
    assert '"revoked"' in listed
    assert made.out.strip() not in listed


def test_what_cannot_be_is_said(place: Path, run: Run) -> None:
    assert "does not use this service" in run("token", "create", "--org", "studio", "--scope", "admin").err
    assert run("token", "create", "--org", "studio", "--scope", "root").code == 2
    assert "is not an organisation" in run("org", "admin", "anna").err
    run("org", "admin", "studio")
    assert "no token" in run("token", "revoke", "clt_" + "0" * 16, "--org", "studio").err
    assert run("org", "close", "studio").code == 0
    assert "stays" in run("org", "close", "ledger").err
    assert "is closed" in run("org", "admin", "studio").err


def test_staff_sign_in_with_the_password_of_a_file(place: Path, run: Run, tmp_path: Path) -> None:
    run("org", "admin", "studio")
    password = tmp_path / "password"
    password.write_text("correct horse battery\n")
    options = ("--org", "studio", "--scope", "audit:read", "--password-file", password)
    made = run("staff", "add", "anna", *options)
    with open_store(f"sqlite:///{place}/home/ledger.db") as store:
        lives = Lifetimes(10**9, 10**9)
        signed = sign_in(store, operator_of(store), "anna", "correct horse battery", system_clock(), lives)
    assert signed.session.caller.token == made.out.strip()
    assert run("staff", "add", "bert", "--org", "studio", "--scope", "audit:read").code == 2
    assert "taken" in run("staff", "add", "anna", *options).err
    assert run("staff", "disable", "anna").code == 0
    assert "disabled" in run("staff", "list", "--org", "studio").out
