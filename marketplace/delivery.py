"""Delivery: the file is made once, its digest anchored before any link opens; links are signed and expire."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from itsdangerous import BadData, URLSafeTimedSerializer

from asset_hub.accounts import Actor, require
from asset_hub.catalogue import AssetKind, AssetView, FileRole, FileView, read_for_index
from asset_hub.core import clock
from asset_hub.core.db import Database, ReadSession, WriteSession
from asset_hub.core.files import FileStore, put_bytes
from asset_hub.core.host import scratch_folder
from asset_hub.core.rational import FrameRate, Span
from asset_hub.media import ImageRequest, MediaRefused, cut_film, cut_image
from ledger.certificates import Sm2Signer, delivery_commitment, issue_certificate
from ledger.entries import anchor_digests
from ledger.pictured import fingerprint_picture
from ledger.signing import HomeKeys
from ledger.sm import sm3_of_file
from ledger.types import AnchorKind
from marketplace import permissions
from marketplace.certificate_pdf import draw_certificate
from marketplace.errors import LicenceRevoked, LinkExpired, NotDelivered, NotForSale
from marketplace.licences import Licence, LicenceState, get_licence, licence_view
from marketplace.models import LicenceRow

_WIDEST = 4096
LINK_SECONDS = 72 * 3600


@dataclass(frozen=True, slots=True)
class Delivery:
    """A file that may be downloaded now."""

    sha256: str
    bytes_count: int
    name: str
    mime: str


@dataclass(frozen=True, slots=True)
class Papers:
    """A delivery's certificate as JSON and PDF, by the digests of what is kept."""

    certificate_sha256: str
    pdf_sha256: str


def prepare_delivery(database: Database, files: FileStore, keys: HomeKeys, *, licence_id: UUID) -> None:
    """Make a confirmed licence's file, store it, and record its digest. Idempotent: a file that is made is kept."""
    with database.read() as session:
        row = session.get(LicenceRow, licence_id)
        if row is None or row.state != LicenceState.CONFIRMED or row.sha256 is not None:
            return
        licence = licence_view(row)
        ((asset, _held),) = read_for_index(session, asset_ids=[row.asset_id], now=clock.now())
    with _made_file(files, asset, licence) as (path, name, mime):
        blob, sm3, fingerprint = files.put_path(path), sm3_of_file(path), _fingerprint(path, mime)
    with database.write() as writing:
        fresh = writing.get_one(LicenceRow, licence_id, with_for_update=True)
        if fresh.sha256 is not None:
            return
        fresh.sha256, fresh.bytes_count, fresh.file_name, fresh.mime = blob.sha256, blob.bytes_count, name, mime
        fresh.sm3, fresh.fingerprint = sm3, fingerprint
        anchor_digests(
            writing, kind=AnchorKind.DELIVERY, subject_id=licence_id,
            commitments=[delivery_commitment(keys, licence_id, blob.sha256)], now=clock.now(),
        )  # fmt: skip


def draw_papers(
    database: Database,
    files: FileStore,
    keys: HomeKeys,
    *,
    licence_id: UUID,
    issuer: str,
    now: datetime,
    sm2: Callable[[], Sm2Signer],
) -> Papers | None:
    """Once the digest is on the chain: issue and draw the certificate; None for what is not waiting to be delivered.

    `sm2` says what signs a second time, by SM2. Nothing is signed or drawn while anything is locked.
    """
    with database.read() as session:
        row = session.get(LicenceRow, licence_id)
        if row is None or row.state != LicenceState.CONFIRMED or row.sha256 is None:
            return None
        certificate = issue_certificate(
            session, keys, licence_id=licence_id, delivered_sha256=row.sha256, delivered_bytes=row.bytes_count,
            delivered_name=row.file_name, issuer_name=issuer, now=now, delivered_sm3=row.sm3,
            delivered_fingerprint=row.fingerprint, sm2=sm2(),
        )  # fmt: skip
    return Papers(put_bytes(files, certificate).sha256, put_bytes(files, draw_certificate(certificate)).sha256)


def finish_delivery(session: WriteSession, *, licence_id: UUID, papers: Papers, now: datetime) -> bool:
    """Open the delivery under its certificate; return whether this opened it. Idempotent."""
    row = session.get(LicenceRow, licence_id, with_for_update=True)
    if row is None or row.state != LicenceState.CONFIRMED:
        return False
    row.certificate_sha256, row.pdf_sha256 = papers.certificate_sha256, papers.pdf_sha256
    row.state, row.delivered_at = LicenceState.DELIVERED, now
    session.flush()
    return True


def open_link(secret: bytes, licence: Licence, *, revoked: Collection[int], by: Actor) -> str:
    """Return the token of an expiring download link. Raises NotDelivered, LicenceRevoked, Forbidden.

    `revoked` are the numbers on the exchange's status list now.
    """
    require(by, permissions.FETCH, organisation_id=licence.buyer_id)
    if licence.state != LicenceState.DELIVERED:
        raise NotDelivered
    if licence.number in revoked:
        raise LicenceRevoked
    return str(_serializer(secret).dumps([str(licence.id), str(licence.sha256)]))


def fetch_delivery(session: ReadSession, secret: bytes, *, token: str, revoked: Collection[int]) -> Delivery:
    """Return the file behind a link. Raises LinkExpired for an old, altered or foreign one, LicenceRevoked."""
    try:
        licence_id, sha256 = _serializer(secret).loads(token, max_age=LINK_SECONDS)
    except (BadData, ValueError) as error:
        raise LinkExpired from error
    row = session.get(LicenceRow, UUID(licence_id))
    if row is None or row.state != LicenceState.DELIVERED or row.sha256 != sha256:
        raise LinkExpired
    if row.number in revoked:
        raise LicenceRevoked
    return Delivery(str(row.sha256), row.bytes_count, row.file_name, row.mime)


def certificate_of(session: ReadSession, *, licence_id: UUID, by: Actor) -> tuple[str, str]:
    """Return the digests of the certificate as JSON and PDF, for buyer and seller. Raises NotDelivered."""
    licence = get_licence(session, licence_id=licence_id, by=by)
    if licence.certificate_sha256 is None or licence.pdf_sha256 is None:
        raise NotDelivered
    return licence.certificate_sha256, licence.pdf_sha256


@contextmanager
def _made_file(files: FileStore, asset: AssetView, licence: Licence) -> Iterator[tuple[Path, str, str]]:
    """Lend the file to deliver: a cut of a film, or the master itself."""
    master = asset.file(FileRole.MASTER)
    if master is None:
        raise NotForSale
    with scratch_folder() as folder, files.as_path(master.sha256) as path:
        if (smaller := _scaled(files, asset, licence, Path(folder))) is not None:
            yield smaller, f"{asset.number}.jpg", "image/jpeg"
            return
        if asset.kind != AssetKind.FILM or (licence.terms.segment is None and licence.terms.resolution == "original"):
            yield path, f"{asset.number}{Path(master.shown_name).suffix}", master.mime
            return
        yield _cut(path, folder, master, licence), f"{asset.number}.mp4", "video/mp4"


def _fingerprint(path: Path, mime: str) -> str:
    """Return a picture's fingerprint; what no decoder reads is delivered without one."""
    try:
        return fingerprint_picture(path, mime=mime)
    except MediaRefused:
        return ""


def _scaled(files: FileStore, asset: AssetView, licence: Licence, folder: Path) -> Path | None:
    """Make a picture of no more lines than were paid for; None where the master itself is due, or no larger."""
    pyramid, lines = asset.file(FileRole.PYRAMID), licence.terms.resolution
    if asset.kind != AssetKind.PICTURE or lines == "original" or pyramid is None:
        return None
    if int(pyramid.technical.get("height") or 0) <= int(lines):
        return None
    with files.as_path(pyramid.sha256) as path:
        content, _mime = cut_image(path, ImageRequest("full", f"!{_WIDEST},{lines}", "0", "default", "jpg"))
    made = folder / "licensed.jpg"
    made.write_bytes(content)
    return made


def _cut(path: Path, folder: Path, master: FileView, licence: Licence) -> Path:
    rate = FrameRate(*master.technical["rate"])
    span = licence.terms.segment or Span(0, int(master.technical["frames"]))
    height = None if licence.terms.resolution == "original" else int(licence.terms.resolution)
    return cut_film(path, folder, span=span, rate=rate, height=height)


def _serializer(secret: bytes) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt="delivery/1")
