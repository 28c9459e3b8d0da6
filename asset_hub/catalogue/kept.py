"""Which stored files the catalogue needs: masters and what pages show of them."""

import sqlalchemy as sa
from sqlmodel import col

from asset_hub.catalogue.models import FileRow

FILES_KEPT = (sa.select(col(FileRow.sha256)),)
