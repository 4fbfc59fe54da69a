"""Where a server is, and which token opens it: a token is never sent where others could read it."""

import ipaddress
import re
from urllib.parse import urlsplit

from consent_ledger.errors import MalformedError

_TOKEN = re.compile(r"[!-~]{1,200}")


def parse_address(url: str, *, allow_plain_http: bool = False) -> str:
    """Return a server's address without a slash at its end; raise MalformedError where it should not be talked to."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as e:
        raise _bad("is not an address") from e
    if parts.scheme not in ("http", "https") or not host or not url.isascii() or not url.isprintable() or " " in url:
        raise _bad("is not an address")
    if parts.username is not None or parts.password is not None:
        raise _bad("holds a password")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise _bad("has more than a path")
    if parts.scheme == "http" and not (allow_plain_http or is_loopback(host)):
        detail = f"`{host}` is another machine, and over plain http others can read the token: want https"
        raise MalformedError(detail, code="plain_http")
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}{'' if port is None else f':{port}'}{parts.path.rstrip('/')}"


def _bad(why: str) -> MalformedError:
    # The address is not repeated: it may hold a password.
    return MalformedError(f"the server's address {why}, want for example `https://ledger.example`", code="bad_server")


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def parse_token(text: str) -> str:
    """Return a token, without the line feed that a file ends in; raise MalformedError for what is none."""
    token = text.strip()
    if _TOKEN.fullmatch(token) is None:
        raise MalformedError("the token is not one word of printable ASCII", code="bad_token")
    return token
