"""What outsiders signed for the log's checkpoints, what verifications found, and openings that can be erased."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SIZE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ERASING = "EXISTS (SELECT 1 FROM meta WHERE name = 'erasing')"


def upgrade() -> None:
    op.create_table(
        "cosignature",
        sa.Column("size", SIZE, primary_key=True, autoincrement=False),
        sa.Column("witness", sa.Text(), primary_key=True),
        sa.Column("signed_at", SIZE, primary_key=True, autoincrement=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "timestamp_token",
        sa.Column("size", SIZE, primary_key=True, autoincrement=False),
        sa.Column("authority", sa.Text(), primary_key=True),
        sa.Column("signed_at", SIZE, nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "verification_run",
        sa.Column("id", SIZE, primary_key=True, autoincrement=True),
        sa.Column("at", SIZE, nullable=False),
        sa.Column("size", SIZE, nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=False),
    )
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TRIGGER opening_delete")
        op.execute(
            f"CREATE TRIGGER opening_delete BEFORE DELETE ON opening WHEN NOT {ERASING} "
            "BEGIN SELECT RAISE(ABORT, 'opening is append-only'); END"
        )
    else:
        op.execute(
            "CREATE FUNCTION refuse_change_unless_erasing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NOT {ERASING} THEN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END IF; RETURN NULL; END $$"
        )
        op.execute("DROP TRIGGER opening_update ON opening")
        # Statistics would keep samples of the rows, also of those that are erased.
        for column in ("salt", "envelope"):
            op.execute(f"ALTER TABLE opening ALTER COLUMN {column} SET STATISTICS 0")
        op.execute("ALTER TABLE decision ALTER COLUMN certificate SET STATISTICS 0")
        for trigger, changes, function in (
            ("opening_update", "UPDATE OR TRUNCATE", "refuse_change"),
            ("opening_delete", "DELETE", "refuse_change_unless_erasing"),
        ):
            op.execute(
                f"CREATE TRIGGER {trigger} BEFORE {changes} ON opening FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
            )
