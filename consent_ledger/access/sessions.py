"""Sessions of staff: signing in and out, and what a browser shows in between.

A session is 256 random bits in a cookie, of which the database has the SHA-256. Each is new: what a browser brought is
never taken over. Pages carry a token made of the session under a key of its own, without which a request of that
browser changes nothing. After FAILURES wrong passwords in a row a login is shut for a quarter of an hour, whether
anybody has it or not; every refusal takes as long and says the same.
"""

import hashlib
import hmac
import re
import secrets
from contextlib import suppress
from typing import NamedTuple

from consent_ledger.access.callers import Caller
from consent_ledger.access.staff import password_fits, read_login
from consent_ledger.errors import ForbiddenError, RefusedError, UnauthenticatedError, UnavailableError
from consent_ledger.signing.instants import SECOND
from consent_ledger.store import staff as rows
from consent_ledger.store.engine import Store
from consent_ledger.store.staff import Failures, SessionRecord, StaffRecord
from consent_ledger.store.transaction import Transaction

FAILURES = 5
SHUT = 15 * 60 * SECOND
EXTEND_AFTER = 60 * SECOND  # not at each request: extending is a write
_SECRET = re.compile(r"[0-9a-f]{64}")


class Lifetimes(NamedTuple):
    """For how long a session lasts, in microseconds: in all, and without a request."""

    whole: int
    idle: int


class Session(NamedTuple):
    """Somebody who is signed in: for whom, the token that forms must bring, and until when without a request."""

    caller: Caller
    csrf: str
    expires_at: int


class NewSession(NamedTuple):
    """A session that was just begun: `secret` is for the cookie, and kept nowhere."""

    secret: str
    session: Session


def sign_in(
    store: Store, operator: str, login: str, password: str, now: int, lifetimes: Lifetimes, before: str = ""
) -> NewSession:
    """Begin a session; that of the secret `before` ends. Raise UnauthenticatedError `sign_in_failed`, always alike.

    This takes a tenth of a second of work, on purpose.
    """
    try:
        name = read_login(login)
    except RefusedError:
        name = ""  # nobody's
    with store.read() as tx:
        known = rows.find_active(tx, name)
    fits = password_fits(password, known.password_hash if known else None)
    key = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    secret = secrets.token_hex(32)
    with store.write() as tx:
        # Again, and alone: of many who guess at once only the first few are told.
        begun = None if _shut(tx, key, now, fits=fits) else _begin(tx, name, secret, now, lifetimes)
        if begun is not None and _SECRET.fullmatch(before):
            rows.delete_session(tx, _hash(before))
    if begun is None:
        detail = f"login or password is wrong; after {FAILURES} wrong ones nobody is let in for a while"
        raise UnauthenticatedError(detail, code="sign_in_failed")
    return NewSession(secret, _session(begun, secret, operator))


def find_session(store: Store, operator: str, secret: str, now: int, lifetimes: Lifetimes) -> Session:
    """Return who shows a cookie; raise UnauthenticatedError `session_over`. It lasts the longer for it."""
    found = None
    if _SECRET.fullmatch(secret):
        with store.read() as tx:
            found = rows.find_session(tx, _hash(secret))
    if found is None or now >= min(found.expires_at, found.created_at + lifetimes.whole):
        raise UnauthenticatedError("nobody is signed in here any more", code="session_over")
    until = min(now + lifetimes.idle, found.created_at + lifetimes.whole)
    if until - found.expires_at > EXTEND_AFTER:
        with suppress(UnavailableError), store.write() as tx:  # it will be tried again
            rows.extend_session(tx, _hash(secret), until)
    return _session(found._replace(expires_at=max(until, found.expires_at)), secret, operator)


def sign_out(store: Store, secret: str) -> None:
    """End a session, if there is one."""
    if _SECRET.fullmatch(secret):
        with store.write() as tx:
            rows.delete_session(tx, _hash(secret))


def require_csrf(session: Session, given: str | None) -> None:
    """Raise ForbiddenError `csrf` unless the token is that of the session."""
    if given is None or not hmac.compare_digest(session.csrf.encode(), given.encode("utf-8", "surrogatepass")):
        raise ForbiddenError("this did not come from a page of this service that you opened", code="csrf")


def _shut(tx: Transaction, key: bytes, now: int, *, fits: bool) -> bool:
    """Count a wrong password, and return whether nobody is let in."""
    failures = rows.read_failures(tx, key)
    recent = failures.times if now < failures.last_at + SHUT else 0
    if recent >= FAILURES:
        return True  # not counted, so that guessing cannot keep somebody out for longer
    rows.write_failures(tx, key, Failures(0, now) if fits else Failures(recent + 1, now), now - SHUT)
    return not fits


def _begin(tx: Transaction, login: str, secret: str, now: int, lifetimes: Lifetimes) -> SessionRecord | None:
    staff: StaffRecord | None = rows.find_active(tx, login)
    if staff is None:
        return None
    expires = now + min(lifetimes.idle, lifetimes.whole)
    record = SessionRecord(staff, secrets.token_bytes(32), now, expires)
    rows.insert_session(tx, _hash(secret), record)
    return record


def _session(record: SessionRecord, secret: str, operator: str) -> Session:
    staff = record.staff
    caller = Caller(staff.organisation, staff.id, frozenset(staff.scopes), staff.organisation == operator)
    csrf = hmac.digest(record.csrf, b"consent-ledger/csrf/v1\n" + _hash(secret), "sha256").hex()
    return Session(caller, csrf, record.expires_at)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(b"consent-ledger/session/v1\n" + secret.encode()).digest()
