"""What the indexer's tests share: an anvil with emitters, and the index read back as a `State`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlmodel import SQLModel, select

from asset_hub.core.db import Database, ReadSession
from ledger.engine import parse_finality
from ledger.index_models import AnchorView, HeadView, KeyView, OrgView, WorkView
from ledger.indexer import Contracts, Following, Patience, RpcSource
from ledger.indexer.projections import lists_of
from ledger.rpc import Rpc
from tests.ledger.anvil_node import Anvil, running_anvil
from tests.ledger.emitter import SITE, STRANGER, Chronicle, Record, State, calls_of, program
from tests.services.anvil import require_anvil

DEPTH = 8
OURS = Contracts(SITE)
HURRY = Patience(attempts=3, first_pause_seconds=0.01)


@contextmanager
def emitting_anvil(folder: Path, *options: str) -> Iterator[Anvil]:
    """Start a node with an emitter at every register's address."""
    with running_anvil(require_anvil(), folder, *options) as node:
        for address in (*SITE, STRANGER):
            node.call("anvil_setCode", f"0x{address.hex()}", f"0x{program().hex()}")
        yield node


def mine(node: Anvil, chronicle: Chronicle, *, blocks: int = 1, events: int = 4) -> None:
    """Mine blocks with new events."""
    for _ in range(blocks):
        for to, data in calls_of(chronicle.add_block(events)):
            node.send(to, data)
        node.mine()


def reorganise(node: Anvil, chronicle: Chronicle, *, depth: int, events: int = 4) -> None:
    """Replace the last blocks by others."""
    chronicle.cut(depth)
    blocks = [chronicle.add_block(events) for _ in range(depth)]
    node.reorganise(depth, [(to, data, place) for place, block in enumerate(blocks) for to, data in calls_of(block)])


def following(
    database: Database, url: str, *, finality: str = f"depth:{DEPTH}", patience: Patience = HURRY
) -> Following:
    """Follow a node by its URL."""
    return Following.start(database, RpcSource(Rpc([url]), finality=parse_finality(finality)), OURS, patience=patience)


def make_database(path: Path) -> Database:
    """Make a SQLite file with every table."""
    made = Database(f"sqlite:///{path}")
    SQLModel.metadata.create_all(made.engine)
    return made


def read_state(session: ReadSession, *, network: int) -> State:
    """Read what the index says."""
    state = State()
    for org in session.exec(select(OrgView).where(OrgView.network == network)):
        state.orgs[org.org] = org.status
    for key in session.exec(select(KeyView).where(KeyView.network == network)):
        state.keys[key.address] = (key.org, key.valid_from, key.valid_until)
    for row in session.exec(select(WorkView).where(WorkView.network == network)):
        state.works[row.work] = (row.registrar, row.commitment, row.status, row.revision)
        state.grants[row.work] = lists_of(session, network=network, work=row.work)
        state.heads[row.work] = (b"\0" * 32, b"\0" * 32)
    for head in session.exec(select(HeadView).where(HeadView.network == network)):
        state.heads[head.work] = (head.exclusive_head, head.non_exclusive_head)
    for anchor in session.exec(select(AnchorView).where(AnchorView.network == network)):
        state.anchors[anchor.root] = anchor.leaf_count
    return state


def all_records(chronicle: Chronicle, *, blocks: int, events: int) -> list[list[Record]]:
    """Add blocks to a chronicle; return their logs."""
    return [chronicle.add_block(events) for _ in range(blocks)]
