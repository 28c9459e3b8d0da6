"""How the ledger is: its head, what waits, where the contracts are, who operates it and changes of that, its gas.

Of a network also how far the head is behind, who must be up for it to go on, and what its node lacks.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, func, select

from asset_hub.core.db import ReadSession
from asset_hub.core.text import N_, Text
from ledger.chain import CHAIN_ID
from ledger.engine import EMBEDDED, INSTANT, NETWORK, BlockHead
from ledger.handed import role_slot
from ledger.house_keys import count_keepers
from ledger.key_models import SignatureRow
from ledger.models import BlockRow, ChainRow, EntryRow, JournalRow
from ledger.nonces import OutboxRow, OutboxState
from ledger.office_keys import HANDED_OVER, announced_times
from ledger.office_views import describe_coming
from ledger.signing import HomeKeys
from ledger.sites import find_site
from ledger.types import CustodyKind, EntryKind, EntryState
from ledger.vault import speaking

STALLED_AFTER = timedelta(minutes=10)
STALLED_PERIODS = 10
_SHORTEST_STALL = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Head:
    """The last block."""

    number: int
    hash: str
    time: datetime


@dataclass(frozen=True, slots=True)
class GasOfAct:
    """What acts of one kind used: how many, on average, at most."""

    kind: EntryKind
    count: int
    average: int
    largest: int


@dataclass(frozen=True, slots=True)
class Unsigned:
    """What waits for signatures of keys that are not the exchange's: how much, since when, of which houses.

    `of_authority` of them wait for the authority's key; `unconfirmed` waits for nothing but a second person.
    """

    count: int
    since: datetime | None
    houses: tuple[UUID, ...]
    unconfirmed: int = 0
    of_authority: int = 0

    def hours(self, now: datetime) -> int:
        """Return for how many whole hours the oldest has waited."""
        return int((now - self.since).total_seconds()) // 3600 if self.since else 0


@dataclass(frozen=True, slots=True)
class Health:
    """The ledger at a moment; `head` and `genesis` are None before the first entry.

    `changes` are the times (unix seconds) at which announced changes of keys and roles are carried out.
    """

    engine: str
    chain_id: int
    genesis: str | None
    head: Head | None
    transactions: int
    waiting: int
    confirmed: int
    refused: int
    waits_since: datetime | None
    contracts: tuple[tuple[str, str], ...]
    operator: str
    relayer: str
    administrator: str
    gas: tuple[GasOfAct, ...]
    unsigned: Unsigned
    keepers: Mapping[CustodyKind, int]
    changes: tuple[int, ...] = ()
    finality: str = "instant"
    node: "NodeFacts | None" = None
    outbox: "OutboxFacts | None" = None

    @property
    def is_begun(self) -> bool:
        """Say whether this home records on a chain already."""
        return self.genesis is not None

    def is_stalled(self, now: datetime) -> bool:
        """Say whether something has waited longer than a block ever takes, or the network's head stands still."""
        if self.node is not None and self.node.is_stalled(now):
            return True
        return self.waits_since is not None and now - self.waits_since > STALLED_AFTER


class Lack(StrEnum):
    """What a connected node cannot do, and we would want."""

    ANSWER = "answer"
    CHAIN_ID = "chain-id"
    METHODS = "methods"
    HISTORY = "history"
    FINALIZED = "finalized"
    SYNC = "sync"
    HEADERS = "headers"


LACKS: dict[Lack, str] = {
    Lack.ANSWER: N_("No node of the network answers."),
    Lack.CHAIN_ID: N_("The node says chain id 0: signatures would count on any chain. Set its chain id."),
    Lack.METHODS: N_("The node does not know {methods}."),
    Lack.HISTORY: N_("The node does not keep earlier states: reads at an earlier block fail."),
    Lack.FINALIZED: N_("The node knows no finalized block: the finality rule must be instant or depth:N."),
    Lack.SYNC: N_("The node is still catching up with the network."),
    Lack.HEADERS: N_("Its blocks are hashed by other rules: licences are recorded, certificates cannot be made."),
}


@dataclass(frozen=True, slots=True)
class Quorum:
    """How many validators there are, how many must be up, and how many this node is connected with (itself too)."""

    validators: int
    needed: int
    connected: int | None


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A node of a network at a moment; None is what it does not tell. `period` is measured over the last blocks."""

    chain_id: int
    client: str
    finality: str
    head: BlockHead | None
    period: timedelta | None = None
    peers: int | None = None
    quorum: Quorum | None = None
    lacks: tuple[Lack, ...] = ()
    methods: tuple[str, ...] = ()

    def age(self, now: datetime) -> timedelta | None:
        """Return how old the newest block is, never less than nothing."""
        if self.head is None:
            return None
        return max(timedelta(), now - datetime.fromtimestamp(self.head.time, UTC))

    def is_stalled(self, now: datetime) -> bool:
        """Say whether no node answers or the head is older than ten block periods (never under ten seconds)."""
        age = self.age(now)
        if age is None:
            return True
        return self.period is not None and age > max(STALLED_PERIODS * self.period, _SHORTEST_STALL)


@dataclass(frozen=True, slots=True)
class OutboxFacts:
    """What is on its way to a network: `reason` is the node's text for the oldest that it refused."""

    open: int
    displaced: int
    oldest: datetime | None
    reason: str


def read_outbox(session: ReadSession, *, chain_id: int) -> OutboxFacts:
    """Return what is on its way to a network."""
    states = dict(
        session.exec(
            select(OutboxRow.state, func.count()).where(OutboxRow.chain_id == chain_id).group_by(OutboxRow.state)
        ).all()
    )
    is_open = (OutboxRow.chain_id == chain_id, col(OutboxRow.state).in_((OutboxState.WAITING, OutboxState.SENT)))
    oldest = session.exec(select(func.min(OutboxRow.created_at)).where(*is_open)).one()
    refused = (
        select(OutboxRow.reason)
        .where(OutboxRow.chain_id == chain_id, OutboxRow.state == OutboxState.WAITING, OutboxRow.reason != "")
        .order_by(col(OutboxRow.number))
        .limit(1)
    )
    return OutboxFacts(
        open=states.get(OutboxState.WAITING, 0) + states.get(OutboxState.SENT, 0),
        displaced=states.get(OutboxState.DISPLACED, 0), oldest=oldest, reason=session.exec(refused).first() or "",
    )  # fmt: skip


def describe_node(node: NodeFacts, *, now: datetime) -> Iterator[Text]:
    """Say in plain words how a network is, the worst first."""
    age = node.age(now)
    if age is not None and node.is_stalled(now):
        yield Text(
            N_("The head stands still: the last block is {seconds} s old."), {"seconds": int(age.total_seconds())}
        )
    if node.quorum is not None and node.quorum.connected is not None and node.quorum.connected < node.quorum.needed:
        yield Text(
            N_("Too few validators: {connected} of {validators} are connected, {needed} are needed."),
            {
                "connected": node.quorum.connected, "validators": node.quorum.validators, "needed": node.quorum.needed,
            },
        )  # fmt: skip
    for lack in node.lacks:
        yield Text(LACKS[lack], {"methods": ", ".join(node.methods)})
    if node.head is not None:
        yield Text(
            N_("Block {number}, {lag} blocks above the last final one (finality: {finality})."),
            {"number": node.head.number, "lag": node.head.number - node.head.final, "finality": node.finality},
        )


def describe_outbox(outbox: OutboxFacts) -> Iterator[Text]:
    """Say in plain words what is on its way and what keeps it; nothing when nothing is."""
    if outbox.open:
        yield Text(N_("{count} transactions are on their way."), {"count": outbox.open})
    if outbox.reason:
        yield Text(N_("The node takes one of them not: {reason}"), {"reason": outbox.reason[:200]})
    if outbox.displaced:
        yield Text(
            N_("{count} transactions were displaced by others with the same key: see “asset-hub ledger relay --anew”."),
            {"count": outbox.displaced},
        )


def describe_health(health: Health, *, now: datetime) -> Iterator[Text]:
    """Say what the ledger's operator must know; nothing where there is nothing."""
    yield from describe_network(health, now=now)
    yield from describe_authority(health)
    yield from describe_changes(health, now=now)


def describe_authority(health: Health) -> Iterator[Text]:
    """Say how much waits for the authority's own key; nothing where nothing does."""
    if health.unsigned.of_authority:
        count = health.unsigned.of_authority
        yield Text(N_("What waits for the authority’s signature: {count}."), {"count": count})


def describe_changes(health: Health, *, now: datetime) -> Iterator[Text]:
    """Say when who has which role changes, as far as it is announced, or since when it is overdue."""
    for time in health.changes:
        yield describe_coming(time, now=now)


def describe_network(health: Health, *, now: datetime) -> Iterator[Text]:
    """Say what a network's operator must know; nothing for the embedded chain."""
    if health.node is not None:
        served = health.node.chain_id
        if health.node.head is not None and health.is_begun and served != health.chain_id:
            yield Text(
                N_("The node serves chain {served}, and this exchange records on chain {expected}: nothing is sent."),
                {"served": served, "expected": health.chain_id},
            )
        yield from describe_node(health.node, now=now)
    if health.outbox is not None:
        yield from describe_outbox(health.outbox)


def read_health(session: ReadSession, keys: HomeKeys, *, node: NodeFacts | None = None) -> Health:
    """Return how the ledger is now; a fixed number of queries. `node` is what a network said of itself."""
    chain = session.exec(select(ChainRow)).first()
    chain_id = chain.chain_id if chain else node.chain_id if node else CHAIN_ID
    states = dict(session.exec(select(EntryRow.state, func.count()).group_by(EntryRow.state)).all())
    oldest = select(func.min(EntryRow.created_at)).where(EntryRow.state == EntryState.RECORDED)
    genesis, site, speaks = session.get(BlockRow, 0), find_site(session), speaking(session, keys)
    return Health(
        engine=chain.engine if chain else NETWORK if node else EMBEDDED, chain_id=chain_id, node=node,
        finality=node.finality if node else str(INSTANT),
        outbox=read_outbox(session, chain_id=chain_id) if chain else None,
        genesis=genesis.hash.hex() if genesis else None,
        head=_head(session),
        transactions=session.exec(select(func.count()).select_from(JournalRow)).one(),
        waiting=states.get(EntryState.RECORDED, 0), confirmed=states.get(EntryState.CONFIRMED, 0),
        refused=states.get(EntryState.REFUSED, 0), waits_since=session.exec(oldest).one(),
        contracts=tuple(sorted((name, f"0x{at.hex()}") for name, at in site.addresses.items())) if site else (),
        operator=f"0x{speaks.operator.address.hex()}", relayer=f"0x{speaks.relayer.address.hex()}",
        administrator=f"0x{speaks.admin.address.hex()}", gas=_gas(session), unsigned=read_unsigned(session),
        keepers=count_keepers(session), changes=announced_times(session),
    )  # fmt: skip


def read_unsigned(session: ReadSession) -> Unsigned:
    """Return what waits for signatures of houses and of the authority, and how much for a second person alone."""
    is_waiting = EntryRow.state == EntryState.UNSIGNED
    unsigned = select(SignatureRow.entry_id).where(col(SignatureRow.signature).is_(None))
    lacks = col(EntryRow.id).in_(unsigned)
    count, since = session.exec(select(func.count(), func.min(EntryRow.created_at)).where(is_waiting, lacks)).one()
    unconfirmed = session.exec(select(func.count()).where(is_waiting, ~lacks)).one()
    lacking = (is_waiting, col(EntryRow.id) == col(SignatureRow.entry_id), col(SignatureRow.signature).is_(None))
    slots = [role_slot(role) for role in HANDED_OVER]
    is_authoritys = sa.or_(col(EntryRow.kind) == EntryKind.ROLE, col(SignatureRow.slot).in_(slots))
    missing = (
        select(SignatureRow.organisation_id, func.min(EntryRow.number))
        .where(*lacking, ~is_authoritys)
        .group_by(col(SignatureRow.organisation_id))
        .order_by(func.min(EntryRow.number))
    )
    houses = tuple(house for house, _number in session.exec(missing))
    of_authority = session.exec(select(func.count(func.distinct(EntryRow.id))).where(*lacking, is_authoritys)).one()
    return Unsigned(count, since, houses, unconfirmed, of_authority)


def _head(session: ReadSession) -> Head | None:
    row = session.exec(select(BlockRow).order_by(col(BlockRow.number).desc()).limit(1)).first()
    return Head(row.number, row.hash.hex(), datetime.fromtimestamp(row.time, UTC)) if row else None


def _gas(session: ReadSession) -> tuple[GasOfAct, ...]:
    statement = (
        select(EntryRow.kind, func.count(), func.avg(JournalRow.gas_used), func.max(JournalRow.gas_used))
        .join(JournalRow, col(JournalRow.tx_hash) == col(EntryRow.tx_hash))
        .where(JournalRow.status == 1)
        .group_by(EntryRow.kind)
    )
    found = {EntryKind(kind): GasOfAct(EntryKind(kind), count, round(average), largest)
             for kind, count, average, largest in session.exec(statement)}  # fmt: skip
    return tuple(found[kind] for kind in EntryKind if kind in found)
