"""Which tables a database has, and bringing them to the version that this code wants.

All steps run in one write transaction, so that two processes that open the same new database do it once, and a crash
leaves either the old schema or the new one.
"""

from pathlib import Path
from threading import Lock

from consent_ledger.errors import NotFoundError, UnavailableError
from consent_ledger.store.transaction import Transaction

HEAD = "0003"
VERSION_TABLE = "consent_ledger_version"
_MIGRATIONS = Path(__file__).parent / "migrations"
_alembic = Lock()  # its `op` and `context` are one per process


def require_current(tx: Transaction, place: str) -> None:
    """Raise unless the database holds a ledger of exactly this version."""
    version = read_version(tx, place)
    if version is None:
        raise NotFoundError(f"no ledger in `{place}`", code="ledger_missing")
    if version != HEAD:
        raise UnavailableError(
            f"`{place}` has schema version `{version}`, want `{HEAD}`: open it for writing once", code="older_version"
        )


def bring_up_to_date(tx: Transaction, place: str, *, create: bool) -> None:
    """Run the steps that the database lacks; an empty one only when it is to be created."""
    version = read_version(tx, place)
    if version is None and not create:
        raise NotFoundError(f"no ledger in `{place}`", code="ledger_missing")
    if version != HEAD:
        with _alembic:
            _upgrade(tx)


def read_version(tx: Transaction, place: str) -> str | None:
    """Return the version, None for an empty database; refuse another program's, and a later program's."""
    tables = tx.table_names()
    if not tables:
        return None
    if VERSION_TABLE not in tables:
        raise UnavailableError(f"`{place}` holds tables that are not a ledger's", code="not_a_ledger")
    version = str(tx.select(f"SELECT version_num FROM {VERSION_TABLE}")[0][0])
    # Versions are four digits, so text compares as numbers do.
    if version > HEAD:
        raise UnavailableError(
            f"`{place}` has schema version `{version}`, this program knows `{HEAD}`",
            code="newer_version",
        )
    return version


def _upgrade(tx: Transaction) -> None:
    from alembic import command  # only here: a ledger that is up to date need not wait for the import
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = tx.connection
    command.upgrade(config, "head")
