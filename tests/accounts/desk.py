"""Who stands at the operator's desk in tests, and the papers they are handed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlmodel import select
from starlette.testclient import TestClient

from asset_hub.accounts import Actor, Role
from asset_hub.accounts.models import PartyRow
from asset_hub.app import Services, open_home
from asset_hub.core.settings import Settings
from tests.builders import make_actor, make_organisation

PDF = b"%PDF-1.4 made for a test"
CODE = "91500112MA5U5KUD2B"
WORDS = {
    "kind": "organisation",
    "name_zh": "山城影像",
    "credit_code": CODE,
    "legal_representative": "陈",
    "agent_name": "周",
}
SCANS = {"licence_scan_sha256": ("licence.pdf", PDF), "authorisation_sha256": ("letter.pdf", PDF)}


@dataclass(frozen=True, slots=True)
class Desk:
    """A home with an applicant, two operators, a regulator and an archivist of another house."""

    services: Services
    applicant: Actor
    first: Actor
    second: Actor
    regulator: Actor
    archivist: Actor


def open_desk(folder: Path) -> Desk:
    services = open_home(Settings(home=folder / "home"))
    with services.database.write() as session:
        exchange = make_organisation(session, name_zh="交易所", name_en="The Exchange")
        house = make_organisation(session)
        return Desk(
            services,
            applicant=make_actor(session, roles={Role.MEMBER}, login="applicant", organisation=house),
            first=make_actor(session, roles={Role.OPERATOR}, login="first", organisation=exchange),
            second=make_actor(session, roles={Role.OPERATOR}, login="second", organisation=exchange),
            regulator=make_actor(session, roles={Role.REGULATOR}, login="regulator", organisation=exchange),
            archivist=make_actor(session, roles={Role.ARCHIVIST}, login="archivist", organisation=house),
        )


def hand_in(
    client: TestClient, *, words: Mapping[str, str] = {}, scans: Mapping[str, tuple[str, bytes]] = SCANS
) -> httpx.Response:
    """Hand in the form of an organisation with its two scans, some words or scans changed."""
    answer: httpx.Response = client.post("/members/apply", data={**WORDS, **words}, files=dict(scans))
    return answer


def parties_named(services: Services, name_zh: str) -> list[PartyRow]:
    with services.database.read() as session:
        return list(session.exec(select(PartyRow).where(PartyRow.name_zh == name_zh)))
