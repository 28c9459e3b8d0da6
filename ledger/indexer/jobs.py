"""Jobs of the index: follow the chain to its head, and the nightly comparison with an index made afresh."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from asset_hub.core.db import Database
from asset_hub.core.jobs import Job, JobRun
from asset_hub.core.text import N_
from ledger.indexer.errors import IndexDrifts, IndexOutdated
from ledger.indexer.follow import Following, Progress, follow
from ledger.indexer.rebuild import Comparison, compare_with_shadow, reproject
from ledger.indexer.sources import LogSource
from ledger.indexer.store import Contracts
from ledger.sites import find_site

OpenSource = Callable[[Database], AbstractContextManager[LogSource]]

FOLLOW = "ledger.follow_chain"
CHECK = "ledger.check_index"


def jobs(open_source: OpenSource) -> tuple[Job, ...]:
    """Return the index's jobs for the chain of this home; before the contracts are deployed they do nothing."""

    def follow_chain(run: JobRun) -> None:
        with following_of(run.database, open_source) as following:
            if following is not None:
                follow_or_reproject(following)

    def check(run: JobRun) -> None:
        with following_of(run.database, open_source) as following:
            if following is not None:
                check_index(following)

    return (Job(FOLLOW, follow_chain), Job(CHECK, check))


@contextmanager
def following_of(database: Database, open_source: OpenSource) -> Iterator[Following | None]:
    """Follow this home's contracts; None before they are deployed."""
    with database.read() as session:
        site = find_site(session)
    if site is None:
        yield None
        return
    contracts = Contracts({address: name for name, address in site.addresses.items()})
    with open_source(database) as source:
        yield Following.start(database, source, contracts)


def follow_or_reproject(following: Following) -> Progress:
    """Follow the chain; after an upgrade that changed projections these are made again first."""
    try:
        return follow(following)
    except IndexOutdated:
        reproject(following.database, name=following.name, contracts=following.contracts)
        return follow(following)


def check_index(following: Following) -> Comparison:
    """Compare the index with one made afresh. Raises IndexDrifts, which names the tables."""
    comparison = compare_with_shadow(following)
    if comparison.differing:
        raise IndexDrifts(
            N_("These tables disagree with the chain: {tables}."), tables=", ".join(comparison.differing),
            members={"tables": list(comparison.differing), "block": comparison.number},
        )  # fmt: skip
    return comparison
