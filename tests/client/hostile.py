"""A server that answers what a test tells it to, byte for byte, one connection at a time."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

Reply = bytes | Callable[[socket.socket], None]


class Asked(NamedTuple):
    """A request as it came: its first line, its headers by lower-case name, its body."""

    line: str
    headers: dict[str, str]
    body: bytes


class Hostile(NamedTuple):
    """Where it listens, and what it was asked."""

    place: str
    asked: list[Asked]


@contextmanager
def answering(*replies: Reply | Callable[[Asked], bytes]) -> Iterator[Hostile]:
    """Answer each request with the next reply, and those that come after them with the last one again."""
    listening = socket.create_server(("127.0.0.1", 0))
    asked: list[Asked] = []
    thread = threading.Thread(target=_serve, args=(listening, list(replies), asked), daemon=True)
    thread.start()
    try:
        yield Hostile(f"http://127.0.0.1:{listening.getsockname()[1]}", asked)
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(timeout=10)


def _serve(listening: socket.socket, replies: list[Any], asked: list[Asked]) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(10)
            try:
                asked.append(_read(connection))
                reply = replies[min(len(asked), len(replies)) - 1]
                if isinstance(reply, bytes):
                    connection.sendall(reply)
                elif getattr(reply, "raw", False):
                    reply(connection)
                else:
                    connection.sendall(reply(asked[-1]))
            except OSError:
                pass  # the client has had enough


def _read(connection: socket.socket) -> Asked:
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += connection.recv(65_536) or b"\r\n\r\n"
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (text.partition(":") for text in rest)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65_536)
    return Asked(line, headers, body)


def said(status: str, media_type: str, body: bytes, **headers: str) -> bytes:
    """Return a whole response."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n{more}Connection: close\r\n"
    )
    return head.encode() + b"\r\n" + body


def told(document: Any) -> bytes:
    """Return a good response with a JSON document."""
    return said("200 OK", "application/json", json.dumps(document).encode())


def lines_told(*documents: Any) -> bytes:
    """Return a good response with a document a line."""
    body = b"".join(json.dumps(document).encode() + b"\n" for document in documents)
    return said("200 OK", "application/x-ndjson", body)


def problem(status: str, slug: str, **headers: str) -> bytes:
    """Return a problem document."""
    document = {"type": f"/problems/{slug}", "title": "no", "status": int(status[:3]), "detail": "no, says \x1b[31mit",
                "code": slug, "errors": [], "request_id": "12345678"}  # fmt: skip
    return said(status, "application/problem+json", json.dumps(document).encode(), **headers)


def endless(connection: socket.socket) -> None:
    """Answer without an end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{")
    while True:
        connection.sendall(b" " * 65_536)


endless.raw = True  # type: ignore[attr-defined]
