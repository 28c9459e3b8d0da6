"""An intake's rows know the process that received their file."""

import sqlalchemy as sa
from alembic import op

from asset_hub.core.db import JsonColumn

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('ingest_item', schema=None) as batch_op:
        batch_op.add_column(sa.Column('received', JsonColumn, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('ingest_item', schema=None) as batch_op:
        batch_op.drop_column('received')
