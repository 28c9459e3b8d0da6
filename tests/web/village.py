"""A small exchange in one home with something of every kind, and one person for every role: for asking every route."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import (
    ANONYMOUS,
    Actor,
    PartyKind,
    Role,
    apply_for_admission,
    require_organisation,
)
from asset_hub.accounts.models import PartyRow
from asset_hub.app import Services
from asset_hub.catalogue import (
    AssetKind,
    ElementValue,
    FileRef,
    FileRole,
    RestrictionKind,
    Secrecy,
    add_files,
    create_draft,
    publish_asset,
    restrict,
)
from asset_hub.catalogue.models import AssetRow, FileRow
from asset_hub.core import clock
from asset_hub.core.db import WriteSession
from asset_hub.core.jobs import JobRow, JobState, enqueue
from asset_hub.curation import NewItem, create_catalogue, publish_catalogue, set_items
from ingest.accessions import open_accession
from ingest.types import Door
from ingest.uploads import create_upload
from ledger.cases import open_case
from ledger.codebook import GrantKind
from ledger.confirmations import list_confirmations
from ledger.deeds import propose_end, propose_title
from ledger.office_keys import rotate_key
from ledger.royalties import publish_statement
from ledger.signing import Office
from tests.builders import make_actor
from tests.marketplace.shop import Shop, make_shop, make_terms
from tests.media_files import make_picture

STRANGER = "stranger"
NOBODY = "nobody"
SECRET_WORDS = "不可示人的题名"


@dataclass(frozen=True, slots=True)
class Village:
    """The home, who lives in it by audience, and the ids that addresses need."""

    services: Services
    people: Mapping[str, Actor]
    ids: Mapping[str, str]
    hidden_number: str
    hidden_files: tuple[str, ...]
    hidden_id: UUID


def make_village(folder: Path) -> Village:
    """Build everything once; takes some seconds."""
    shop = make_shop(folder, film=True)
    services = shop.services
    buyer = shop.make_buyer()
    licence = shop.buy(buyer, make_terms(kind=GrantKind.SOLE, years=1))
    made = shop.quote(buyer, make_terms(uses=("satellite_tv",)))
    order = shop.order(buyer, shop.quote(buyer, make_terms(uses=("satellite_tv",), years=2)))
    with services.database.write() as session:
        people = _people(session, shop, buyer)
        ids = _things(session, shop, people, folder)
        hidden, files = _hidden(session, shop, folder)
    services.run_jobs(threads=1)
    with services.database.write() as session:
        ids["job_id"] = str(_failed_job(session).id)
        ids["file_id"], ids["pyramid_id"] = _shown_files(session, shop, folder)
        hidden_number = _number(session, hidden)
        ids["number"] = _number(session, shop.asset_id)
    with services.database.write() as session:
        deed = propose_end(
            session, services.keys, number=licence.number, reason="约满", by=people["rights_desk"], now=clock.now()
        )
        propose_title(
            session, services.keys, asset_id=shop.asset_id, instrument="登记", by=shop.seller, now=clock.now(),
            rights={("all",): {require_organisation(shop.seller): 10_000}},
        )  # fmt: skip
        waiting = list_confirmations(session, by=people["operator"], now=clock.now())
        ids["confirmation_id"] = str(waiting[0].id)
        ids["change_id"] = str(
            rotate_key(
                session, services.keys, office=Office.RELAYER, reason="更换", by=people["operator"], now=clock.now()
            )
        )
    ids |= {"deed_id": str(deed.id), "licence_id": str(licence.id), "quote_id": str(made.id), "order_id": str(order.id)}
    return Village(services, people, ids, hidden_number, files, hidden)


def _people(session: WriteSession, shop: Shop, buyer: Actor) -> dict[str, Actor]:
    seller = session.get_one(PartyRow, require_organisation(shop.seller))
    buying = session.get_one(PartyRow, require_organisation(buyer))
    people = {NOBODY: ANONYMOUS}
    for role in Role:
        house = buying if role == Role.PRODUCER else None if role in (Role.OPERATOR, Role.REGULATOR) else seller
        people[str(role)] = make_actor(session, roles={role}, organisation=house)
    house_roles = set(Role) - {Role.OPERATOR, Role.REGULATOR}
    people[STRANGER] = make_actor(session, roles=house_roles)
    return people


def _things(session: WriteSession, shop: Shop, people: Mapping[str, Actor], folder: Path) -> dict[str, str]:
    now, house = clock.now(), require_organisation(shop.seller)
    accession = open_accession(
        session, owner_id=house, door=Door.UPLOAD, secrecy=Secrecy.OPEN, by=people["archivist"], now=now
    )
    upload = create_upload(session, accession_id=accession, key=b"a.jpg", length=9, by=people["archivist"], now=now)
    catalogue = create_catalogue(
        session, slug="a-theme", title={"zh": "主题", "en": "A theme"}, by=people["curator"], now=now
    )
    set_items(session, catalogue_id=catalogue, items=[NewItem(shop.asset_id)], by=people["curator"], now=now)
    publish_catalogue(session, catalogue_id=catalogue, by=people["curator"], now=now)
    party = apply_for_admission(
        session, kind=PartyKind.NATURAL_PERSON, name_zh="周某", papers={"identity_document_sha256": "ab" * 32},
        by=people["member"], now=now,
    )  # fmt: skip
    later = restrict(
        session, asset_id=shop.asset_id, kind=RestrictionKind.EMBARGO, reason="来日", first_day=date(2999, 1, 1),
        by=shop.seller, now=now,
    )  # fmt: skip
    leaver = make_actor(
        session, roles={Role.MEMBER}, login="leaver", organisation=session.get_one(PartyRow, house)
    )  # fmt: skip
    case = open_case(
        session, shop.services.keys, asset_id=shop.asset_id, title="署名", text="片尾未署名。",
        by=make_actor(session, roles={Role.RIGHTS_DESK}), now=now,
    )  # fmt: skip
    statement = publish_statement(
        session, shop.services.keys, licensor_id=house, period="2026-01", lines=[(house, "一月", 100)],
        by=people["operator"], now=now,
    )  # fmt: skip
    return {
        "case_id": str(case), "statement_id": str(statement),
        "leaver_id": str(leaver.person_id), "restriction_id": str(later),
        "accession_id": str(accession), "accession_b64": b64encode(str(accession).encode()).decode(),
        "upload_id": str(upload), "catalogue_id": str(catalogue), "slug": "a-theme",
        "party_id": str(party), "house_id": str(house), "person_id": str(people["member"].person_id),
    }  # fmt: skip


def _hidden(session: WriteSession, shop: Shop, folder: Path) -> tuple[UUID, tuple[str, ...]]:
    """A published asset that is then taken down: only its house's staff and overseers may know of it."""
    blob = shop.services.files.put_path(make_picture(folder / "hidden.jpg", shade=77))
    house, now = require_organisation(shop.seller), clock.now()
    size = {"width": 320, "height": 200}
    asset_id = create_draft(
        session, kind=AssetKind.PICTURE, owner_id=house, secrecy=Secrecy.OPEN,
        files=[FileRef(blob.sha256, blob.bytes_count, role, b"h.jpg", "image/jpeg", technical=size)
               for role in (FileRole.MASTER, FileRole.PREVIEW, FileRole.PYRAMID)],
        values=[ElementValue("title", SECRET_WORDS, "person:1", "zh")], by=shop.seller, now=now,
    )  # fmt: skip
    publish_asset(session, asset_id=asset_id, by=shop.seller, now=now)
    restrict(
        session, asset_id=asset_id, kind=RestrictionKind.TAKE_DOWN, reason="通知", authority="权利人", by=shop.seller,
        now=now,
    )  # fmt: skip
    files = session.exec(select(FileRow.id).where(FileRow.asset_id == asset_id).order_by(col(FileRow.id)))
    return asset_id, tuple(str(file_id) for file_id in files)


def _number(session: WriteSession, asset_id: UUID) -> str:
    return session.get_one(AssetRow, asset_id).number


def _failed_job(session: WriteSession) -> JobRow:
    row = session.get_one(JobRow, enqueue(session, "test.failed"))
    row.state = JobState.FAILED
    return row


def _shown_files(session: WriteSession, shop: Shop, folder: Path) -> tuple[str, str]:
    """Give the asset a preview and a pyramid; return their ids."""
    blob = shop.services.files.put_path(make_picture(folder / "preview.jpg", shade=5))
    size = {"width": 320, "height": 200}
    files = [
        FileRef(blob.sha256, blob.bytes_count, FileRole.PREVIEW, b"p.jpg", "image/jpeg", technical=size),
        FileRef(blob.sha256, blob.bytes_count, FileRole.PYRAMID, b"p.tif", "image/tiff", technical=size),
    ]
    added = add_files(session, asset_id=shop.asset_id, files=files, by=shop.seller, now=clock.now())
    return str(added[0]), str(added[1])
