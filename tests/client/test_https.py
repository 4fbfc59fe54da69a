"""Over https, whose certificate is verified."""

import datetime
import http.server
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from consent_ledger.client import Client
from consent_ledger.errors import MalformedError, UnavailableError

VERSION = {"version": "1", "policy": "1", "vocabulary": "1", "origin": "tests/https", "vkey": "x"}


class Secure(NamedTuple):
    """Where it listens, and the file with its certificate."""

    place: str
    certificate: Path
    seen: list[str]


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    folder = tmp_path_factory.mktemp("https")
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            body = json.dumps(VERSION).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificate(folder))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield Secure(f"https://127.0.0.1:{server.server_port}", folder / "both.pem", seen)
    server.shutdown()
    server.server_close()
    thread.join(timeout=10)


def make_certificate(folder: Path) -> Path:
    """Make a key and a certificate of its own for this machine, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "both.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_certificate_that_is_known_is_talked_to(secure: Secure) -> None:
    with Client(secure.place, "clt_x", ca_file=secure.certificate) as client:
        assert client.version().origin == "tests/https"
    assert secure.seen == ["Bearer clt_x"]


def test_one_that_is_not_known_gets_no_token_and_is_not_tried_again(secure: Secure) -> None:
    seen, waited = list(secure.seen), list[float]()
    with Client(secure.place, "clt_x", pause=waited.append) as client, pytest.raises(UnavailableError) as error:
        client.version()
    assert (error.value.code, waited, secure.seen) == ("certificate", [], seen)


def test_one_for_another_name_gets_no_token(secure: Secure) -> None:
    elsewhere = secure.place.replace("127.0.0.1", "localhost")
    with Client(elsewhere, "clt_x", ca_file=secure.certificate) as client, pytest.raises(UnavailableError) as error:
        client.version()
    assert error.value.code == "certificate"


def test_a_file_without_certificates_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "none.pem"):
        with pytest.raises(MalformedError):
            Client("https://ledger.example", ca_file=tmp_path / name)
