"""The log, its index, and the triggers that let them only grow."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SIZE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TRUTH = ("entry", "opening", "node", "checkpoint")
REBUILDING = "EXISTS (SELECT 1 FROM meta WHERE name = 'rebuilding')"


def upgrade() -> None:
    create_tables()
    if op.get_context().dialect.name == "sqlite":
        create_triggers_sqlite()
    else:
        create_triggers_postgresql()


def create_tables() -> None:
    op.create_table("entry", key("index"), number("recorded_at"), blob("bytes"))
    op.create_table("opening", key("index"), blob("salt"), blob("envelope"))
    op.create_table("node", key("id"), blob("hash"))
    op.create_table("checkpoint", key("size"), blob("note"))
    op.create_table(
        "touch",
        sa.Column("key", sa.LargeBinary(), primary_key=True),
        key("entry"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "meta", sa.Column("name", sa.Text(), primary_key=True), sa.Column("value", sa.Text(), nullable=False)
    )


def key(name: str) -> sa.Column[int]:
    return sa.Column(name, SIZE, primary_key=True, autoincrement=False)


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, SIZE, nullable=False)


def blob(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def create_triggers_sqlite() -> None:
    for table in (*TRUTH, "touch"):
        for change in ("UPDATE", "DELETE"):
            unless = f"WHEN NOT {REBUILDING}" if (table, change) == ("touch", "DELETE") else ""
            op.execute(
                f"CREATE TRIGGER {table}_{change.lower()} BEFORE {change} ON {table} {unless} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def create_triggers_postgresql() -> None:
    """One check a statement, not a row: no statement of these kinds is right, however many rows it would find."""
    create_function("refuse_change", "TRUE")
    create_function("refuse_change_unless_rebuilding", f"NOT {REBUILDING}")
    for table in TRUTH:
        create_trigger(table, "UPDATE OR DELETE OR TRUNCATE", "refuse_change")
    create_trigger("touch", "UPDATE", "refuse_change")
    create_trigger("touch", "DELETE OR TRUNCATE", "refuse_change_unless_rebuilding")


def create_function(name: str, when: str) -> None:
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {when} THEN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END IF; RETURN NULL; END $$"
    )


def create_trigger(table: str, changes: str, function: str) -> None:
    name = f"{table}_{changes.split()[0].lower()}"
    op.execute(f"CREATE TRIGGER {name} BEFORE {changes} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {function}()")
