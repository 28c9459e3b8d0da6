"""Passwords change, sessions end, accounts close; and no operator makes the second checker on the pages."""

from collections.abc import Callable
from pathlib import Path

import pytest

from asset_hub.accounts import ANONYMOUS, Actor, Role, actor_of_secret, require_organisation, require_person, sign_in
from asset_hub.accounts.errors import OnlyAtConsole, WeakPassword, WrongPassword
from asset_hub.accounts.members import add_member, find_member, set_roles
from asset_hub.accounts.standing import (
    change_password,
    disable_person,
    enable_person,
    end_other_sessions,
    set_password,
)
from asset_hub.core import clock
from asset_hub.core.db import Database, WriteSession
from asset_hub.core.errors import Forbidden, NotFound
from tests.accounts.desk import open_desk
from tests.builders import make_actor, make_organisation
from tests.commands import Shell, run_process, shell
from tests.web.pages import client_for

__all__ = ["shell"]
NOW = clock.now()
FIRST, SECOND = "慢慢来，一九五六年秋", "快快走，二零二七年春"


def member(session: WriteSession, *, roles: set[Role], login: str) -> tuple[Actor, Actor]:
    """Make an operator, and a member of another house with a password."""
    operator = make_actor(session, roles={Role.OPERATOR}, login="operator")
    house = make_organisation(session, name_zh="另一家", name_en="Another")
    return operator, make_actor(session, roles=roles, login=login, password=FIRST, organisation=house)


def test_changing_a_password_ends_every_other_session(database: Database) -> None:
    with database.write() as session:
        _, lin = member(session, roles={Role.ARCHIVIST}, login="lin")
        here, there = (sign_in(session, login="lin", password=FIRST, now=NOW) for _ in range(2))

        with pytest.raises(WrongPassword):
            change_password(session, secret=here, old="guess", new=SECOND, by=lin)
        with pytest.raises(WeakPassword):
            change_password(session, secret=here, old=FIRST, new="short", by=lin)
        change_password(session, secret=here, old=FIRST, new=SECOND, by=lin)

        assert actor_of_secret(session, secret=here, now=NOW) == lin
        assert actor_of_secret(session, secret=there, now=NOW) == ANONYMOUS
        with pytest.raises(WrongPassword):
            sign_in(session, login="lin", password=FIRST, now=NOW)
        other = sign_in(session, login="lin", password=SECOND, now=NOW)
        assert end_other_sessions(session, secret=here, by=lin) == 1
        assert actor_of_secret(session, secret=other, now=NOW) == ANONYMOUS


def test_a_closed_account_is_nobody_until_it_is_opened(database: Database) -> None:
    with database.write() as session:
        operator, lin = member(session, roles={Role.ARCHIVIST}, login="lin")
        house, person = require_organisation(lin), require_person(lin)
        secret = sign_in(session, login="lin", password=FIRST, now=NOW)

        for _ in range(2):
            disable_person(session, organisation_id=house, person_id=person, by=operator, now=NOW)

        assert actor_of_secret(session, secret=secret, now=NOW) == ANONYMOUS
        with pytest.raises(WrongPassword):
            sign_in(session, login="lin", password=FIRST, now=NOW)
        enable_person(session, organisation_id=house, person_id=person, by=operator)
        assert actor_of_secret(session, secret=secret, now=NOW) == ANONYMOUS
        assert sign_in(session, login="lin", password=FIRST, now=NOW)


def test_only_operators_manage_and_only_people_of_that_house(database: Database) -> None:
    with database.write() as session:
        operator, lin = member(session, roles={Role.ARCHIVIST}, login="lin")
        person = require_person(lin)

        with pytest.raises(NotFound):
            set_password(
                session, organisation_id=require_organisation(operator), person_id=person, password=SECOND, by=operator
            )
        with pytest.raises(Forbidden):
            disable_person(
                session, organisation_id=require_organisation(lin), person_id=require_person(operator), by=lin, now=NOW
            )


def test_no_operator_makes_or_takes_over_another_checker_on_the_pages(database: Database) -> None:
    """Else one person would be both checkers of an application."""
    with database.write() as session:
        first = make_actor(session, roles={Role.OPERATOR}, login="first")
        house = require_organisation(first)
        made = {
            "organisation_id": house,
            "login": "puppet",
            "name": "影子",
            "password": SECOND,
            "by": first,
            "now": NOW,
        }

        with pytest.raises(OnlyAtConsole):
            add_member(session, roles={Role.OPERATOR}, **made)  # type: ignore[arg-type]
        puppet = add_member(session, roles={Role.MEMBER}, **made)  # type: ignore[arg-type]
        with pytest.raises(OnlyAtConsole):
            set_roles(session, organisation_id=house, person_id=puppet, roles={Role.OPERATOR}, by=first)
        second = add_member(session, roles={Role.OPERATOR}, at_console=True, **(made | {"login": "second"}))  # type: ignore[arg-type]
        acts: list[Callable[[], None]] = [
            lambda: set_password(session, organisation_id=house, person_id=second, password=SECOND, by=first),
            lambda: disable_person(session, organisation_id=house, person_id=second, by=first, now=NOW),
            lambda: set_roles(session, organisation_id=house, person_id=second, roles={Role.MEMBER}, by=first),
            lambda: disable_person(session, organisation_id=house, person_id=require_person(first), by=first, now=NOW),
        ]
        for act in acts:
            with pytest.raises(OnlyAtConsole):
                act()
        assert find_member(session, login="second", by=first).person_id == second


def test_the_pages_change_close_and_open(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    with desk.services.database.write() as session:
        lin = make_actor(session, roles={Role.ARCHIVIST}, login="lin", password=FIRST)
    page = f"/members/{require_organisation(lin)}"
    person = f"{page}/people/{require_person(lin)}"
    mine, operator = client_for(desk.services, lin, language="zh"), client_for(desk.services, desk.first, language="zh")

    wrong = mine.post("/account/password", data={"old": "guess", "new": SECOND})
    changed = mine.post("/account/password", data={"old": FIRST, "new": SECOND})
    ended = mine.post("/account/sessions/end")
    closed = operator.post(f"{person}/disable")
    shown = operator.get(page).text
    shut_out = mine.get("/account")
    opened = operator.post(f"{person}/enable")
    reset = operator.post(f"{person}/password", data={"password": FIRST})
    by_stranger = client_for(desk.services, desk.applicant).post(f"{person}/disable")

    assert (wrong.status_code, "当前密码不正确" in wrong.text) == (422, True)
    assert [one.status_code for one in (changed, ended, closed, opened, reset)] == [303] * 5
    assert "已停用" in shown
    assert shut_out.status_code in {303, 401}
    assert by_stranger.status_code == 403
    with desk.services.database.write() as session:
        assert sign_in(session, login="lin", password=FIRST, now=clock.now())
    desk.services.database.dispose()


def test_a_sixth_wrong_guess_at_the_present_password_rests(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    with desk.services.database.write() as session:
        lin = make_actor(session, roles={Role.ARCHIVIST}, login="lin", password=FIRST)
    mine = client_for(desk.services, lin)

    answers = [mine.post("/account/password", data={"old": "guess", "new": SECOND}).status_code for _ in range(6)]

    assert answers == [422] * 5 + [429]
    desk.services.database.dispose()


def test_the_command_line_looks_after_the_exchanges_own_people(shell: Shell, tmp_path: Path) -> None:
    home = {"ASSET_HUB_HOME": str(tmp_path / "home")}
    assert shell("person", "add", "second", "--name", "二号", "--role", "operator").code == 0

    changed = run_process("person", "password", "second", stdin=f"{SECOND}\n", **home)
    short = run_process("person", "password", "second", stdin="short\n", **home)
    closed = shell("person", "disable", "second")
    while_closed = shell("org", "list", "--by", "second")
    opened = shell("person", "enable", "second")
    nobody = shell("person", "disable", "nobody")

    assert [one.code for one in (changed, short, closed, opened, nobody)] == [0, 2, 0, 0, 1]
    assert while_closed.code == 1
