"""The schema that the migrations must arrive at.

Imported by migrations and by tests only: reading and appending name the columns in SQL, because an object a row costs
twenty times the row. Every number is 64 bits wide; on SQLite an `INTEGER PRIMARY KEY` is the row's own address, so the
log's tables are keyed by it and need no index beside them.

No foreign keys: what belongs together is written in one transaction, `replay` checks it against the hashes, and a check
per row would cost more than the row.
"""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text
from sqlmodel import Field, SQLModel

SIZE = BigInteger().with_variant(Integer(), "sqlite")


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
