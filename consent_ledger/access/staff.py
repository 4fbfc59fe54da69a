"""Staff: people of an organisation, who sign in with a password."""

import re
import secrets
import unicodedata
from collections.abc import Iterable

from nacl.exceptions import InvalidkeyError
from nacl.pwhash import argon2id

from consent_ledger.access.callers import read_scopes
from consent_ledger.errors import RefusedError
from consent_ledger.store import access as accounts
from consent_ledger.store import staff as rows
from consent_ledger.store.engine import Store
from consent_ledger.store.staff import StaffRecord

PASSES, MEMORY = 3, 64 * 1024 * 1024
SHORTEST, LONGEST = 12, 1024
_LOGIN = re.compile(r"[^\s\x00-\x1f\x7f]{1,100}")
NOBODY = b"$argon2id$v=19$m=65536,t=3,p=1$cdLj70pOYaZVoD9RrmsCxg$s7b8IferivzJD+Fx1uR2XBDF2zah46DYaZb1rI+V5yg"
"""What a password is compared with where nobody has the login, so that it takes as long: made of a forgotten one."""


def read_login(text: str) -> str:
    """Return a login in its one spelling; raise RefusedError for what can be none."""
    login = unicodedata.normalize("NFKC", text).casefold()
    if _LOGIN.fullmatch(login) is None:
        raise RefusedError("login is not 1 to 100 characters without white space", code="bad_login")
    return login


def hash_password(password: str) -> str:
    """Return what is kept of a password: Argon2id."""
    raw = password.encode()
    if len(password) < SHORTEST or len(raw) > LONGEST:
        raise RefusedError(f"password is not {SHORTEST} letters to {LONGEST} bytes long", code="bad_password")
    return argon2id.str(raw, opslimit=PASSES, memlimit=MEMORY).decode()


def password_fits(password: str, kept: str | None) -> bool:
    """Return whether it is the password; where there is none to compare with, after as long a time that it is not."""
    against = NOBODY if kept is None else kept.encode()
    try:
        argon2id.verify(against, password.encode("utf-8", "surrogatepass")[:LONGEST])
    except InvalidkeyError:
        return False
    return kept is not None


def add_staff(
    store: Store, organisation: str, login: str, password: str, scopes: Iterable[str], now: int
) -> StaffRecord:
    """Let somebody of an organisation sign in; raise RefusedError, or ConflictError `login_taken`."""
    record = StaffRecord(
        f"stf_{secrets.token_hex(8)}", organisation, read_login(login), hash_password(password), read_scopes(scopes),
        now, None,
    )  # fmt: skip
    with store.write() as tx:
        accounts.require_open(tx, organisation)
        rows.insert_staff(tx, record)
    return record


def list_staff(store: Store, organisation: str) -> list[StaffRecord]:
    """Return the staff of an organisation, those who are disabled too."""
    with store.read() as tx:
        return rows.read_staff(tx, organisation)


def disable_staff(store: Store, login: str, now: int) -> None:
    """Let somebody sign in no more, and end all sessions, at once."""
    with store.write() as tx:
        rows.disable_staff(tx, read_login(login), now)
