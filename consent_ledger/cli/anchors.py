"""What somebody who verifies knows from elsewhere: the log's key, older checkpoints, whose cosignatures count."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from consent_ledger.cli.output import printable
from consent_ledger.errors import UnavailableError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from consent_ledger.audit.policy import Policy

_MAX_FILE = 1_000_000


def read_key(text: str | None) -> str | None:
    """Return the verifier keys that were given themselves, or in a file."""
    if text is None or "+" in text:
        return text
    try:
        return read_small(Path(text)).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as e:
        raise click.UsageError(f"`{printable(text)}` is neither a verifier key nor a file with one") from e


def read_policy(path: Path | None) -> "Policy | None":
    """Return the policy in a file."""
    from consent_ledger.audit.policy import parse_policy

    return None if path is None else parse_policy(read_small(path))


def read_authorities(path: Path | None) -> "list[Certificate] | None":
    """Return the certificates of time-stamping authorities in a file."""
    if path is None:
        return None
    try:
        from consent_ledger.verification.stamps import read_roots
    except ImportError as e:
        raise UnavailableError("time-stamps want the extra `timestamp` installed", code="extra_missing") from e
    return read_roots(path)


def read_small(path: Path) -> bytes:
    """Return what is in a file, or so much of it that it is too long for anything."""
    with path.open("rb") as file:
        return file.read(_MAX_FILE + 1)
