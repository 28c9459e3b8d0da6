"""Keys of the exchange itself that were drawn later, and changes of roles; keys in custody may be drawn too."""

import sqlalchemy as sa
from alembic import op

from asset_hub.core import db

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('ledger_office_key',
    sa.Column('address', sa.LargeBinary(), nullable=False),
    sa.Column('office', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=True),
    sa.Column('valid_from', sa.BigInteger(), nullable=True),
    sa.Column('valid_until', sa.BigInteger(), nullable=True),
    sa.Column('created_at', db.UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('address', name=op.f('pk_ledger_office_key'))
    )
    op.create_index(op.f('ix_ledger_office_key_office'), 'ledger_office_key', ['office'])
    op.create_table('ledger_role_change',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('office', sa.String(), nullable=False),
    sa.Column('keeper_id', sa.Uuid(), nullable=True),
    sa.Column('steps', db.JsonColumn, nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('ready_at', sa.BigInteger(), nullable=True),
    sa.Column('entry_id', sa.Uuid(), nullable=True),
    sa.Column('refusal', sa.String(), nullable=True),
    sa.Column('created_at', db.UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_role_change'))
    )
    op.create_index(op.f('ix_ledger_role_change_state'), 'ledger_role_change', ['state'])
    op.create_table('ledger_role_keeper',
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('address', sa.LargeBinary(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('since', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('role', name=op.f('pk_ledger_role_keeper'))
    )
    op.add_column('ledger_key', sa.Column('sealed', sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column('ledger_key', 'sealed')
    op.drop_table('ledger_role_keeper')
    op.drop_table('ledger_role_change')
    op.drop_table('ledger_office_key')
