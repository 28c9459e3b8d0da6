"""Which stored files accounts need: the scanned papers of applications."""

import sqlalchemy as sa
from sqlmodel import col

from asset_hub.accounts.models import PartyRow

FILES_KEPT = (sa.select(col(PartyRow.facts)),)
