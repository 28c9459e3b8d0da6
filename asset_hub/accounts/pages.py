"""Signing in and out, one's own account, notices."""

from collections.abc import Collection
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from asset_hub.accounts import members, people, standing, throttle, tokens
from asset_hub.accounts.acts import name_of_act
from asset_hub.accounts.applications import list_own_applications
from asset_hub.accounts.demo import demo_accounts
from asset_hub.accounts.deps import SESSION_COOKIE, CurrentActor
from asset_hub.accounts.errors import ActNotOffered, TooBusy, TooManyTries, WeakPassword, WrongPassword
from asset_hub.accounts.parties import CHECKS_NEEDED, STATE_MARKS, STATE_NAMES
from asset_hub.accounts.roles import ROLE_NAMES, Actor, PersonId, require_own_hand, require_person
from asset_hub.core import clock
from asset_hub.core.db import Database
from asset_hub.core.errors import AssetHubError, NotFound
from asset_hub.core.text import N_, Text
from asset_hub.web.shell import LANGUAGE_COOKIE, redirect, render

router = APIRouter(include_in_schema=False)
_DAY = 86_400
_YEAR = 365 * _DAY


@router.get("/sign-in")
def sign_in_page(request: Request, next: str = "/") -> Response:  # noqa: A002 - the parameter's name in the address
    """Ask for name and password; on a demo home also offer its accounts."""
    return _sign_in_form(request, next)


@router.post("/sign-in")
def sign_in(
    request: Request, login: Annotated[str, Form()] = "", password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002
) -> Response:  # fmt: skip
    """Open a session; every wrong password is counted."""
    missing = {name for name, value in (("login", login), ("password", password)) if not value.strip()}
    if missing:
        return _sign_in_form(request, next, login=login, missing=missing, status=422)
    database = request.app.state.services.database
    try:
        person_id = _check_password(database, login, password, _source(request))
        with database.write() as session:
            throttle.forget_tries(session, login=login, source=_source(request))
            secret = people.open_session(session, person_id=person_id, now=clock.now())
    except TooManyTries as error:
        return _sign_in_form(request, next, login=login, error=error.title, status=error.status)
    except WrongPassword as error:
        return _sign_in_form(request, next, login=login, error=error.title, status=422)
    return _entered(request, secret, local_path(next))


@router.post("/sign-in/demo")
def sign_in_demo(request: Request, login: Annotated[str, Form()]) -> Response:
    """Enter a demo account: only those that this home's demo lists. Raises NotFound."""
    services = request.app.state.services
    account = next((one for one in demo_accounts(services.settings.home) if one.login == login), None)
    if account is None:
        raise NotFound
    with services.database.write() as session:
        actor = people.actor_of_login(session, login=login)
        secret = people.open_session(session, person_id=require_person(actor), now=clock.now())
    return _entered(request, secret, account.start)


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End the session."""
    with request.app.state.services.database.write() as session:
        people.end_session(session, secret=request.cookies.get(SESSION_COOKIE, ""))
    response = redirect("/", said=Text(N_("You are signed out.")))
    response.delete_cookie(SESSION_COOKIE)
    return response


@router.get("/account")
def account_page(request: Request, by: CurrentActor) -> Response:
    """Who one is here, for which house, with which tokens."""
    return _account(request, by)


@router.post("/account/house")
def change_house(request: Request, by: CurrentActor, organisation: Annotated[UUID, Form()]) -> Response:
    """Act for another of one's houses."""
    with request.app.state.services.database.write() as session:
        members.switch_house(
            session, secret=request.cookies.get(SESSION_COOKIE, ""), organisation_id=organisation, by=by
        )
    return redirect("/account", said=Text(N_("You now act for this house.")))


@router.post("/account/tokens")
def make_token(
    request: Request,
    by: CurrentActor,
    name: Annotated[str, Form(min_length=1)],
    scopes: Annotated[tuple[str, ...], Form()] = (),
) -> Response:
    """Make an API token; its secret is on the answer and nowhere else."""
    try:
        with request.app.state.services.database.write() as session:
            secret = tokens.make_token(
                session, name=name[:80], scopes=scopes, permissions=request.app.state.permissions, by=by,
                now=clock.now(),
            )  # fmt: skip
    except ActNotOffered as error:
        return _account(request, by, error=error, typed=name)
    return _account(request, by, secret=secret)


@router.post("/account/tokens/{token_id}/revoke")
def revoke_token(request: Request, by: CurrentActor, token_id: UUID) -> Response:
    """Forget a token."""
    with request.app.state.services.database.write() as session:
        tokens.revoke_token(session, token_id=token_id, by=by)
    return redirect("/account", said=Text(N_("The token no longer works.")))


@router.post("/account/password")
def change_password(
    request: Request, by: CurrentActor, old: Annotated[str, Form()], new: Annotated[str, Form()]
) -> Response:
    """Change one's own password; wrong tries are counted as at sign-in."""
    require_own_hand(by)
    database = request.app.state.services.database
    try:
        with database.write() as session:
            login = standing.login_of(session, by=by)
            try_id = throttle.note_try(session, login=login, source=_source(request), now=clock.now())
        with database.write() as session:
            standing.change_password(
                session, secret=request.cookies.get(SESSION_COOKIE, ""), old=old, new=new, by=by
            )  # fmt: skip
            throttle.forget_tries(session, login=login, source=_source(request))
    except TooBusy:
        with database.write() as session:
            throttle.take_back_try(session, try_id=try_id)
        raise
    except WrongPassword:
        return _account(request, by, password_error=N_("The present password is wrong."), status=422)
    except (TooManyTries, WeakPassword) as error:
        return _account(request, by, password_error=error.title, status=error.status)
    return redirect("/account", said=Text(N_("The password is changed; your other sessions have ended.")))


@router.post("/account/sessions/end")
def end_sessions(request: Request, by: CurrentActor) -> Response:
    """Sign this person out of every other browser."""
    with request.app.state.services.database.write() as session:
        count = standing.end_other_sessions(session, secret=request.cookies.get(SESSION_COOKIE, ""), by=by)
    return redirect("/account", said=Text(N_("Sessions ended: {count}."), {"count": count}))


@router.post("/account/language")
def choose_language(request: Request, by: CurrentActor, language: Annotated[str, Form()]) -> Response:
    """Keep the language in which this person is written to; the pages follow at once."""
    with request.app.state.services.database.write() as session:
        members.set_language(session, language=language, by=by)
    response = redirect("/account", said=Text(N_("The language is changed.")))
    response.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR, samesite="lax", httponly=True)
    return response


def local_path(address: str) -> str:
    """Return an address of this site, or the first page for anything that leads elsewhere."""
    plain = address.startswith("/") and not address.startswith(("//", "/\\")) and "\\" not in address
    return address if plain and address.isprintable() else "/"


def _check_password(database: Database, login: str, password: str, source: str) -> PersonId:
    """Count the try first, then look at the password while nothing is locked."""
    with database.write() as session:
        try_id = throttle.note_try(session, login=login, source=source, now=clock.now())
    try:
        with database.read() as session:
            return people.check_password(session, login=login, password=password)
    except TooBusy:
        with database.write() as session:
            throttle.take_back_try(session, try_id=try_id)
        raise


def _source(request: Request) -> str:
    return throttle.source_of(request.client.host if request.client else None)


def _entered(request: Request, secret: str, url: str) -> Response:
    response = redirect(url)
    response.set_cookie(
        SESSION_COOKIE, secret, max_age=people.SESSION_DAYS * _DAY, httponly=True, samesite="lax",
        secure=request.url.scheme == "https",
    )  # fmt: skip
    return response


def _sign_in_form(
    request: Request, url: str, *, login: str = "", error: str = "", missing: Collection[str] = (), status: int = 200
) -> Response:
    accounts = demo_accounts(request.app.state.services.settings.home)
    return render(
        request, "accounts/sign_in.html", status=status, title=N_("Sign in"), next=local_path(url), login=login,
        error=error, missing=missing, accounts=accounts,
    )  # fmt: skip


def _account(
    request: Request, by: Actor, *, secret: str = "", error: AssetHubError | None = None, typed: str = "",
    password_error: str = "", status: int = 200,
) -> Response:  # fmt: skip
    require_own_hand(by)
    with request.app.state.services.database.read() as session:
        houses = members.list_memberships(session, by=by)
        made = tokens.list_tokens(session, by=by)
        applications = list_own_applications(session, by=by)
    acts = tokens.offered_acts(request.app.state.permissions, by=by)
    response = render(
        request, "accounts/account.html", status=error.status if error else status, title=N_("Account"), by=by,
        houses=houses, tokens=made, secret=secret, applications=applications, states=STATE_NAMES, marks=STATE_MARKS,
        needed=CHECKS_NEEDED, roles=[ROLE_NAMES[role] for role in sorted(by.roles)], typed=typed,
        password_error=password_error, error=error.text if error else "",
        acts=[(act, name_of_act(act)) for act in acts], name_of=name_of_act,
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return response
