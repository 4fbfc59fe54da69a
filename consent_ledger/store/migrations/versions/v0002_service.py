"""What the service keeps beside the log: who may ask, what was asked, and answers that must be repeatable.

None of it is evidence. These rows may change and go; the log does not rest on them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SIZE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "organisation",
        name("id", primary_key=True),
        text("label"),
        number("created_at"),
        number("closed_at", nullable=True),
    )
    op.create_table(
        "token",
        name("id", primary_key=True),
        text("organisation"),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False, unique=True),
        text("label"),
        text("scopes"),
        number("created_at"),
        number("expires_at"),
        number("revoked_at", nullable=True),
    )
    op.create_index("token_organisation", "token", ["organisation"])
    op.create_table(
        "staff",
        name("id", primary_key=True),
        text("organisation"),
        sa.Column("login", sa.Text(), nullable=False, unique=True),
        text("password_hash"),
        text("scopes"),
        number("created_at"),
        number("disabled_at", nullable=True),
    )
    op.create_table(
        "staff_session",
        sa.Column("secret_hash", sa.LargeBinary(), primary_key=True),
        text("staff"),
        blob("csrf"),
        number("created_at"),
        number("expires_at"),
    )
    op.create_table(
        "sign_in_failure",
        sa.Column("login", sa.LargeBinary(), primary_key=True),
        number("failures"),
        number("last_at"),
    )
    op.create_table(
        "idempotency",
        sa.Column("id", sa.LargeBinary(), primary_key=True),
        text("organisation"),
        blob("request"),
        number("size"),
        number("held_until"),
    )
    op.create_table(
        "kept_answer",
        sa.Column("id", sa.LargeBinary(), primary_key=True),
        number("status"),
        text("headers"),
        blob("body"),
    )
    op.create_table("wording", sa.Column("digest", sa.LargeBinary(), primary_key=True), blob("raw"))
    op.create_table(
        "request_log",
        sa.Column("id", SIZE, primary_key=True, autoincrement=True),
        number("at"),
        text("organisation"),
        text("token"),
        text("request_id"),
        text("operation"),
        text("subject"),
        number("status"),
    )
    op.create_index("request_log_organisation", "request_log", ["organisation", "id"])
    op.create_table(
        "invitation",
        name("id", primary_key=True),
        text("organisation"),
        text("project"),
        text("reference"),
        text("language"),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False, unique=True),
        text("party", nullable=True),
        number("created_at"),
        number("expires_at"),
        number("reminders"),
        number("reminded_at", nullable=True),
        number("opened_at", nullable=True),
        number("answered_at", nullable=True),
        number("cancelled_at", nullable=True),
    )
    op.create_index("invitation_project", "invitation", ["organisation", "project", "id"])
    op.create_table(
        "decision", name("id", primary_key=True), text("organisation"), number("created_at"), blob("certificate")
    )


def name(column: str, *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(column, sa.Text(), primary_key=primary_key, nullable=False)


def text(column: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(column, sa.Text(), nullable=nullable)


def number(column: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(column, SIZE, nullable=nullable)


def blob(column: str, *, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(column, sa.LargeBinary(), nullable=nullable)
