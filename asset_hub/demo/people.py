"""The people and organisations of the demo: admitted the way everybody is, by two checkers."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from asset_hub.accounts import (
    Actor,
    OrganisationId,
    PartyKind,
    Role,
    actor_of_login,
    actor_of_person,
    apply_for_admission,
    check_application,
    create_person,
    find_party,
    join,
    local_operator,
)
from asset_hub.accounts.demo import DemoAccount
from asset_hub.accounts.errors import PartyNotFound
from asset_hub.accounts.identifiers import credit_check_character
from asset_hub.core import clock
from asset_hub.core.db import WriteSession
from asset_hub.core.text import N_
from asset_hub.demo.collection import BUYER, CURATOR, HOLDERS, Holder

_HOUSE_ROLES = (Role.ARCHIVIST, Role.CATALOGUER, Role.RIGHTS_DESK, Role.AUDITOR)


@dataclass(frozen=True, slots=True)
class Cast:
    """Who acts in the demo."""

    operator: Actor
    holders: dict[str, Actor]
    producer: Actor
    curator: Actor


def make_cast(session: WriteSession) -> Cast:
    """Admit the demo's organisations and make one person for each role. Idempotent."""
    operator = local_operator(session, now=clock.now())
    checkers = [_person(session, f"demo-checker-{n}", f"核验员{n}", operator, (Role.OPERATOR,)) for n in (1, 2)]
    _person(session, "demo-regulator", "监管员", operator, (Role.REGULATOR,))
    holders = {
        holder.key: _member(session, holder, f"demo-{holder.key}", "馆员", _HOUSE_ROLES, operator, checkers)
        for holder in HOLDERS
    }
    return Cast(
        operator=operator,
        holders=holders,
        producer=_member(session, BUYER, "demo-producer", "制片人", (Role.PRODUCER,), operator, checkers),
        curator=_member(session, CURATOR, "demo-curator", "策展人", (Role.CURATOR,), operator, checkers),
    )


def accounts_of_demo() -> tuple[DemoAccount, ...]:
    """Return the accounts that anybody may try, with where each one's day begins."""
    archive = next(holder for holder in HOLDERS if holder.key == "archive")
    return (
        _account(f"demo-{archive.key}", N_("Archivist and rights desk"), archive, "/intake"),
        _account("demo-producer", N_("Producer"), BUYER, "/search?q=%E6%9C%9D%E5%A4%A9%E9%97%A8+%E9%BB%84%E6%98%8F"),
        _account("demo-curator", N_("Curator"), CURATOR, "/curate"),
        DemoAccount("demo-checker-1", N_("Exchange operator"), "本馆", "This house", "/members"),
        DemoAccount("demo-regulator", N_("Regulator"), "本馆", "This house", "/ledger"),
    )


def _account(login: str, role: str, house: Holder, start: str) -> DemoAccount:
    return DemoAccount(login, role, house.name_zh, house.name_en, start)


def credit_code_of(holder: Holder) -> str:
    """Return a made-up 统一社会信用代码 with a true check character; 9150 stands for an organisation in Chongqing."""
    number = int.from_bytes(hashlib.sha256(holder.key.encode()).digest()[:4], "big") % 10**9
    first_17 = f"91500000{number:09d}"
    return first_17 + credit_check_character(first_17)


def _member(
    session: WriteSession,
    holder: Holder,
    login: str,
    name: str,
    roles: Iterable[Role],
    operator: Actor,
    checkers: list[Actor],
) -> Actor:
    try:
        organisation_id = find_party(session, text=holder.name_zh).id
    except PartyNotFound:
        organisation_id = _admit(session, holder, operator, checkers)
    found = actor_of_login(session, login=login)
    person_id = found.person_id or create_person(session, login=login, name=name, now=clock.now())
    join(session, person_id=person_id, organisation_id=organisation_id, roles=roles)
    return actor_of_person(session, person_id=person_id, organisation_id=organisation_id)


def _admit(session: WriteSession, holder: Holder, operator: Actor, checkers: list[Actor]) -> OrganisationId:
    papers = {
        "licence_scan_sha256": hashlib.sha256(f"{holder.key} licence".encode()).hexdigest(),
        "legal_representative": "演示法人",
        "agent_name": "演示经办人",
        "authorisation_sha256": hashlib.sha256(f"{holder.key} authorisation".encode()).hexdigest(),
    }
    organisation_id = apply_for_admission(
        session, kind=PartyKind.ORGANISATION, name_zh=holder.name_zh, name_en=holder.name_en,
        credit_code=credit_code_of(holder), papers=papers, by=operator, now=clock.now(),
    )  # fmt: skip
    for checker in checkers:
        check_application(session, organisation_id=organisation_id, by=checker, now=clock.now())
    return organisation_id


def _person(session: WriteSession, login: str, name: str, operator: Actor, roles: Iterable[Role]) -> Actor:
    found = actor_of_login(session, login=login)
    if found.person_id is None and operator.organisation_id is not None:
        person_id = create_person(session, login=login, name=name, now=clock.now())
        join(session, person_id=person_id, organisation_id=operator.organisation_id, roles=roles)
        found = actor_of_person(session, person_id=person_id)
    return found
