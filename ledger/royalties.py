"""Royalty statements (结算单) as acts: published and revised by the operator, objected to by the houses concerned.

The chain holds a Merkle-sum root and a commitment to the total; lines, labels and salts stay here. A payee reads and
proves its own lines only. The operator signs statements as notary, the licensor's key an objection of the licensor.
"""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NewType
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from asset_hub.accounts import Actor, party_names, require, require_organisation
from asset_hub.accounts.errors import PartyNotFound
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.ids import new_id
from asset_hub.core.text import N_
from ledger import permissions
from ledger.acts import org_key
from ledger.carried import OPERATOR, UNSIGNED, AnchorRoot, write_act
from ledger.case_errors import BadStatement, OtherRevision, StatementBusy, StatementNotFound, StatementTaken
from ledger.case_models import ObjectionRow, StatementLineRow, StatementRevisionRow, StatementRow
from ledger.entries import admit_organisation, commitment_to, record_entry
from ledger.merkle import root_of
from ledger.merklesum import Line, StatementRefused, SumTree, build_tree
from ledger.models import EntryRow
from ledger.pending import overtake
from ledger.signed import SignedAct, amount_commitment
from ledger.signing import HomeKeys
from ledger.statement_proofs import line_salt
from ledger.statements import Objection, Publish, Revise
from ledger.types import EntryKind, EntryState

StatementId = NewType("StatementId", UUID)
NewLine = tuple[UUID, str, int]
"""Payee, label, fen."""
OBJECTION_ANCHOR = 16
"""The kind of an anchor under which a payee's objection is seen; the contract takes the licensor's itself."""
_MAX_LINES, _MAX_LABEL, _MAX_TEXT, _MAX_FEN = 10_000, 200, 20_000, 10**15
_MONTH = re.compile(r"(2\d{3})-(0[1-9]|1[0-2])")


def publish_statement(
    session: WriteSession,
    keys: HomeKeys,
    *,
    licensor_id: UUID,
    period: str,
    lines: Sequence[NewLine],
    by: Actor,
    now: datetime,
) -> StatementId:
    """Publish a licensor's statement for a month (YYYY-MM). Raises Forbidden, BadStatement, StatementTaken."""
    require(by, permissions.PUBLISH_STATEMENT)
    month = read_month(period, now=now)
    _require_parties(session, {licensor_id})
    admit_organisation(session, keys, organisation_id=licensor_id, now=now)
    row = StatementRow(id=new_id(), licensor_id=licensor_id, period=month, revision=0)
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as taken:
        raise StatementTaken from taken
    _write_revision(session, keys, row, lines, "", now)
    return StatementId(row.id)


def revise_statement(
    session: WriteSession,
    keys: HomeKeys,
    *,
    statement_id: UUID,
    lines: Sequence[NewLine],
    reason: str,
    by: Actor,
    now: datetime,
) -> int:
    """Replace a statement's lines for a reason; return the number of the revision. The earlier ones stay.

    An objection to the revision before that its licensor has not signed yet is given up.
    Raises Forbidden, StatementNotFound, StatementBusy, BadStatement.
    """
    require(by, permissions.PUBLISH_STATEMENT)
    row = _locked(session, statement_id)
    if row is None:
        raise StatementNotFound
    _require_idle(session, row)
    _overtake_objections(session, row, now)
    _write_revision(session, keys, row, lines, _checked(reason), now)
    return row.revision


def object_to_statement(
    session: WriteSession, keys: HomeKeys, *, statement_id: UUID, revision: int, text: str, by: Actor, now: datetime
) -> UUID:
    """Object as the licensor or as a payee of the revision that stands; return the objection's id.

    The licensor's goes to StatementLedger under its key, and waits where only the licensor has that; of a payee's, whom
    that contract does not know, the operator anchors the digest. Raises Forbidden, StatementNotFound, OtherRevision,
    StatementBusy, BadStatement.
    """
    require(by, permissions.OBJECT, organisation_id=by.organisation_id)
    house, row = require_organisation(by), _locked(session, statement_id)
    if row is None or not _is_concerned(session, row, house):
        raise StatementNotFound
    if revision != row.revision:
        raise OtherRevision
    _require_idle(session, row)
    objection_id, said = new_id(), _checked(text)
    salt = keys.salt(f"objection:{objection_id}")
    grounds = commitment_to(salt, said.encode())
    act: SignedAct = AnchorRoot(UNSIGNED, root_of([grounds]), 1, OBJECTION_ANCHOR)
    if house == row.licensor_id:
        act = Objection(UNSIGNED, org_key(house), row.period, revision, grounds)
    signer = house if house == row.licensor_id else OPERATOR
    entry_id = record_entry(session, EntryKind.STATEMENT, row.id, write_act(act, [signer]), now)
    session.add(
        ObjectionRow(
            id=objection_id, statement_id=row.id, revision=revision, organisation_id=house, person_id=by.person_id,
            text=said, salt=salt, entry_id=entry_id, at=now,
        )
    )  # fmt: skip
    session.flush()
    return objection_id


def statement_confirmed(session: WriteSession, entry: EntryRow, _time: int) -> None:
    """Count an objection as the contract does; what was published stands already."""
    if entry.args["act"] == Objection.__name__:
        row = session.get_one(StatementRow, entry.subject_id, with_for_update=True, populate_existing=True)
        row.objections += 1


def statement_refused(session: WriteSession, entry: EntryRow) -> None:
    """Take back what the ledger refused: an objection, a revision with its lines, or the whole statement."""
    session.connection().execute(sa.delete(ObjectionRow).where(col(ObjectionRow.entry_id) == entry.id))
    revision = session.exec(select(StatementRevisionRow).where(StatementRevisionRow.entry_id == entry.id)).first()
    if revision is None:
        return
    row = session.get_one(StatementRow, entry.subject_id, with_for_update=True, populate_existing=True)
    session.connection().execute(sa.delete(StatementLineRow).where(col(StatementLineRow.revision_id) == revision.id))
    session.delete(revision)
    session.flush()
    row.revision = revision.number - 1
    if row.revision == 0:
        session.delete(row)


def tree_of(lines: Sequence[StatementLineRow]) -> SumTree:
    """Return the tree over the lines of a revision, in their order."""
    return build_tree([Line(one.payee_id, one.fen, line_salt(one.label_salt, one.label)) for one in lines])


def lines_of(session: ReadSession, *, revision_id: UUID) -> Sequence[StatementLineRow]:
    """Return every line of a revision in its order, unchecked."""
    return session.exec(
        select(StatementLineRow)
        .where(StatementLineRow.revision_id == revision_id)
        .order_by(col(StatementLineRow.position))
    ).all()


def read_month(text: str, *, now: datetime) -> int:
    """Read a month as people write it (YYYY-MM) as YYYYMM. Raises BadStatement, also for one to come."""
    found = _MONTH.fullmatch(text)
    if found is None:
        raise BadStatement(N_("“{text}” is no month, written YYYY-MM."), text=text[:20])
    month, today = int(found[1] + found[2]), beijing_date(now)
    if month > today.year * 100 + today.month:
        raise BadStatement(N_("{text} is still to come."), text=text)
    return month


def write_month(period: int) -> str:
    """Undo `read_month`."""
    return f"{period // 100}-{period % 100:02d}"


def _write_revision(
    session: WriteSession, keys: HomeKeys, row: StatementRow, lines: Sequence[NewLine], reason: str, now: datetime
) -> None:
    """Keep lines as the next revision and record its entry."""
    _check_lines(session, lines)
    row.revision += 1
    revision_id = new_id()
    kept = [_line_row(keys, revision_id, place, line) for place, line in enumerate(lines)]
    try:
        tree = tree_of(kept)
    except StatementRefused as refusal:
        raise BadStatement(N_("These lines make no statement: {reason}."), reason=str(refusal)) from refusal
    salt = keys.salt(f"statement-total:{revision_id}")
    total = amount_commitment(tree.total_fen, salt)
    org = org_key(row.licensor_id)
    act: SignedAct = Publish(UNSIGNED, org, row.period, tree.root, total)
    if row.revision > 1:
        grounds = commitment_to(keys.salt(f"statement-reason:{revision_id}"), reason.encode())
        act = Revise(UNSIGNED, org, row.period, row.revision, tree.root, total, grounds)
    entry_id = record_entry(session, EntryKind.STATEMENT, row.id, write_act(act, [OPERATOR]), now)
    session.add(
        StatementRevisionRow(
            id=revision_id, statement_id=row.id, number=row.revision, root=tree.root, total_fen=tree.total_fen,
            total_salt=salt, reason=reason, entry_id=entry_id, at=now,
        )
    )  # fmt: skip
    session.flush()
    session.add_all(kept)
    session.flush()


def _line_row(keys: HomeKeys, revision_id: UUID, place: int, line: NewLine) -> StatementLineRow:
    payee_id, label, fen = line
    line_id = new_id()
    return StatementLineRow(
        id=line_id, revision_id=revision_id, position=place, payee_id=payee_id, label=label.strip(), fen=fen,
        label_salt=keys.salt(f"statement-line:{line_id}"),
    )  # fmt: skip


def _check_lines(session: ReadSession, lines: Sequence[NewLine]) -> None:
    if not 0 < len(lines) <= _MAX_LINES:
        raise BadStatement(N_("A statement has 1 to {count} lines."), count=_MAX_LINES)
    for _, label, fen in lines:
        if not 0 < len(label.strip()) <= _MAX_LABEL or not 0 <= fen <= _MAX_FEN:
            raise BadStatement(N_("A line has a label and an amount in fen, not negative."))
    counts = Counter(payee for payee, _, _ in lines)
    _require_parties(session, set(counts))
    if twice := {payee for payee, count in counts.items() if count > 1}:
        names = party_names(session, organisation_ids=twice, language="zh")
        raise BadStatement(
            N_("{houses} has two lines: put all that a house gets into one."), houses="、".join(sorted(names.values()))
        )


def _require_parties(session: ReadSession, ids: set[UUID]) -> None:
    if len(party_names(session, organisation_ids=ids, language="zh")) != len(ids):
        raise PartyNotFound


def _locked(session: WriteSession, statement_id: UUID) -> StatementRow | None:
    return session.get(StatementRow, statement_id, with_for_update=True, populate_existing=True)


def _require_idle(session: ReadSession, row: StatementRow) -> None:
    waiting = select(EntryRow.id).where(EntryRow.subject_id == row.id, EntryRow.state == EntryState.RECORDED)
    if session.exec(waiting).first() is not None:
        raise StatementBusy


def _overtake_objections(session: WriteSession, row: StatementRow, now: datetime) -> None:
    statement = select(EntryRow).where(EntryRow.subject_id == row.id, EntryRow.state == EntryState.UNSIGNED)
    for entry in session.exec(statement.with_for_update()).all():
        overtake(session, entry, now=now)


def _is_concerned(session: ReadSession, row: StatementRow, house: UUID) -> bool:
    """Say whether a house is the licensor or has a line in the revision that stands."""
    own = (
        select(StatementLineRow.id)
        .join(StatementRevisionRow, col(StatementRevisionRow.id) == col(StatementLineRow.revision_id))
        .where(
            StatementRevisionRow.statement_id == row.id, StatementRevisionRow.number == row.revision,
            StatementLineRow.payee_id == house,
        )
    )  # fmt: skip
    return house == row.licensor_id or session.exec(own).first() is not None


def _checked(text: str) -> str:
    said = text.strip()
    if not 0 < len(said) <= _MAX_TEXT:
        raise BadStatement(N_("Say why, in at most {count} characters."), count=_MAX_TEXT)
    return said
