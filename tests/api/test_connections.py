"""Connections that take a place without asking or taking anything: the real server, with short times."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import uvicorn

from consent_ledger.api.connections import bounded

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
Connect = Callable[[], socket.socket]
begun = threading.Semaphore(0)
left = threading.Event()
"""Set once `/much` has nobody to send to any more."""


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers without looking at the body; `/wait` once it came; `/much` with more than any buffer takes."""
    if scope["path"] == "/wait":
        begun.release()
        await receive()
    length = 200_000_000 if scope["path"] == "/much" else 2
    headers = [(b"content-length", b"%d" % length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for _ in range(length // 2_000_000):
        await send({"type": "http.response.body", "body": bytes(2_000_000), "more_body": True})
    await send({"type": "http.response.body", "body": b"" if length > 2 else b"ok"})
    if scope["path"] == "/much":
        left.set()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A server that keeps four connections, each with little time; the function connects to it."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        http=bounded(4, head_seconds=1.0, stalled_seconds=0.3),
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    with ExitStack() as stack:
        yield lambda: stack.enter_context(socket.create_connection(listening.getsockname(), timeout=30))
        server.should_exit = True
    thread.join()


def is_closed(connection: socket.socket) -> bool:
    """Wait for the other side to close; whatever it still sends is thrown away."""
    try:
        while connection.recv(1 << 20):
            pass
    except ConnectionResetError:
        pass
    return True


def ask(connection: socket.socket) -> bytes:
    connection.sendall(GET)
    return connection.recv(4096)


def send_for_ever(connection: socket.socket) -> None:
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    while True:
        connection.sendall(b"X-More: " + b"x" * 4000 + b"\r\n")


def test_a_head_that_does_not_come_is_not_waited_for(connect: Connect) -> None:
    connections = [connect() for _ in range(3)]
    for connection, sent in zip(connections, (b"", GET[:20], GET + GET[:9]), strict=True):
        connection.sendall(sent)
    assert all(is_closed(connection) for connection in connections)


def test_a_head_without_an_end_is_cut(connect: Connect) -> None:
    with pytest.raises(OSError, match=r"reset by peer|Broken pipe"):
        send_for_ever(connect())


def test_while_all_are_served_a_new_one_is_closed_at_once(connect: Connect) -> None:
    served = [connect() for _ in range(4)]
    for connection in served:
        connection.sendall(b"POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")
    for _ in served:
        begun.acquire()
    assert is_closed(connect())
    for connection in served:
        connection.sendall(b"x")
        assert connection.recv(4096).endswith(b"ok")


def test_one_that_was_served_and_asks_no_more_makes_room(connect: Connect) -> None:
    served = [connect() for _ in range(4)]
    assert all(ask(connection).endswith(b"ok") for connection in served)
    assert ask(connect()).endswith(b"ok")
    assert is_closed(served[0])


def test_who_asks_gets_the_place_of_who_has_waited_longest_without_asking(connect: Connect) -> None:
    idle = [connect() for _ in range(4)]
    for connection in idle[1:]:
        connection.sendall(GET[:10])
    assert ask(connect()).endswith(b"ok")
    assert is_closed(idle[0])
    idle[3].sendall(GET[10:])
    assert idle[3].recv(4096).endswith(b"ok")


def test_a_client_that_does_not_read_is_left(connect: Connect) -> None:
    connection = connect()
    connection.sendall(GET.replace(b"/ ", b"/much "))
    assert left.wait(timeout=30)


def test_a_body_that_is_not_wanted_does_not_end_the_connection(connect: Connect) -> None:
    connection = connect()
    connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n" + bytes(100_000))
    assert connection.recv(4096).endswith(b"ok")
    connection.sendall(bytes(200_000))
    assert ask(connection).endswith(b"ok")


def test_thousands_that_come_and_go_do_no_harm(connect: Connect) -> None:
    for n in range(1_000):
        connection = connect()
        if n % 3:
            connection.sendall(GET[: n % 30])
        connection.close()
    served = b""
    while not served:
        try:
            served = ask(connect())
        except OSError:
            time.sleep(0.01)
    assert served.endswith(b"ok")
