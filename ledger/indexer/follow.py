"""Follows a chain: extend while parent hashes match, else walk back, undo, and write the reorganisation down.

Nothing is fetched inside a write transaction; what was fetched is written only if the cursor has not moved since.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import NamedTuple, TypeVar

from sqlmodel import col, select

from asset_hub.core import clock
from asset_hub.core.db import Database
from asset_hub.core.log import get_logger
from asset_hub.core.text import N_
from ledger.errors import WrongChain
from ledger.index_models import ChainBlockRow
from ledger.indexer.decoding import Decoder
from ledger.indexer.errors import FinalityBroken, LogsDoNotFit, MethodMissing, SourceUnavailable
from ledger.indexer.sources import Header, Log, LogSource, check_delivered, check_headers, check_range
from ledger.indexer.store import NOWHERE, Contracts, append, check_cursor, finalise, find_cursor, open_cursor, revert

log = get_logger()
_FETCHED = TypeVar("_FETCHED")
_NEAR = 4


@dataclass(frozen=True, slots=True)
class Patience:
    """How often an answer is asked for again before it counts as the node's word, and how many blocks a step takes."""

    attempts: int = 4
    first_pause_seconds: float = 0.1
    blocks: int = 500


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the index stands; `head` is what the node said last, lower than `number` when the node is behind."""

    network: int
    number: int
    hash: bytes
    final: int
    head: int
    events: int
    reverts: int


class _Tip(NamedTuple):
    network: int
    number: int
    hash: bytes
    final: int


@dataclass(frozen=True, slots=True)
class Following:
    """One chain, one database, the contracts whose logs count. `prove_all` asks every block for its receipts."""

    database: Database
    source: LogSource
    contracts: Contracts
    name: str
    decoder: Decoder
    patience: Patience
    prove_all: bool = False

    @classmethod
    def start(
        cls, database: Database, source: LogSource, contracts: Contracts, *, patience: Patience | None = None,
        prove_all: bool = False,
    ) -> "Following":  # fmt: skip
        """Ask the source which chain it is."""
        chosen = patience or Patience()
        name = _patiently(chosen, source.network)
        return cls(database, source, contracts, name, Decoder(contracts.names), chosen, prove_all)


def follow(following: Following, *, until: int | None = None) -> Progress:
    """Bring the index to the node's head (or to block `until`). Idempotent; several may run at once.

    Raises SourceUnavailable, LogsDoNotFit, FinalityBroken, WrongChain, IndexOutdated or ProjectionBroken; what was
    written before stays, and is right.
    """
    events = reverts = 0
    while True:
        step = _step(following, until)
        events, reverts = events + step.events, reverts + step.reverts
        if step.is_done:
            tip = _tip(following)
            return Progress(tip.network, tip.number, tip.hash, tip.final, step.head, events, reverts)


def keep_following(following: Following, stop: Event, *, pause_seconds: float = 0.25) -> None:
    """Follow until `stop` is set; a node that is away for a while is waited for, every other reason ends it."""
    while not stop.is_set():
        try:
            follow(following)
        except SourceUnavailable as error:
            if not error.retryable:
                raise
            log.warning("ledger.chain_unavailable", network=following.name)
        stop.wait(pause_seconds)


class _Step(NamedTuple):
    is_done: bool
    head: int
    events: int = 0
    reverts: int = 0


def _step(following: Following, until: int | None) -> _Step:
    head, final = _patiently(following.patience, following.source.head)
    tip = _tip(following)
    target = head.number if until is None else min(head.number, until)
    if target <= tip.number:
        return _step_behind(following, tip, head, final)
    first = tip.number + 1
    last = min(target, tip.number + following.patience.blocks)
    last = min(last, final) if first <= final else last
    headers = _patiently(following.patience, partial(_headers_from, following, tip, last))
    if tip.number != NOWHERE and headers.pop(0).hash != tip.hash:
        return _walk_back(following, tip, head.number, start=tip.number)
    logs = _logs_of(following, headers, is_final=last <= final)
    events = _extend(following, tip, headers, logs, final)
    return _Step(events is not None and last == target, head.number, events=events or 0)


def _step_behind(following: Following, tip: _Tip, head: Header, final: int) -> _Step:
    """The node has nothing newer: it is late, or its chain is shorter than ours was."""
    if head.number > tip.number or _held(following, tip, head.number) == head.hash:
        _finalise(following, tip, min(final, head.number))
        return _Step(True, head.number)
    current = _patiently(following.patience, partial(_header_at, following, head.number))
    if current.hash == _held(following, tip, head.number):
        return _Step(True, head.number)
    return _walk_back(following, tip, head.number, start=head.number)


def _headers_from(following: Following, tip: _Tip, last: int) -> list[Header]:
    """Return the headers from the tip's number on, so that they show whether the tip is still in the chain."""
    first = max(tip.number, 0)
    headers = following.source.headers(first, last)
    check_headers(headers, first=first, last=last)
    return headers


def _logs_of(following: Following, headers: Sequence[Header], *, is_final: bool) -> list[Log]:
    """Return the checked logs of these blocks: far below the head by range, near it block by block."""
    source, checks = following.source, following.source.checks()

    def of_range() -> list[Log]:
        return check_range(headers, source.logs_between(headers[0].number, headers[-1].number), checks)

    def of_block(header: Header) -> list[Log]:
        return check_delivered(header, source.logs_of(header.hash), checks)

    if is_final and len(headers) > _NEAR and not following.prove_all:
        return _patiently(following.patience, of_range)
    return [log for header in headers for log in _patiently(following.patience, partial(of_block, header))]


def _header_at(following: Following, number: int) -> Header:
    headers = following.source.headers(number, number)
    if not headers:
        raise SourceUnavailable
    check_headers(headers, first=number, last=number)
    return headers[0]


def _extend(following: Following, tip: _Tip, headers: Sequence[Header], logs: Sequence[Log], final: int) -> int | None:
    """Write what was fetched; return how many events are ours, None when somebody else has moved the cursor."""
    with following.database.write() as session:
        cursor = open_cursor(session, following.name, following.contracts)
        if (cursor.number, cursor.hash) != (tip.number, tip.hash):
            return None
        certain = max(final, cursor.final)
        events = append(session, cursor, following.decoder, headers, logs, final=certain)
        finalise(session, cursor, following.decoder, final=final)
    return events


def _finalise(following: Following, tip: _Tip, final: int) -> None:
    if final <= tip.final:
        return
    with following.database.write() as session:
        cursor = open_cursor(session, following.name, following.contracts)
        if (cursor.number, cursor.hash) == (tip.number, tip.hash):
            finalise(session, cursor, following.decoder, final=final)


def _walk_back(following: Following, tip: _Tip, head: int, *, start: int) -> _Step:
    """Find the last block that both have, and undo what comes after it."""
    for number in range(start, NOWHERE, -1):
        held = _held(following, tip, number)
        if _patiently(following.patience, partial(_header_at, following, number)).hash == held:
            return _revert(following, tip, number, held, head)
        if number <= tip.final:
            raise FinalityBroken(
                N_("Block {number} is final here, and the node has another."), number=number,
                members={"network": following.name, "block": number},
            )  # fmt: skip
    raise WrongChain(N_("The node has another block 0."))


def _revert(following: Following, tip: _Tip, number: int, held: bytes, head: int) -> _Step:
    if number == tip.number:
        return _Step(False, head)
    with following.database.write() as session:
        cursor = open_cursor(session, following.name, following.contracts)
        if (cursor.number, cursor.hash) != (tip.number, tip.hash):
            return _Step(False, head)
        revert(session, cursor, to=number, to_hash=held, now=clock.now())
    log.info("ledger.chain_reorganised", network=following.name, from_number=tip.number, to_number=number)
    return _Step(False, head, reverts=1)


def _tip(following: Following) -> _Tip:
    with following.database.read() as session:
        cursor = find_cursor(session, following.name)
    if cursor is None:
        return _Tip(0, NOWHERE, b"", NOWHERE)
    check_cursor(cursor, following.contracts)
    return _Tip(cursor.network, cursor.number, cursor.hash, cursor.final)


def _held(following: Following, tip: _Tip, number: int) -> bytes:
    with following.database.read() as session:
        statement = select(ChainBlockRow.hash).where(
            ChainBlockRow.network == tip.network, col(ChainBlockRow.number) == number
        )
        return session.exec(statement).first() or b""


def _patiently(patience: Patience, fetch: Callable[[], _FETCHED]) -> _FETCHED:
    """Ask again when the node is away or contradicts itself; the last refusal counts."""
    for attempt in range(patience.attempts - 1):
        try:
            return fetch()
        except MethodMissing:
            raise
        except (SourceUnavailable, LogsDoNotFit):
            time.sleep(patience.first_pause_seconds * 2**attempt)
    return fetch()
