"""`consent-ledger serve`: what the settings say is what the service does."""

from pathlib import Path

import pytest

from consent_ledger.api.limits import Rate
from consent_ledger.cli.serve import exposure_of, is_loopback
from consent_ledger.errors import LedgerError
from consent_ledger.home import create_home
from consent_ledger.settings import read_settings


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


def test_settings_of_the_network_are_read_from_the_file_and_before_it_from_the_environment(tmp_path: Path) -> None:
    home = tmp_path / "home"
    create_home(home, "serve.example/ledger")
    with (home / "settings.toml").open("a") as file:
        file.write('hosts = ["Ledger.Example:443", "[::1]"]\ntoken_rate = 5\nhttps = true\n')
    environ = {"CONSENT_LEDGER_PROXIES": "10.0.0.0/8, 2001:db8::1", "CONSENT_LEDGER_TOKEN_RATE": "7.5"}
    exposure = exposure_of(read_settings(home, environ))
    assert exposure.hosts == {"ledger.example", "[::1]"}
    assert [str(network) for network in exposure.proxies] == ["10.0.0.0/8", "2001:db8::1/128"]
    assert exposure.limits.token == Rate(7.5, 4_000)
    assert exposure.https


@pytest.mark.parametrize("value", ["10.0.0.1/8", "proxy", "10.0.0.0/40"])
def test_a_proxy_that_is_no_address_is_refused(tmp_path: Path, value: str) -> None:
    create_home(tmp_path / "home", "serve.example/ledger")
    with pytest.raises(LedgerError, match="proxy"):
        exposure_of(read_settings(tmp_path / "home", {"CONSENT_LEDGER_PROXIES": value}))
