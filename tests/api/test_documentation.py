"""docs/http.md: it names every route with its scope, and its first request works as it stands."""

import re
import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from litestar.testing import TestClient

from consent_ledger.api.app import ROUTES, create_app
from consent_ledger.api.openapi import build_document
from consent_ledger.cli import main
from consent_ledger.keyfile import read_key_file
from consent_ledger.ledger import Ledger
from consent_ledger.store.engine import open_store

PAGE = Path(__file__).parents[2] / "docs/http.md"


def test_the_table_has_every_route_with_its_scope() -> None:
    told = re.findall(r"^\| `([A-Z]+ /\S*)` \|([^|]*)\|", PAGE.read_text(), re.M)
    served = {}
    for path, item in build_document(ROUTES)["paths"].items():
        for method, operation in item.items():
            scopes = [scope for way in operation["security"] for scope in way.get("token", ())]
            served[f"{method.upper()} {path}"] = "".join(f"`{scope}`" for scope in scopes)
    assert {route: scope.strip() for route, scope in told if scope.strip() != "by its type"} == {
        route: scope for route, scope in served.items() if route not in ("POST /v1/statements", "POST /v1/rehearsals")
    }


def test_the_first_request_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another client in the place of curl, which this machine need not have."""
    block = PAGE.read_text().split("## First request")[1].split("```")[1].strip()
    setting, question = block.split("\n\n")
    monkeypatch.chdir(tmp_path)
    umask, *commands, serving = setting.splitlines()
    assert umask.startswith("umask 077 ")  # else the token's file would be refused
    assert serving.startswith("consent-ledger serve")
    for command in commands:
        program, *words = shlex.split(command.partition(">")[0])
        assert program == "consent-ledger"
        told = typed(words)
    body = question.split("-d '")[1].removesuffix("'")
    headers = {"Authorization": f"Bearer {told.strip()}", "Content-Type": "application/json"}
    with open_store("sqlite:///ledger/ledger.db") as store:
        ledger = Ledger.open(store, read_key_file(Path("ledger/log.key"), None))
        with TestClient(create_app(ledger)) as client:
            answer = client.post("/v1/clearance", content=body, headers=headers).json()
    assert (answer["verdict"], [reason["code"] for reason in answer["reasons"]]) == ("undetermined", ["asset_unknown"])


def typed(words: list[str]) -> str:
    """Run a command as typed, which has to succeed; return what it wrote."""
    with CliRunner().isolation() as (out, err, _):
        with pytest.raises(SystemExit) as stopped:
            main(words)
        sys.stdout.flush()
    assert not stopped.value.code, err.getvalue()
    return out.getvalue().decode()
