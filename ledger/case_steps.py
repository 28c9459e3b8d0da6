"""Steps of disputes: what was said in each, when it counts, and the dispute between our row and the contract's record.

A step counts once every house that keeps its own key has signed it. Until then the dispute stands as before, and any
other step takes its place, so that nobody holds a dispute up by not signing. Only a step that waits for a signature
itself does not take the place of an answer or appeal whose term is over first: that could never be made again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select

from asset_hub.accounts import Actor
from asset_hub.core.db import WriteSession
from asset_hub.core.ids import new_id
from asset_hub.core.text import N_
from ledger.acts import org_key, work_key
from ledger.carried import SetStatus, read_act, write_act
from ledger.case_errors import BadCase, CaseBusy, CaseUnsigned
from ledger.case_models import CaseRow, CaseStepRow
from ledger.disputes import CaseAct, CaseRecord, CaseState, Claim, OpenCase, SubjectKind, advance_case, licence_subject
from ledger.entries import commitment_to, record_entry
from ledger.errors import ActRefused
from ledger.handed import signatures_of
from ledger.merkle import keccak, root_of
from ledger.models import EntryRow
from ledger.pending import overtake
from ledger.signing import HomeKeys
from ledger.terms import end_of_term
from ledger.types import EntryKind, EntryState
from ledger.waiting import SIGN_WITHIN, houses_of, waits_for_signature

MOST_TITLE = 200
_MAX_TEXT, _MAX_EXHIBITS = 20_000, 50
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Something shown: what it is called and the SHA-256 of its bytes in hex."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is said in a step, and by whom."""

    text: str
    exhibits: Sequence[Exhibit]
    by: Actor
    now: datetime

    @property
    def time(self) -> int:
        return int(self.now.timestamp())


def record_of(row: CaseRow) -> CaseRecord:
    """Return a dispute as the contract holds it."""
    subject = licence_subject(row.licence_number) if row.licence_number is not None else work_key(row.asset_id)
    claim = Claim(
        SubjectKind(row.kind), subject, org_key(row.claimant_id), org_key(row.respondent_id), row.claimed,
        row.respond_by,
    )  # fmt: skip
    return CaseRecord(claim, row.evidence, row.decision, CaseState(row.state), row.is_frozen, row.due)


def write_state(row: CaseRow, state: Mapping[str, Any]) -> None:
    """Set what changes in a dispute from what `read_state` returned."""
    row.evidence, row.decision = bytes.fromhex(state["evidence"]), bytes.fromhex(state["decision"])
    row.state, row.is_frozen, row.due = state["state"], state["is_frozen"], state["due"]


def read_state(record: CaseRecord) -> dict[str, Any]:
    """Return what changes in a dispute, as plain JSON."""
    return {
        "evidence": record.evidence.hex(), "decision": record.decision.hex(), "state": int(record.state),
        "is_frozen": record.is_frozen, "due": record.due,
    }  # fmt: skip


def make_way(
    session: WriteSession, case: CaseRow, signers: Sequence[UUID | str], now: datetime, *, term: int | None
) -> None:  # fmt: skip
    """Let the next step be the only one: one that waits for a signature is given up for it.

    `signers` sign the next step, `term` ends it. Raises CaseBusy for a step that is on its way to the ledger or being
    signed at this moment, or of another house that would have no time left if the next is not signed; CaseUnsigned
    before the claimant signed the dispute.
    """
    statement = select(EntryRow).where(
        EntryRow.subject_id == case.id, col(EntryRow.state).in_((EntryState.RECORDED, EntryState.UNSIGNED))
    )
    waiting = session.exec(statement).all()
    # Whoever signs has the entry locked and wants the dispute next; waiting for it here would end in a deadlock.
    free = session.exec(statement.with_for_update(skip_locked=True).execution_options(populate_existing=True)).all()
    if len(free) < len(waiting) or any(entry.state == EntryState.RECORDED for entry in free):
        raise CaseBusy
    until = _waits_until(session, signers, now, term)
    for entry in free:
        if entry.args["act"] == SetStatus.__name__:  # what an earlier step said is carried out, whatever comes next
            continue
        if entry.args["act"] == OpenCase.__name__:
            raise CaseUnsigned
        if _ends_before(session, entry, until, signers):
            raise CaseBusy(N_("The other side’s step waits for its signature until its term ends; so would this one."))
        overtake(session, entry, now=now)


def write_step(
    session: WriteSession, keys: HomeKeys, case: CaseRow, name: str, said: Spoken, house: UUID
) -> CaseStepRow:  # fmt: skip
    """Keep what was said as the next step. Raises BadCase."""
    text, step_id = said.text.strip(), new_id()
    if not 0 < len(text) <= _MAX_TEXT:
        raise BadCase(N_("Say something, in at most {count} characters."), count=_MAX_TEXT)
    _check_exhibits(said.exhibits)
    salt = keys.salt(f"case-step:{step_id}")
    last = session.exec(select(func.max(CaseStepRow.number)).where(CaseStepRow.case_id == case.id)).one()
    row = CaseStepRow(
        id=step_id, case_id=case.id, number=(last or 0) + 1, act=name, organisation_id=house,
        person_id=said.by.person_id, text=text,
        exhibits=[{"name": one.name.strip(), "sha256": one.sha256} for one in said.exhibits], salt=salt,
        digest=_digest_of(salt, text, said.exhibits), at=said.now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def record_step(
    session: WriteSession, case: CaseRow, step: CaseStepRow, act: CaseAct | OpenCase, signers: Sequence[UUID | str],
    *, before: CaseRecord, after: CaseRecord, now: datetime,
) -> None:  # fmt: skip
    """Record the entry of a step; the dispute moves with it, unless a house has yet to sign."""
    step.before = read_state(before)
    write_state(case, step.before)
    step.entry_id = record_entry(session, EntryKind.CASE, case.id, write_act(act, signers), now)
    if session.get_one(EntryRow, step.entry_id).state != EntryState.UNSIGNED:
        _move(case, step, before, after)
    session.flush()


def case_signed(session: WriteSession, entry: EntryRow, now: datetime) -> None:
    """Move a dispute by a step that every house has signed now; what only carries an earlier one out moves nothing.

    A step that the ledger would refuse by now is given up, and the dispute stands as before.
    """
    case = session.get_one(CaseRow, entry.subject_id, with_for_update=True, populate_existing=True)
    step = session.exec(select(CaseStepRow).where(CaseStepRow.entry_id == entry.id)).first()
    if step is None:
        return
    act, before, time = read_act(entry.args, entry.op_id), record_of(case), int(now.timestamp())
    try:
        after = act.after(time=time) if isinstance(act, OpenCase) else advance_case(before, act, time=time)  # type: ignore[arg-type]  # read by its name
    except ActRefused:
        overtake(session, entry, now=now)
        return
    _move(case, step, before, after)


def case_held_back(session: WriteSession, entry: EntryRow) -> None:
    """Let a dispute stand as before a step that has to be signed after all."""
    step = session.exec(select(CaseStepRow).where(CaseStepRow.entry_id == entry.id)).first()
    if step is not None:
        case = session.get_one(CaseRow, entry.subject_id, with_for_update=True, populate_existing=True)
        write_state(case, step.before)
        session.flush()


def opening_of(opened: CaseRecord) -> CaseRecord:
    """Return a dispute before it is opened: known here, and to the ledger not at all."""
    return replace(opened, state=CaseState.NONE)


def _waits_until(session: WriteSession, signers: Sequence[UUID | str], now: datetime, term: int | None) -> int:
    """Return the last second at which a new step may still wait for a signature, 0 where it waits for none."""
    if not waits_for_signature(session, signers, now):
        return 0
    last = int((now + SIGN_WITHIN).timestamp())
    return last if term is None else min(last, term)


def _ends_before(session: WriteSession, entry: EntryRow, until: int, signers: Sequence[UUID | str]) -> bool:
    """Say whether the term of a step that waits for others than these signers ends before then."""
    term = end_of_term(session, entry)
    awaited = {row.organisation_id for row in signatures_of(session, entry.id)}
    return term is not None and term < until and not awaited <= houses_of(session, signers)


def _move(case: CaseRow, step: CaseStepRow, before: CaseRecord, after: CaseRecord) -> None:
    is_opened = before.state == CaseState.NONE
    step.due = after.due if is_opened or after.due != before.due else 0
    write_state(case, read_state(after))


def _check_exhibits(exhibits: Sequence[Exhibit]) -> None:
    if len(exhibits) > _MAX_EXHIBITS:
        raise BadCase(N_("At most {count} exhibits go with one step."), count=_MAX_EXHIBITS)
    for one in exhibits:
        if not 0 < len(one.name.strip()) <= MOST_TITLE or not _SHA256.fullmatch(one.sha256):
            raise BadCase(N_("An exhibit has a name and the SHA-256 of its bytes."))


def _digest_of(salt: bytes, text: str, exhibits: Sequence[Exhibit]) -> bytes:
    """Return the root over the text and each exhibit, every one under a salt of its own."""
    contents = [text.encode(), *(bytes.fromhex(one.sha256) for one in exhibits)]
    return root_of(
        [commitment_to(keccak(salt + place.to_bytes(4, "big")), content) for place, content in enumerate(contents)]
    )
