"""Where a token may be sent, and what is a token."""

import pytest

from consent_ledger.client import Client
from consent_ledger.client.address import parse_address, parse_token
from consent_ledger.errors import MalformedError, UnavailableError


@pytest.mark.parametrize(
    ("given", "parsed"),
    [
        ("https://ledger.example", "https://ledger.example"),
        ("https://ledger.example:8443/consent/", "https://ledger.example:8443/consent"),
        ("http://127.0.0.1:8100", "http://127.0.0.1:8100"),
        ("http://localhost:8100/", "http://localhost:8100"),
        ("http://[::1]:8100", "http://[::1]:8100"),
    ],
)
def test_addresses_that_are_talked_to(given: str, parsed: str) -> None:
    assert parse_address(given) == parsed


@pytest.mark.parametrize(
    "given",
    ["", "ledger.example", "ftp://ledger.example", "https://", "https://user:secret@ledger.example",
     "https://ledger.example/?x=1", "https://ledger.example/#x", "https://ledger.example:port",
     "https://le dger.example", "https://ledger.example\r\nX: y", "http://ledger.example", "http://10.0.0.1:8100", "http://127.0.0.1.example",
     "http://0.0.0.0:8100", "file:///etc/passwd", "https://[::1"],
)  # fmt: skip
def test_addresses_that_are_not(given: str) -> None:
    with pytest.raises(MalformedError) as error:
        parse_address(given)
    assert "secret" not in str(error.value)


def test_plain_http_to_another_machine_has_to_be_allowed() -> None:
    assert parse_address("http://10.0.0.1:8100", allow_plain_http=True) == "http://10.0.0.1:8100"


@pytest.mark.parametrize("given", ["", "two words", "clt_x\r\nX-Other: y", "é", "x" * 201])
def test_what_is_no_token(given: str) -> None:
    with pytest.raises(MalformedError) as error:
        parse_token(given)
    assert not given or given not in str(error.value)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with Client("http://127.0.0.1:9", pause=lambda _: None) as client, pytest.raises(UnavailableError) as error:
        client.version()
    assert error.value.code == "unreachable"
