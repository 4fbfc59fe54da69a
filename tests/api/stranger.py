"""A stranger at the door of the real server: sends bytes, and looks at what becomes of the process."""

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
MEGABYTE = 1_000_000
SECRET = b"somebody@example.org"
"""What must come up nowhere: it is sent in whatever has a place for it."""
CHUNKED = b"POST /v1/clearance/bulk HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
BULK = CHUNKED + b"Content-Type: application/x-ndjson\r\n"


class Served(NamedTuple):
    """A running server, the headers of two organisations and of the operator, and connections left to the end."""

    process: "subprocess.Popen[bytes]"
    port: int
    studio: bytes
    rival: bytes
    operator: bytes
    left: list[socket.socket]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def send(self, *parts: bytes, pause: float = 0.05) -> bytes:
        """Send the parts one after the other; return all that comes back until the other side closes."""
        answer = b""
        with self.connect() as connection, suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
                time.sleep(pause if part is not parts[-1] else 0)
            while received := connection.recv(1 << 20):
                answer += received
        return answer

    def post(self, path: str, body: bytes, *headers: bytes, token: bytes | None = None, kind: bytes = b"json") -> bytes:
        given = [b"Host: x", self.studio if token is None else token, b"Content-Type: application/" + kind, *headers]
        head = b"\r\n".join([b"POST " + path.encode() + b" HTTP/1.1", *given, b"Connection: close"])
        return self.send(head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def memory(self) -> int:
        """Return how many bytes of memory it holds now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return 1024 * int(re.findall(r"VmRSS:\s+(\d+)", status)[0])

    def held(self) -> int:
        """Return how many connections and temporary files it has open; those to the database are kept."""
        folder, found = f"/proc/{self.process.pid}/fd", 0
        for name in os.listdir(folder):
            with suppress(FileNotFoundError):
                target = os.readlink(f"{folder}/{name}")
                found += target.startswith("socket:") or target.endswith("(deleted)")
        return found


def until(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(0.01)


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def problem(answer: bytes) -> tuple[int, str]:
    """Return the status and the detail of the one problem document that an answer is."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.count(b"HTTP/1.1 ") == 1
    assert b"content-type: application/problem+json" in head
    document = json.loads(body)
    assert document["request_id"].encode() in head
    return document["status"], document["detail"]


def chunk(body: bytes) -> bytes:
    return b"%x\r\n" % len(body) + body + b"\r\n"
