"""Create the tables and the roles' rights; the SQL stands beside this file."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Applies the change."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text())
