"""Sets up what the ledger's tests need: a home with two houses and a published picture that is registered."""

import atexit
import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from uuid import UUID

from asset_hub.accounts import Actor, PersonId, Role, require_organisation
from asset_hub.app import Services, open_home
from asset_hub.catalogue import AssetId, AssetKind, ElementValue, Secrecy, create_draft, publish_asset
from asset_hub.core import clock
from asset_hub.core.db import WriteSession
from asset_hub.core.ids import new_id
from asset_hub.core.period import DateRange
from asset_hub.core.settings import Settings
from ledger.certificates import delivery_commitment
from ledger.codebook import GrantKind
from ledger.confirmations import confirm, list_confirmations
from ledger.entries import anchor_digests, record_licence, reserve_number
from ledger.grants import GrantTerms
from ledger.types import AnchorKind
from tests.builders import make_actor

NOW = clock.now()


@dataclass(frozen=True, slots=True)
class House:
    """A home with a seller, a buyer and a registered work; `run` has somebody confirm what waits."""

    services: Services
    seller: Actor
    buyer: Actor
    asset_id: AssetId

    def run(self) -> None:
        carry_out(self.services)


def make_house(tmp_path: Path) -> House:
    """Make a home of its own: a copy of one that every test's starts from, for contracts take a moment to deploy."""
    template, made = _first_house()
    shutil.copytree(template, tmp_path / "home")
    return replace(made, services=open_home(Settings(home=tmp_path / "home")))


@cache
def _first_house() -> tuple[Path, House]:
    """Return a home that nothing is written into any more, and what is in it."""
    folder = Path(tempfile.mkdtemp(prefix="asset-hub-house-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    house = make_foreign_house(folder)
    house.services.database.dispose()
    return folder / "home", house


def make_foreign_house(folder: Path, **settings: str) -> House:
    """Make a home whose secret and chain no other test's has."""
    services = open_home(Settings(home=folder / "home").model_copy(update=settings))
    with services.database.write() as session:
        seller = make_actor(session, roles={Role.ARCHIVIST, Role.RIGHTS_DESK})
        buyer = make_actor(session, roles={Role.PRODUCER})
        asset_id = create_draft(
            session, kind=AssetKind.PICTURE, owner_id=require_organisation(seller), secrecy=Secrecy.OPEN,
            values=[ElementValue("title", "朝天门的黄昏", "person:1", "zh")], by=seller, now=NOW,
        )  # fmt: skip
        publish_asset(session, asset_id=asset_id, by=seller, now=NOW)
    house = House(services, seller, buyer, asset_id)
    house.run()
    return house


def confirm_all(session: WriteSession) -> int:
    """Have somebody of the operator confirm whatever waits for a second person; return how much did."""
    operator = Actor(PersonId(new_id()), "second", roles=frozenset({Role.OPERATOR}))
    waiting = list_confirmations(session, by=operator, now=NOW)
    for one in waiting:
        confirm(session, confirmation_id=one.id, by=operator, now=NOW)
    return len(waiting)


def carry_out(services: Services) -> None:
    """Confirm what waits for a second person, and run the jobs."""
    with services.database.write() as session:
        confirm_all(session)
    services.run_jobs(threads=1)


def make_terms(
    *, kind: GrantKind = GrantKind.NON_EXCLUSIVE, uses: tuple[str, ...] = ("streaming",), years: int = 5
) -> GrantTerms:
    return GrantTerms(uses, ("CN",), DateRange.years_from(date(2026, 12, 1), years), kind)


def grant(house: House, terms: GrantTerms, *, licence_id: UUID | None = None) -> UUID:
    """Record a licence with its delivered file's anchor; return its id."""
    chosen = licence_id or new_id()
    with house.services.database.write() as session:
        number = reserve_number(session)
        document = {
            "number": number, "title_zh": "朝天门的黄昏", "first_day": str(terms.window.start),
            "last_day": str(terms.window.last_day),
        }  # fmt: skip
        record_licence(
            session, house.services.keys, number=number, licence_id=chosen, asset_id=house.asset_id,
            licensor_id=require_organisation(house.seller), licensee_id=require_organisation(house.buyer),
            terms=terms, document=document, now=NOW,
        )  # fmt: skip
    return chosen


def anchor_delivery(house: House, licence_id: UUID, sha256: str) -> None:
    with house.services.database.write() as session:
        commitment = delivery_commitment(house.services.keys, licence_id, sha256)
        anchor_digests(session, kind=AnchorKind.DELIVERY, subject_id=licence_id, commitments=[commitment], now=NOW)
