"""Which stored files intake needs: everything offered that was not rejected, masters, receipts."""

import sqlalchemy as sa
from sqlmodel import col

from ingest.models import AccessionRow, ItemRow, MasterRow
from ingest.types import ItemStatus

FILES_KEPT = (
    sa.select(col(ItemRow.sha256)).where(col(ItemRow.status) != ItemStatus.REJECTED),
    sa.select(col(MasterRow.sha256)),
    sa.select(col(AccessionRow.receipt_sha256)),
    sa.select(col(AccessionRow.captures_sha256)),
)
