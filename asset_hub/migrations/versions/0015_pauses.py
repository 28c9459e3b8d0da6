"""Pauses of trade: until when a register takes nothing new."""

import sqlalchemy as sa
from alembic import op

from asset_hub.core import db

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('ledger_pause',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('until', db.UtcDateTime(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('entry_id', sa.Uuid(), nullable=True),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_ledger_pause'))
    )


def downgrade() -> None:
    op.drop_table('ledger_pause')
