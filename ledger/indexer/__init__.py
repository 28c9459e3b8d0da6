"""The index of a chain: blocks and events as they came, what they say, undone when the chain changes its mind."""

from ledger.indexer.embedded import EmbeddedSource
from ledger.indexer.follow import Following, Patience, Progress, follow, keep_following
from ledger.indexer.rebuild import Comparison, compare_with_shadow, replace_index, reproject
from ledger.indexer.rpc import RpcSource
from ledger.indexer.sources import LogSource
from ledger.indexer.store import Contracts, EventFinal

__all__ = [
    "Comparison",
    "Contracts",
    "EmbeddedSource",
    "EventFinal",
    "Following",
    "LogSource",
    "Patience",
    "Progress",
    "RpcSource",
    "compare_with_shadow",
    "follow",
    "keep_following",
    "replace_index",
    "reproject",
]
