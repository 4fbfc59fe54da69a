"""Staff, their sessions, and failures to sign in."""

from typing import NamedTuple

from consent_ledger.errors import ConflictError, NotFoundError
from consent_ledger.store.dialect import Row, Table
from consent_ledger.store.transaction import Transaction

STAFF = Table(
    "staff",
    ("id", "organisation", "login", "password_hash", "scopes", "created_at", "disabled_at"),
    ("text", "text", "text", "text", "text", "int8", "int8"),
)
SESSION = Table(
    "staff_session",
    ("secret_hash", "staff", "csrf", "created_at", "expires_at"),
    ("bytea", "text", "bytea", "int8", "int8"),
)
FAILURE = Table("sign_in_failure", ("login", "failures", "last_at"), ("bytea", "int8", "int8"))
_COLUMNS = ", ".join(f"s.{name}" for name in STAFF.columns)


class StaffRecord(NamedTuple):
    """Somebody of an organisation; instants are microseconds."""

    id: str
    organisation: str
    login: str
    password_hash: str
    scopes: tuple[str, ...]
    created_at: int
    disabled_at: int | None


class SessionRecord(NamedTuple):
    """A session of somebody, without its secret; `csrf` is the key of its tokens."""

    staff: StaffRecord
    csrf: bytes
    created_at: int
    expires_at: int


class Failures(NamedTuple):
    """How often in a row signing in failed, and when last."""

    times: int
    last_at: int


def insert_staff(tx: Transaction, record: StaffRecord) -> None:
    """Add somebody; raise ConflictError where the login is taken."""
    if find_staff(tx, record.login) is not None:
        raise ConflictError("login is taken", code="login_taken")
    tx.insert(STAFF, [record._replace(scopes=" ".join(record.scopes))])  # type: ignore[arg-type]  # as it is stored


def find_staff(tx: Transaction, login: str) -> StaffRecord | None:
    """Return who has a login, disabled or not."""
    found = tx.select(f"SELECT {_COLUMNS} FROM staff s WHERE s.login = ?", [login])
    return _staff(found[0]) if found else None


def find_active(tx: Transaction, login: str) -> StaffRecord | None:
    """Return who has a login and may sign in."""
    sql = f"""
        SELECT {_COLUMNS} FROM staff s JOIN organisation o ON o.id = s.organisation
        WHERE s.login = ? AND s.disabled_at IS NULL AND o.closed_at IS NULL
    """
    found = tx.select(sql, [login])
    return _staff(found[0]) if found else None


def read_staff(tx: Transaction, organisation: str) -> list[StaffRecord]:
    """Return the staff of an organisation, by login."""
    rows = tx.select(f"SELECT {_COLUMNS} FROM staff s WHERE s.organisation = ? ORDER BY s.login", [organisation])
    return [_staff(row) for row in rows]


def disable_staff(tx: Transaction, login: str, now: int) -> None:
    """Let somebody sign in no more, and end all sessions; raise NotFoundError where nobody has the login."""
    record = find_staff(tx, login)
    if record is None:
        raise NotFoundError(f"nobody has the login `{login}`", code="login_unknown")
    tx.execute("staff", "UPDATE staff SET disabled_at = ? WHERE id = ? AND disabled_at IS NULL", [now, record.id])
    tx.execute("staff_session", "DELETE FROM staff_session WHERE staff = ?", [record.id])


def insert_session(tx: Transaction, secret_hash: bytes, session: SessionRecord) -> None:
    """Add a session, and take away those that are over."""
    tx.execute("staff_session", "DELETE FROM staff_session WHERE expires_at <= ?", [session.created_at])
    tx.insert(SESSION, [(secret_hash, session.staff.id, session.csrf, session.created_at, session.expires_at)])


def find_session(tx: Transaction, secret_hash: bytes) -> SessionRecord | None:
    """Return the session, unless its person is disabled or the organisation closed."""
    sql = f"""
        SELECT {_COLUMNS}, x.csrf, x.created_at, x.expires_at
        FROM staff_session x JOIN staff s ON s.id = x.staff JOIN organisation o ON o.id = s.organisation
        WHERE x.secret_hash = ? AND s.disabled_at IS NULL AND o.closed_at IS NULL
    """
    found = tx.select(sql, [secret_hash])
    if not found:
        return None
    *staff, csrf, created_at, expires_at = found[0]
    return SessionRecord(_staff(tuple(staff)), bytes(csrf), created_at, expires_at)


def extend_session(tx: Transaction, secret_hash: bytes, expires_at: int) -> None:
    """Let a session last until an instant."""
    sql = "UPDATE staff_session SET expires_at = ? WHERE secret_hash = ?"
    tx.execute("staff_session", sql, [expires_at, secret_hash])


def delete_session(tx: Transaction, secret_hash: bytes) -> None:
    """End a session, if there is one."""
    tx.execute("staff_session", "DELETE FROM staff_session WHERE secret_hash = ?", [secret_hash])


def read_failures(tx: Transaction, login: bytes) -> Failures:
    """Return the failures under the hash of a login."""
    found = tx.select("SELECT failures, last_at FROM sign_in_failure WHERE login = ?", [login])
    return Failures(*found[0]) if found else Failures(0, 0)


def write_failures(tx: Transaction, login: bytes, failures: Failures, forgotten: int) -> None:
    """Set the failures under the hash of a login, and forget all that are older than an instant."""
    tx.execute("sign_in_failure", "DELETE FROM sign_in_failure WHERE login = ? OR last_at < ?", [login, forgotten])
    if failures.times:
        tx.insert(FAILURE, [(login, *failures)])


def _staff(row: Row) -> StaffRecord:
    return StaffRecord(*row)._replace(scopes=tuple(row[4].split()))
