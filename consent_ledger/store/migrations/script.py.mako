"""${message}"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes  # noqa: F401  generated columns may name its types
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
