"""How the service shows itself to a network: what it is called there, whose word it takes, and how much it answers."""

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from litestar.types import Scope

from consent_ledger.api.audit_trail import Trail
from consent_ledger.api.limits import Limits
from consent_ledger.errors import MalformedError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MOST_HOPS = 20


class Exposure(NamedTuple):
    """`hosts`: the names that it answers to, none for any. `proxies`: who may say for whom they ask. `https`: whether
    browsers reach it by that. The limits on requests, the audit trail, and for how long staff stay signed in: in all,
    and without asking for anything, in seconds."""

    hosts: frozenset[str] = frozenset()
    proxies: tuple[Network, ...] = ()
    https: bool = False
    limits: Limits = Limits()
    trail: Trail = Trail()
    session_seconds: int = 12 * 3600
    idle_seconds: int = 30 * 60


def require_host(exposure: Exposure, scope: Scope) -> None:
    """Raise MalformedError `host_unknown` unless the request names this service, on whatever port."""
    if not exposure.hosts:
        return
    named = [value for name, value in scope["headers"] if name == b"host"]
    if len(named) != 1 or host_name(named[0].decode("latin-1")) not in exposure.hosts:
        raise MalformedError("header `Host` names another service", code="host_unknown")


def host_name(host: str) -> str:
    """Return the name in a `Host` header: without the port, in lower case."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower().rstrip(".")


def client_of(exposure: Exposure, scope: Scope) -> str:
    """Return the address that a request is counted under: an IPv4 address, or a network that one household has.

    What `X-Forwarded-For` says is believed from a trusted proxy only, and of it the last address that is not a proxy's.
    """
    peer = scope.get("client")
    direct = _address(peer[0]) if peer else None
    if direct is None or not exposure.proxies or not _trusted(exposure.proxies, direct):
        return _counted(direct)
    given = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for").decode("latin-1")
    hops = [hop.strip() for hop in given.split(",")][-_MOST_HOPS:]
    return _counted(_behind(exposure.proxies, direct, hops))


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks that are spelled; raise MalformedError for anything else."""
    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as e:
        raise MalformedError(f"a proxy is not an address or a network: {e}", code="settings") from e


def _behind(proxies: Sequence[Network], direct: Address, hops: Sequence[str]) -> Address:
    known = direct
    for hop in reversed(hops):
        address = _address(hop)
        if address is None:
            break
        known = address
        if not _trusted(proxies, address):
            break
    return known


@lru_cache(maxsize=4096)
def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _trusted(proxies: Sequence[Network], address: Address) -> bool:
    return any(address in network for network in proxies)


@lru_cache(maxsize=4096)
def _counted(address: Address | None) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
    return "" if address is None else str(address)
