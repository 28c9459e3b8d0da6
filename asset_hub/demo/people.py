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
from asset_hub.core.files import FileStore
from asset_hub.core.text import N_
from asset_hub.demo.collection import BUYER, CURATOR, HOLDERS, Holder
from asset_hub.demo.papers import papers_of, store_papers

NEWCOMER = Holder("newcomer", "南岸纪录片工作室", "Nan'an Documentary Studio", {})
_HOUSE_ROLES = (Role.ARCHIVIST, Role.CATALOGUER, Role.RIGHTS_DESK, Role.AUDITOR)


@dataclass(frozen=True, slots=True)
class Cast:
    """Who acts in the demo."""

    operator: Actor
    regulator: Actor
    holders: dict[str, Actor]
    producer: Actor
    curator: Actor


def make_cast(session: WriteSession) -> Cast:
    """Admit the demo's organisations and make one person for each role. Idempotent."""
    operator = local_operator(session, now=clock.now())
    checkers = [
        _person(session, f"demo-checker-{n}", f"核验员{n} Checker {n}", operator, (Role.OPERATOR,)) for n in (1, 2)
    ]
    regulator = _person(session, "demo-regulator", "监管员 Regulator", operator, (Role.REGULATOR,))
    holders = {
        holder.key: _member(session, holder, f"demo-{holder.key}", "馆员 Archivist", _HOUSE_ROLES, operator, checkers)
        for holder in HOLDERS
    }
    cast = Cast(
        operator=operator,
        regulator=regulator,
        holders=holders,
        producer=_member(session, BUYER, "demo-producer", "制片人 Producer", (Role.PRODUCER,), operator, checkers),
        curator=_member(session, CURATOR, "demo-curator", "策展人 Curator", (Role.CURATOR,), operator, checkers),
    )
    _leave_one_to_check(session, cast, checkers[1])
    return cast


def store_papers_of_demo(files: FileStore) -> None:
    """Store the made-up papers of every organisation, so that the checkers can open them. Idempotent."""
    for holder in (*HOLDERS, BUYER, CURATOR, NEWCOMER):
        store_papers(files, holder=holder, code=credit_code_of(holder))


def accounts_of_demo() -> tuple[DemoAccount, ...]:
    """Return the accounts that anybody may try, with where each one's day begins."""
    archive = next(holder for holder in HOLDERS if holder.key == "archive")
    return (
        _account(
            f"demo-{archive.key}", N_("Archivist and rights desk"), archive, "/intake",
            N_("Bring files in, review what was found out about them, set prices."),
        ),
        _account(
            "demo-producer", N_("Producer"), BUYER, "/search?q=%E6%9C%9D%E5%A4%A9%E9%97%A8+%E9%BB%84%E6%98%8F",
            N_("Find a shot, ask what is free, license it and fetch the file."),
        ),
        _account(
            "demo-curator", N_("Curator"), CURATOR, "/curate", N_("Put a themed catalogue together and publish it.")
        ),
        DemoAccount(
            "demo-checker-1", N_("Exchange operator"), "本馆", "This house", "/members",
            N_("Give the second check to a new member; look after the jobs."),
        ),
        DemoAccount(
            "demo-checker-2", N_("Exchange operator, second checker"), "本馆", "This house", "/members",
            N_("Give the other check: nobody checks an application of their own, or one twice."),
        ),
        DemoAccount(
            "demo-regulator", N_("Regulator"), "本馆", "This house", "/ledger",
            N_("Read the ledger, see every member, take an asset down."),
        ),
    )  # fmt: skip


def _account(login: str, role: str, house: Holder, start: str, what: str) -> DemoAccount:
    return DemoAccount(login, role, house.name_zh, house.name_en, start, what)


def _leave_one_to_check(session: WriteSession, cast: Cast, checker: Actor) -> None:
    """Leave one application with its first check, for whoever tries the operator's desk."""
    try:
        find_party(session, text=NEWCOMER.name_zh)
    except PartyNotFound:
        _admit(session, NEWCOMER, cast.holders["archive"], [checker])


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


def _admit(session: WriteSession, holder: Holder, applicant: Actor, checkers: list[Actor]) -> OrganisationId:
    code = credit_code_of(holder)
    organisation_id = apply_for_admission(
        session, kind=PartyKind.ORGANISATION, name_zh=holder.name_zh, name_en=holder.name_en, credit_code=code,
        papers=papers_of(holder, code=code), by=applicant, now=clock.now(),
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
