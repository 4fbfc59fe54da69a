"""What `deploy/` holds is read as its readers read it, and names only what exists."""

import re
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import crossplane
import pytest
import yaml
from click.testing import CliRunner
from dockerfile_parse import DockerfileParser

from consent_ledger.cli import cli
from consent_ledger.settings import PREFIX, Settings, read_settings

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
LOCK_LINE = re.compile(r"^[a-z0-9.\-]+(\[[a-z,\-]+\])?==\S+( ; .+)? \\$|^    --hash=sha256:[0-9a-f]{64}( \\)?$|^#|^$")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return document


@pytest.fixture(scope="module")
def nginx() -> Any:
    parsed = crossplane.parse(str(DEPLOY / "nginx.conf"), catch_errors=False, check_ctx=True, check_args=True)
    assert parsed["status"] == "ok"
    return parsed["config"][0]["parsed"]


def blocks(tree: Any, name: str) -> list[Any]:
    """Return all directives of a name, at any depth."""
    found = [d for d in tree if d["directive"] == name]
    return found + [inner for d in tree for inner in blocks(d.get("block", ()), name)]


def test_compose_refers_only_to_what_it_declares(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
        assert set(service.get("networks", ())) <= set(compose["networks"])
        assert set(service.get("depends_on", ())) <= set(compose["services"])
        volumes = {volume.split(":")[0] for volume in service["volumes"]}
        assert {v for v in volumes if not v.startswith(".")} <= set(compose["volumes"])
        for volume in volumes:
            assert not volume.startswith(".") or (DEPLOY / volume).exists()


def test_compose_runs_two_of_the_service_and_only_the_proxy_is_reached(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    running = [name for name in services if name.startswith("ledger-")]
    assert len(running) == 2
    for name in running:
        assert services[name]["networks"] == ["inside"]
        assert services[name]["image"] == "consent-ledger"
        assert (DEPLOY / services[name]["build"]["context"] / services[name]["build"]["dockerfile"]).exists()


def test_compose_names_settings_that_the_service_reads(compose: dict[str, Any], tmp_path: Path) -> None:
    environment = compose["services"]["ledger-1"]["environment"]
    ours = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    (tmp_path / "settings.toml").write_text("")
    read = read_settings(tmp_path, {**ours, f"{PREFIX}HOSTS": "consent.example.org"})
    for name in ours:
        assert hasattr(read, name.removeprefix(PREFIX).lower()), name


def test_compose_gives_commands_that_the_service_has(compose: dict[str, Any]) -> None:
    for name in ("ledger-1", "ledger-2"):
        command = [*compose["services"][name]["command"], "--help"]
        assert CliRunner().invoke(cli, command).exit_code == 0


def test_the_proxy_streams_and_says_who_asks(nginx: Any, compose: dict[str, Any]) -> None:
    upstreams = {server["args"][0].split(":")[0] for server in blocks(blocks(nginx, "upstream")[0]["block"], "server")}
    assert upstreams == {name for name in compose["services"] if name.startswith("ledger-")}
    said = {d["args"][0]: d["args"][1] for d in blocks(nginx, "proxy_set_header")}
    # Not `$proxy_add_x_forwarded_for`, which passes on what the client made up.
    assert said["X-Forwarded-For"] == "$remote_addr"
    assert [d["args"] for d in blocks(nginx, "proxy_request_buffering")] == [["off"]]
    assert [d["args"] for d in blocks(nginx, "proxy_buffering")] == [["off"]]
    secrets = {f"/run/secrets/{name}" for name in compose["services"]["proxy"]["secrets"]}
    assert {blocks(nginx, key)[0]["args"][0] for key in ("ssl_certificate", "ssl_certificate_key")} == secrets


def test_the_dockerfile_copies_what_is_there_and_runs_as_nobody_special(tmp_path: Path) -> None:
    parser = DockerfileParser(path=str(tmp_path))
    parser.content = (DEPLOY / "Dockerfile").read_text()
    steps = [(step["instruction"], step["value"]) for step in parser.structure]
    copied = {
        source
        for instruction, value in steps
        if instruction == "COPY" and not value.startswith("--from")
        for source in value.split()[:-1]
    }
    assert copied
    assert all((ROOT / source).exists() for source in copied)
    sent = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{source}" for source in copied} <= set(sent)
    assert ("USER", "10001") in steps
    assert parser.baseimage.startswith("python:3.13")


def test_the_locks_name_hashes_and_no_addresses() -> None:
    for lock in (ROOT / "requirements.lock", ROOT / "requirements-demo.lock", DEPLOY / "requirements-server.lock"):
        for line in lock.read_text().splitlines():
            assert LOCK_LINE.match(line), f"{lock.name}: {line}"


def test_the_image_and_the_tests_hold_the_same_versions() -> None:
    def pins(lock: Path) -> set[str]:
        return {line.split()[0] for line in lock.read_text().splitlines() if re.match(r"[a-z]", line)}

    assert pins(DEPLOY / "requirements-server.lock") <= pins(ROOT / "requirements.lock")


def test_the_unit_starts_a_command_that_exists() -> None:
    unit = RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # names are case-sensitive here
    unit.read(DEPLOY / "consent-ledger.service")
    words = unit["Service"]["ExecStart"].split()
    assert words[0].endswith("/bin/consent-ledger")
    assert CliRunner().invoke(cli, [*words[1:], "--help"]).exit_code == 0
    assert unit["Service"]["NoNewPrivileges"] == "yes"
    assert int(unit["Service"]["TimeoutStopSec"]) > 30


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")
def test_systemd_reads_the_unit(tmp_path: Path) -> None:
    """Without the lines that name what only an installation has."""
    text = (DEPLOY / "consent-ledger.service").read_text()
    text = re.sub(r"ExecStart=.*", "ExecStart=/bin/true", text)
    (tmp_path / "consent-ledger.service").write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "consent-ledger.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "consent-ledger.service" not in done.stderr


def test_every_setting_is_described() -> None:
    described = (DEPLOY / "README.md").read_text()
    for name in Settings.__struct_fields__:
        assert name == "home" or f"`{name}`" in described, name
