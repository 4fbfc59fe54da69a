"""One exchange with the server: sent, waited for, tried again where that is safe, and read no further than is sane.

Everything that the client sends may be sent again: questions change nothing, and registrations carry an idempotency
key. Redirects are not followed, compressed bodies are not asked for, and an answer of another kind than was asked for
is none.
"""

import random
import ssl
import time
from collections.abc import Callable, Collection
from typing import NamedTuple

import httpx

from consent_ledger import __version__
from consent_ledger.client.problems import error_of_answer, media_type_of, retry_after_of
from consent_ledger.errors import ConflictError, LedgerError, LimitedError, MalformedError, UnavailableError

JSON = "application/json"
NDJSON = "application/x-ndjson"
TEXT = "text/plain"
MEGABYTE = 1024 * 1024
MAX_ANSWER = 8 * MEGABYTE
MAX_PROBLEM = MEGABYTE


class Patience(NamedTuple):
    """How long to wait, in seconds: to connect, for the next bytes, for a whole answer, and between attempts."""

    connect: float = 10.0
    read: float = 60.0
    whole: float = 600.0
    attempts: int = 5
    longest_pause: float = 60.0


class Answered(NamedTuple):
    """A response whose status and media type are among those that were wanted."""

    status: int
    body: bytes


class Failed(NamedTuple):
    """An attempt that came to nothing, and after how many seconds the server wants to be asked again, if it says so."""

    error: LedgerError
    retry_after: float | None


class Transport:
    """A connection pool to one server. Threads may share it."""

    def __init__(
        self, address: str, token: str | None, ca_file: str | None, patience: Patience,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self.address = address
        self._patience = patience
        self._pause = pause
        authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
        secure = address.startswith("https:")
        self._http = httpx.Client(
            follow_redirects=False,
            headers={
                "User-Agent": f"consent-ledger/{__version__}", "Accept-Encoding": "identity", **authorization,
            },
            timeout=httpx.Timeout(patience.read, connect=patience.connect),
            # A proxy sees what is sent over plain http, so only https may go through one.
            trust_env=secure,
            verify=_trusted(ca_file) if secure else False,  # over plain http there is nothing to verify
        )  # fmt: skip

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def exchange(
        self, method: str, path: str, *, body: bytes | None = None, sends: str = JSON, wants: str = JSON,
        statuses: Collection[int] = (200,), headers: dict[str, str] | None = None, most: int = MAX_ANSWER,
    ) -> Answered:  # fmt: skip
        """Return the answer; raise the error that the server states, or UnavailableError where it states none."""
        sent = {"Accept": wants, **(headers or {}), **({} if body is None else {"Content-Type": sends})}
        for attempt in range(1, self._patience.attempts + 1):
            outcome = self._once(method, path, body, sent, wants, statuses, most)
            if isinstance(outcome, Answered):
                return outcome
            pause = self._pause_after(outcome, attempt)
            if pause is None:
                raise outcome.error
            self._pause(pause)
        raise AssertionError("unreachable")

    def _pause_after(self, failed: Failed, attempt: int) -> float | None:
        """Return how long to wait before another attempt, None where there shall be none."""
        may_pass = isinstance(failed.error, UnavailableError | LimitedError) and failed.error.code not in _FINAL
        # A conflict that says when to come back is with an earlier attempt of the same request.
        if not (may_pass or (isinstance(failed.error, ConflictError) and failed.retry_after is not None)):
            return None
        if attempt == self._patience.attempts:
            return None
        if failed.retry_after is not None:
            return failed.retry_after if failed.retry_after <= self._patience.longest_pause else None
        return float(0.2 * 2 ** (attempt - 1) * random.uniform(0.75, 1.25))

    def _once(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], wants: str,
        statuses: Collection[int], most: int,
    ) -> Answered | Failed:  # fmt: skip
        try:
            with self._http.stream(method, self.address + path, content=body, headers=headers) as response:
                good = response.status_code in statuses
                self._check(response, wants, good)
                read = self._read(response, most if good else MAX_PROBLEM)
        except httpx.TransportError as e:
            return Failed(self._unreachable(e), None)
        except httpx.InvalidURL as e:
            raise MalformedError(f"`{self.address}` is not an address", code="bad_server") from e
        except UnavailableError as e:
            return Failed(e, None)
        if good:
            return Answered(response.status_code, read)
        return Failed(error_of_answer(response.status_code, response.headers, read), retry_after_of(response.headers))

    def _check(self, response: httpx.Response, wants: str, good: bool) -> None:
        """Raise UnavailableError where the response cannot be an answer."""
        status, found = response.status_code, media_type_of(response.headers)
        if 300 <= status < 400:
            raise UnavailableError(f"`{self.address}` sends elsewhere, which is not followed", code="redirected")
        if "content-encoding" in response.headers and response.headers["content-encoding"].lower() != "identity":
            raise UnavailableError(f"`{self.address}` answers in an encoding that was not asked for", code="bad_answer")
        if good and found != wants:
            detail = f"`{self.address}` answers with another media type, want `{wants}`: is it a ledger's?"
            raise UnavailableError(detail, code="bad_answer")
        if not good and status < 400:
            raise UnavailableError(f"`{self.address}` answers with status {status}", code="bad_answer")

    def _read(self, response: httpx.Response, most: int) -> bytes:
        deadline = time.monotonic() + self._patience.whole
        parts, length = [], 0
        for part in response.iter_raw():
            length += len(part)
            if length > most:
                raise UnavailableError(f"`{self.address}` answers with more than {most} bytes", code="bad_answer")
            if time.monotonic() > deadline:
                raise UnavailableError(f"`{self.address}` does not come to an end", code="bad_answer")
            parts.append(part)
        return b"".join(parts)

    def _unreachable(self, error: httpx.TransportError) -> UnavailableError:
        if _is_certificate(error):
            detail = f"`{self.address}` has a certificate that is not trusted here, want --ca-file if it is your own"
            return UnavailableError(detail, code="certificate")
        if isinstance(error, httpx.TimeoutException):
            return UnavailableError(f"`{self.address}` does not answer in time", code="timeout")
        if isinstance(error, httpx.ConnectError):
            return UnavailableError(f"`{self.address}` cannot be reached", code="unreachable")
        return UnavailableError(f"`{self.address}` broke off its answer", code="broken_off")


_FINAL = {"redirected", "bad_answer", "certificate", "not_anchored"}
"""What another attempt would not mend."""


def _trusted(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as e:
        raise MalformedError(f"`{ca_file}` is not a file of certificates in PEM", code="bad_ca_file") from e


def _is_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
