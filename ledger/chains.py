"""The chain that a home records on: what ASSET_HUB_CHAIN_URL names, opened when it is needed.

A network is connected with anew each time. An anvil of our own forgets, so one child lives as long as the process and
is filled from the journal; should it ever disagree with the journal it is thrown away, because the journal counts.
"""

import atexit
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from sqlmodel import select

from asset_hub.core.db import Database, ReadSession
from asset_hub.core.text import N_
from ledger.engine import EMBEDDED, NETWORK, ChainTerms, parse_chain_url, replay_blocks
from ledger.errors import ChainUnavailable, JournalBroken, WrongChain
from ledger.health import Lack, NodeFacts
from ledger.indexer.sources import LogSource
from ledger.models import ChainRow
from ledger.network import NetworkEngine, read_facts
from ledger.rpc import Rpc
from ledger.signing import HomeKeys
from ledger.sites import find_site

_PATIENCE_S, _NODE_S, _FRESH_S = 2.0, 5.0, 2.0


class Chain:
    """Opens the chain of a home. Raises BadChainUrl for a setting that names none."""

    def __init__(self, url: str, keys: HomeKeys) -> None:
        self.url = parse_chain_url(url)
        self.keys = keys
        self._lock = threading.RLock()
        self._child: NetworkEngine | None = None
        self._running = ExitStack()
        self._filled = 0
        self._asker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chain-facts")
        self._asking = threading.Lock()
        self._asked: Future[NodeFacts] | None = None
        self._asked_at = 0.0

    @property
    def is_embedded(self) -> bool:
        return self.url.engine == EMBEDDED

    def require_own(self, session: ReadSession) -> None:
        """Refuse a home whose ledger began on another engine. Raises WrongChain."""
        row = session.exec(select(ChainRow)).first()
        began = row.engine if row else EMBEDDED if find_site(session) else self.url.engine
        if began != self.url.engine:
            raise WrongChain(
                N_("This home records on another ledger ({began}); ASSET_HUB_CHAIN_URL says {wanted}."),
                began=began, wanted=self.url.engine, members={"began": began, "wanted": self.url.engine},
            )  # fmt: skip

    @contextmanager
    def opened(self, database: Database) -> Iterator[NetworkEngine]:
        """Connect with the network, or with anvil as full as the journal. Raises ChainUnavailable, WrongChain."""
        if self.url.engine == NETWORK:
            with NetworkEngine.connect(self.url) as engine:
                yield engine
            return
        with self._lock:
            try:
                yield self._filled_anvil(database)
            except JournalBroken as error:
                self.close()
                raise ChainUnavailable from error

    def facts(self, *, within_s: float = _PATIENCE_S) -> NodeFacts | None:
        """Ask the network how it is and wait no longer than that; None for a chain without nodes of others.

        A node that has not answered by then counts as one that does not; asked again, the same question is waited for.
        """
        if not self.url.nodes:
            return None
        with self._asking:
            if self._asked is None or (self._asked.done() and time.monotonic() - self._asked_at > _FRESH_S):
                self._asked, self._asked_at = self._asker.submit(self._ask), time.monotonic()
            asked = self._asked
        try:
            return asked.result(within_s)
        except TimeoutError:
            silent = (Lack.ANSWER,)
            return NodeFacts(self.url.chain_id or 0, "", str(self.url.finality), None, lacks=silent)

    def _ask(self) -> NodeFacts:
        rpc = Rpc(self.url.nodes, timeout_s=_NODE_S)
        try:
            terms = ChainTerms(self.url.engine, self.url.chain_id or 0, self.url.gas_price, self.url.finality)
            return read_facts(NetworkEngine(rpc, terms))
        finally:
            rpc.close()

    @contextmanager
    def source(self, database: Database) -> Iterator[LogSource]:
        """Open what the index follows."""
        from ledger.indexer.embedded import EmbeddedSource
        from ledger.indexer.rpc import RpcSource

        if self.is_embedded:
            yield EmbeddedSource(database)
            return
        with self.opened(database) as engine:
            source = RpcSource(engine.rpc, finality=self.url.finality, checks=self.url.checks)
            yield source

    def close(self) -> None:
        """End the child, if there is one."""
        self._running.close()
        self._child, self._filled = None, 0

    def _filled_anvil(self, database: Database) -> NetworkEngine:
        from ledger.anvil import opened_anvil
        from ledger.replay import journal_blocks
        from ledger.submit import endowed_accounts

        if self._child is None:
            opening = opened_anvil(self.url, endowed=endowed_accounts(self.keys), blocks=[])
            self._child = self._running.enter_context(opening)
            atexit.register(self.close)
        with database.read() as session:
            blocks = journal_blocks(session, after=self._filled)
        replay_blocks(self._child, blocks)
        self._filled = blocks[-1].number if blocks else self._filled
        return self._child
