"""Which stored files trade needs: instruments of title, licensed files, certificates."""

import sqlalchemy as sa
from sqlmodel import col

from marketplace.models import LicenceRow, TitleRow

FILES_KEPT = (
    sa.select(col(TitleRow.instrument_sha256)),
    sa.select(col(LicenceRow.sha256)),
    sa.select(col(LicenceRow.certificate_sha256)),
    sa.select(col(LicenceRow.pdf_sha256)),
)
