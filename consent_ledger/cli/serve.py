"""`consent-ledger serve`: the HTTP service, until it is told to stop."""

import ipaddress
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from consent_ledger.cli.output import note
from consent_ledger.cli.session import Session, home_options, pass_session
from consent_ledger.errors import StaleError
from consent_ledger.settings import Settings

if TYPE_CHECKING:
    from consent_ledger.api.exposure import Exposure
    from consent_ledger.ledger import Ledger
    from consent_ledger.publishing.cosigned import Quorum

GRACE_SECONDS = 30


@click.command(epilog="Example: consent-ledger serve --home ledger --port 8100, then open http://127.0.0.1:8100/docs")
@home_options
@click.option("--host", help="The address to listen on [default: 127.0.0.1].")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on, 0 for any [default: 8100].")
@pass_session
def serve(session: Session, host: str | None, port: int | None) -> None:
    """Answer over HTTP: statements, clearance, the log and its proofs.

    Who asks shows a token: `consent-ledger org admin` makes the first one. It speaks HTTP without encryption: where
    others reach it, put a proxy with TLS before it, and name the proxy and the hosts in the settings.
    """
    settings = session.settings
    address = settings.host if host is None else host
    if not is_loopback(address) and not settings.https:
        note(f"`{address}` can be reached by others: tokens need a proxy with TLS before it, then set `https`")
    from consent_ledger.api.server import run
    from consent_ledger.evidence.certificates import Signer
    from consent_ledger.publishing.cosigned import read_quorum

    quorum = read_quorum(settings.policy_file, closed=settings.witness_fail == "closed")
    signs = settings.operator_key.exists()
    signer = Signer(session.read_key(settings.operator_key), quorum.policy) if signs else None
    with session.ledger() as ledger, witnesses_asked(ledger, quorum, settings), verified(ledger, settings):
        try:
            ledger.require_current()
        except StaleError as e:
            note(f"nothing can be written: {e}")
        run(
            ledger,
            address,
            settings.port if port is None else port,
            sys.stderr.buffer,
            grace_seconds=GRACE_SECONDS,
            announce=lambda place: click.echo(f"serving {ledger.origin} at {place}, described at {place}/docs"),
            exposure=exposure_of(settings),
            connections=settings.connections,
            signer=signer,
            quorum=quorum,
        )


@contextmanager
def witnesses_asked(ledger: "Ledger", quorum: "Quorum", settings: Settings) -> Iterator[None]:
    """While it is served, the witnesses of a ledger are asked by one of the processes that serve it."""
    if ledger.anchor is None or not any(witness.url for witness in quorum.policy.witnesses):
        yield
        return
    from consent_ledger.api.logs import json_logger
    from consent_ledger.publishing.heartbeat import Heartbeat, InBackground, asking

    seconds = 60 * settings.witness_minutes
    said = json_logger(sys.stderr.buffer).info
    with (
        asking(ledger.store, quorum, ledger.anchor, clock=ledger.clock, heartbeat_seconds=seconds) as witnessing,
        InBackground(Heartbeat(ledger.store, witnessing, ledger.anchor, ledger.clock), said),
    ):
        yield


@contextmanager
def verified(ledger: "Ledger", settings: Settings) -> Iterator[None]:
    """While it is served, the ledger is verified every so many hours by one of the processes that serve it."""
    if not settings.verify_hours:
        yield
        return
    from consent_ledger.api.logs import json_logger
    from consent_ledger.verification.watching import Watch, command

    said = json_logger(sys.stderr.buffer).info
    with Watch(ledger.store, ledger.clock, settings.verify_hours * 3600, command(settings.home), said):
        yield


def exposure_of(settings: Settings) -> "Exposure":
    """Return what the settings say about the network."""
    from consent_ledger.api.audit_trail import Trail
    from consent_ledger.api.exposure import Exposure, host_name, networks
    from consent_ledger.api.limits import Limits, Rate

    return Exposure(
        hosts=frozenset(host_name(host) for host in settings.hosts),
        proxies=networks(settings.proxies),
        https=settings.https,
        limits=Limits(
            token=Rate(settings.token_rate, settings.token_burst),
            address=Rate(settings.address_rate, settings.address_burst),
            lines=Rate(settings.line_rate, settings.line_burst),
        ),
        trail=Trail(days=settings.trail_days),
        session_seconds=settings.session_hours * 3600,
        idle_seconds=settings.idle_minutes * 60,
    )


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
