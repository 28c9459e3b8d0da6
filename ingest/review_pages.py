"""The review desk: drafts of the house, one draft with why the machine says so, correct, accept, publish."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from asset_hub.accounts import Actor, may, require, require_person
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue import (
    AssetState,
    AssetView,
    FileRole,
    Secrecy,
    ValueView,
    accept_values,
    find_asset,
    get_asset,
    load_table,
    places,
    publish_asset,
)
from asset_hub.catalogue import permissions as catalogue_permissions
from asset_hub.catalogue.errors import NotPublishable
from asset_hub.catalogue.types import KIND_NAMES
from asset_hub.catalogue.words import ELEMENT_NAMES, source_in_words, value_in_words
from asset_hub.core import clock
from asset_hub.core.db import WriteSession
from asset_hub.core.errors import AssetHubError
from asset_hub.core.text import N_, Text
from asset_hub.web.shell import language_of, redirect, render
from ingest.accessions import list_accessions
from ingest.corrections import MANY, SLOTS, Typed, save_corrections, shots_of, standing
from ingest.drafts import agreement_of, list_drafts, missing_facts, next_draft
from ingest.errors import DraftChanged, WrongFields
from ingest.opening import read_id
from ingest.pages import SECRECY_HINTS
from ingest.types import ItemStatus

router = APIRouter(include_in_schema=False)
_MOST_FIELDS = 20_000
_SURE, _LIKELY = 90, 60
_SHOT = re.compile(r"shot-(\d{1,6})-zh")
_FIELDS = (*SLOTS, *MANY, "date", "district")


@router.get("/review")
def drafts_page(request: Request, by: CurrentActor, intake: str = "", after: str | None = None) -> Response:
    """Drafts of the house, newest first, of one intake or of all."""
    require(by, catalogue_permissions.DESCRIBE, organisation_id=by.organisation_id)
    accession_id = read_id(intake)
    with request.app.state.services.database.read() as session:
        page = list_drafts(session, accession_id=accession_id, after=after, by=by, now=clock.now())
        accessions = list_accessions(session, by=by)
    return render(
        request, "ingest/drafts.html", title=N_("Review"), page=page, intake=accession_id, kinds=KIND_NAMES,
        accessions=[view for view in accessions if view.counts[ItemStatus.ACCEPTED] or view.id == accession_id],
    )  # fmt: skip


@router.get("/review/{number}")
def review_page(request: Request, by: CurrentActor, number: str, intake: str = "") -> Response:
    """One draft: its media left, what is said about it right."""
    return _review(request, by, number, intake=read_id(intake))


@router.post("/review/{number}")
async def review_posted(request: Request, by: CurrentActor, number: str, intake: str = "") -> Response:
    """Save, and as asked accept the rest and publish. Asynchronous because a long film has thousands of fields."""
    require_person(by)
    async with request.form(max_fields=_MOST_FIELDS, max_files=0) as form:
        typed, act = _typed(form), str(form.get("act", "save"))
    return await run_in_threadpool(_save, request, by, number, typed, act, read_id(intake))


def _save(request: Request, by: Actor, number: str, typed: Typed, act: str, intake: UUID | None) -> Response:
    try:
        with request.app.state.services.database.write() as session:
            said = _apply(session, number, typed, act, by)
            following = next_draft(session, number=number, accession_id=intake, by=by) if act == "publish" else number
    except (WrongFields, DraftChanged, NotPublishable) as error:
        return _review(request, by, number, intake=intake, typed=typed, error=error)
    query = f"?intake={intake}" if intake else ""
    return redirect(f"/review/{following}{query}" if following else f"/review{query}", said=said)


def _apply(session: WriteSession, number: str, typed: Typed, act: str, by: Actor) -> Text:
    asset_id, now = find_asset(session, text=number), clock.now()
    count = save_corrections(session, asset_id=asset_id, typed=typed, by=by, now=now)
    if act == "save":
        return Text(N_("{count} changes saved."), {"count": count})
    accepted = accept_values(session, asset_id=asset_id, by=by, now=now)
    if act != "publish":
        return Text(N_("{count} changes saved, {accepted} values accepted."), {"count": count, "accepted": accepted})
    progress = publish_asset(session, asset_id=asset_id, by=by, now=now)
    if progress.is_complete:
        return Text(N_("{number} is published."), {"number": number})
    params: dict[str, object] = {"number": number, "agreed": progress.agreed, "wanted": progress.wanted}
    return Text(N_("You agreed to {number}: {agreed} of {wanted} reviewers."), params)


def _review(
    request: Request,
    by: Actor,
    number: str,
    *,
    intake: UUID | None,
    typed: Typed | None = None,
    error: AssetHubError | None = None,
) -> Response:
    language = language_of(request)
    with request.app.state.services.database.read() as session:
        asset = get_asset(session, asset_id=find_asset(session, text=number), by=by, now=clock.now())
        require(by, catalogue_permissions.DESCRIBE, organisation_id=asset.owner_id)
        agreement = agreement_of(session, asset=asset, by=by)
        following = next_draft(session, number=asset.number, accession_id=intake, by=by)
    return render(
        request, "ingest/review.html", status=error.status if error else 200, title=asset.title(language), asset=asset,
        form=typed or standing(asset), version=asset.row_version, errors=_errors(error), error=error,
        why=_why(asset, language), shots=_shots(asset, typed), media=_media(asset), kind=KIND_NAMES[asset.kind],
        missing=missing_facts(asset), agreement=agreement, following=following, intake=intake,
        districts=_districts(language), themes=_themes(language), levels=[(s, SECRECY_HINTS[s]) for s in Secrecy],
        is_draft=asset.state == AssetState.DRAFT, waiting=_waiting(asset),
        may_publish=may(by, catalogue_permissions.PUBLISH, organisation_id=asset.owner_id),
    )  # fmt: skip


def _typed(form: FormData) -> Typed:
    def said(name: str) -> str:
        return str(form.get(name, "")).replace("\r\n", "\n").strip()

    numbers = [int(found[1]) for key in form if (found := _SHOT.fullmatch(key))]
    version = said("version")
    return Typed(
        texts={name: said(name) for name in _FIELDS if name in form},
        themes=tuple(str(code) for code in form.getlist("theme")),
        shots={number: (said(f"shot-{number}-zh"), said(f"shot-{number}-en")) for number in numbers},
        secrecy=said("secrecy"),
        version=int(version) if version.isascii() and version.isdigit() and len(version) < 10 else -1,
    )


def _errors(error: AssetHubError | None) -> Mapping[str, Text]:
    if isinstance(error, WrongFields):
        return error.fields
    return {"secrecy": error.text} if isinstance(error, NotPublishable) else {}


def _why(asset: AssetView, language: str) -> dict[str, list[dict[str, Any]]]:
    """Return by element what set each value and how sure it is."""
    found: dict[str, list[dict[str, Any]]] = {element: [] for element in ELEMENT_NAMES}
    for value in asset.values:
        found.setdefault(value.element, []).append(_reason(value, language))
    return found


def _reason(value: ValueView, language: str) -> dict[str, Any]:
    sure = round(value.confidence * 100)
    word = N_("sure") if sure >= _SURE else N_("likely") if sure >= _LIKELY else N_("a guess")
    return {
        "words": value_in_words(value, language), "lang": value.lang, "why": source_in_words(value.source),
        "sure": sure, "word": word, "is_accepted": value.accepted_at is not None,
        "is_personal": value.source.startswith("person:"),
    }  # fmt: skip


def _shots(asset: AssetView, typed: Typed | None) -> list[dict[str, Any]]:
    shown = dict(standing(asset).shots) | dict(typed.shots if typed else {})
    return [
        {
            "start": shot.start_ms / 1000, "picture": shot.picture_id, "zh": shown[number][0], "en": shown[number][1],
            "at": shot.rate.timecode(shot.span.start) if shot.rate else str(shot.span.start),
            "sure": round(shot.confidence * 100), "why": source_in_words(shot.source),
        }
        for number, shot in enumerate(shots_of(asset))
    ]  # fmt: skip


def _media(asset: AssetView) -> dict[str, Any]:
    master = asset.file(FileRole.MASTER)
    return {
        "proxy": asset.file(FileRole.PROXY),
        "poster": asset.file(FileRole.POSTER) or asset.file(FileRole.THUMBNAIL),
        "preview": asset.file(FileRole.PREVIEW) or asset.file(FileRole.THUMBNAIL),
        "pyramid": asset.file(FileRole.PYRAMID),
        "rate": (master.technical.get("rate") if master else None) or [25, 1],
        "name": master.shown_name if master else "",
    }


def _districts(language: str) -> list[tuple[str, str]]:
    return [(place.code, place.name_en if language == "en" else place.name_zh) for place in places().values()]


def _themes(language: str) -> list[tuple[str, str]]:
    column = "name_en" if language == "en" else "name_zh"
    return [(row["local_code"], row[column]) for row in load_table("chongqing_themes").rows]


def _waiting(asset: AssetView) -> int:
    parts = [value for part in asset.parts for value in part.values]
    return sum(value.accepted_at is None for value in (*asset.values, *parts))
