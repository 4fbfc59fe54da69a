"""The migrations arrive at exactly the tables that the code declares."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlmodel import SQLModel

import consent_ledger.store.migrations as migrations
from consent_ledger.store import schema, tables
from consent_ledger.store.engine import open_store

OPTIONS = {"version_table": schema.VERSION_TABLE, "compare_type": True, "compare_server_default": True}


def test_migrating_from_nothing_gives_the_declared_tables(store_url: str) -> None:
    assert tables.EntryRow.metadata is SQLModel.metadata
    with open_store(store_url, create=True) as store, store.write() as tx:
        context = MigrationContext.configure(tx.connection, opts=OPTIONS)
        assert compare_metadata(context, SQLModel.metadata) == []
        assert context.get_current_revision() == schema.HEAD


def test_sqlite_stores_the_log_without_a_second_index(tmp_path: Path) -> None:
    """What autogenerate does not compare: row addresses as keys, and the index as one tree."""
    declared = create_engine("sqlite://")
    SQLModel.metadata.create_all(declared)
    with open_store(f"sqlite:///{tmp_path}/ledger.db", create=True) as store, store.read() as tx:
        for name in ("entry", "opening", "node", "checkpoint", "touch", "meta"):
            sql = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
            with declared.connect() as connection:
                want = connection.exec_driver_sql(sql, (name,)).scalar_one()
            assert tx.select(sql, (name,))[0][0].split() == want.split()
        indexes = {table for (table,) in tx.select("SELECT tbl_name FROM sqlite_master WHERE type = 'index'")}
        assert not indexes & {"entry", "opening", "node", "checkpoint"}
    declared.dispose()


def test_the_code_wants_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", next(iter(migrations.__path__)))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [schema.HEAD]
    revisions = [revision.revision for revision in script.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True), "versions are compared as text"
    assert all(len(revision) == 4 and revision.isdecimal() for revision in revisions)
