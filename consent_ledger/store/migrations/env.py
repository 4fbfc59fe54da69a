"""Run by Alembic, always on a connection that is already in a transaction: all steps happen, or none."""

from alembic import context
from sqlmodel import SQLModel

from consent_ledger.store import tables  # noqa: F401  fills SQLModel.metadata, which autogenerate compares with
from consent_ledger.store.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
