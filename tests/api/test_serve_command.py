"""`consent-ledger serve` listens to this machine only, unless it is told what that means."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from consent_ledger.cli.serve import is_loopback, serve
from consent_ledger.cli.session import Session
from consent_ledger.home import create_home


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_which_addresses_only_this_machine_reaches(host: str, alone: bool) -> None:
    assert is_loopback(host) is alone


def test_another_address_is_refused_until_the_flag_says_so(tmp_path: Path) -> None:
    create_home(tmp_path / "home", "serve.example/ledger")
    result = CliRunner().invoke(serve, ["--host", "0.0.0.0"], obj=Session(tmp_path / "home"))
    assert result.exit_code == 2
    assert "without a token" in result.output
    assert "--allow-unauthenticated-network" in result.output
