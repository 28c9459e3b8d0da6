"""The capture record (固定记录) of an asset's file, to be read by its houses and those who oversee."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from asset_hub.accounts import Actor, require
from asset_hub.catalogue import AssetView, find_asset, get_asset
from asset_hub.core.db import ReadSession
from asset_hub.core.files import FileStore
from asset_hub.core.text import N_
from asset_hub.evidence.bundle import read_capture
from ledger.errors import EntryNotFound
from ledger.models import ContractRow
from ledger.signing import HomeKeys
from marketplace import permissions


def capture_of(
    session: ReadSession, files: FileStore, keys: HomeKeys, *, asset: str, by: Actor, now: datetime
) -> tuple[AssetView, Mapping[str, Any]]:
    """Return an asset (by its id or number) and its record: `session` is the shared part of the intake.

    Raises AssetNotFound, Forbidden, EntryNotFound for an asset without a record that is anchored.
    """
    found = get_asset(session, asset_id=find_asset(session, text=asset), by=by, now=now)
    if by.organisation_id is None or by.organisation_id not in (found.owner_id, found.custodian_id):
        require(by, permissions.EVIDENCE)
    anchors = session.get(ContractRow, "AnchorRegistry")
    contract = anchors.address.hex() if anchors else ""
    captured = read_capture(session, files, keys, asset_id=found.id, contract=contract)
    if captured is None:
        raise EntryNotFound(N_("This asset has no capture record on the ledger."))
    return found, {"session": json.loads(captured.session), "record": json.loads(captured.record)}
