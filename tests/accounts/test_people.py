"""People sign in, act with the roles of their organisation, and tokens do only what they name."""

from datetime import timedelta

import pytest
from argon2.exceptions import VerifyMismatchError
from sqlmodel import select

from asset_hub.accounts import (
    ANONYMOUS,
    Actor,
    Permission,
    Role,
    actor_of_login,
    actor_of_secret,
    end_session,
    issue_token,
    local_operator,
    may,
    people,
    require,
    sign_in,
)
from asset_hub.accounts.errors import WrongPassword
from asset_hub.accounts.models import MembershipRow, TokenRow
from asset_hub.core import clock
from asset_hub.core.db import Database
from asset_hub.core.errors import Forbidden, NotSignedIn
from asset_hub.core.ids import new_id
from tests.builders import make_actor

NOW = clock.now()
SELL = Permission("test.sell", frozenset({Role.RIGHTS_DESK}), own_organisation=True)


def test_a_password_opens_a_session_until_it_ends(database: Database) -> None:
    with database.write() as session:
        archivist = make_actor(session, roles={Role.ARCHIVIST}, login="lin", password="慢慢来 2026")
        secret = sign_in(session, login="lin", password="慢慢来 2026", now=NOW)

        assert actor_of_secret(session, secret=secret, now=NOW) == archivist
        assert actor_of_secret(session, secret=secret, now=NOW + timedelta(days=15)) == ANONYMOUS
        end_session(session, secret=secret)
        assert actor_of_secret(session, secret=secret, now=NOW) == ANONYMOUS


@pytest.mark.parametrize(("login", "password"), [("lin", "wrong"), ("nobody", "right"), ("lin", "")])
def test_a_wrong_name_and_a_wrong_password_answer_alike(database: Database, login: str, password: str) -> None:
    with database.write() as session:
        make_actor(session, login="lin", password="right")

        with pytest.raises(WrongPassword) as refused:
            sign_in(session, login=login, password=password, now=NOW)

        assert str(refused.value) == "The name or the password is wrong"
        assert session.exec(select(TokenRow)).all() == []


def test_an_account_without_password_cannot_sign_in(database: Database) -> None:
    with database.write() as session:
        local_operator(session, now=NOW)

        with pytest.raises(WrongPassword):
            sign_in(session, login="local", password="", now=NOW)


def test_secrets_are_kept_as_digests_only(database: Database) -> None:
    with database.write() as session:
        make_actor(session, login="lin", password="right")
        secret = sign_in(session, login="lin", password="right", now=NOW)

        kept = session.exec(select(TokenRow)).one()

    assert secret not in str(kept.model_dump())


def test_a_token_does_only_what_it_names(database: Database) -> None:
    with database.write() as session:
        desk = make_actor(session, roles={Role.RIGHTS_DESK})
        membership = session.exec(select(MembershipRow)).one()
        secret = issue_token(session, membership_id=membership.id, scopes=["test.read"], name="t", now=NOW)

        bearer = actor_of_secret(session, secret=secret, now=NOW)

    assert may(desk, SELL, organisation_id=desk.organisation_id)
    assert not may(bearer, SELL, organisation_id=desk.organisation_id)


def test_the_local_operator_is_made_once_with_every_role(database: Database) -> None:
    with database.write() as session:
        first = local_operator(session, now=NOW)
        again = local_operator(session, now=NOW)

        assert first == again == actor_of_login(session, login="local")
        assert first.roles == frozenset(Role)


def test_permissions_ask_for_role_and_organisation() -> None:
    house, stranger = new_id(), new_id()
    desk = Actor(new_id(), "何", house, frozenset({Role.RIGHTS_DESK}))  # type: ignore[arg-type]
    operator = Actor(new_id(), "吴", house, frozenset({Role.OPERATOR}))  # type: ignore[arg-type]

    assert may(desk, SELL, organisation_id=house)
    assert not may(desk, SELL, organisation_id=stranger)
    assert not may(operator, SELL, organisation_id=house)
    assert may(ANONYMOUS, Permission("test.look", is_public=True))
    with pytest.raises(NotSignedIn):
        require(ANONYMOUS, SELL, organisation_id=house)
    with pytest.raises(Forbidden):
        require(operator, SELL, organisation_id=house)


def test_an_unknown_name_takes_the_same_work_as_a_known_one() -> None:
    assert not people._HASHER.check_needs_rehash(people._NOBODY)
    with pytest.raises(VerifyMismatchError):
        people._HASHER.verify(people._NOBODY, "")
