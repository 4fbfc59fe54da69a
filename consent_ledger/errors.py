"""The one tree of errors: a class for each reaction that a caller can have.

The message says what was wanted, in lower case, with the value in backticks. `code` is stable and for machines;
`problems` lists everything that is wrong, each with a JSON pointer into the offending document.
"""

from typing import NamedTuple


class Problem(NamedTuple):
    """One thing that is wrong: where (RFC 6901 JSON pointer), its stable code, and what was wanted."""

    pointer: str
    code: str
    detail: str


class LedgerError(Exception):
    """Base of all errors that this package raises on purpose."""

    default_code = "error"
    request_id: str | None = None
    """The id of the request that was answered with it, where it came from a server."""

    def __init__(self, message: str, *, code: str | None = None, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.problems = problems


class MalformedError(LedgerError):
    """Bytes that are not what they claim to be: repair the bytes, nothing was read further."""

    default_code = "malformed"


class RefusedError(LedgerError):
    """A well-formed statement that the rules of registration refuse: change what it says."""

    default_code = "refused"


class UnauthenticatedError(LedgerError):
    """Nobody who may ask is known to be asking: bring a good token."""

    default_code = "token_wanted"


class LimitedError(LedgerError):
    """Too much was asked in too short a time: wait `retry_after` seconds. Nothing was done."""

    default_code = "too_many_requests"

    def __init__(self, message: str, *, retry_after: int, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class ForbiddenError(LedgerError):
    """The signer may not say this: another key or another party is wanted."""

    default_code = "forbidden"


class ConflictError(LedgerError):
    """What is asked contradicts what is recorded: read again, then decide anew."""

    default_code = "conflict"


class NotFoundError(LedgerError):
    """Nothing of that name is recorded."""

    default_code = "not_found"


class VerificationError(LedgerError):
    """Evidence that does not verify: trust nothing that rests on it."""

    default_code = "verification_failed"


class StaleError(LedgerError):
    """The ledger is behind what was already published or seen: stop writing and find out why."""

    default_code = "stale"


class UnavailableError(LedgerError):
    """The ledger cannot answer or write now (disk, database, lock): nothing was done, try again later."""

    default_code = "unavailable"


class KeyFileError(LedgerError):
    """A key file that cannot be read, is open to others, or whose passphrase is wrong."""

    default_code = "key_file"
