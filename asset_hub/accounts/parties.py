"""Parties: organisations with their credit code, natural persons, foreign bodies; admitted by two checkers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from asset_hub.accounts import permissions
from asset_hub.accounts.errors import AlreadyDecided, DuplicateParty, LongName, MissingPaper, PartyNotFound, SameChecker
from asset_hub.accounts.events import OrganisationAdmitted
from asset_hub.accounts.identifiers import check_credit_code
from asset_hub.accounts.models import PartyCheckRow, PartyRow
from asset_hub.accounts.roles import Actor, OrganisationId, require
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.events import emit
from asset_hub.core.ids import new_id
from asset_hub.core.text import N_, Text

CHECKS_NEEDED = 2
MAX_NAME = 200


class PartyKind(StrEnum):
    """The three kinds of parties that can hold or buy rights."""

    ORGANISATION = "organisation"
    NATURAL_PERSON = "natural_person"
    FOREIGN_BODY = "foreign_body"


class PartyState(StrEnum):
    """An application waits for its checks, is admitted, refused, or suspended later."""

    APPLIED = "applied"
    ADMITTED = "admitted"
    REFUSED = "refused"
    SUSPENDED = "suspended"


KIND_NAMES: dict[PartyKind, str] = {
    PartyKind.ORGANISATION: N_("Organisation"),
    PartyKind.NATURAL_PERSON: N_("Natural person"),
    PartyKind.FOREIGN_BODY: N_("Foreign body"),
}
STATE_NAMES: dict[PartyState, str] = {
    PartyState.APPLIED: N_("Waits for its checks"),
    PartyState.ADMITTED: N_("Admitted"),
    PartyState.REFUSED: N_("Refused"),
    PartyState.SUSPENDED: N_("Suspended"),
}
STATE_MARKS: dict[PartyState, str] = {
    PartyState.APPLIED: "busy",
    PartyState.ADMITTED: "good",
    PartyState.REFUSED: "bad",
    PartyState.SUSPENDED: "warn",
}


PAPERS: dict[PartyKind, tuple[str, ...]] = {
    PartyKind.ORGANISATION: ("licence_scan_sha256", "legal_representative", "agent_name", "authorisation_sha256"),
    PartyKind.NATURAL_PERSON: ("identity_document_sha256",),
    PartyKind.FOREIGN_BODY: ("country", "registration_number", "registration_scan_sha256", "authorisation_sha256"),
}


PAPER_NAMES: dict[str, str] = {
    "licence_scan_sha256": N_("Scan of the business licence"),
    "legal_representative": N_("Legal representative"),
    "agent_name": N_("Agent"),
    "authorisation_sha256": N_("Scan of the agent's authorisation"),
    "identity_document_sha256": N_("Scan of the identity document"),
    "country": N_("Country or region"),
    "registration_number": N_("Registration number"),
    "registration_scan_sha256": N_("Scan of the registration"),
}


@dataclass(frozen=True, slots=True)
class Party:
    """A party as others see it."""

    id: OrganisationId
    kind: PartyKind
    state: PartyState
    name_zh: str
    name_en: str
    credit_code: str | None
    checks: int = 0

    def name(self, language: str) -> str:
        return self.name_en if language == "en" and self.name_en else self.name_zh


def apply_for_admission(
    session: WriteSession,
    *,
    kind: PartyKind,
    name_zh: str,
    name_en: str = "",
    credit_code: str | None = None,
    papers: Mapping[str, str],
    by: Actor,
    now: datetime,
) -> OrganisationId:
    """Record an application. Papers are digests of scans and names, see PAPERS.

    Raises BadCreditCode, MissingPaper (also for a missing name), LongName, DuplicateParty; an application that was
    refused keeps nobody from the same code.
    """
    require(by, permissions.APPLY)
    if not name_zh.strip():
        raise MissingPaper(N_("“{paper}” is missing."), paper=Text(N_("Name in Chinese")))
    if max(len(name_zh), len(name_en)) > MAX_NAME:
        raise LongName(N_("A name has at most {count} characters."), count=MAX_NAME)
    code = check_credit_code(credit_code or "") if kind is PartyKind.ORGANISATION else None
    _check_papers(kind, papers)
    taken = select(PartyRow.id).where(PartyRow.credit_code == code, PartyRow.state != PartyState.REFUSED)
    if code and session.exec(taken).first():
        raise DuplicateParty(N_("{code} is registered already."), code=code)
    row = PartyRow(
        id=new_id(), kind=kind, state=PartyState.APPLIED, name_zh=name_zh, name_en=name_en, credit_code=code,
        facts={name: papers[name] for name in PAPERS[kind]}, applied_by=by.person_id, created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return OrganisationId(row.id)


def _check_papers(kind: PartyKind, papers: Mapping[str, str]) -> None:
    for name in PAPERS[kind]:
        if not papers.get(name, "").strip():
            raise MissingPaper(N_("“{paper}” is missing."), paper=Text(PAPER_NAMES[name]))


def check_application(
    session: WriteSession, *, organisation_id: UUID, note: str = "", by: Actor, now: datetime
) -> PartyState:
    """Agree to an application; the second person's agreement admits. Emits OrganisationAdmitted.

    Raises PartyNotFound, AlreadyDecided, SameChecker.
    """
    require(by, permissions.CHECK)
    row = _undecided(session, organisation_id)
    checkers = list(session.exec(select(PartyCheckRow.person_id).where(PartyCheckRow.party_id == organisation_id)))
    if by.person_id is None or by.person_id in checkers or by.person_id == row.applied_by:
        raise SameChecker
    session.add(PartyCheckRow(id=new_id(), party_id=organisation_id, person_id=by.person_id, note=note, checked_at=now))
    if len(checkers) + 1 >= CHECKS_NEEDED:
        row.state, row.admitted_at = PartyState.ADMITTED, now
        emit(session, OrganisationAdmitted(organisation_id))
    session.flush()
    return PartyState(row.state)


def refuse_application(session: WriteSession, *, organisation_id: UUID, reason: str, by: Actor) -> None:
    """Refuse an application for a reason. Raises PartyNotFound, AlreadyDecided, SameChecker, MissingPaper."""
    require(by, permissions.CHECK)
    row = _undecided(session, organisation_id)
    if by.person_id == row.applied_by:
        raise SameChecker
    if not reason.strip():
        raise MissingPaper(N_("Say why: the applicant reads it."))
    row.state, row.facts = PartyState.REFUSED, {**row.facts, "refusal": reason.strip(), "refused_by": by.name}
    session.flush()


def _undecided(session: WriteSession, organisation_id: UUID) -> PartyRow:
    row = session.get(PartyRow, organisation_id, with_for_update=True)
    if row is None:
        raise PartyNotFound
    if row.state != PartyState.APPLIED:
        raise AlreadyDecided
    return row


def credential_of(session: ReadSession, *, organisation_id: UUID) -> bytes:
    """Return what the ledger commits to when it admits a party: names, code and digests of its papers, as JSON."""
    row = session.get(PartyRow, organisation_id)
    if row is None:
        raise PartyNotFound
    facts = {"kind": row.kind, "name_zh": row.name_zh, "name_en": row.name_en, "code": row.credit_code, **row.facts}
    return json.dumps(facts, ensure_ascii=False, sort_keys=True).encode()


def get_party(session: ReadSession, *, organisation_id: UUID) -> Party:
    """Return one party. Raises PartyNotFound."""
    row = session.get(PartyRow, organisation_id)
    if row is None:
        raise PartyNotFound
    return party_of_row(row, 0)


def party_names(session: ReadSession, *, organisation_ids: set[UUID], language: str) -> dict[UUID, str]:
    """Return the names of parties in one query; unknown ids are left out."""
    rows = session.exec(select(PartyRow).where(col(PartyRow.id).in_(organisation_ids)))
    return {row.id: party_of_row(row, 0).name(language) for row in rows}


def find_party(session: ReadSession, *, text: str) -> Party:
    """Return the party with this id, credit code or exact name, a refused one last. Raises PartyNotFound."""
    by_name = sa.or_(
        col(PartyRow.name_zh) == text, col(PartyRow.name_en) == text, col(PartyRow.credit_code) == text.upper()
    )
    standing_first = (col(PartyRow.state) == PartyState.REFUSED, col(PartyRow.id))
    row = session.exec(select(PartyRow).where(by_name).order_by(*standing_first)).first() or _by_id(session, text)
    if row is None:
        raise PartyNotFound(N_("There is no organisation “{name}”."), name=text)
    return party_of_row(row, 0)


def parties_called(session: ReadSession, *, text: str) -> tuple[OrganisationId, ...]:
    """Return the parties whose name in either language contains this text, or whose credit code it is."""
    statement = select(PartyRow.id).where(
        sa.or_(
            col(PartyRow.name_zh).icontains(text, autoescape=True),
            col(PartyRow.name_en).icontains(text, autoescape=True),
            col(PartyRow.credit_code) == text.upper(),
        )
    )
    return tuple(OrganisationId(found) for found in session.exec(statement.order_by(col(PartyRow.id))))


def _by_id(session: ReadSession, text: str) -> PartyRow | None:
    try:
        return session.get(PartyRow, UUID(text))
    except ValueError:
        return None


def list_parties(session: ReadSession, *, by: Actor) -> tuple[Party, ...]:
    """Return every party with the number of its checks, newest first."""
    require(by, permissions.LIST_PARTIES)
    counts = count_checks(session)
    rows = session.exec(select(PartyRow).order_by(col(PartyRow.id).desc()))
    return tuple(party_of_row(row, counts.get(row.id, 0)) for row in rows)


def count_checks(session: ReadSession) -> dict[UUID, int]:
    """Return how many agreed to each application that anybody agreed to."""
    statement = select(PartyCheckRow.party_id, sa.func.count()).group_by(col(PartyCheckRow.party_id))
    return dict(session.exec(statement).all())


def party_of_row(row: PartyRow, checks: int) -> Party:
    """Return a party as others see it."""
    return Party(
        id=OrganisationId(row.id), kind=PartyKind(row.kind), state=PartyState(row.state), name_zh=row.name_zh,
        name_en=row.name_en, credit_code=row.credit_code, checks=checks,
    )  # fmt: skip
