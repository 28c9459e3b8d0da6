"""The operator's desk: applications, their papers and checks, the people of each house."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from starlette.datastructures import FormData, UploadFile

from asset_hub.accounts import members, permissions, standing
from asset_hub.accounts.applications import get_application, is_scan, paper_digest
from asset_hub.accounts.deps import CurrentActor, current_actor
from asset_hub.accounts.errors import BadScan, LoginTaken, WeakPassword
from asset_hub.accounts.parties import (
    CHECKS_NEEDED,
    KIND_NAMES,
    PAPER_NAMES,
    PAPERS,
    STATE_MARKS,
    STATE_NAMES,
    PartyKind,
    apply_for_admission,
    check_application,
    list_parties,
    refuse_application,
)
from asset_hub.accounts.roles import EXCHANGE_ROLES, ROLE_NAMES, Actor, Role, may, require
from asset_hub.accounts.scans import MAX_SCAN_BYTES, mime_of_scan, store_scan
from asset_hub.accounts.suspension import reinstate_party, suspend_party, suspensions_of
from asset_hub.core import clock
from asset_hub.core.errors import AssetHubError
from asset_hub.core.files import FileStore, read_blob
from asset_hub.core.text import N_, Text
from asset_hub.web.ranges import serve_blob
from asset_hub.web.shell import redirect, render

router = APIRouter(include_in_schema=False)
_MAX_SCANS = 4
_MIN_LOGIN, _MAX_PERSON = 2, 80
_MAX_FORM_BYTES = _MAX_SCANS * MAX_SCAN_BYTES


@router.get("/members")
def member_list(request: Request, by: CurrentActor) -> Response:
    """Every party, newest first."""
    with request.app.state.services.database.read() as session:
        parties = list_parties(session, by=by)
    return render(
        request, "accounts/members.html", title=N_("Members"), parties=parties, kinds=KIND_NAMES, states=STATE_NAMES,
        marks=STATE_MARKS, needed=CHECKS_NEEDED,
    )  # fmt: skip


@router.get("/members/apply")
def apply_page(request: Request, by: CurrentActor, kind: PartyKind | None = None) -> Response:
    """Ask first what applies, then for its papers."""
    require(by, permissions.APPLY)
    return _apply_form(request, kind, {}, "", 200)


async def _posted(request: Request, by: CurrentActor) -> FormData:
    """Read the form only for people who may apply, and only when it can be within the limits."""
    require(by, permissions.APPLY)
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or len(length) > 12 or int(length) > _MAX_FORM_BYTES:
        raise BadScan
    return await request.form(max_files=_MAX_SCANS, max_fields=20)


@router.post("/members/apply", max_body_size=_MAX_FORM_BYTES)
def apply(request: Request, by: CurrentActor, form: Annotated[FormData, Depends(_posted)]) -> Response:
    """Record an application with its scans; what is wrong is said beside the form, and what was typed stays."""
    typed = {name: value for name, value in form.items() if isinstance(value, str)}
    kind = PartyKind(typed["kind"]) if typed.get("kind") in list(PartyKind) else None
    if kind is None:
        return _apply_form(request, None, typed, N_("Choose what applies."), 422)
    services = request.app.state.services
    try:
        papers = _papers_of(services.files, kind, form)
        with services.database.write() as session:
            party_id = apply_for_admission(
                session, kind=kind, name_zh=typed.get("name_zh", "").strip(), name_en=typed.get("name_en", "").strip(),
                credit_code=typed.get("credit_code"), papers=papers, by=by, now=clock.now(),
            )  # fmt: skip
    except AssetHubError as error:
        return _apply_form(request, kind, typed, error.text, error.status)
    said = Text(
        N_("The application is recorded under {number}; two checkers look at it."), {"number": party_id.hex[:8]}
    )
    return redirect("/members" if may(by, permissions.LIST_PARTIES) else "/account", said=said)


@router.get("/members/{party_id}")
def member_page(request: Request, by: CurrentActor, party_id: UUID) -> Response:
    """One party: its papers, who checked them, its people."""
    return _member(request, by, party_id)


@router.get("/members/{party_id}/papers/{name}")
def paper(request: Request, by: CurrentActor, party_id: UUID, name: str) -> Response:
    """A scan, for checkers only."""
    services = request.app.state.services
    with services.database.read() as session:
        sha256 = paper_digest(session, organisation_id=party_id, name=name, by=by)
    mime = mime_of_scan(read_blob(services.files, sha256, 0, 8)) or "application/octet-stream"
    return serve_blob(request, services.files, sha256, mime=mime)


@router.post("/members/{party_id}/checks")
def check(request: Request, by: CurrentActor, party_id: UUID, note: Annotated[str, Form()] = "") -> Response:
    """Agree to an application."""
    with request.app.state.services.database.write() as session:
        state = check_application(session, organisation_id=party_id, note=note[:500], by=by, now=clock.now())
    return redirect(f"/members/{party_id}", said=Text(STATE_NAMES[state]))


@router.post("/members/{party_id}/refusal")
def refuse(request: Request, by: CurrentActor, party_id: UUID, reason: Annotated[str, Form()] = "") -> Response:
    """Refuse an application for a reason."""
    with request.app.state.services.database.write() as session:
        refuse_application(session, organisation_id=party_id, reason=reason[:500], by=by)
    return redirect(f"/members/{party_id}", said=Text(N_("The application is refused.")))


@router.post("/members/{party_id}/suspension")
def suspend(request: Request, by: CurrentActor, party_id: UUID, reason: Annotated[str, Form()] = "") -> Response:
    """Suspend a house for a reason."""
    with request.app.state.services.database.write() as session:
        suspend_party(session, organisation_id=party_id, reason=reason, by=by, now=clock.now())
    return redirect(f"/members/{party_id}", said=Text(N_("The house is suspended; its people have lost their roles.")))


@router.post("/members/{party_id}/suspension/end")
def reinstate(request: Request, by: CurrentActor, party_id: UUID, reason: Annotated[str, Form()] = "") -> Response:
    """End a house's suspension for a reason."""
    with request.app.state.services.database.write() as session:
        reinstate_party(session, organisation_id=party_id, reason=reason, by=by, now=clock.now())
    return redirect(
        f"/members/{party_id}", said=Text(N_("The house is reinstated; its people have their roles again."))
    )


@router.post("/members/{party_id}/people")
def add_person(
    request: Request, by: CurrentActor, party_id: UUID, login: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "", password: Annotated[str, Form()] = "",
    roles: Annotated[tuple[str, ...], Form()] = (),
) -> Response:  # fmt: skip
    """Make an account in this house; what is wrong is said beside its field and what was typed stays."""
    require(by, permissions.MANAGE_MEMBERS)
    typed, status = {"login": login, "name": name}, 422
    problems: dict[str, str | Text] = _problems_of_person(login, name, password) | _problems_of_roles(roles)
    if not problems:
        try:
            with request.app.state.services.database.write() as session:
                members.add_member(
                    session, organisation_id=party_id, login=login.strip(), name=name.strip(), password=password,
                    roles=[Role(role) for role in roles], by=by, now=clock.now(),
                )  # fmt: skip
            return redirect(
                f"/members/{party_id}", said=Text(N_("“{name}” can sign in now."), {"name": name.strip()})
            )  # fmt: skip
        except LoginTaken as error:
            problems, status = {"login": error.text}, error.status
    return _member(request, by, party_id, typed=typed, chosen=roles, problems=problems, status=status)


@router.post("/members/{party_id}/people/{person_id}")
def change_roles(
    request: Request, by: CurrentActor, party_id: UUID, person_id: UUID,
    roles: Annotated[tuple[str, ...], Form()] = (),
) -> Response:  # fmt: skip
    """Set what a person may do in this house."""
    require(by, permissions.MANAGE_MEMBERS)
    if problems := _problems_of_roles(roles):
        return _member(request, by, party_id, about=person_id, chosen=roles, problems=problems, status=422)
    with request.app.state.services.database.write() as session:
        members.set_roles(
            session, organisation_id=party_id, person_id=person_id, roles=[Role(role) for role in roles], by=by
        )
    return redirect(f"/members/{party_id}", said=Text(N_("The roles are changed.")))


@router.post("/members/{party_id}/people/{person_id}/password")
def reset_password(
    request: Request, by: CurrentActor, party_id: UUID, person_id: UUID, password: Annotated[str, Form()] = ""
) -> Response:
    """Give a member of this house a new first password."""
    try:
        with request.app.state.services.database.write() as session:
            standing.set_password(session, organisation_id=party_id, person_id=person_id, password=password, by=by)
    except WeakPassword as error:
        problems = {"password": error.title}
        return _member(request, by, party_id, about=person_id, problems=problems, status=error.status)
    return redirect(f"/members/{party_id}", said=Text(N_("The password is changed; open sessions have ended.")))


@router.post("/members/{party_id}/people/{person_id}/disable")
def disable(request: Request, by: CurrentActor, party_id: UUID, person_id: UUID) -> Response:
    """Close the account of a member of this house."""
    with request.app.state.services.database.write() as session:
        standing.disable_person(session, organisation_id=party_id, person_id=person_id, by=by, now=clock.now())
    return redirect(f"/members/{party_id}", said=Text(N_("The account is closed; its sessions have ended.")))


@router.post("/members/{party_id}/people/{person_id}/enable")
def enable(request: Request, by: CurrentActor, party_id: UUID, person_id: UUID) -> Response:
    """Open a closed account again."""
    with request.app.state.services.database.write() as session:
        standing.enable_person(session, organisation_id=party_id, person_id=person_id, by=by)
    return redirect(f"/members/{party_id}", said=Text(N_("The account is open again.")))


def _problems_of_person(login: str, name: str, password: str) -> dict[str, str | Text]:
    problems: dict[str, str | Text] = {}
    if not _MIN_LOGIN <= len(login.strip()) <= _MAX_PERSON:
        problems["login"] = Text(
            N_("A sign-in name has {least} to {most} characters."), {"least": _MIN_LOGIN, "most": _MAX_PERSON}
        )  # fmt: skip
    if not 0 < len(name.strip()) <= _MAX_PERSON:
        problems["name"] = Text(N_("Write a name of at most {most} characters."), {"most": _MAX_PERSON})
    if len(password) < standing.MIN_PASSWORD:
        problems["password"] = WeakPassword.title
    return problems


def _problems_of_roles(roles: Collection[str]) -> dict[str, str | Text]:
    return {} if roles and set(roles) <= set(Role) else {"roles": N_("Choose at least one role.")}


def _member(
    request: Request, by: Actor, party_id: UUID, *, about: UUID | None = None, typed: Mapping[str, str] | None = None,
    chosen: Collection[str] = (), problems: Mapping[str, str | Text] | None = None, status: int = 200,
) -> Response:  # fmt: skip
    """Show a party; what is wrong with a form is said beside its fields, in the form of the person it is about."""
    with request.app.state.services.database.read() as session:
        application = get_application(session, organisation_id=party_id, by=by)
        people = members.list_members(session, organisation_id=party_id, by=by)
        suspensions = suspensions_of(session, organisation_id=party_id, by=by)
    roles = {role: name for role, name in ROLE_NAMES.items() if role not in EXCHANGE_ROLES}
    return render(
        request, "accounts/member.html", status=status, title=application.party.name_zh, application=application,
        people=people, nothing_wrong=defaultdict(str),
        party=application.party, kinds=KIND_NAMES, states=STATE_NAMES, marks=STATE_MARKS, papers=PAPER_NAMES,
        may_check=may(by, permissions.CHECK), may_manage=may(by, permissions.MANAGE_MEMBERS), given=roles,
        roles=ROLE_NAMES, needed=CHECKS_NEEDED, by=by, suspensions=suspensions,
        about=about,
        problems=defaultdict(str, problems or {}), typed=defaultdict(str, typed or {}), chosen=chosen,
        may_suspend=may(by, permissions.SUSPEND) and party_id != by.organisation_id,
    )  # fmt: skip


def _papers_of(files: FileStore, kind: PartyKind, form: FormData) -> dict[str, str]:
    """Store what was uploaded; a scan is only ever a file, so that nobody points at other files by their digest."""
    papers = {}
    for name in PAPERS[kind]:
        value = form.get(name)
        if isinstance(value, UploadFile) and is_scan(name) and value.size:
            papers[name] = store_scan(files, value)
        elif isinstance(value, str) and not is_scan(name):
            papers[name] = value.strip()
    return papers


def _apply_form(
    request: Request, kind: PartyKind | None, typed: dict[str, str], error: Text | str, status: int
) -> Response:
    return render(
        request, "accounts/apply.html", status=status, title=N_("Apply for membership"), kind=kind, kinds=KIND_NAMES,
        papers=[(name, PAPER_NAMES[name]) for name in PAPERS[kind]] if kind else [], error=error,
        may_list=may(current_actor(request), permissions.LIST_PARTIES),
        typed=defaultdict(str, typed),
    )  # fmt: skip
