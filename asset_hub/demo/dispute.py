"""The dispute of the walk: opened by one house, answered by the other, decided, appealed, decided for good, closed."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from asset_hub.accounts import Actor
from asset_hub.catalogue import AssetView
from asset_hub.core import clock
from asset_hub.core.db import Database
from asset_hub.core.errors import RuleRefused
from asset_hub.core.text import N_, Text
from ledger.case_views import CaseView, get_case, list_cases, steps_of
from ledger.cases import answer_case, appeal_case, close_case, decide_case, open_case
from ledger.disputes import CaseState
from ledger.signing import HomeKeys

_TITLE = "片中旁白是谁写的 Who wrote the narration"
_CLAIM = "旁白稿由本会整理，片尾未署名。 Our society prepared the narration; the credits do not name us."
_ANSWER = "旁白稿依据本馆 1986 年采访记录写成。 The narration follows this archive's interviews of 1986."
_FIRST = "片尾应署两家之名；权利归属不变。 The credits shall name both houses; the title stays as it is."
_APPEAL = "请求再看采访记录的日期。 Please look at the date of the interviews again."
_LAST = "日期属实，维持原决定。 The date is right; the decision stands."
_CLOSED = "片尾已更正，双方确认。 The credits were corrected and both sides have seen them."


@dataclass(frozen=True, slots=True)
class Parties:
    """Who takes part."""

    claimant: Actor
    respondent: Actor
    authority: Actor
    operator: Actor


def settle_dispute(
    database: Database, keys: HomeKeys, run_jobs: Callable[[], int], *, asset: AssetView, parties: Parties
) -> tuple[Text, UUID, int]:
    """Walk one dispute to its end, each step confirmed before the next; return what is said, its id, how many steps.

    A dispute that an earlier walk began is taken up where it stands.
    """
    case = _begun(database, asset, parties.claimant)
    if case is None:
        with database.write() as session:
            case_id = open_case(
                session, keys, asset_id=asset.id, title=_TITLE, text=_CLAIM, by=parties.claimant, now=clock.now()
            )
    else:
        case_id = case.id
    run_jobs()
    while (state := _stands(database, case_id, parties.operator)) != CaseState.CLOSED:
        _take_next(database, keys, case_id, state, parties)
        run_jobs()
        if _stands(database, case_id, parties.operator) == state:
            raise RuleRefused("the ledger refused a step of the dispute")
    with database.read() as session:
        steps = steps_of(session, case=get_case(session, case_id=case_id, by=parties.operator))
    said = N_("“{title}”: opened, answered, decided, appealed, decided for good, closed; the ledger has digests only")
    return Text(said, {"title": asset.title("zh")}), case_id, len(steps)


def _take_next(database: Database, keys: HomeKeys, case_id: UUID, state: CaseState, parties: Parties) -> None:
    now = clock.now()
    with database.write() as session:
        if state == CaseState.OPEN:
            answer_case(session, keys, case_id=case_id, text=_ANSWER, by=parties.respondent, now=now)
        elif state in (CaseState.ANSWERED, CaseState.APPEALED):
            text = _FIRST if state == CaseState.ANSWERED else _LAST
            decide_case(session, keys, case_id=case_id, text=text, by=parties.authority, now=now)
        elif state == CaseState.DECIDED:
            appeal_case(session, keys, case_id=case_id, text=_APPEAL, by=parties.claimant, now=now)
        else:
            close_case(session, keys, case_id=case_id, text=_CLOSED, by=parties.operator, now=now)


def _begun(database: Database, asset: AssetView, claimant: Actor) -> CaseView | None:
    with database.read() as session:
        cases = list_cases(session, by=claimant).cases
    return next((one for one in cases if one.asset_id == asset.id and one.state != CaseState.NONE), None)


def _stands(database: Database, case_id: UUID, by: Actor) -> CaseState:
    with database.read() as session:
        return get_case(session, case_id=case_id, by=by).state
