"""Opening an intake in the browser: the level of secrecy decides before anything else happens."""

from datetime import datetime
from uuid import UUID

from asset_hub.accounts import Actor
from asset_hub.catalogue import Secrecy, list_collections
from asset_hub.core.db import WriteSession
from asset_hub.core.errors import BadInput
from asset_hub.core.text import N_
from ingest.accessions import open_accession
from ingest.errors import CollectionElsewhere, PublishNeedsOpen
from ingest.types import AccessionId, Door


def open_upload_accession(
    session: WriteSession,
    *,
    owner_id: UUID,
    secrecy: Secrecy,
    collection_id: UUID | None,
    publish: bool,
    by: Actor,
    now: datetime,
) -> AccessionId:
    """Open an intake for uploads. Raises PublishNeedsOpen, CollectionElsewhere."""
    if publish and secrecy != Secrecy.OPEN:
        raise PublishNeedsOpen(N_("Only 公开 may be published at once: somebody has to say that it may be seen."))
    mine = {collection.id for collection in list_collections(session, owner_id=owner_id)}
    if collection_id is not None and collection_id not in mine:
        raise CollectionElsewhere
    return open_accession(
        session, owner_id=owner_id, door=Door.UPLOAD, secrecy=secrecy, collection_id=collection_id, publish=publish,
        by=by, now=now,
    )  # fmt: skip


def read_id(text: str) -> UUID | None:
    """Read the id that a form's choice sends; None for the empty choice. Raises BadInput."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise BadInput(N_("“{text}” is no id."), text=text[:40]) from error
