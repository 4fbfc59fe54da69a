"""One process that serves one ledger with uvicorn, and stops without dropping what it has begun."""

import asyncio
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import BinaryIO

import uvicorn

from consent_ledger.api.app import USUAL, create_app
from consent_ledger.api.connections import bounded
from consent_ledger.api.exposure import Exposure
from consent_ledger.api.logs import ServerLog, json_logger
from consent_ledger.api.tracing import tracing_from
from consent_ledger.errors import UnavailableError
from consent_ledger.evidence.certificates import Signer
from consent_ledger.ledger import Ledger
from consent_ledger.publishing.cosigned import NO_QUORUM, Quorum

BACKLOG = 1024
CONNECTIONS = 2_000
OTHER_FILES = 200  # the database, spools, and whatever a library opens
SWITCH_SECONDS = 0.001  # while threads decide, the loop should wait for its turn a millisecond, not Python's five


def run(
    ledger: Ledger, host: str, port: int, log: BinaryIO, *, grace_seconds: int, announce: Callable[[str], None],
    exposure: Exposure = USUAL, connections: int = CONNECTIONS, signer: Signer | None = None,
    quorum: Quorum = NO_QUORUM,
) -> None:  # fmt: skip
    """Serve `ledger` until SIGTERM or SIGINT; raise UnavailableError where the address cannot be listened to.

    After the signal nothing new is taken, and what is under way has `grace_seconds` to end. `announce` is told the
    address once it is listened to; port 0 means any. The log, JSON lines, goes to `log`. Above `connections` they are
    closed as soon as they are made. `signer`: what answers are signed with where a certificate is asked for.
    """
    logger, tracing = json_logger(log), tracing_from(os.environ)
    _redirect_server_log(ServerLog(logger))
    sys.setswitchinterval(SWITCH_SECONDS)
    listening = _listen(host, port)
    app = create_app(ledger, logger=logger, exposure=exposure, signer=signer, quorum=quorum, tracing=tracing)
    app.state.service.start_workers()
    config = uvicorn.Config(
        app,
        http=bounded(_allow_files(connections)),
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=grace_seconds,
        timeout_keep_alive=30,
        ws="none",
    )
    server = uvicorn.Server(config)
    with closing(listening), _signals_handled(server):
        announce(_place(listening))
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(server.serve(sockets=[listening]))
    if tracing is not None:
        tracing.close()
    logger.info("stopped")


@contextmanager
def _signals_handled(server: uvicorn.Server) -> Iterator[None]:
    """The server takes signals only from when it runs, and once it has stopped raises again the one that stopped it.
    Told to stop before, it does not begin; that it stopped in order is enough."""

    def stop(*_: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _allow_files(connections: int) -> int:
    """Ask for as many open files as connections need; return how many connections there can be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return connections if soft == resource.RLIM_INFINITY else max(1, min(connections, soft - OTHER_FILES))


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((str(address[0]), port), family=family, backlog=BACKLOG)
    except OSError as e:
        reason = (e.strerror or str(e)).lower()
        raise UnavailableError(f"cannot listen on `{host}`, port {port}: {reason}", code="cannot_listen") from e


def _place(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _redirect_server_log(handler: logging.Handler) -> None:
    for name in ("uvicorn", "uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.INFO)
