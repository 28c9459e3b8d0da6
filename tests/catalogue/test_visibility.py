"""The one SQL condition agrees with the rule written in plain Python, for every state, level, hold and reader."""

from datetime import timedelta
from itertools import product

from asset_hub.accounts import ANONYMOUS, Actor, Role
from asset_hub.catalogue import AssetKind, AssetState, RestrictionKind, Secrecy, create_draft, may_show_many
from asset_hub.catalogue.models import AssetRow, RestrictionRow
from asset_hub.catalogue.visibility import HOUSE_ROLES, OVERSEERS
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import Database
from asset_hub.core.ids import new_id
from tests.builders import make_actor, make_organisation

NOW = clock.now()
TODAY = beijing_date(NOW)
HOLDS = {
    "none": None,
    "now": (RestrictionKind.FREEZE, TODAY, None, None),
    "over": (RestrictionKind.EMBARGO, TODAY - timedelta(days=9), TODAY, None),
    "later": (RestrictionKind.EMBARGO, TODAY + timedelta(days=1), None, None),
    "lifted": (RestrictionKind.TAKE_DOWN, TODAY, None, NOW),
    "part": (RestrictionKind.SENSITIVE_SPAN, TODAY, None, None),
}


def should_show(row: AssetRow, hold: str, by: Actor) -> bool:
    """The rule, said again without SQL."""
    own = by.organisation_id is not None and by.organisation_id in (row.owner_id, row.custodian_id)
    if own and by.roles & HOUSE_ROLES:
        return True
    if by.roles & OVERSEERS and row.secrecy != Secrecy.INTERNAL:
        return True
    published = row.state == AssetState.PUBLISHED and row.secrecy != Secrecy.UNREVIEWED
    return published and hold != "now" and (row.secrecy != Secrecy.INTERNAL or own)


def test_every_case_agrees_with_the_plain_rule(any_database: Database) -> None:
    with any_database.write() as session:
        house = make_organisation(session)
        keeper = make_organisation(session, name_zh="代管馆")
        readers = [ANONYMOUS]
        for role, home in product(Role, (house, keeper, None)):
            readers.append(make_actor(session, roles={role}, organisation=home))
        archivist = make_actor(session, roles={Role.ARCHIVIST}, organisation=house)
        rows: list[tuple[AssetRow, str]] = []
        for state, secrecy, hold, kept in product(AssetState, Secrecy, HOLDS, (True, False)):
            asset_id = create_draft(
                session, kind=AssetKind.PICTURE, owner_id=house.id, secrecy=secrecy, by=archivist, now=NOW,
                custodian_id=keeper.id if kept else None,
            )  # fmt: skip
            row = session.get_one(AssetRow, asset_id)
            row.state = state
            rows.append((row, hold))
            if (held := HOLDS[hold]) is not None:
                kind, start, end, lifted = held
                session.add(
                    RestrictionRow(
                        id=new_id(), asset_id=asset_id, kind=kind, reason="", authority="", start_day=start,
                        end_day=end, lifted_at=lifted, created_at=NOW,
                    )
                )  # fmt: skip
        session.flush()

        for reader in readers:
            shown = may_show_many(session, asset_ids=[row.id for row, _ in rows], by=reader, now=NOW)
            expected = {row.id for row, hold in rows if should_show(row, hold, reader)}
            assert shown == expected, reader.roles
