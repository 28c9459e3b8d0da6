"""Sets up what the tests of disputes and statements need: sides, a regulator, an operator, a clock that is moved."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import rlp
import sqlalchemy as sa
from sqlmodel import SQLModel, col, select

from asset_hub.accounts import Actor, Role
from asset_hub.accounts.models import PartyRow
from asset_hub.catalogue.restrictions import restrictions_in_force
from ledger.calls import read_log
from ledger.case_models import CaseRow
from ledger.cases import CaseId, open_case
from ledger.disputes import CaseState
from ledger.models import JournalRow
from ledger.sites import find_site
from ledger.submit import submit_next
from tests.builders import make_actor, make_organisation
from tests.ledger.houses import NOW, House, confirm_all, make_house

TITLE, TEXT = "朝天门影像权属之争", "该片由我方于 1983 年摄制。"


class Court:
    """A house with a registered work, a claimant, a regulator, an operator, a stranger; `now` is moved by `wait`."""

    def __init__(self, folder: Path, house: House | None = None) -> None:
        self.now: datetime = NOW
        self.house: House = house or make_house(folder)
        self.services, self.keys = self.house.services, self.house.services.keys
        self.respondent, self.asset_id = self.house.seller, self.house.asset_id
        with self.services.database.write() as session:
            claiming = make_organisation(session, name_zh="江畔影业", name_en="Riverside Films")
            self.claimant = make_actor(session, roles={Role.RIGHTS_DESK}, organisation=claiming)
            seller = session.get_one(PartyRow, self.respondent.organisation_id)
            self.clerk = make_actor(session, roles={Role.CATALOGUER}, organisation=seller)
            self.stranger = make_actor(session, roles=set(Role) - {Role.OPERATOR, Role.REGULATOR})
            self.regulator = make_actor(session, roles={Role.REGULATOR})
            self.operator = make_actor(session, roles={Role.OPERATOR})

    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)

    def open(self, **changes: Any) -> CaseId:
        """Open a dispute and carry it."""
        with self.services.database.write() as session:
            given: dict[str, Any] = {"asset_id": self.asset_id, "title": TITLE, "text": TEXT, "by": self.claimant}
            case = open_case(session, self.keys, now=self.now, **(given | changes))
        self.carry()
        return case

    def do(self, act: Callable[..., Any], case: UUID, by: Actor, **said: Any) -> Any:
        """Take a step and carry it."""
        result = self.record(act, case, by, **said)
        self.carry()
        return result

    def record(self, act: Callable[..., Any], case: UUID, by: Actor, **said: Any) -> Any:
        """Take a step without carrying it."""
        given = said if "offer" in said else {"text": TEXT} | said
        with self.services.database.write() as session:
            return act(session, self.keys, case_id=case, by=by, now=self.now, **given)

    def carry(self) -> None:
        """Confirm what waits for a second person, and carry everything."""
        with self.services.database.write() as session:
            confirm_all(session)
            while submit_next(session, self.keys, now=self.now):
                pass

    def row(self, case: UUID) -> CaseRow:
        with self.services.database.read() as session:
            return session.get_one(CaseRow, case)

    def state(self, case: UUID) -> CaseState:
        return CaseState(self.row(case).state)

    def is_held_back(self) -> bool:
        with self.services.database.read() as session:
            return self.asset_id in restrictions_in_force(session, asset_ids=[self.asset_id], now=self.now)

    def logs(self, contract: str) -> list[dict[str, Any]]:
        """Read the events of a register back from the receipts in the journal."""
        with self.services.database.read() as session:
            site = find_site(session)
            receipts = session.exec(select(JournalRow.receipt).order_by(col(JournalRow.number))).all()
        assert site is not None
        events = []
        for receipt in receipts:
            for address, topics, data in rlp.decode(receipt)[3]:
                if address == site.addresses[contract] and (event := read_log(contract, topics, data)) is not None:
                    events.append({"name": event.name, **event.members})
        return events

    def statuses(self) -> list[int]:
        """Return every status that the work was given on the chain, in order."""
        return [event["status"] for event in self.logs("WorkRegistry") if event["name"] == "WorkStatusChanged"]

    def counts(self) -> dict[str, int]:
        """Return how many rows every table has."""
        tables = [table for table in SQLModel.metadata.sorted_tables if not table.name.startswith("test_")]
        counts = [select(sa.func.count()).select_from(table).scalar_subquery().label(table.name) for table in tables]
        with self.services.database.read() as session:
            return dict(session.connection().execute(sa.select(*counts)).one()._mapping)
