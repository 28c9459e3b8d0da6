"""Jobs of the ledger."""

from datetime import datetime, timedelta
from uuid import UUID

from asset_hub.catalogue import AssetView, FileRole, read_for_index
from asset_hub.core import clock
from asset_hub.core.db import Database
from asset_hub.core.files import FileStore, read_blob
from asset_hub.core.jobs import Job, JobRun, JobState, Queue, enqueue, list_jobs
from asset_hub.core.log import get_logger
from ledger.chains import Chain
from ledger.entries import SUBMIT, admit_organisation, anchor_digests, receipt_commitments, register_asset
from ledger.errors import ChainUnavailable
from ledger.indexer.jobs import FOLLOW
from ledger.office import FOLLOW_HALT as FOLLOW_HALT
from ledger.office import follow_halt, follow_house
from ledger.rpc import RpcRefused
from ledger.signing import HomeKeys
from ledger.types import AnchorKind

ADMIT = "ledger.admit_organisation"
REGISTER = "ledger.register_asset"
ANCHOR_RECEIPT = "ledger.anchor_receipt"
FOLLOW_HOUSE = "ledger.follow_house"
_LOOK_AGAIN = timedelta(milliseconds=500)
_AWAY = timedelta(seconds=5)


def jobs(keys: HomeKeys, chain: Chain, files: FileStore) -> tuple[Job, ...]:
    """Return the ledger's jobs, bound to keys, chain and files of this home."""

    def submit(run: JobRun) -> None:
        if chain.is_embedded:
            _submit(run, keys)
        else:
            _carry(run, keys, chain)

    def admit(run: JobRun, *, organisation_id: UUID) -> None:
        with run.finish() as session:
            admit_organisation(session, keys, organisation_id=organisation_id, now=clock.now())

    def register(run: JobRun, *, asset_id: UUID) -> None:
        with run.finish() as session:
            for asset, _held in read_for_index(session, asset_ids=[asset_id], now=clock.now()):
                register_asset(
                    session, keys, asset_id=asset.id, registrar_id=asset.owner_id, statement=statement_of(asset),
                    now=clock.now(),
                )  # fmt: skip

    def anchor(run: JobRun, *, accession_id: UUID, receipt_sha256: str, captures_sha256: str) -> None:
        captures = read_blob(files, captures_sha256)
        with run.finish() as session:
            anchor_digests(
                session, kind=AnchorKind.RECEIPT, subject_id=accession_id, now=clock.now(),
                commitments=receipt_commitments(keys, accession_id, receipt_sha256, captures),
            )  # fmt: skip

    return (
        Job(SUBMIT, submit), Job(ADMIT, admit), Job(REGISTER, register), Job(ANCHOR_RECEIPT, anchor),
        Job(FOLLOW_HOUSE, _follow_the_house), Job(FOLLOW_HALT, _follow_the_halt),
    )  # fmt: skip


def _follow_the_house(run: JobRun, *, organisation_id: UUID) -> None:
    with run.finish() as session:
        follow_house(session, organisation_id=organisation_id, now=clock.now())


def _follow_the_halt(run: JobRun, *, asset_id: UUID) -> None:
    with run.finish() as session:
        follow_halt(session, asset_id=asset_id, now=clock.now())


def is_carrying(database: Database, *, now: datetime) -> bool:
    """Say whether something is on its way to a network and will be looked at again in a moment."""
    with database.read() as session:
        waiting = [row for row in list_jobs(session, states=(JobState.QUEUED,)) if row.name == SUBMIT]
    return any(row.run_after - now <= _LOOK_AGAIN for row in waiting)


def _submit(run: JobRun, keys: HomeKeys) -> None:
    from ledger.submit import submit_next  # the engine takes a second to import

    while True:
        with run.database.write() as session:
            if submit_next(session, keys, now=clock.now()) == 0:
                return
            enqueue(session, FOLLOW, queue=Queue.INDEX, dedupe_key=FOLLOW)


def _carry(run: JobRun, keys: HomeKeys, chain: Chain) -> None:
    """Carry until nothing moves; what is on its way, or a network that is away, is looked at again a moment later."""
    from ledger.carry import carry_round  # the client takes a moment to import

    wait: timedelta | None = None
    settled = 0
    try:
        with chain.opened(run.database) as engine:
            while (done := carry_round(run.database, engine, keys, now=clock.now())).is_progress:
                settled += done.settled
            wait = _LOOK_AGAIN if done.open else None
    except (ChainUnavailable, RpcRefused) as error:
        get_logger().warning("ledger.network_away", reason=str(error))
        wait = _AWAY
    with run.finish() as session:
        if settled:
            enqueue(session, FOLLOW, queue=Queue.INDEX, dedupe_key=FOLLOW)
        if wait is not None:
            enqueue(session, SUBMIT, queue=Queue.CHAIN, dedupe_key=SUBMIT, run_after=clock.now() + wait)


def statement_of(asset: AssetView) -> dict[str, object]:
    """Return what is stated about a work when it is registered; only a salted commitment to it goes on chain."""
    return {
        "asset": str(asset.id),
        "number": asset.number,
        "kind": str(asset.kind),
        "title_zh": asset.title("zh"),
        "title_en": asset.title("en"),
        "owner": str(asset.owner_id),
        "creators": list(asset.all_texts("creator")),
        "masters": [file.sha256 for file in asset.files if file.role == FileRole.MASTER],
    }
