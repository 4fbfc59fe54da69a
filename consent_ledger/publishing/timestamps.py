"""Time-stamps (RFC 3161): somebody with a clock, and nothing to do with the log, says since when a checkpoint exists.

What is stamped is the checkpoint as the log signed it (`log_note`), so a stamp also shows that the log's key had signed
by then, whatever becomes of the key later. It is evidence beside the log: nothing depends on it.
"""

from collections.abc import Callable

import httpx
from cryptography.x509 import Certificate
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from consent_ledger.audit.checkpoint import log_note, read_checkpoint_text
from consent_ledger.errors import UnavailableError, VerificationError
from consent_ledger.store.engine import Store
from consent_ledger.store.log import read_checkpoint
from consent_ledger.store.witnesses import Stamp, add_stamp, newest_stamp
from consent_ledger.verification.stamps import MAX_STAMP, verify_stamp

SKEW_SECONDS = 600
TIMEOUT_SECONDS = 10.0


class Authority:
    """A time-stamping authority, by its address and the roots of its certificate."""

    def __init__(
        self, store: Store, url: str, roots: list[Certificate], clock: Callable[[], int], *, every_seconds: int = 0
    ) -> None:
        """`every_seconds`: how old its newest stamp has to be before it is asked for another."""
        self._every = every_seconds * 1_000_000
        self._store = store
        self._url = url
        self._roots = roots
        self._clock = clock

    def stamp(self) -> None:
        """Have the newest checkpoint stamped, unless it was, or another a short while ago.

        UnavailableError where the authority cannot be reached or refuses, VerificationError where its answer is no
        stamp of this checkpoint at this time.
        """
        with self._store.read() as tx:
            note = read_checkpoint(tx)
            last = newest_stamp(tx, self._url)
        if note is None:
            return
        if last is not None and (
            read_checkpoint_text(note).size == last.size or self._clock() - last.signed_at < self._every
        ):
            return
        request = TimestampRequestBuilder().data(log_note(note)).hash_algorithm(HashAlgorithm.SHA256).build()
        token = self._ask(request.as_bytes())
        at = verify_stamp(token, note, self._roots, nonce=request.nonce)
        if abs(at - self._clock()) > SKEW_SECONDS * 1_000_000:
            raise VerificationError("time-stamp states another time than now", code="bad_time")
        with self._store.write() as tx:
            add_stamp(tx, Stamp(read_checkpoint_text(note).size, self._url, at, token))

    def _ask(self, request: bytes) -> bytes:
        headers = {"Content-Type": "application/timestamp-query"}
        try:
            with httpx.stream("POST", self._url, content=request, headers=headers, timeout=TIMEOUT_SECONDS) as response:
                answer = b""
                for chunk in response.iter_bytes():
                    answer += chunk
                    if len(answer) > MAX_STAMP:
                        raise VerificationError("time-stamping authority answers without end", code="bad_answer")
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as e:
            detail = f"time-stamping authority cannot be reached: {type(e).__name__}"
            raise UnavailableError(detail, code="authority_unreachable") from e
        if response.status_code != 200:
            raise UnavailableError(f"time-stamping authority answers {response.status_code}", code="authority_refuses")
        return answer
