"""Second people: what the operator's key signs for a house waits for another person's word."""

import sqlalchemy as sa
from alembic import op

from asset_hub.core import db

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('ledger_confirmation',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('act_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('asked_by', sa.Uuid(), nullable=False),
    sa.Column('deadline', sa.BigInteger(), nullable=False),
    sa.Column('confirmed_by', sa.Uuid(), nullable=True),
    sa.Column('confirmed_at', db.UtcDateTime(), nullable=True),
    sa.Column('created_at', db.UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_confirmation')),
    sa.UniqueConstraint('act_id', 'organisation_id', name=op.f('uq_ledger_confirmation_act_id_organisation_id'))
    )
    with op.batch_alter_table('ledger_confirmation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_ledger_confirmation_organisation_id'), ['organisation_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('ledger_confirmation', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_ledger_confirmation_organisation_id'))
    op.drop_table('ledger_confirmation')
