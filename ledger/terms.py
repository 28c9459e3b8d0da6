"""Until when an act is of use: the terms of the contracts that end before a house's seven days to sign do."""

from asset_hub.core.db import ReadSession
from ledger.carried import read_act
from ledger.case_models import CaseRow
from ledger.disputes import LEAST_TERM_SECONDS, Appeal, Decide, OpenCase, Respond
from ledger.grants import Words, read_words
from ledger.models import EntryRow, GrantRow
from ledger.settlements import OpenOrder
from ledger.types import EntryKind

_LAPSES = (1 << 40) - 1


def end_of_term(session: ReadSession, entry: EntryRow) -> int | None:
    """Return the last second (unix) at which the contract may still take an entry, None where no term ends it.

    A dispute leaves its respondent seven days from the block, and a decision as many for an appeal; an answer and an
    appeal have the term of the dispute; an order is opened before its time to pay ends, a hold recorded before it
    lapses, and a licence out of a hold likewise.
    Until then no licence beside the hold is possible either: to the contract the hold is in its way.
    """
    kind = EntryKind(entry.kind)
    if kind == EntryKind.GRANT and (hold := entry.args.get("hold")) is not None:
        return lapse_of(read_words(session.get_one(GrantRow, int(hold)).words)) - 1
    if kind == EntryKind.HOLD:
        return lapse_of(read_words(entry.args["words"])) - 1
    if kind not in (EntryKind.CASE, EntryKind.ORDER):
        return None
    act = read_act(entry.args, entry.op_id)
    if isinstance(act, OpenCase):
        return act.claim.respond_by - LEAST_TERM_SECONDS
    if isinstance(act, Decide) and act.appeal_by:
        return act.appeal_by - LEAST_TERM_SECONDS
    if isinstance(act, Respond | Appeal):
        return session.get_one(CaseRow, entry.subject_id).due
    return act.pay_by - 1 if isinstance(act, OpenOrder) else None


def lapse_of(words: Words) -> int:
    """Return when a hold lapses, in unix seconds."""
    return words[2] >> 8 & _LAPSES
