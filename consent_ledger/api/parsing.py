"""HTTP as httptools reads it, but for what it lets through and a server may not.

- Fields behind a body are none of the request's: it was judged by those before it.
- Where a request asks for an `Upgrade`, httptools takes what follows for another protocol's, its body too, and then
  reads on: somebody's body would be the next request. Upgrades are not taken, so nothing is read after one, and with a
  body it is refused.
- Two fields `Host`: whoever stood before this may have gone by the other one.
- A head of a thousand fields, fields that have no end, and a thousand requests ahead of their answers cost many times
  as much memory as was sent.

Where httptools is not installed h11 reads, which sees to all this itself.
"""

from typing import TYPE_CHECKING, NoReturn

from uvicorn.protocols.http.auto import AutoHTTPProtocol

if TYPE_CHECKING:  # which of two it is depends on what is installed
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as HttpProtocol
else:
    HttpProtocol = AutoHTTPProtocol

HEAD_BYTES = 64 * 1024
MOST_FIELDS = 200
MOST_AHEAD = 100


class StrictProtocol(HttpProtocol):
    """One connection. What is refused here is answered by `send_400_response`."""

    reason = "request is not HTTP"

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # as uvicorn calls it
        self._undecided = 0  # bytes since the last part of a message was whole
        self._in_head = True
        self._over = False

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        self._undecided += len(data)
        super().data_received(data)
        if self._undecided > HEAD_BYTES:
            self.transport.abort()

    def on_message_begin(self) -> None:
        self._undecided = 0
        self._in_head = True
        if len(self.pipeline) >= MOST_AHEAD:
            self._refuse(f"more than {MOST_AHEAD} requests wait for their answers")
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            if len(self.headers) >= MOST_FIELDS:
                self._refuse(f"request has more than {MOST_FIELDS} header fields")
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._undecided = 0
        self._in_head = False
        hosts = [name for name, _ in self.headers].count(b"host")
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            self._refuse("request does not have one `Host`")
        self._over = self.parser.should_upgrade()
        if self._over and any(map(_announces_body, self.headers)):
            self._refuse("no `Upgrade` is taken here, and with a body none may be asked for")
        super().on_headers_complete()
        if self._over:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._undecided = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._undecided = 0
        super().on_message_complete()

    def _refuse(self, reason: str) -> NoReturn:
        self.reason = reason
        raise ValueError(reason)


def _announces_body(field: tuple[bytes, bytes]) -> bool:
    name, value = field
    return name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0")
