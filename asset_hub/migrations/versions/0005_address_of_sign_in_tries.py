"""Tries at a sign-in name are counted by the address they came from."""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('accounts_sign_in_failure', schema=None) as batch_op:
        batch_op.add_column(sa.Column('source', sa.String(), server_default='', nullable=False))


def downgrade() -> None:
    with op.batch_alter_table('accounts_sign_in_failure', schema=None) as batch_op:
        batch_op.drop_column('source')
