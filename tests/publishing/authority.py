"""A time-stamping authority of one's own: certificates made here, answers by `openssl ts`, over real HTTP."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.publishing.serving import Reply, answering

_CONFIGURATION = """\
[tsa]
default_tsa = ours
[ours]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""


class TimeStamping(NamedTuple):
    """Where the authority is, and the file with its root certificate."""

    url: str
    root: Path


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, *, is_root: bool
) -> bytes:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
    )
    if not is_root:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@contextmanager
def time_stamping(folder: Path) -> Iterator[TimeStamping]:
    """Run an authority; skip, saying so, where there is no openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("NOT TESTED: time-stamps want the program `openssl`")
    folder.mkdir()
    root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    (folder / "root.pem").write_bytes(_certificate("root", root, "root", root, is_root=True))
    (folder / "tsa.pem").write_bytes(_certificate("tsa", key, "root", root, is_root=False))
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "tsa.key").write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    (folder / "serial").write_text("01\n")
    (folder / "ts.cnf").write_text(_CONFIGURATION.format(folder=folder))

    def answer(path: str, body: bytes) -> Reply:
        (folder / "query").write_bytes(body)
        command = ["openssl", "ts", "-reply", "-config", "ts.cnf", "-section", "ours", "-queryfile", "query"]
        done = subprocess.run([*command, "-out", "reply"], cwd=folder, capture_output=True, check=False)
        if done.returncode:
            return 500, {}, done.stderr
        return 200, {"Content-Type": "application/timestamp-reply"}, (folder / "reply").read_bytes()

    with answering(answer) as url:
        yield TimeStamping(url, folder / "root.pem")
