"""The chain that a home records on: what ASSET_HUB_CHAIN_URL names, opened when it is needed.

A network is connected with anew each time. An anvil of our own forgets, so one child lives as long as the process and
is filled from the journal; should it ever disagree with the journal it is thrown away, because the journal counts.
"""

import atexit
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sqlmodel import select

from asset_hub.core.db import Database, ReadSession
from asset_hub.core.text import N_
from ledger.engine import EMBEDDED, NETWORK, parse_chain_url
from ledger.errors import ChainUnavailable, JournalBroken, WrongChain
from ledger.indexer.sources import LogSource
from ledger.models import ChainRow
from ledger.network import NetworkEngine
from ledger.signing import Keys
from ledger.sites import find_site


class Chain:
    """Opens the chain of a home. Raises BadChainUrl for a setting that names none."""

    def __init__(self, url: str, keys: Keys) -> None:
        self.url = parse_chain_url(url)
        self.keys = keys
        self._lock = threading.RLock()
        self._child: NetworkEngine | None = None
        self._running = ExitStack()
        self._filled = 0

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
        from ledger.anvil import opened_anvil, replay_blocks
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
