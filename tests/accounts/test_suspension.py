"""A house is suspended and reinstated for a reason: its people lose and regain their roles at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from asset_hub.accounts import Actor, Role, actor_of_person, require_organisation, require_person
from asset_hub.accounts.models import PartyRow, PartySuspensionRow
from tests.accounts.desk import Desk, open_desk
from tests.commands import Shell, shell
from tests.web.pages import client_for

__all__ = ["shell"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    yield opened
    opened.services.database.dispose()


def roles_now(desk: Desk, actor: Actor) -> set[Role]:
    with desk.services.database.read() as session:
        return set(actor_of_person(session, person_id=require_person(actor)).roles)


def state_of(desk: Desk, actor: Actor) -> str:
    with desk.services.database.read() as session:
        return session.get_one(PartyRow, require_organisation(actor)).state


def test_the_people_of_a_suspended_house_have_no_roles_until_it_is_reinstated(desk: Desk) -> None:
    url = f"/members/{require_organisation(desk.archivist)}/suspension"
    operator, archivist = client_for(desk.services, desk.first), client_for(desk.services, desk.archivist)
    before = archivist.get("/intake").status_code

    suspended = operator.post(url, data={"reason": "证照<过期>"})
    during = (archivist.get("/intake").status_code, roles_now(desk, desk.archivist))
    page = operator.get(f"/members/{require_organisation(desk.archivist)}").text
    ended = operator.post(f"{url}/end", data={"reason": "已补证"})

    assert (before, suspended.status_code, ended.status_code) == (200, 303, 303)
    assert during == (403, set())
    assert ("证照&lt;过期&gt;" in page, "Suspended" in page, "Reinstate the house" in page) == (True, True, True)
    assert roles_now(desk, desk.archivist) == {Role.ARCHIVIST}
    after = client_for(desk.services, desk.regulator).get(f"/members/{require_organisation(desk.archivist)}").text
    assert ("已补证" in after, "Suspend the house" in after) == (True, False)


def test_only_operators_suspend_and_never_their_own_house(desk: Desk) -> None:
    theirs = f"/members/{require_organisation(desk.archivist)}/suspension"
    own = f"/members/{require_organisation(desk.first)}/suspension"
    given = {"reason": "x"}

    answers = [client_for(desk.services, by).post(theirs, data=given).status_code
               for by in (desk.regulator, desk.archivist, desk.applicant)]  # fmt: skip
    operator = client_for(desk.services, desk.first)
    refused = [
        operator.post(own, data=given).status_code, operator.post(theirs, data={"reason": " "}).status_code,
        operator.post(f"{theirs}/end", data=given).status_code,
    ]  # fmt: skip

    assert (answers, refused) == ([403, 403, 403], [409, 422, 409])
    assert (state_of(desk, desk.archivist), state_of(desk, desk.first)) == ("admitted", "admitted")
    with desk.services.database.read() as session:
        assert session.exec(select(PartySuspensionRow)).all() == []


def test_commands_suspend_and_reinstate(shell: Shell) -> None:
    own = shell("org", "suspend", "本馆", "--reason", "x")
    unknown = shell("org", "suspend", "没有的馆", "--reason", "x")

    assert (own.code, "own house" in own.err) == (1, True)
    assert (unknown.code, unknown.err.count("\n")) == (1, 1)
