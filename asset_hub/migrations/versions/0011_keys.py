"""Keys of the houses and the signatures they are asked for; every house so far has a key that the operator keeps."""

import sqlalchemy as sa
from alembic import op

from asset_hub.core import db

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('ledger_key',
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('address', sa.LargeBinary(), nullable=False),
    sa.Column('custody', sa.String(), nullable=False),
    sa.Column('purpose', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('valid_from', sa.BigInteger(), nullable=True),
    sa.Column('valid_until', sa.BigInteger(), nullable=True),
    sa.Column('entry_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', db.UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('organisation_id', 'address', name=op.f('pk_ledger_key'))
    )
    with op.batch_alter_table('ledger_key', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_ledger_key_entry_id'), ['entry_id'], unique=False)
    op.create_table('ledger_signature',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('entry_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('slot', sa.String(), nullable=False),
    sa.Column('address', sa.LargeBinary(), nullable=True),
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('typed', db.JsonColumn, nullable=False),
    sa.Column('deadline', sa.BigInteger(), nullable=False),
    sa.Column('signature', sa.LargeBinary(), nullable=True),
    sa.Column('signed_by', sa.LargeBinary(), nullable=True),
    sa.Column('person_id', sa.Uuid(), nullable=True),
    sa.Column('signed_at', db.UtcDateTime(), nullable=True),
    sa.Column('created_at', db.UtcDateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_signature')),
    sa.UniqueConstraint('entry_id', 'organisation_id', 'slot', name=op.f('uq_ledger_signature_entry_id_organisation_id_slot'))
    )
    with op.batch_alter_table('ledger_signature', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_ledger_signature_organisation_id'), ['organisation_id'], unique=False)
    op.execute(
        "INSERT INTO ledger_key (organisation_id, address, custody, purpose, state, valid_from, created_at) "
        "SELECT o.organisation_id, o.address, 'custody', 3, 'live', 0, MIN(e.created_at) FROM ledger_org o "
        "JOIN ledger_entry e ON e.subject_id = o.organisation_id AND e.kind = 'admit' "
        "GROUP BY o.organisation_id, o.address"
    )


def downgrade() -> None:
    with op.batch_alter_table('ledger_signature', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_ledger_signature_organisation_id'))
    op.drop_table('ledger_signature')
    with op.batch_alter_table('ledger_key', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_ledger_key_entry_id'))
    op.drop_table('ledger_key')
