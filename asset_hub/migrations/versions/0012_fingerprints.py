"""A licence knows the fingerprint of its picture."""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('marketplace_licence', schema=None) as batch_op:
        batch_op.add_column(sa.Column('fingerprint', sa.String(), server_default='', nullable=False))


def downgrade() -> None:
    with op.batch_alter_table('marketplace_licence', schema=None) as batch_op:
        batch_op.drop_column('fingerprint')
