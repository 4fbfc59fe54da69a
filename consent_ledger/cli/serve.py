"""`consent-ledger serve`: the HTTP service, until it is told to stop."""

import ipaddress
import sys

import click

from consent_ledger.cli.session import Session, home_options, pass_session

GRACE_SECONDS = 30


@click.command(epilog="Example: consent-ledger serve --home ledger --port 8100, then open http://127.0.0.1:8100/docs")
@home_options
@click.option("--host", help="The address to listen on [default: 127.0.0.1].")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on, 0 for any [default: 8100].")
@click.option(
    "--allow-unauthenticated-network",
    is_flag=True,
    help="Listen on an address that others reach. There are no tokens yet: whoever connects may ask everything.",
)
@pass_session
def serve(session: Session, host: str | None, port: int | None, allow_unauthenticated_network: bool) -> None:
    """Answer over HTTP: statements, clearance, the log and its proofs.

    A statement is authenticated by its own signature. Questions need no token, so only this machine is listened to,
    unless --allow-unauthenticated-network says that something in front of the service decides who may ask.
    """
    address = session.settings.host if host is None else host
    if not is_loopback(address) and not allow_unauthenticated_network:
        raise click.UsageError(
            f"`{address}` can be reached by others, and whoever connects may ask everything, without a token; "
            "want 127.0.0.1, or --allow-unauthenticated-network where a proxy decides who may"
        )
    from consent_ledger.api.server import run

    with session.ledger() as ledger:
        run(
            ledger,
            address,
            session.settings.port if port is None else port,
            sys.stderr.buffer,
            grace_seconds=GRACE_SECONDS,
            announce=lambda place: click.echo(f"serving {ledger.origin} at {place}, described at {place}/docs"),
        )


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
