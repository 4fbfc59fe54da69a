"""The schema that the migrations must arrive at.

Imported by migrations and by tests only: reading and appending name the columns in SQL, because an object a row costs
twenty times the row. Every number is 64 bits wide; on SQLite an `INTEGER PRIMARY KEY` is the row's own address, so the
log's tables are keyed by it and need no index beside them.

No foreign keys: what belongs together is written in one transaction, `replay` checks it against the hashes, and a check
per row would cost more than the row.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Text
from sqlmodel import Field, SQLModel

SIZE = BigInteger().with_variant(Integer(), "sqlite")


def text(name: str, *, key: bool = False, optional: bool = False, unique: bool | None = None) -> Any:
    """Return a text column."""
    return Field(sa_column=Column(name, Text, primary_key=key, nullable=optional, unique=unique))


def number(name: str, *, key: bool = False, optional: bool = False) -> Any:
    """Return a column of whole numbers of 64 bits."""
    return Field(sa_column=Column(name, SIZE, primary_key=key, nullable=optional, autoincrement=False))


def blob(name: str, *, key: bool = False, optional: bool = False, unique: bool | None = None) -> Any:
    """Return a column of bytes."""
    return Field(sa_column=Column(name, LargeBinary, primary_key=key, nullable=optional, unique=unique))


def counter(name: str) -> Any:
    """Return a key that the database counts up."""
    return Field(sa_column=Column(name, SIZE, primary_key=True, autoincrement=True))


class EntryRow(SQLModel, table=True):
    """One leaf of the log, verbatim; `recorded_at` (microseconds) is read out of it so that an instant finds a size."""

    __tablename__ = "entry"
    index: int = Field(sa_column=Column("index", SIZE, primary_key=True, autoincrement=False))
    recorded_at: int = Field(sa_column=Column("recorded_at", SIZE, nullable=False))
    raw: bytes = Field(sa_column=Column("bytes", LargeBinary, nullable=False))


class OpeningRow(SQLModel, table=True):
    """What the entry of the same index commits to: its salt and the envelope, verbatim."""

    __tablename__ = "opening"
    index: int = Field(sa_column=Column("index", SIZE, primary_key=True, autoincrement=False))
    salt: bytes = Field(sa_column=Column("salt", LargeBinary, nullable=False))
    envelope: bytes = Field(sa_column=Column("envelope", LargeBinary, nullable=False))


class NodeRow(SQLModel, table=True):
    """One complete node of the Merkle tree, under its `StoredHashIndex` (golang.org/x/mod/sumdb/tlog)."""

    __tablename__ = "node"
    id: int = Field(sa_column=Column("id", SIZE, primary_key=True, autoincrement=False))
    hash: bytes = Field(sa_column=Column("hash", LargeBinary, nullable=False))


class CheckpointRow(SQLModel, table=True):
    """The signed note for one size: the key is what keeps the log from signing two roots for it."""

    __tablename__ = "checkpoint"
    size: int = Field(sa_column=Column("size", SIZE, primary_key=True, autoincrement=False))
    note: bytes = Field(sa_column=Column("note", LargeBinary, nullable=False))


class TouchRow(SQLModel, table=True):
    """The entry touches the subject that this opaque key stands for (formats.md section 8)."""

    __tablename__ = "touch"
    __table_args__ = {"sqlite_with_rowid": False}
    key: bytes = Field(sa_column=Column("key", LargeBinary, primary_key=True))
    entry: int = Field(sa_column=Column("entry", SIZE, primary_key=True, autoincrement=False))


class MetaRow(SQLModel, table=True):
    """A fact about the store itself, never about what is recorded in it."""

    __tablename__ = "meta"
    name: str = Field(sa_column=Column("name", Text, primary_key=True))
    value: str = Field(sa_column=Column("value", Text, nullable=False))


class OrganisationRow(SQLModel, table=True):
    """An organisation that may use the service; `id` is its party in the ledger."""

    __tablename__ = "organisation"
    id: str = text("id", key=True)
    label: str = text("label")
    created_at: int = number("created_at")
    closed_at: int | None = number("closed_at", optional=True)


class TokenRow(SQLModel, table=True):
    """A token of an organisation: the hash of its secret, what it may do (scopes, space between) and until when."""

    __tablename__ = "token"
    __table_args__ = (Index("token_organisation", "organisation"),)
    id: str = text("id", key=True)
    organisation: str = text("organisation")
    secret_hash: bytes = blob("secret_hash", unique=True)
    label: str = text("label")
    scopes: str = text("scopes")
    created_at: int = number("created_at")
    expires_at: int = number("expires_at")
    revoked_at: int | None = number("revoked_at", optional=True)


class StaffRow(SQLModel, table=True):
    """Somebody of an organisation who signs in with a password (Argon2id)."""

    __tablename__ = "staff"
    id: str = text("id", key=True)
    organisation: str = text("organisation")
    login: str = text("login", unique=True)
    password_hash: str = text("password_hash")
    scopes: str = text("scopes")
    created_at: int = number("created_at")
    disabled_at: int | None = number("disabled_at", optional=True)


class StaffSessionRow(SQLModel, table=True):
    """Somebody is signed in: the hash of the cookie, and the key of that session's CSRF tokens."""

    __tablename__ = "staff_session"
    secret_hash: bytes = blob("secret_hash", key=True)
    staff: str = text("staff")
    csrf: bytes = blob("csrf")
    created_at: int = number("created_at")
    expires_at: int = number("expires_at")


class SignInFailureRow(SQLModel, table=True):
    """How often in a row signing in failed under a login, known by its hash, whether anybody has it or not."""

    __tablename__ = "sign_in_failure"
    login: bytes = blob("login", key=True)
    failures: int = number("failures")
    last_at: int = number("last_at")


class IdempotencyRow(SQLModel, table=True):
    """An Idempotency-Key: `id` is the digest of its organisation and itself, `request` that of the request that it
    came with first, when the ledger had `size` entries. Until `held_until` somebody is taken to be working on it."""

    __tablename__ = "idempotency"
    id: bytes = blob("id", key=True)
    organisation: str = text("organisation")
    request: bytes = blob("request")
    size: int = number("size")
    held_until: int = number("held_until")


class KeptAnswerRow(SQLModel, table=True):
    """The first answer to the request of an Idempotency-Key, to be given again for good."""

    __tablename__ = "kept_answer"
    id: bytes = blob("id", key=True)
    status: int = number("status")
    headers: str = text("headers")
    body: bytes = blob("body")


class WordingRow(SQLModel, table=True):
    """A text or a summary of a licence template, found by its digest, which the template names."""

    __tablename__ = "wording"
    digest: bytes = blob("digest", key=True)
    raw: bytes = blob("raw")


class RequestLogRow(SQLModel, table=True):
    """Who asked what, and the status of the answer: an organisation's audit trail, outside the public log."""

    __tablename__ = "request_log"
    __table_args__ = (Index("request_log_organisation", "organisation", "id"),)
    id: int = counter("id")
    at: int = number("at")
    organisation: str = text("organisation")
    token: str = text("token")
    request_id: str = text("request_id")
    operation: str = text("operation")
    subject: str = text("subject")
    status: int = number("status")


class InvitationRow(SQLModel, table=True):
    """Somebody is invited to sign for a project; `reference` is the organisation's own name for it, not a person's."""

    __tablename__ = "invitation"
    __table_args__ = (Index("invitation_project", "organisation", "project", "id"),)
    id: str = text("id", key=True)
    organisation: str = text("organisation")
    project: str = text("project")
    reference: str = text("reference")
    language: str = text("language")
    secret_hash: bytes = blob("secret_hash", unique=True)
    party: str | None = text("party", optional=True)
    created_at: int = number("created_at")
    expires_at: int = number("expires_at")
    reminders: int = number("reminders")
    reminded_at: int | None = number("reminded_at", optional=True)
    opened_at: int | None = number("opened_at", optional=True)
    answered_at: int | None = number("answered_at", optional=True)
    cancelled_at: int | None = number("cancelled_at", optional=True)


class DecisionRow(SQLModel, table=True):
    """The signed certificate of one answer."""

    __tablename__ = "decision"
    id: str = text("id", key=True)
    organisation: str = text("organisation")
    created_at: int = number("created_at")
    certificate: bytes = blob("certificate")


class CosignatureRow(SQLModel, table=True):
    """A witness's signature line for the checkpoint of a size, and the time that it states."""

    __tablename__ = "cosignature"
    size: int = number("size", key=True)
    witness: str = text("witness", key=True)
    signed_at: int = number("signed_at", key=True)
    line: bytes = blob("line")


class TimestampRow(SQLModel, table=True):
    """A time-stamp (RFC 3161) of the checkpoint of a size."""

    __tablename__ = "timestamp_token"
    size: int = number("size", key=True)
    authority: str = text("authority", key=True)
    signed_at: int = number("signed_at")
    token: bytes = blob("token")


class VerificationRow(SQLModel, table=True):
    """What a verification of the whole ledger found."""

    __tablename__ = "verification_run"
    id: int = counter("id")
    at: int = number("at")
    size: int = number("size")
    report: bytes = blob("report")
