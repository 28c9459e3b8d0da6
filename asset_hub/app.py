"""The composition root, the file to read first: engines, SUBSCRIPTIONS, JOBS, PERMISSIONS, FILES_KEPT, routers.

Everything that joins packages which do not know each other is on this one screen.
"""

import threading
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import time, timedelta

from fastapi import FastAPI, Request

import asset_hub.accounts.desk
import asset_hub.accounts.kept
import asset_hub.accounts.pages
import asset_hub.accounts.routes
import asset_hub.catalogue.kept
import asset_hub.catalogue.pages
import asset_hub.catalogue.routes
import asset_hub.curation.desk
import asset_hub.curation.pages
import asset_hub.curation.routes
import asset_hub.evidence.pages
import asset_hub.messages.pages
import asset_hub.operations.jobs
import asset_hub.operations.pages
import asset_hub.operations.routes
import asset_hub.web.pages
import ingest.jobs
import ingest.kept
import ingest.pages
import ingest.review_pages
import ingest.routes
import ledger.attest_jobs
import ledger.case_pages
import ledger.case_routes
import ledger.confirmation_pages
import ledger.deed_routes
import ledger.indexer.jobs
import ledger.jobs
import ledger.key_jobs
import ledger.key_pages
import ledger.key_routes
import ledger.office_routes
import ledger.pages
import ledger.routes
import marketplace.desk
import marketplace.hold_pages
import marketplace.jobs
import marketplace.kept
import marketplace.licence_pages
import marketplace.order_routes
import marketplace.pages
import marketplace.routes
import marketplace.settlement_pages
import marketplace.sublicence_pages
import search.jobs
import search.pages
import search.routes
from asset_hub.accounts import OrganisationAdmitted, OrganisationStatusChanged, Permission, Role, get_party
from asset_hub.accounts import permissions as accounts_permissions
from asset_hub.accounts.demo import demo_accounts
from asset_hub.accounts.deps import current_actor
from asset_hub.catalogue import AssetChanged, AssetPublished, TradeHalted
from asset_hub.catalogue import permissions as catalogue_permissions
from asset_hub.core import clock
from asset_hub.core.db import Database
from asset_hub.core.files import FileStore, open_files
from asset_hub.core.jobs import Job, Worker, job_table
from asset_hub.core.log import configure_logging
from asset_hub.core.nightly import plan_nights, repeat_nightly
from asset_hub.core.settings import Settings
from asset_hub.core.text import N_
from asset_hub.curation import permissions as curation_permissions
from asset_hub.messages import count_unread
from asset_hub.migrations import upgrade
from asset_hub.operations import permissions as operations_permissions
from asset_hub.operations.sweep import FilesKept
from asset_hub.web.edge import install_edge
from asset_hub.web.hosts import known_hosts
from asset_hub.web.shell import NavItem, Reader, Shell, language_of, use_shell
from ingest import permissions as ingest_permissions
from ingest.events import AccessionClosed
from ledger import permissions as ledger_permissions
from ledger.chains import Chain
from ledger.events import DayAttested, EntryConfirmed, EntryRefused
from ledger.signing import HomeKeys
from marketplace import permissions as marketplace_permissions
from search import SearchEngine, open_search

SUBSCRIPTIONS: Mapping[type, tuple[str, ...]] = {
    OrganisationAdmitted: (ledger.jobs.ADMIT,),
    OrganisationStatusChanged: (ledger.jobs.FOLLOW_HOUSE,),
    TradeHalted: (ledger.jobs.FOLLOW_HALT,),
    AssetPublished: (search.jobs.INDEX_ASSET, ledger.jobs.REGISTER),
    AccessionClosed: (ledger.jobs.ANCHOR_RECEIPT,),
    EntryConfirmed: (marketplace.jobs.ON_CONFIRMED,),
    EntryRefused: (marketplace.jobs.ON_REFUSED,),
    DayAttested: (marketplace.jobs.ON_ATTESTED,),
    AssetChanged: (search.jobs.INDEX_ASSET,),
}

PERMISSIONS: tuple[Permission, ...] = (
    *accounts_permissions.TABLE,
    *catalogue_permissions.TABLE,
    *ingest_permissions.TABLE,
    *ledger_permissions.TABLE,
    *marketplace_permissions.TABLE,
    *curation_permissions.TABLE,
    *operations_permissions.TABLE,
)

FILES_KEPT: FilesKept = (
    *asset_hub.accounts.kept.FILES_KEPT,
    *asset_hub.catalogue.kept.FILES_KEPT,
    *ingest.kept.FILES_KEPT,
    *marketplace.kept.FILES_KEPT,
)

NIGHTLY: Mapping[str, time] = {
    ledger.attest_jobs.STAMP: time(0, 20),
    ledger.indexer.jobs.CHECK: time(3, 0),
    asset_hub.operations.jobs.SWEEP: time(3, 30),
    marketplace.jobs.OVERDUE: time(1, 0),
}  # in Beijing

MAX_BODY = 8 << 20
_LOOK_AGAIN_S = 0.2

_DESKS = frozenset({Role.ARCHIVIST, Role.CATALOGUER, Role.AUDITOR})
NAVIGATION = (
    NavItem(N_("Intake"), "/intake", _DESKS),
    NavItem(N_("Review"), "/review", _DESKS),
    NavItem(N_("Rights"), "/rights", frozenset({Role.RIGHTS_DESK})),
    NavItem(N_("Licences"), "/licences", frozenset({Role.PRODUCER, Role.RIGHTS_DESK})),
    NavItem(N_("Holds"), "/holds", frozenset({Role.PRODUCER, Role.RIGHTS_DESK})),
    NavItem(N_("Curate"), "/curate", frozenset({Role.CURATOR})),
    NavItem(N_("Disputes"), "/disputes", frozenset({Role.RIGHTS_DESK, Role.OPERATOR, Role.REGULATOR})),
    NavItem(N_("Statements"), "/statements", frozenset({Role.RIGHTS_DESK, Role.OPERATOR})),
    NavItem(N_("Settlements"), "/settlements", frozenset({Role.OPERATOR})),
    NavItem(N_("Keys"), "/keys", frozenset({Role.RIGHTS_DESK, Role.REGULATOR})),
    NavItem(N_("Second person"), "/confirmations", frozenset({Role.RIGHTS_DESK, Role.OPERATOR, Role.REGULATOR})),
    NavItem(N_("Members"), "/members", frozenset({Role.OPERATOR, Role.REGULATOR})),
    NavItem(N_("Jobs"), "/jobs", frozenset({Role.OPERATOR})),
    NavItem(N_("Ledger"), "/ledger", frozenset(Role)),
)
ROUTERS = (
    asset_hub.web.pages.router,
    asset_hub.accounts.pages.router,
    asset_hub.accounts.desk.router,
    asset_hub.accounts.routes.router,
    asset_hub.messages.pages.router,
    asset_hub.operations.pages.router,
    asset_hub.operations.routes.router,
    search.pages.router,
    search.routes.router,
    asset_hub.catalogue.pages.router,
    asset_hub.catalogue.routes.router,
    ingest.pages.router,
    ingest.review_pages.router,
    ingest.routes.router,
    asset_hub.curation.pages.router,
    asset_hub.curation.desk.router,
    asset_hub.curation.routes.router,
    ledger.pages.router,
    ledger.routes.router,
    ledger.case_pages.router,
    ledger.case_routes.router,
    ledger.deed_routes.router,
    ledger.confirmation_pages.router,
    ledger.confirmation_pages.api,
    ledger.key_pages.router,
    ledger.key_routes.router,
    ledger.office_routes.router,
    marketplace.pages.router,
    marketplace.licence_pages.router,
    marketplace.desk.router,
    asset_hub.evidence.pages.router,
    marketplace.settlement_pages.router,
    marketplace.order_routes.router,
    marketplace.hold_pages.router,
    marketplace.sublicence_pages.router,
    marketplace.sublicence_pages.api,
    marketplace.hold_pages.api,
    marketplace.routes.router,
)


@dataclass(frozen=True, slots=True)
class Services:
    """Every engine of one process, opened once; `patience_s` is how long `run_jobs` waits for a network's blocks."""

    settings: Settings
    database: Database
    files: FileStore
    search: SearchEngine
    keys: HomeKeys
    chain: Chain
    patience_s: float = 0.0

    def run_jobs(self, *, threads: int = 2) -> int:
        """Run every job that can run now, to the end; return how many attempts were made."""
        worker, until = Worker(self.database, all_jobs(self)), clock.now() + timedelta(seconds=self.patience_s)
        count = worker.run_until_idle(threads=threads)
        while clock.now() < until and ledger.jobs.is_carrying(self.database, now=clock.now()):
            threading.Event().wait(_LOOK_AGAIN_S)
            count += worker.run_until_idle(threads=threads)
        return count


def open_services(settings: Settings, *, patience_s: float = 0.0) -> Services:
    """Open the engines that the settings name; makes no tables (see `asset_hub.migrations.upgrade`)."""
    settings.home.mkdir(parents=True, exist_ok=True)
    keys = HomeKeys(settings.secret())
    return Services(
        settings=settings,
        database=Database(settings.database, subscriptions=SUBSCRIPTIONS, home=settings.home),
        files=open_files(settings.files),
        search=open_search(settings.search_url, home=settings.home),
        keys=keys,
        chain=Chain(settings.chain_url, keys),
        patience_s=patience_s,
    )


def open_home(settings: Settings, *, patience_s: float = 0.0) -> Services:
    """Open the engines on a home that is made or migrated first. Idempotent."""
    services = open_services(settings, patience_s=patience_s)
    settings.secret()
    upgrade(services.database)
    with services.database.read() as session:
        services.chain.require_own(session)
    return services


def all_jobs(services: Services) -> dict[str, Job]:
    """Return every job by name, each bound to the engines it needs."""
    table = job_table(
        ingest.jobs.jobs(services.files),
        search.jobs.jobs(services.search),
        ledger.jobs.jobs(services.keys, services.chain, services.files),
        ledger.indexer.jobs.jobs(services.chain.source),
        ledger.attest_jobs.jobs(services.settings.home, stamp_url=services.settings.stamp_url),
        marketplace.jobs.jobs(
            services.files, services.keys, issuer=services.settings.issuer, home=services.settings.home
        ),
        asset_hub.operations.jobs.jobs(services.files, FILES_KEPT),
        ledger.key_jobs.jobs(),
    )
    return repeat_nightly(table, NIGHTLY)


def create_app(services: Services, *, with_worker: bool = True, listens: Iterable[str] = ()) -> FastAPI:
    """Build the web application; `with_worker` also runs the jobs in threads of this process.

    `listens` are names and addresses it may be asked for besides loopback and what settings name.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        stop = threading.Event()
        threads = _start_workers(services, stop) if with_worker else []
        yield
        stop.set()
        for thread in threads:
            thread.join()

    app = FastAPI(
        title="asset_hub",
        version="0.1.0.dev0",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    app.state.permissions = PERMISSIONS
    install_edge(app, hosts=known_hosts(services.settings, listens), longest_body=MAX_BODY)
    use_shell(app, Shell(NAVIGATION, reader_of, is_demo=bool(demo_accounts(services.settings.home))))
    for router in ROUTERS:
        app.include_router(router)
    return app


def reader_of(request: Request) -> Reader:
    """Return who a page is for, with the name of their house and how many notices they have not read."""
    actor = current_actor(request)
    if actor.person_id is None or actor.organisation_id is None:
        return Reader()
    services: Services = request.app.state.services
    with services.database.read() as session:
        house = get_party(session, organisation_id=actor.organisation_id).name(language_of(request))
        unread = count_unread(session, person_id=actor.person_id)
    return Reader(actor.name, house, frozenset(actor.roles), unread)


def create_dev_app() -> FastAPI:
    """Build the application from the environment, for a reloading server."""
    configure_logging()
    return create_app(open_home(Settings()))


def _start_workers(services: Services, stop: threading.Event) -> list[threading.Thread]:
    worker = Worker(services.database, all_jobs(services))
    plan_nights(services.database, NIGHTLY, now=clock.now())
    threads = [threading.Thread(target=worker.run_forever, args=(stop,), name=f"worker-{i}") for i in range(2)]
    for thread in threads:
        thread.start()
    return threads
