"""Disputes as acts of people: each step checked against the rules, kept here, and on its way to DisputeRegister.

The two sides, the operator and the regulator see a dispute; to others it is not there. One step at a time is on its way
to the ledger; what a side's own key has to sign first is said by `case_steps`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NewType
from uuid import UUID

from sqlmodel import col, select

from asset_hub.accounts import Actor, Permission, Role, get_party, may, require, require_organisation
from asset_hub.catalogue import RestrictionKind, get_asset, restrict
from asset_hub.core.db import WriteSession
from asset_hub.core.ids import new_id
from asset_hub.core.text import N_
from ledger import permissions
from ledger.acts import org_key, work_key
from ledger.carried import AUTHORITY_SIGNS, OPERATOR, UNSIGNED
from ledger.case_errors import BadCase, CaseNotFound, CaseStepRefused, NotTheirCase, OfferGone
from ledger.case_models import CaseRow, CaseStepRow
from ledger.case_steps import MOST_TITLE, Exhibit, Spoken, make_way, opening_of, record_of, record_step, write_step
from ledger.disputes import (
    Appeal,
    CaseAct,
    CaseState,
    Claim,
    CloseCase,
    Decide,
    Interim,
    OpenCase,
    Respond,
    Settle,
    SubjectKind,
    Withdraw,
    advance_case,
    case_key,
    licence_subject,
)
from ledger.entries import admit_organisation
from ledger.errors import ActRefused, EntryNotFound
from ledger.models import GrantRow, WorkRow
from ledger.signing import HomeKeys

CaseId = NewType("CaseId", UUID)
LEAST_DAYS, USUAL_DAYS, MOST_DAYS = 8, 15, 365
"""Terms in days; the contract wants seven at the time of the block, which comes later than the act."""
_RULES: Mapping[str, str] = {
    "NotInState": N_("The dispute is at another stage."),
    "TooLate": N_("The term is over."),
    "TooSoon": N_("The term still runs."),
    "Malformed": N_("Nothing would change, or the term is too short."),
}


def open_case(
    session: WriteSession,
    keys: HomeKeys,
    *,
    asset_id: UUID,
    respondent_id: UUID | None = None,
    title: str,
    text: str,
    exhibits: Sequence[Exhibit] = (),
    answer_days: int = USUAL_DAYS,
    by: Actor,
    now: datetime,
) -> CaseId:
    """Open a dispute about a work against its registrar, or as its registrar against `respondent_id`.

    Raises AssetNotFound, EntryNotFound for a work that is not registered, NotTheirCase, BadCase, PartyNotFound.
    """
    house = _house_of(by)
    asset = get_asset(session, asset_id=asset_id, by=by, now=now)
    work = session.get(WorkRow, asset.id)
    if work is None:
        raise EntryNotFound
    respondent = respondent_id or work.registrar_id
    if work.registrar_id not in (house, respondent):
        raise NotTheirCase
    row = _new_case(SubjectKind.WORK, asset.id, None, house, respondent, title, answer_days, now)
    return _open(session, keys, row, work_key(asset.id), Spoken(text, exhibits, by, now))


def open_licence_case(
    session: WriteSession,
    keys: HomeKeys,
    *,
    number: int,
    title: str,
    text: str,
    exhibits: Sequence[Exhibit] = (),
    answer_days: int = USUAL_DAYS,
    by: Actor,
    now: datetime,
) -> CaseId:
    """Open a dispute about a licence, as one of its two sides against the other. Raises EntryNotFound, BadCase."""
    house = _house_of(by)
    grant = session.get(GrantRow, number) if 0 < number < 1 << 63 else None
    sides = [grant.licensor_id, grant.licensee_id] if grant else []
    if grant is None or grant.lapses_at is not None or house not in sides:
        raise EntryNotFound(N_("There is no licence No. {number}."), number=number)
    sides.remove(house)
    row = _new_case(SubjectKind.LICENCE, grant.asset_id, number, house, sides[0], title, answer_days, now)
    return _open(session, keys, row, licence_subject(number), Spoken(text, exhibits, by, now))


def answer_case(
    session: WriteSession,
    keys: HomeKeys,
    *,
    case_id: UUID,
    text: str,
    exhibits: Sequence[Exhibit] = (),
    by: Actor,
    now: datetime,
) -> None:
    """Answer as the respondent, in time. Raises CaseNotFound, Forbidden, CaseStepRefused, CaseBusy, BadCase."""
    case = _case_of_side(session, case_id, by, lambda row: (row.respondent_id,))
    said = Spoken(text, exhibits, by, now)
    _take(session, keys, case, "answer", said, [case.respondent_id], lambda key, root: Respond(UNSIGNED, key, root))


def freeze_case(
    session: WriteSession, keys: HomeKeys, *, case_id: UUID, text: str, by: Actor, now: datetime
) -> None:  # fmt: skip
    """Order that the work is not traded while the dispute lasts: held back here at once, then frozen on the ledger.

    Raises CaseNotFound, Forbidden, CaseStepRefused, CaseBusy, BadCase.
    """
    case = _case_of_exchange(session, case_id, by, permissions.RULE_CASE)
    said = Spoken(text, (), by, now)
    _take(session, keys, case, "freeze", said, [AUTHORITY_SIGNS], lambda key, root: Interim(UNSIGNED, key, True, root))
    case.restriction_id = restrict(
        session, asset_id=case.asset_id, kind=RestrictionKind.FREEZE, reason=text.strip(),
        authority=get_party(session, organisation_id=require_organisation(by)).name_zh,
        by=replace(by, roles=frozenset({Role.REGULATOR}), scopes=None), now=now,
    )  # fmt: skip


def lift_case(
    session: WriteSession, keys: HomeKeys, *, case_id: UUID, text: str, by: Actor, now: datetime
) -> None:  # fmt: skip
    """Lift the interim order; the work is free once the ledger has it. Raises as `freeze_case`."""
    case = _case_of_exchange(session, case_id, by, permissions.RULE_CASE)
    said = Spoken(text, (), by, now)
    _take(session, keys, case, "lift", said, [AUTHORITY_SIGNS], lambda key, root: Interim(UNSIGNED, key, False, root))


def decide_case(
    session: WriteSession,
    keys: HomeKeys,
    *,
    case_id: UUID,
    text: str,
    appeal_days: int = USUAL_DAYS,
    by: Actor,
    now: datetime,
) -> None:
    """Decide what was answered or left unanswered; on appeal the decision is the last and has no term.

    Raises CaseNotFound, Forbidden, CaseStepRefused, CaseBusy, BadCase.
    """
    case = _case_of_exchange(session, case_id, by, permissions.RULE_CASE)
    is_last = case.state == CaseState.APPEALED
    appeal_by = 0 if is_last else _end_of_term(appeal_days, now)
    said = Spoken(text, (), by, now)
    _take(
        session, keys, case, "decide", said, [AUTHORITY_SIGNS], lambda key, root: Decide(UNSIGNED, key, root, appeal_by)
    )  # fmt: skip


def appeal_case(
    session: WriteSession,
    keys: HomeKeys,
    *,
    case_id: UUID,
    text: str,
    exhibits: Sequence[Exhibit] = (),
    by: Actor,
    now: datetime,
) -> None:
    """Appeal as one of the two sides, in time. Raises as `answer_case`."""
    case, house = _case_of_side(session, case_id, by, _both), require_organisation(by)
    said = Spoken(text, exhibits, by, now)
    _take(
        session, keys, case, "appeal", said, [house], lambda key, root: Appeal(UNSIGNED, key, org_key(house), root)
    )  # fmt: skip


def withdraw_case(
    session: WriteSession, keys: HomeKeys, *, case_id: UUID, text: str, by: Actor, now: datetime
) -> None:  # fmt: skip
    """Give up as the claimant, before a decision. Raises as `answer_case`."""
    case = _case_of_side(session, case_id, by, lambda row: (row.claimant_id,))
    said = Spoken(text, (), by, now)
    _take(session, keys, case, "withdraw", said, [case.claimant_id], lambda key, root: Withdraw(UNSIGNED, key, root))


def close_case(
    session: WriteSession, keys: HomeKeys, *, case_id: UUID, text: str, by: Actor, now: datetime
) -> None:  # fmt: skip
    """Close a dispute whose decision stands. Raises as `freeze_case`."""
    case = _case_of_exchange(session, case_id, by, permissions.CLOSE_CASE)
    said = Spoken(text, (), by, now)
    _take(session, keys, case, "close", said, [OPERATOR], lambda key, root: CloseCase(UNSIGNED, key, root))


def offer_settlement(
    session: WriteSession, keys: HomeKeys, *, case_id: UUID, text: str, by: Actor, now: datetime
) -> int:
    """Offer terms to the other side; return the number under which it may accept. Nothing goes to the ledger yet.

    A new offer of either side replaces the one that stands. Raises CaseNotFound, Forbidden, CaseStepRefused, BadCase.
    """
    case, house = _case_of_side(session, case_id, by, _both), require_organisation(by)
    if case.state in (CaseState.NONE, CaseState.CLOSED):
        raise CaseStepRefused(_RULES["NotInState"], members={"rule": "NotInState"})
    return write_step(session, keys, case, "offer", Spoken(text, (), by, now), house).number


def accept_settlement(
    session: WriteSession, keys: HomeKeys, *, case_id: UUID, offer: int, by: Actor, now: datetime
) -> None:  # fmt: skip
    """Accept the other side's newest offer: both sign, and the dispute is closed.

    Raises CaseNotFound, Forbidden, OfferGone, CaseStepRefused, CaseBusy.
    """
    case, house = _case_of_side(session, case_id, by, _both), require_organisation(by)
    newest = session.exec(
        select(CaseStepRow)
        .where(CaseStepRow.case_id == case.id, CaseStepRow.act == "offer")
        .order_by(col(CaseStepRow.number).desc())
    ).first()
    if newest is None or newest.number != offer or newest.organisation_id == house:
        raise OfferGone
    said = Spoken(newest.text, (), by, now)
    signers = [case.claimant_id, case.respondent_id]
    _take(session, keys, case, "settle", said, signers, lambda key, root: Settle(UNSIGNED, key, root))


def may_see(row: CaseRow, by: Actor) -> bool:
    """Say whether a dispute is any of this reader's business."""
    sides = (may(by, permissions.SEE_CASES, organisation_id=side) for side in _both(row))
    return may(by, permissions.OVERSEE_CASES) or any(sides)


def _house_of(by: Actor) -> UUID:
    require(by, permissions.BRING_CASE, organisation_id=by.organisation_id)
    return require_organisation(by)


def _both(row: CaseRow) -> tuple[UUID, UUID]:
    return row.claimant_id, row.respondent_id


def _case_of(session: WriteSession, case_id: UUID, by: Actor) -> CaseRow:
    row = session.get(CaseRow, case_id, with_for_update=True, populate_existing=True)
    if row is None or not may_see(row, by):
        raise CaseNotFound
    return row


def _case_of_side(
    session: WriteSession, case_id: UUID, by: Actor, sides: Callable[[CaseRow], tuple[UUID, ...]]
) -> CaseRow:
    """Return a dispute to a rights desk of the side whose step it is."""
    row, house = _case_of(session, case_id, by), by.organisation_id
    require(by, permissions.BRING_CASE, organisation_id=house if house in sides(row) else None)
    return row


def _case_of_exchange(session: WriteSession, case_id: UUID, by: Actor, permission: Permission) -> CaseRow:
    row = _case_of(session, case_id, by)
    require(by, permission)
    return row


def _new_case(
    kind: SubjectKind, asset_id: UUID, number: int | None, claimant: UUID, respondent: UUID, title: str, days: int,
    now: datetime,
) -> CaseRow:  # fmt: skip
    if claimant == respondent:
        raise BadCase(N_("Name the house that the dispute is with."))
    if not 0 < len(title.strip()) <= MOST_TITLE:
        raise BadCase(N_("A dispute has a title of at most {count} characters."), count=MOST_TITLE)
    due = _end_of_term(days, now)
    return CaseRow(
        id=new_id(), kind=int(kind), asset_id=asset_id, licence_number=number, claimant_id=claimant,
        respondent_id=respondent, title=title.strip(), claimed=b"", respond_by=due, evidence=b"", decision=b"",
        state=int(CaseState.NONE), due=due, opened_at=now,
    )  # fmt: skip


def _open(session: WriteSession, keys: HomeKeys, row: CaseRow, subject: bytes, said: Spoken) -> CaseId:
    for side in _both(row):
        admit_organisation(session, keys, organisation_id=side, now=said.now)
    session.add(row)
    session.flush()
    step = write_step(session, keys, row, "open", said, row.claimant_id)
    claim = Claim(
        SubjectKind(row.kind), subject, org_key(row.claimant_id), org_key(row.respondent_id), step.digest,
        row.respond_by,
    )  # fmt: skip
    act = OpenCase(UNSIGNED, case_key(row.id), claim)
    opened = act.after(time=said.time)
    row.claimed = step.digest
    record_step(
        session, row, step, act, [row.claimant_id], before=opening_of(opened), after=opened, now=said.now
    )  # fmt: skip
    return CaseId(row.id)


def _take(
    session: WriteSession,
    keys: HomeKeys,
    case: CaseRow,
    name: str,
    said: Spoken,
    signers: Sequence[UUID | str],
    make: Callable[[bytes, bytes], CaseAct],
) -> None:
    """Take a step: check it against the case, keep what was said, record its entry."""
    make_way(session, case, signers, said.now, term=case.due if name in ("answer", "appeal") else None)
    step = write_step(session, keys, case, name, said, require_organisation(said.by))
    act, before = make(case_key(case.id), step.digest), record_of(case)
    try:
        after = advance_case(before, act, time=said.time)
    except ActRefused as refusal:
        rule = str(refusal.members["rule"])
        raise CaseStepRefused(_RULES[rule], members={"rule": rule}) from refusal
    record_step(session, case, step, act, signers, before=before, after=after, now=said.now)


def _end_of_term(days: int, now: datetime) -> int:
    if not LEAST_DAYS <= days <= MOST_DAYS:
        raise BadCase(N_("A term has {least} to {most} days."), least=LEAST_DAYS, most=MOST_DAYS)
    return int((now + timedelta(days=days)).timestamp())
