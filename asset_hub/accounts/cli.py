"""Commands of accounts: org list, apply, check, refuse, suspend, reinstate; person add; token issue."""

import json
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer
from starlette.datastructures import UploadFile

from asset_hub.accounts import permissions
from asset_hub.accounts.acting import acting_person
from asset_hub.accounts.errors import PartyNotFound
from asset_hub.accounts.members import HouseMember, add_member, find_member, membership_of
from asset_hub.accounts.parties import (
    PAPERS,
    Party,
    PartyKind,
    apply_for_admission,
    check_application,
    find_party,
    list_parties,
    refuse_application,
)
from asset_hub.accounts.people import issue_token
from asset_hub.accounts.roles import Actor, OrganisationId, Role, require
from asset_hub.accounts.scans import store_scan
from asset_hub.accounts.standing import MIN_PASSWORD, disable_person, enable_person, set_password
from asset_hub.accounts.suspension import reinstate_party, suspend_party
from asset_hub.core import clock
from asset_hub.core.db import WriteSession
from asset_hub.core.files import FileStore
from asset_hub.core.home import home_of

organisations = typer.Typer(help="Organisations, natural persons and foreign bodies.", no_args_is_help=True)
people = typer.Typer(help="People and their accounts.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
By = Annotated[str, typer.Option("--by", help="Act as this person.")]
Which = Annotated[str, typer.Argument(metavar="ORG", help="The organisation: its id, credit code or exact name.")]
Login = Annotated[str, typer.Argument(help="The name they sign in with.")]
Scan = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="PDF, JPEG or PNG.")]


@organisations.command("list")
def list_them(context: typer.Context, *, by: By = "", as_json: Json = False) -> None:
    """List every party with its state and the number of its checks, newest first."""
    home = home_of(context)
    with home.database.write() as session:
        parties = list_parties(session, by=acting_person(session, login=by or home.settings.person))
    if as_json:
        print(json.dumps({"organisations": [_facts(party) for party in parties]}, ensure_ascii=False))
        return
    for party in parties:
        print(f"{party.id}  {party.state:<10} {party.checks} checks  {party.credit_code or '–':<18} {party.name_zh}")


@organisations.command("apply")
def apply(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The name in Chinese, or the only one there is.")],
    *,
    kind: Annotated[PartyKind, typer.Option(help="What it is.")] = PartyKind.ORGANISATION,
    name_en: Annotated[str, typer.Option(help="The name in English.")] = "",
    code: Annotated[str, typer.Option(help="统一社会信用代码 of an organisation.")] = "",
    licence_scan: Scan = None,
    legal_representative: Annotated[str, typer.Option(help="Their name.")] = "",
    agent_name: Annotated[str, typer.Option("--agent", help="Who acts for it here.")] = "",
    authorisation: Scan = None,
    identity_document: Scan = None,
    country: Annotated[str, typer.Option(help="Country or region of a foreign body.")] = "",
    registration_number: Annotated[str, typer.Option(help="Where it is registered.")] = "",
    registration_scan: Scan = None,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Apply for admission; the papers are stored and their digests recorded. Two other people check it."""
    home = home_of(context)
    words = {
        "legal_representative": legal_representative, "agent_name": agent_name, "country": country,
        "registration_number": registration_number,
    }  # fmt: skip
    scans = {
        "licence_scan_sha256": licence_scan, "authorisation_sha256": authorisation,
        "identity_document_sha256": identity_document, "registration_scan_sha256": registration_scan,
    }  # fmt: skip
    papers = words | {
        paper: _store(home.files, path) for paper, path in scans.items() if path and paper in PAPERS[kind]
    }
    with home.database.write() as session:
        party_id = apply_for_admission(
            session, kind=kind, name_zh=name, name_en=name_en, credit_code=code or None, papers=papers,
            by=acting_person(session, login=by or home.settings.person), now=clock.now(),
        )  # fmt: skip
    print(json.dumps({"id": str(party_id), "state": "applied"}) if as_json else f"{party_id}  applied")


@organisations.command("check")
def check(
    context: typer.Context,
    party: Which,
    *,
    note: Annotated[str, typer.Option(help="What was looked at.")] = "",
    by: By = "",
    as_json: Json = False,
) -> None:
    """Agree to an application; the second person's agreement admits."""
    home = home_of(context)
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
        require(actor, permissions.CHECK)
        party_id = find_party(session, text=party).id
        state = check_application(session, organisation_id=party_id, note=note, by=actor, now=clock.now())
    home.run_jobs()
    print(json.dumps({"id": str(party_id), "state": state}) if as_json else f"{party_id}  {state}")


@organisations.command("refuse")
def refuse(
    context: typer.Context,
    party: Which,
    *,
    reason: Annotated[str, typer.Option(help="Why; the applicant reads it.")],
    by: By = "",
) -> None:
    """Refuse an application for a reason."""
    home = home_of(context)
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
        require(actor, permissions.CHECK)
        party_id = find_party(session, text=party).id
        refuse_application(session, organisation_id=party_id, reason=reason, by=actor)
    print(f"{party_id}  refused")


@organisations.command("suspend")
def suspend(
    context: typer.Context, party: Which, *, reason: Annotated[str, typer.Option(help="Why.")], by: By = ""
) -> None:
    """Suspend a house: its people lose their roles at once."""
    home = home_of(context)
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
        require(actor, permissions.SUSPEND)
        party_id = find_party(session, text=party).id
        suspend_party(session, organisation_id=party_id, reason=reason, by=actor, now=clock.now())
    print(f"{party_id}  suspended")


@organisations.command("reinstate")
def reinstate(
    context: typer.Context, party: Which, *, reason: Annotated[str, typer.Option(help="Why.")], by: By = ""
) -> None:
    """End a suspension: its people have their roles again."""
    home = home_of(context)
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
        require(actor, permissions.SUSPEND)
        party_id = find_party(session, text=party).id
        reinstate_party(session, organisation_id=party_id, reason=reason, by=actor, now=clock.now())
    print(f"{party_id}  admitted")


@people.command("add")
def add(
    context: typer.Context,
    login: Annotated[str, typer.Argument(help="The name to sign in with.")],
    *,
    name: Annotated[str, typer.Option(help="Their name as shown.")],
    role: Annotated[list[Role], typer.Option(help="What they do; may be repeated.")],
    org: Annotated[str, typer.Option(help="Their organisation; yours if not given.")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input; else they cannot sign in.")
    ] = False,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Make an account and put it into an organisation."""
    home = home_of(context)
    password = _read_password() if password_stdin else ""
    with home.database.write() as session:
        actor = acting_person(session, login=by or home.settings.person)
        house = find_party(session, text=org).id if org else actor.organisation_id
        person_id = add_member(
            session, organisation_id=_known(house), login=login, name=name, password=password, roles=set(role),
            by=actor, now=clock.now(), at_console=True,
        )  # fmt: skip
    print(json.dumps({"id": str(person_id), "login": login}) if as_json else f"{person_id}  {login}")


@people.command("password")
def password(context: typer.Context, login: Login, *, by: By = "") -> None:
    """Give a person the new password that is read from standard input; all their sessions end."""
    home = home_of(context)
    new = _read_password()
    with home.database.write() as session:
        actor, member = _managed(session, login, by or home.settings.person)
        set_password(
            session, organisation_id=member.organisation_id, person_id=member.person_id, password=new, by=actor,
            at_console=True,
        )  # fmt: skip
    print(f"{login}  password changed")


@people.command("disable")
def disable(context: typer.Context, login: Login, *, by: By = "") -> None:
    """Close an account: its sessions end, its tokens stop."""
    home = home_of(context)
    with home.database.write() as session:
        actor, member = _managed(session, login, by or home.settings.person)
        disable_person(
            session, organisation_id=member.organisation_id, person_id=member.person_id, by=actor, now=clock.now(),
            at_console=True,
        )  # fmt: skip
    print(f"{login}  closed")


@people.command("enable")
def enable(context: typer.Context, login: Login, *, by: By = "") -> None:
    """Open a closed account again."""
    home = home_of(context)
    with home.database.write() as session:
        actor, member = _managed(session, login, by or home.settings.person)
        enable_person(
            session, organisation_id=member.organisation_id, person_id=member.person_id, by=actor, at_console=True
        )
    print(f"{login}  open")


def token_commands(actions: Collection[str]) -> typer.Typer:
    """Return the commands of tokens; `actions` are the acts that a token can be narrowed to."""
    tokens = typer.Typer(help="Tokens for programs that use the API.", no_args_is_help=True)

    @tokens.callback()
    def explain() -> None:
        """Tokens for programs that use the API."""

    @tokens.command("issue")
    def issue(
        context: typer.Context,
        *,
        name: Annotated[str, typer.Option(help="What it is for.")],
        scope: Annotated[list[str], typer.Option(help="An act it may do, e.g. marketplace.quote; may be repeated.")],
        days: Annotated[int, typer.Option(help="How long it holds.", min=1, max=3650)] = 365,
        by: By = "",
        as_json: Json = False,
    ) -> None:
        """Print the secret of a new token once; only its digest is kept."""
        scopes = _check_scopes(scope, actions)
        home = home_of(context)
        with home.database.write() as session:
            actor = acting_person(session, login=by or home.settings.person)
            secret = issue_token(
                session, membership_id=membership_of(session, by=actor), scopes=scopes, name=name[:80], days=days,
                now=clock.now(),
            )  # fmt: skip
        print(json.dumps({"token": secret, "scopes": scopes}) if as_json else secret)

    return tokens


def _check_scopes(scopes: list[str], actions: Collection[str]) -> list[str]:
    unknown = sorted(set(scopes) - set(actions))
    if unknown:
        raise typer.BadParameter(
            f"There is no act “{unknown[0]}”. Known: {', '.join(sorted(actions))}.", param_hint="--scope"
        )
    return sorted(set(scopes))


def _store(files: FileStore, path: Path) -> str:
    with path.open("rb") as file:
        return store_scan(files, UploadFile(file))


def _known(house: OrganisationId | None) -> OrganisationId:
    if house is None:
        raise PartyNotFound
    return house


def _managed(session: WriteSession, login: str, by: str) -> tuple[Actor, HouseMember]:
    actor = acting_person(session, login=by)
    return actor, find_member(session, login=login, by=actor)


def _read_password() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if len(password) < MIN_PASSWORD:
        raise typer.BadParameter(
            f"The password has fewer than {MIN_PASSWORD} characters.", param_hint="--password-stdin"
        )
    return password


def _facts(party: Party) -> dict[str, object]:
    return {
        "id": str(party.id), "kind": party.kind, "state": party.state, "name_zh": party.name_zh,
        "name_en": party.name_en, "credit_code": party.credit_code, "checks": party.checks,
    }  # fmt: skip
