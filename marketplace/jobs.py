"""Jobs of the trade: what follows when the ledger confirms or refuses."""

import os
from functools import partial
from pathlib import Path
from uuid import UUID

from asset_hub.core import clock
from asset_hub.core.files import FileStore
from asset_hub.core.jobs import Job, JobRun, Queue, enqueue
from ledger.signing import Keys
from ledger.sm_keys import sm2_signer_of
from ledger.types import EntryKind
from marketplace.attesting import attest_certificates
from marketplace.delivery import finish_delivery, prepare_delivery
from marketplace.licences import note_confirmed, note_refused
from marketplace.notices import tell_delivered, tell_refused

ON_CONFIRMED = "marketplace.on_entry_confirmed"
ON_REFUSED = "marketplace.on_entry_refused"
ON_ATTESTED = "marketplace.on_day_attested"
PREPARE = "marketplace.prepare_delivery"


def jobs(files: FileStore, keys: Keys, *, issuer: str, home: Path) -> tuple[Job, ...]:
    """Return the trade's jobs, bound to files, keys and home; `issuer` is the exchange's name on certificates."""

    sm2 = partial(sm2_signer_of, home, keys, environ=os.environ)

    def on_confirmed(run: JobRun, *, entry_id: UUID, subject_id: UUID, kind: str) -> None:
        del entry_id
        with run.finish() as session:
            if kind == EntryKind.GRANT and note_confirmed(session, licence_id=subject_id):
                enqueue(session, PREPARE, queue=Queue.MEDIA, licence_id=subject_id)
            is_anchor, now = kind == EntryKind.ANCHOR, clock.now()
            if is_anchor and finish_delivery(
                session, files, keys, licence_id=subject_id, issuer=issuer, now=now, sm2=sm2
            ):
                tell_delivered(session, licence_id=subject_id, now=now)

    def on_refused(run: JobRun, *, entry_id: UUID, subject_id: UUID, kind: str, reason: str) -> None:
        del entry_id, reason
        with run.finish() as session:
            if kind == EntryKind.GRANT and note_refused(session, licence_id=subject_id):
                tell_refused(session, licence_id=subject_id, now=clock.now())

    def prepare(run: JobRun, *, licence_id: UUID) -> None:
        prepare_delivery(run.database, files, keys, licence_id=licence_id)

    def attest(run: JobRun, *, day: str) -> None:
        del day
        attest_certificates(run.database, files, keys, home=home, sm2=sm2, now=clock.now())

    return (
        Job(ON_CONFIRMED, on_confirmed),
        Job(ON_REFUSED, on_refused),
        Job(PREPARE, prepare),
        Job(ON_ATTESTED, attest),
    )
