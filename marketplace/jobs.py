"""Jobs of the trade: what follows when the ledger confirms or refuses."""

import os
from datetime import datetime
from functools import partial
from pathlib import Path
from uuid import UUID

from asset_hub.core import clock
from asset_hub.core.db import WriteSession
from asset_hub.core.files import FileStore
from asset_hub.core.jobs import Job, JobRun, Queue, enqueue
from ledger.deeds import instrument_of
from ledger.orders import overdue_orders
from ledger.signing import HomeKeys
from ledger.sm_keys import sm2_signer_of
from ledger.types import EntryKind
from marketplace.attesting import attest_certificates
from marketplace.delivery import Papers, draw_papers, finish_delivery, prepare_delivery
from marketplace.licences import note_confirmed, note_refused, order_of_licence
from marketplace.notices import tell_delivered, tell_refused
from marketplace.orders import FOLLOW, follow_soon
from marketplace.settling import follow_house_soon, follow_order
from marketplace.title import follow_ledger

ON_CONFIRMED = "marketplace.on_entry_confirmed"
ON_REFUSED = "marketplace.on_entry_refused"
ON_ATTESTED = "marketplace.on_day_attested"
OVERDUE = "marketplace.find_overdue"
PREPARE = "marketplace.prepare_delivery"
_OVERDUE_A_NIGHT = 10_000


def jobs(files: FileStore, keys: HomeKeys, *, issuer: str, home: Path) -> tuple[Job, ...]:
    """Return the trade's jobs, bound to files, keys and home; `issuer` is the exchange's name on certificates."""

    sm2 = partial(sm2_signer_of, home, keys, environ=os.environ)

    def on_confirmed(run: JobRun, *, entry_id: UUID, subject_id: UUID, kind: str) -> None:
        now = clock.now()
        papers = (
            draw_papers(run.database, files, keys, licence_id=subject_id, issuer=issuer, now=now, sm2=sm2)
            if kind == EntryKind.ANCHOR else None
        )  # fmt: skip
        with run.finish() as session:
            if papers is not None:
                _finish(session, licence_id=subject_id, papers=papers, now=now)
            else:
                _confirmed(session, EntryKind(kind), entry_id=entry_id, subject_id=subject_id)

    def on_refused(run: JobRun, *, entry_id: UUID, subject_id: UUID, kind: str, reason: str) -> None:
        del entry_id, reason
        with run.finish() as session:
            if kind == EntryKind.GRANT and note_refused(session, licence_id=subject_id):
                tell_refused(session, licence_id=subject_id, now=clock.now())

    def prepare(run: JobRun, *, licence_id: UUID) -> None:
        prepare_delivery(run.database, files, keys, licence_id=licence_id)

    def attest(run: JobRun, *, day: str) -> None:
        attest_certificates(run.database, files, keys, day=day, home=home, sm2=sm2, now=clock.now())

    return (
        Job(ON_CONFIRMED, on_confirmed), Job(ON_REFUSED, on_refused), Job(PREPARE, prepare), Job(ON_ATTESTED, attest),
        *_follow(keys),
    )  # fmt: skip


def _confirmed(session: WriteSession, kind: EntryKind, *, entry_id: UUID, subject_id: UUID) -> None:
    """Do what follows here from an entry that is on the ledger: of a licence, an order, a title, a house's keys."""
    if kind == EntryKind.GRANT and note_confirmed(session, licence_id=subject_id):
        enqueue(session, PREPARE, queue=Queue.MEDIA, licence_id=subject_id)
    elif kind == EntryKind.ORDER:
        follow_soon(session, order_id=subject_id)
    elif kind == EntryKind.KEY:
        follow_house_soon(session, organisation_id=subject_id)
    elif kind == EntryKind.TITLE:
        instrument = instrument_of(session, entry_id=entry_id)
        follow_ledger(session, asset_id=subject_id, instrument=instrument, now=clock.now())


def _finish(session: WriteSession, *, licence_id: UUID, papers: Papers, now: datetime) -> None:
    if finish_delivery(session, licence_id=licence_id, papers=papers, now=now):
        tell_delivered(session, licence_id=licence_id, now=now)
        follow_soon(session, order_id=order_of_licence(session, licence_id=licence_id))


def _follow(keys: HomeKeys) -> tuple[Job, Job]:
    """Return the job that tells the ledger how an order stands, and the nightly one that finds what is overdue."""

    def follow(run: JobRun, *, order_id: UUID) -> None:
        with run.finish() as session:
            follow_order(session, keys, order_id=order_id, now=clock.now())

    def find_overdue(run: JobRun) -> None:
        with run.finish() as session:
            for order_id in overdue_orders(session, keys, now=clock.now(), limit=_OVERDUE_A_NIGHT):
                follow_soon(session, order_id=order_id)

    return Job(FOLLOW, follow), Job(OVERDUE, find_overdue)
