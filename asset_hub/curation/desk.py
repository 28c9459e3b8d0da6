"""The curator's desk: own catalogues, one being edited, adding to it, its preview. Works without script."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel

from asset_hub.accounts import Actor, require
from asset_hub.accounts.deps import CurrentActor
from asset_hub.catalogue import find_asset
from asset_hub.core import clock
from asset_hub.core.db import WriteSession
from asset_hub.core.errors import AssetHubError, BadInput
from asset_hub.core.text import N_, Text
from asset_hub.curation import catalogues, items, permissions
from asset_hub.curation.errors import AddressIsKept, BadSlug, EmptyCatalogue, MissingTitle, WordsTooLong
from asset_hub.curation.pages import exhibit_page
from asset_hub.curation.picker import find_to_pick, read_reference, shot_at
from asset_hub.curation.show import credits_of, exhibits_of, shot_name, small_picture, title_in, url_of
from asset_hub.web.shell import language_of, redirect, render

router = APIRouter(include_in_schema=False)
_TYPED = (MissingTitle, WordsTooLong, BadSlug, AddressIsKept, EmptyCatalogue)


class NewForm(BaseModel):
    """A catalogue to begin."""

    title_zh: str = ""
    title_en: str = ""
    slug: str = ""


class EditForm(NewForm):
    """A catalogue as edited: items in order with their words; and one of the buttons."""

    intro_zh: str = ""
    intro_en: str = ""
    order: list[UUID] = []
    words_zh: list[str] = []
    words_en: list[str] = []
    up: UUID | None = None
    down: UUID | None = None
    remove: UUID | None = None
    then: str = ""


@router.get("/curate")
def own_catalogues(request: Request, by: CurrentActor) -> Response:
    """The catalogues of one's house."""
    with request.app.state.services.database.read() as session:
        found = items.list_own(session, by=by, now=clock.now())
    rows = [{"draft": one, "title": title_in(one.title, language_of(request))} for one in found]
    return render(request, "curation/own.html", rows=rows, title=N_("Curate"))


@router.get("/curate/new")
def new_catalogue(request: Request, by: CurrentActor) -> Response:
    """Ask for a title and an address."""
    require(by, permissions.CURATE, organisation_id=by.organisation_id)
    return _new_page(request, NewForm())


@router.post("/curate/new")
def begin_catalogue(request: Request, by: CurrentActor, form: Annotated[NewForm, Form()]) -> Response:
    """Begin a catalogue."""
    try:
        with request.app.state.services.database.write() as session:
            catalogue_id = catalogues.create_catalogue(
                session, slug=form.slug.strip(), title={"zh": form.title_zh, "en": form.title_en}, by=by,
                now=clock.now(),
            )  # fmt: skip
    except (MissingTitle, WordsTooLong, BadSlug) as error:
        return _new_page(request, form, error=error)
    return redirect(f"/curate/{catalogue_id}/add", said=Text(N_("Begun. Now put something into it.")))


@router.get("/curate/{catalogue_id}")
def edit_page(request: Request, catalogue_id: UUID, by: CurrentActor) -> Response:
    """Edit a catalogue."""
    with request.app.state.services.database.read() as session:
        draft = items.get_own(session, catalogue_id=catalogue_id, by=by, now=clock.now())
    return _edit_page(request, draft)


@router.post("/curate/{catalogue_id}")
def save_catalogue(
    request: Request, catalogue_id: UUID, by: CurrentActor, form: Annotated[EditForm, Form()]
) -> Response:
    """Keep what was typed, then do what the button says: move, remove, publish or preview."""
    if not len(form.order) == len(form.words_zh) == len(form.words_en):
        raise BadInput(N_("The list of items is incomplete."))
    database = request.app.state.services.database
    try:
        with database.write() as session:
            _save(session, catalogue_id, form, by)
            said, target = _do(session, catalogue_id, form, by)
    except _TYPED as error:
        with database.read() as session:
            draft = items.get_own(session, catalogue_id=catalogue_id, by=by, now=clock.now())
        return _edit_page(request, _as_typed(draft, form), error=error, slug=form.slug)
    return redirect(target, said=Text(said))


@router.post("/curate/{catalogue_id}/withdraw")
def withdraw(request: Request, catalogue_id: UUID, by: CurrentActor) -> Response:
    """Take it back from the public."""
    with request.app.state.services.database.write() as session:
        catalogues.withdraw_catalogue(session, catalogue_id=catalogue_id, by=by)
    return redirect(f"/curate/{catalogue_id}", said=Text(N_("Taken back. Nobody else sees it now; the draft is kept.")))


@router.get("/curate/{catalogue_id}/preview")
def preview(request: Request, catalogue_id: UUID, by: CurrentActor) -> Response:
    """The draft as the public would see it."""
    with request.app.state.services.database.read() as session:
        shown = catalogues.preview_catalogue(session, catalogue_id=catalogue_id, by=by, now=clock.now())
        exhibits = exhibits_of(session, shown, language=language_of(request))
    return render(request, "curation/catalogue.html", exhibits=exhibits, **exhibit_page(request, shown),
        draft=catalogue_id, credits=credits_of(exhibits))  # fmt: skip


@router.get("/curate/{catalogue_id}/add")
def add_page(request: Request, catalogue_id: UUID, by: CurrentActor, q: str = "", after: str = "") -> Response:
    """Offer what is published, by number or by a word of its title."""
    return _add_page(request, catalogue_id, by, q=q[:200], after=after or None)


@router.post("/curate/{catalogue_id}/add")
def add(
    request: Request, catalogue_id: UUID, by: CurrentActor, ref: Annotated[str, Form()] = "",
    part: Annotated[UUID | None, Form()] = None, q: Annotated[str, Form()] = "", after: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Put a work or one of its shots at the end."""
    try:
        with request.app.state.services.database.write() as session:
            number, seconds = read_reference(ref)
            asset_id = find_asset(session, text=number)
            if part is None and seconds is not None:
                part = shot_at(session, asset_id=asset_id, seconds=seconds, by=by, now=clock.now())
            added = items.add_item(
                session, catalogue_id=catalogue_id, item=items.NewItem(asset_id, part), by=by, now=clock.now()
            )
    except AssetHubError as error:
        if error.status not in (404, 409, 422):
            raise
        return _add_page(request, catalogue_id, by, q=q[:200], after=after or None, ref=ref[:300], error=error)
    url = request.url_for("add_page", catalogue_id=catalogue_id).path
    target = request.url.replace(path=url).include_query_params(q=q[:200], after=after[:200])
    return redirect(
        f"{target.path}?{target.query}",
        said=Text(N_("“{title}” is in the catalogue."), {"title": added.title(language_of(request))}),
    )


def _save(session: WriteSession, catalogue_id: UUID, form: EditForm, by: Actor) -> None:
    catalogues.update_texts(
        session, catalogue_id=catalogue_id, slug=form.slug.strip(), title={"zh": form.title_zh, "en": form.title_en},
        intro={"zh": form.intro_zh, "en": form.intro_en}, by=by,
    )  # fmt: skip
    order: list[UUID] = form.order
    for chosen, step in ((form.up, -1), (form.down, 1)):
        if chosen is not None:
            order = items.moved(order, chosen, step=step)
    items.arrange_items(session, catalogue_id=catalogue_id, order=order, words=_words(form), by=by)


def _do(session: WriteSession, catalogue_id: UUID, form: EditForm, by: Actor) -> tuple[str, str]:
    """Do what the pressed button says; return what to say and where to go."""
    here = f"/curate/{catalogue_id}"
    if form.remove is not None:
        items.remove_item(session, catalogue_id=catalogue_id, item_id=form.remove, by=by)
        return N_("Taken out."), f"{here}#items"
    if form.then == "publish":
        catalogues.publish_catalogue(session, catalogue_id=catalogue_id, by=by, now=clock.now())
        return N_("Published: everybody sees it as it is now."), here
    if form.then == "preview":
        return N_("Saved."), f"{here}/preview"
    moved = form.up or form.down
    return (N_("Moved."), f"{here}#item-{moved}") if moved else (N_("Saved."), here)


def _words(form: EditForm) -> dict[UUID, dict[str, str]]:
    return {
        item_id: {"zh": zh, "en": en}
        for item_id, zh, en in zip(form.order, form.words_zh, form.words_en, strict=True)
    }  # fmt: skip


def _as_typed(draft: items.Draft, form: EditForm) -> items.Draft:
    """Return the draft with what was typed, so that nothing is lost on a page that comes back."""
    words = _words(form)
    rank = {item_id: position for position, item_id in enumerate(form.order)}
    shown = [replace(item, words=words.get(item.id, item.words)) for item in draft.items]
    shown.sort(key=lambda item: rank.get(item.id, len(rank)))
    return replace(
        draft, title={"zh": form.title_zh, "en": form.title_en}, intro={"zh": form.intro_zh, "en": form.intro_en},
        items=tuple(shown),
    )  # fmt: skip


def _new_page(request: Request, form: NewForm, *, error: AssetHubError | None = None) -> Response:
    return render(request, "curation/new.html", form=form, errors=_errors(error), title=N_("New catalogue"),
        status=error.status if error else 200)  # fmt: skip


def _edit_page(
    request: Request, draft: items.Draft, *, error: AssetHubError | None = None, slug: str | None = None
) -> Response:
    language = language_of(request)
    rows = [
        {"id": item.id, "words": item.words, "is_public": item.is_public,
         "title": item.asset.title(language) if item.asset else "", "number": item.asset.number if item.asset else "",
         "shot": shot_name(item.part, language), "url": url_of(item.asset, item.part) if item.asset else "",
         "picture": small_picture(item.asset, item.part) if item.asset else None}
        for item in draft.items
    ]  # fmt: skip
    title = title_in(draft.title, language).text or draft.slug
    return render(request, "curation/edit.html", draft=draft, rows=rows, title=title, errors=_errors(error),
        slug=slug if slug is not None else draft.slug, status=error.status if error else 200)  # fmt: skip


def _errors(error: AssetHubError | None) -> dict[str, Text | str]:
    """Return the sentence of a refusal by the field it belongs to."""
    said: dict[str, Text | str] = dict.fromkeys(("title", "words", "slug", "other"), "")
    if error is not None:
        fields = {MissingTitle: "title", WordsTooLong: "words", BadSlug: "slug", AddressIsKept: "slug"}
        said[fields.get(type(error), "other")] = error.text
    return said


def _add_page(
    request: Request, catalogue_id: UUID, by: Actor, *, q: str, after: str | None, ref: str = "",
    error: AssetHubError | None = None,
) -> Response:  # fmt: skip
    language = language_of(request)
    with request.app.state.services.database.read() as session:
        draft = items.get_own(session, catalogue_id=catalogue_id, by=by, now=clock.now())
        page = find_to_pick(session, text=q, after=after, by=by, now=clock.now())
    cards = [
        {"asset": asset, "title": asset.title(language), "picture": small_picture(asset, None),
         "is_in": draft.has(asset.id, None), "url": url_of(asset, None),
         "shots": [(shot.id, shot_name(shot, language), draft.has(asset.id, shot.id)) for shot in page.shots(asset)]}
        for asset in page.assets
    ]  # fmt: skip
    return render(
        request, "curation/add.html", draft=draft, cards=cards, q=q, ref=ref, after=after or "", next_page=page.after,
        name=title_in(draft.title, language).text or draft.slug, error=error.text if error else "",
        title=N_("Add to the catalogue"), status=error.status if error else 200,
    )  # fmt: skip
