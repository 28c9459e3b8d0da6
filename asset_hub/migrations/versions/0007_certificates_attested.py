"""A licence knows the SM3 digest of its file, and whether its certificate carries a third party's word."""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('marketplace_licence', schema=None) as batch_op:
        batch_op.add_column(sa.Column('sm3', sa.String(), server_default='', nullable=False))
        batch_op.add_column(sa.Column('attested_day', sa.String(), server_default='', nullable=False))


def downgrade() -> None:
    with op.batch_alter_table('marketplace_licence', schema=None) as batch_op:
        batch_op.drop_column('attested_day')
        batch_op.drop_column('sm3')
