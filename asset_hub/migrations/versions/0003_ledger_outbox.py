"""The relayer's outbox and the nonce of each account."""

import sqlalchemy as sa
from alembic import op

from asset_hub.core import db

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('ledger_nonce',
    sa.Column('chain_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('sender', sa.LargeBinary(), nullable=False),
    sa.Column('next', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('chain_id', 'sender', name=op.f('pk_ledger_nonce'))
    )
    op.create_table('ledger_outbox',
    sa.Column('number', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('chain_id', sa.BigInteger(), nullable=False),
    sa.Column('sender', sa.LargeBinary(), nullable=False),
    sa.Column('nonce', sa.BigInteger(), nullable=False),
    sa.Column('op_id', sa.LargeBinary(), nullable=True),
    sa.Column('raw', sa.LargeBinary(), nullable=False),
    sa.Column('tx_hash', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('created_at', db.UtcDateTime(), nullable=False),
    sa.Column('sent_at', db.UtcDateTime(), nullable=True),
    sa.Column('passed_at_block', sa.BigInteger(), nullable=True),
    sa.Column('block_number', sa.BigInteger(), nullable=True),
    sa.Column('block_hash', sa.LargeBinary(), nullable=True),
    sa.Column('block_time', sa.BigInteger(), nullable=True),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('gas_used', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_ledger_outbox')),
    sa.UniqueConstraint('chain_id', 'op_id', name=op.f('uq_ledger_outbox_chain_id_op_id')),
    sa.UniqueConstraint('chain_id', 'sender', 'nonce', name=op.f('uq_ledger_outbox_chain_id_sender_nonce')),
    sa.UniqueConstraint('tx_hash', name=op.f('uq_ledger_outbox_tx_hash'))
    )
    with op.batch_alter_table('ledger_outbox', schema=None) as batch_op:
        batch_op.create_index('ix_ledger_outbox_open', ['chain_id', 'state', 'number'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('ledger_outbox', schema=None) as batch_op:
        batch_op.drop_index('ix_ledger_outbox_open')

    op.drop_table('ledger_outbox')
    op.drop_table('ledger_nonce')
