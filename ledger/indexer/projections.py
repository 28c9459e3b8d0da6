"""What events say about works, organisations, keys, licences with their heads, and anchors.

One small function per event. An event without one is kept raw and changes nothing here. Whoever adds or changes a
function raises VERSION: an index made by another version is made again from its raw events (`reproject`).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlmodel import col, select

from asset_hub.core.db import ReadSession
from ledger.grants import Words, end_day, is_reservation
from ledger.index_models import AnchorView, GrantView, HeadView, KeyView, OrgView, WorkView
from ledger.indexer.changes import Changes, Entity

VERSION = 1
ENTITIES: tuple[Entity, ...] = (OrgView, KeyView, WorkView, GrantView, HeadView, AnchorView)
_ADMITTED = _ACTIVE = 1
_EXCLUSIVE_BITS = 3 | 8  # the kind, and a hold (GrantLedger.sol)
_LAPSES = (1 << 40) - 1
_LICENCE_BYTES = 10
_LONGEST = 2**63 - 1
_BEIJING_SECONDS = 8 * 3600
_DAY_SECONDS = 86_400


class Happened(NamedTuple):
    """An event at its place in the chain; `time` is its block's, in unix seconds."""

    members: dict[str, Any]
    block_number: int
    log_index: int
    time: int


Projection = Callable[[Changes, Happened], None]
PROJECTIONS: dict[tuple[str, str], Projection] = {}


def projects(contract: str, event: str) -> Callable[[Projection], Projection]:
    """Register the function that projects an event of a contract."""

    def register(function: Projection) -> Projection:
        PROJECTIONS[contract, event] = function
        return function

    return register


@projects("OrgRegistry", "OrgAdmitted")
def _org_admitted(changes: Changes, event: Happened) -> None:
    changes.put(
        OrgView, event.members["org"], status=_ADMITTED, credential=event.members["credential"],
        block_number=event.block_number,
    )  # fmt: skip


@projects("OrgRegistry", "OrgStatusChanged")
def _org_status_changed(changes: Changes, event: Happened) -> None:
    changes.update(OrgView, event.members["org"], status=event.members["status"], block_number=event.block_number)


@projects("OrgRegistry", "KeyAdded")
def _key_added(changes: Changes, event: Happened) -> None:
    changes.put(
        KeyView, event.members["key"], org=event.members["org"], valid_from=_time(event.members["validFrom"]),
        valid_until=_time(event.members["validUntil"]) or None, block_number=event.block_number,
    )  # fmt: skip


@projects("OrgRegistry", "KeyRetired")
def _key_retired(changes: Changes, event: Happened) -> None:
    valid_until = _time(event.members["validUntil"])
    changes.update(KeyView, event.members["key"], valid_until=valid_until, block_number=event.block_number)


@projects("WorkRegistry", "WorkRegistered")
def _work_registered(changes: Changes, event: Happened) -> None:
    changes.put(
        WorkView, event.members["work"], registrar=event.members["registrar"], commitment=event.members["statement"],
        status=_ACTIVE, revision=1, block_number=event.block_number,
    )  # fmt: skip


@projects("WorkRegistry", "WorkAmended")
def _work_amended(changes: Changes, event: Happened) -> None:
    changes.update(
        WorkView, event.members["work"], commitment=event.members["statement"], revision=event.members["revision"],
        block_number=event.block_number,
    )  # fmt: skip


@projects("WorkRegistry", "WorkStatusChanged")
def _work_status_changed(changes: Changes, event: Happened) -> None:
    changes.update(WorkView, event.members["work"], status=event.members["status"], block_number=event.block_number)


@projects("AnchorRegistry", "Anchored")
def _anchored(changes: Changes, event: Happened) -> None:
    changes.put(
        AnchorView, event.members["root"], leaf_count=event.members["count"], kind=event.members["kind"],
        time=event.time, block_number=event.block_number,
    )  # fmt: skip


@projects("GrantLedger", "Reserved")
@projects("GrantLedger", "Granted")
def _granted(changes: Changes, event: Happened) -> None:
    members = event.members
    is_exclusive = members["w3"] & _EXCLUSIVE_BITS != 0
    changes.put(
        GrantView, members["licence"].to_bytes(_LICENCE_BYTES, "big"), work=members["work"],
        licensor=members["licensor"], licensee=members["licensee"], terms=members["terms"],
        word1=_word(members["w1"]), word2=_word(members["w2"]), word3=_word(members["w3"]),
        is_exclusive=is_exclusive, log_index=event.log_index, ended_at=None, block_number=event.block_number,
    )  # fmt: skip
    changed = {"exclusive_time": event.time} if is_exclusive else {}
    changes.merge(
        HeadView, members["work"], fresh={"exclusive_time": None}, exclusive_head=members["exclusiveHead"],
        non_exclusive_head=members["nonExclusiveHead"], block_number=event.block_number, **changed,
    )  # fmt: skip


@projects("GrantLedger", "Confirmed")
def _confirmed(changes: Changes, event: Happened) -> None:
    _end(changes, event, event.members["reservation"])


@projects("GrantLedger", "Terminated")
def _terminated(changes: Changes, event: Happened) -> None:
    _end(changes, event, event.members["licence"])


def _end(changes: Changes, event: Happened, licence: int) -> None:
    changes.update(
        GrantView, licence.to_bytes(_LICENCE_BYTES, "big"), ended_at=event.time, block_number=event.block_number
    )


def lists_of(session: ReadSession, *, network: int, work: bytes) -> tuple[list[Words], list[Words]]:
    """Return the lists behind the two heads of a work, in the order of the chain: exclusives, non-exclusives.

    An exclusive leaves its list when another comes after its last day, or after the hold has lapsed (GrantLedger,
    `_append`). After a `compact`, which this version never sends, the lists are longer than the heads'.
    """
    head = session.get(HeadView, (network, work))
    rows = session.exec(
        select(GrantView)
        .where(GrantView.network == network, GrantView.work == work)
        .order_by(col(GrantView.block_number), col(GrantView.log_index))
    ).all()
    exclusives = [_words(row) for row in rows if row.is_exclusive]
    if head is not None and head.exclusive_time is not None:
        *earlier, newest = exclusives
        exclusives = [words for words in earlier if not _has_left(words, head.exclusive_time)] + [newest]
    return exclusives, [_words(row) for row in rows if not row.is_exclusive]


def _has_left(words: Words, time: int) -> bool:
    return end_day(words) <= _day(time) or (is_reservation(words) and words[2] >> 8 & _LAPSES <= time)


def _words(row: GrantView) -> Words:
    first, second, third = (int.from_bytes(word, "big") for word in (row.word1, row.word2, row.word3))
    return first, second, third


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _day(time: int) -> int:
    return (time + _BEIJING_SECONDS) // _DAY_SECONDS


def _time(seconds: int) -> int:
    """Keep a time that the database can hold; the contracts' largest mean "for ever"."""
    return min(int(seconds), _LONGEST)
