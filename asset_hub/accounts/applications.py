"""Applications as their checkers see them, with papers, and as the applicant does, without."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import permissions
from asset_hub.accounts.errors import PartyNotFound
from asset_hub.accounts.models import PartyCheckRow, PartyRow, PersonRow
from asset_hub.accounts.parties import PAPER_NAMES, Party, PartyState, count_checks, party_of_row
from asset_hub.accounts.roles import Actor, may, require, require_person
from asset_hub.core.db import ReadSession
from asset_hub.core.errors import NotFound
from asset_hub.core.text import N_


@dataclass(frozen=True, slots=True)
class Check:
    """One checker's agreement."""

    name: str
    note: str
    checked_at: datetime


@dataclass(frozen=True, slots=True)
class Application:
    """A party with its papers and who checked them, for checkers only; `hint` says who agrees if this reader cannot."""

    party: Party
    papers: Mapping[str, str]
    checks: tuple[Check, ...]
    refusal: str
    refused_by: str = ""
    may_agree: bool = False
    may_refuse: bool = False
    hint: str = ""


def get_application(session: ReadSession, *, organisation_id: UUID, by: Actor) -> Application:
    """Return a party with its papers. Raises PartyNotFound."""
    require(by, permissions.LIST_PARTIES)
    row = session.get(PartyRow, organisation_id)
    if row is None:
        raise PartyNotFound
    statement = (
        select(PartyCheckRow, PersonRow)
        .join(PersonRow, col(PersonRow.id) == col(PartyCheckRow.person_id))
        .where(PartyCheckRow.party_id == organisation_id)
        .order_by(col(PartyCheckRow.id))
    )
    found = session.exec(statement).all()
    checks = tuple(Check(person.name, check.note, check.checked_at) for check, person in found)
    checkers = {check.person_id for check, _ in found}
    is_open = row.state == PartyState.APPLIED and may(by, permissions.CHECK)
    hint = _why_not(row, checkers, by) if is_open else ""
    return replace(
        _application(row, checks), may_agree=is_open and not hint,
        may_refuse=is_open and by.person_id != row.applied_by, hint=hint,
    )  # fmt: skip


def paper_digest(session: ReadSession, *, organisation_id: UUID, name: str, by: Actor) -> str:
    """Return the SHA-256 of a scanned paper, for checkers only. Raises PartyNotFound, NotFound."""
    require(by, permissions.CHECK)
    row = session.get(PartyRow, organisation_id)
    if row is None:
        raise PartyNotFound
    if not is_scan(name) or name not in row.facts:
        raise NotFound
    return str(row.facts[name])


def is_scan(paper: str) -> bool:
    """Say whether a paper is a scan, kept by its digest, and not words."""
    return paper in PAPER_NAMES and paper.endswith("_sha256")


def list_own_applications(session: ReadSession, *, by: Actor) -> tuple[Application, ...]:
    """Return what this person applied for, newest first; how many agreed, not who."""
    counts = count_checks(session)
    rows = session.exec(
        select(PartyRow).where(PartyRow.applied_by == require_person(by)).order_by(col(PartyRow.id).desc())
    )
    return tuple(
        Application(party_of_row(row, counts.get(row.id, 0)), {}, (), str(row.facts.get("refusal", ""))) for row in rows
    )


def _why_not(row: PartyRow, checkers: set[UUID], by: Actor) -> str:
    """Return why this person cannot decide, as a message id; empty when they can."""
    if by.person_id == row.applied_by:
        return N_("You handed this application in: two other operators of the exchange check it.")
    if by.person_id in checkers:
        return N_("You have agreed already: another operator of the exchange gives the second check.")
    return ""


def _application(row: PartyRow, checks: tuple[Check, ...]) -> Application:
    papers = {name: str(row.facts[name]) for name in PAPER_NAMES if name in row.facts}
    refusal, refused_by = str(row.facts.get("refusal", "")), str(row.facts.get("refused_by", ""))
    return Application(party_of_row(row, len(checks)), papers, checks, refusal, refused_by)
