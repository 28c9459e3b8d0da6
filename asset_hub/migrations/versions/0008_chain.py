"""Which chain a home records on, and the receipts of blocks that others' transactions are in too."""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'ledger_chain',
        sa.Column('engine', sa.String(), nullable=False),
        sa.Column('chain_id', sa.BigInteger(), nullable=False),
        sa.Column('genesis', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('engine', name=op.f('pk_ledger_chain')),
    )
    with op.batch_alter_table('ledger_block', schema=None) as batch_op:
        batch_op.add_column(sa.Column('receipts', sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('ledger_block', schema=None) as batch_op:
        batch_op.drop_column('receipts')
    op.drop_table('ledger_chain')
