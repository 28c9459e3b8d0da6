"""Walks the whole path on real files: draw, admit, take in, publish, offer, license, verify, state, settle."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from uuid import UUID

from asset_hub.accounts import Actor, require_organisation
from asset_hub.accounts.demo import write_demo_accounts
from asset_hub.app import Services
from asset_hub.catalogue import (
    AssetState,
    AssetView,
    ElementValue,
    FileRef,
    FileRole,
    PartLevel,
    PartSpec,
    PartView,
    Secrecy,
    get_asset,
    list_assets,
    set_parts,
)
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import ReadSession, WriteSession
from asset_hub.core.errors import RuleRefused
from asset_hub.core.files import replace_file
from asset_hub.core.period import DateRange
from asset_hub.core.rational import FrameRate, Span
from asset_hub.core.text import N_, Text
from asset_hub.curation import NewItem, create_catalogue, publish_catalogue, set_items
from asset_hub.curation.errors import BadSlug
from asset_hub.demo.collection import FILMS, HOLDERS, PICTURES, Take
from asset_hub.demo.dispute import Parties, settle_dispute
from asset_hub.demo.draw.film import RATE, boundaries
from asset_hub.demo.make import make_collection
from asset_hub.demo.people import Cast, accounts_of_demo, make_cast, store_papers_of_demo
from asset_hub.demo.rights import hold_and_refuse, share_title
from asset_hub.demo.royalty import state_royalties
from asset_hub.evidence.bundle import export_bundle
from asset_hub.web.story import Chapter, write_story
from asset_hub.web.texts import translator
from ingest.accessions import encode_receipt, open_accession, receipt_of, seal_accession
from ingest.folder import receive_folder
from ingest.sheets import find_sheet
from ingest.types import Door
from ledger.bundles import verify_bundle
from ledger.certificates import trust_file
from ledger.codebook import GrantKind
from ledger.consents import title_on_chain
from ledger.verifier import verify_certificate
from marketplace.cli import save_delivery
from marketplace.licences import Licence, LicenceState, get_licence, list_licences
from marketplace.listings import listing_of, publish_listing
from marketplace.orders import place_order
from marketplace.quotes import quote
from marketplace.settlement import SimulatedRail, pay_order
from marketplace.terms import LicenceTerms
from marketplace.title import TitleState, record_title, title_of
from search import SearchQuery, search_assets

WANTED = "朝天门 黄昏"
SOLD_USE = "exhibition"  # not what the offer asks for first, so that visitors find the story's shot free
SLUG = "three-gorges-memories"
OWN_MEDIA = "archive"
_PAGES = ("/assets/", "/catalogues/", "/ledger", "/statements/", "/disputes/")


@dataclass(frozen=True, slots=True)
class Step:
    """One step as the table shows it."""

    name: str
    detail: Text
    seconds: float
    count: int
    where: str = ""


@dataclass(slots=True)
class Walk:
    """The path under way: what was done, which files came out."""

    services: Services
    folder: Path
    media: Path | None = None
    on_step: Callable[[Step], None] = lambda _step: None
    steps: list[Step] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    licence: Licence | None = None

    def step(self, name: str, act: Callable[[], tuple[Text, int, str]]) -> None:
        """Do one step, measured."""
        started = time.monotonic()
        detail, count, where = act()
        done = Step(name, detail, round(time.monotonic() - started, 2), count, where)
        self.steps.append(done)
        self.on_step(done)


def walk_path(walk: Walk) -> None:
    """Do every step. Safe to run again on the same home: what is there is found, not doubled."""
    walk.folder.mkdir(parents=True, exist_ok=True)
    with walk.services.database.write() as session:
        cast = make_cast(session)
    store_papers_of_demo(walk.services.files)
    write_demo_accounts(walk.services.settings.home, accounts_of_demo())
    if walk.media is None:
        walk.step("draw", lambda: _draw(walk))
    walk.step("intake", lambda: _take_in(walk, cast))
    walk.step("describe", lambda: _describe(walk, cast))
    walk.step("title", lambda: _offer(walk, cast))
    walk.step("search", lambda: _search(walk, cast))
    walk.step("license", lambda: _license(walk, cast))
    walk.step("verify", lambda: _verify(walk))
    walk.step("refuse: second exclusive", lambda: _refuse_second(walk, cast))
    walk.step("refuse: one changed byte", lambda: _refuse_altered(walk))
    walk.step("evidence", lambda: _bundle(walk, cast))
    if walk.media is None:
        walk.step("title on the ledger", lambda: _share_title(walk, cast))
        walk.step("hold", lambda: _hold(walk, cast))
    walk.step("statement", lambda: _state_royalties(walk, cast))
    if walk.media is None:
        walk.step("dispute", lambda: _settle_dispute(walk, cast))
    walk.step("catalogue", lambda: _curate(walk, cast))
    walk.step("ledger verify", lambda: _replay(walk))
    write_story(walk.services.settings.home, _chapters(walk, cast))


def _chapters(walk: Walk, cast: Cast) -> list[Chapter]:
    """Return the steps for the guided page, with pictures of the collection itself."""
    with walk.services.database.read() as session:
        shown = list_assets(session, state=AssetState.PUBLISHED, size=200, by=cast.curator, now=clock.now()).assets
    pictures = [file for asset in shown if (file := asset.file(FileRole.PREVIEW) or asset.file(FileRole.POSTER))]
    zh = translator("zh")
    chapters = []
    for number, step in enumerate(walk.steps):
        link = step.where if step.where.startswith(_PAGES) else ""
        picture = str(pictures[number * 2].id) if number % 2 == 0 and number * 2 < len(pictures) else ""
        chapters.append(Chapter(step.name, step.detail.render(zh), str(step.detail), step.seconds, link, picture))
    return chapters


def _draw(walk: Walk) -> tuple[Text, int, str]:
    count = make_collection(walk.folder / "collection")
    what = Text(N_("{pictures} pictures, {films} films"), {"pictures": len(PICTURES), "films": len(FILMS)})
    return what, count, str(walk.folder / "collection")


def _take_in(walk: Walk, cast: Cast) -> tuple[Text, int, str]:
    folders = {OWN_MEDIA: walk.media} if walk.media else {h.key: walk.folder / "collection" / h.key for h in HOLDERS}
    accepted = offered = 0
    for key, folder in folders.items():
        outcome = _take_folder(walk, cast.holders[key], folder)
        offered, accepted = offered + int(str(outcome["offered"])), accepted + int(str(outcome["accepted"]))
        path = walk.folder / f"receipt-{key}.json"
        path.write_bytes(encode_receipt(outcome))
        walk.files.setdefault("receipt", str(path.resolve()))
    what = Text(N_("{accepted} accepted of {offered}"), {"accepted": accepted, "offered": offered})
    return what, offered, walk.files["receipt"]


def _take_folder(walk: Walk, archivist: Actor, folder: Path) -> dict[str, object]:
    services = walk.services
    with services.database.write() as session:
        accession_id = open_accession(
            session, owner_id=require_organisation(archivist), door=Door.FOLDER, secrecy=Secrecy.OPEN, publish=True,
            source=str(folder.resolve()), by=archivist, now=clock.now(),
        )  # fmt: skip
    receive_folder(
        services.database, services.files, folder, accession_id=accession_id, sheet=find_sheet(folder), now=clock.now()
    )
    with services.database.write() as session:
        seal_accession(session, accession_id=accession_id, files=services.files, now=clock.now())
    services.run_jobs()
    with services.database.read() as reading:
        return receipt_of(reading, accession_id=accession_id, by=archivist)


def _describe(walk: Walk, cast: Cast) -> tuple[Text, int, str]:
    """Give each shot its words, the way a cataloguer corrects what the machine split."""
    count = 0
    for film in FILMS if walk.media is None else ():
        archivist = cast.holders[film.holder]
        with walk.services.database.write() as session:
            for asset in _mine(session, archivist):
                if asset.title("zh") == film.title_zh and asset.parts:
                    parts = _corrected(film.takes, boundaries(film), asset.parts, asset, archivist)
                    set_parts(
                        session, asset_id=asset.id, level=PartLevel.SHOT, parts=parts, by=archivist, now=clock.now()
                    )
                    count += len(parts)
    walk.services.run_jobs()
    return Text(N_("{count} shots described"), {"count": count}), count, ""


def _corrected(
    takes: Sequence[Take], bounds: list[int], found: tuple[PartView, ...], asset: AssetView, by: Actor
) -> list[PartSpec]:
    specs = []
    for number, take in enumerate(takes):
        span = Span(bounds[number], bounds[number + 1])
        nearest = min(found, key=lambda part: abs(part.span.start - span.start))
        still = next((file for file in asset.files if file.id == nearest.picture_id), None)
        picture = (
            FileRef(still.sha256, still.bytes_count, FileRole.SHOT, still.name, still.mime)
            if still is not None
            else None
        )
        source = f"person:{by.person_id}"
        words = (ElementValue("title", take.title_zh, source, "zh"), ElementValue("title", take.title_en, source, "en"))
        specs.append(PartSpec(PartLevel.SHOT, span, FrameRate(RATE), words, source, 1.0, picture))
    return specs


def _offer(walk: Walk, cast: Cast) -> tuple[Text, int, str]:
    notes = {picture.title_zh: picture.note for picture in PICTURES}
    count = 0
    for holder in HOLDERS:
        desk = cast.holders[holder.key]
        with walk.services.database.write() as session:
            for asset in _mine(session, desk):
                count += _offer_one(session, asset, desk, notes.get(asset.title("zh"), ""), holder.prices)
    walk.services.run_jobs()
    return Text(N_("{count} titles recorded and offered"), {"count": count}), count, ""


def _offer_one(session: WriteSession, asset: AssetView, desk: Actor, note: str, prices: dict[str, int]) -> int:
    now = clock.now()
    if note == "orphan":
        record_title(session, asset_id=asset.id, state=TitleState.HOLDER_NOT_FOUND, by=desk, now=now)
        return 0
    if title_on_chain(session, asset_id=asset.id) is None:
        record_title(
            session, asset_id=asset.id, state=TitleState.HELD, shares={require_organisation(desk): 10_000},
            instrument="演示用权属声明", pledgee="演示银行" if note == "pledged" else "", by=desk, now=now,
        )  # fmt: skip
    terms = {"uses": {use: yuan * 100 for use, yuan in prices.items()}, "floor": 20_000}
    publish_listing(session, asset_id=asset.id, prices=terms, by=desk, now=now)
    return 1


def _search(walk: Walk, cast: Cast) -> tuple[Text, int, str]:
    text = WANTED if walk.media is None else ""
    with walk.services.database.read() as session:
        page = search_assets(session, walk.services.search, SearchQuery(text=text), by=cast.producer, now=clock.now())
    if not page.hits:
        return Text(N_("“{text}”: nothing"), {"text": text}), 0, ""
    first = next((hit for hit in page.hits if hit.shot), page.hits[0])
    at = first.shot.rate.timecode(first.shot.span.start) if first.shot and first.shot.rate else "–"
    what = Text(
        N_("“{text}”: {total} found, “{title}” at {at}"),
        {"text": text, "total": page.total, "title": first.asset.title("zh"), "at": at},
    )
    start = f"?t={first.shot.start_ms / 1000}" if first.shot else ""
    return what, page.total, f"/assets/{first.asset.number}{start}"


def _license(walk: Walk, cast: Cast) -> tuple[Text, int, str]:
    asset, terms = _choose(walk, cast)
    earlier = _earlier(walk, cast, asset.id, terms)
    walk.licence = earlier if earlier is not None else _buy(walk, cast.producer, asset.id, terms)
    walk.files |= save_delivery(walk.services, walk.licence, walk.folder / "delivery")
    with walk.services.database.read() as session:
        trust = walk.folder / "trust.json"
        trust.write_bytes(trust_file(session, walk.services.keys, issuer_name=walk.services.settings.issuer))
    walk.files["trust"] = str(trust.resolve())
    what = Text(
        N_("No. {number}, “{title}”, for exhibitions, sole, five years"),
        {"number": walk.licence.number, "title": asset.title("zh")},
    )
    return what, 1, walk.files["certificate_pdf"]


def _choose(walk: Walk, cast: Cast) -> tuple[AssetView, LicenceTerms]:
    """Take the shot that the search lands on, or the first asset on offer of somebody's own media."""
    text = WANTED if walk.media is None else ""
    with walk.services.database.read() as session:
        page = search_assets(session, walk.services.search, SearchQuery(text=text), by=cast.producer, now=clock.now())
        hit = next((one for one in page.hits if one.shot), page.hits[0])
        asset = get_asset(session, asset_id=hit.asset.id, by=cast.producer, now=clock.now())
    segment = Span(hit.shot.span.start, hit.shot.span.start + 10 * RATE) if hit.shot and walk.media is None else None
    first = beijing_date(clock.now())
    return asset, LicenceTerms(
        (SOLD_USE,), ("world",), DateRange.years_from(first, 5), GrantKind.SOLE,
        "original" if segment is None else "1080", segment,
    )  # fmt: skip


def _earlier(walk: Walk, cast: Cast, asset_id: UUID, terms: LicenceTerms) -> Licence | None:
    with walk.services.database.read() as session:
        held = list_licences(session, by=cast.producer)
    walked = (one for one in held if one.asset_id == asset_id and one.terms.uses == terms.uses)
    return next((one for one in walked if one.state == LicenceState.DELIVERED), None)


def _buy(walk: Walk, producer: Actor, asset_id: UUID, terms: LicenceTerms) -> Licence:
    services, secret = walk.services, walk.services.settings.secret()
    with services.database.write() as session:
        made = quote(session, secret, asset_id=asset_id, terms=terms, by=producer, now=clock.now())
        order = place_order(session, secret, quote_id=made.id, by=producer, now=clock.now())
    with services.database.write() as session:
        licence = pay_order(session, services.keys, SimulatedRail(), order_id=order.id, by=producer, now=clock.now())
    services.run_jobs()
    with services.database.read() as reading:
        return get_licence(reading, licence_id=licence.id, by=producer)


def _share_title(walk: Walk, cast: Cast) -> tuple[Text, int, str]:
    """Have two houses hold the last work of the first of them, which nobody has licensed."""
    first, second = list(cast.holders.values())[:2]
    asset = _unsold(walk, first)[-1]
    said = share_title(
        walk.services.database, walk.services.keys, asset=asset, first=first, second=second, operator=cast.operator
    )
    walk.services.run_jobs()
    return said, 1, f"/assets/{asset.number}/ledger"


def _hold(walk: Walk, cast: Cast) -> tuple[Text, int, str]:
    first = next(iter(cast.holders.values()))
    asset = _unsold(walk, first)[0]
    with walk.services.database.read() as session:
        listing = listing_of(session, asset_id=asset.id)
    use = next(iter(listing.prices["uses"])) if listing else "streaming"
    said, _number = hold_and_refuse(
        walk.services.database, walk.services.keys, asset=asset, use=use, producer=cast.producer, other=cast.operator
    )
    walk.services.run_jobs()
    return said, 1, f"/assets/{asset.number}"


def _state_royalties(walk: Walk, cast: Cast) -> tuple[Text, int, str]:
    """Share what the sale brought between its seller, the studio that restored it, and the exchange."""
    if walk.licence is None:
        raise RuleRefused
    seller = next(a for a in cast.holders.values() if a.organisation_id == walk.licence.seller_id)
    restorer = next(a for a in cast.holders.values() if a != seller)
    services = walk.services
    stated = state_royalties(
        services.database, services.keys, services.run_jobs, licence_id=walk.licence.id, seller=seller,
        restorer=restorer, operator=cast.operator, trust=Path(walk.files["trust"]).read_bytes(),
    )  # fmt: skip
    proof = walk.folder / "statement-proof.json"
    proof.write_bytes(stated.proof)
    walk.files["statement_proof"] = str(proof.resolve())
    return stated.said, stated.lines, f"/statements/{stated.statement_id}"


def _settle_dispute(walk: Walk, cast: Cast) -> tuple[Text, int, str]:
    """Have the last holder bring a dispute about a work of the first, and walk it to its end."""
    respondent, *_others, claimant = cast.holders.values()
    services, parties = walk.services, Parties(claimant, respondent, cast.regulator, cast.operator)
    said, case_id, steps = settle_dispute(
        services.database, services.keys, services.run_jobs, asset=_unsold(walk, respondent)[1], parties=parties
    )
    return said, steps, f"/disputes/{case_id}"


def _unsold(walk: Walk, holder: Actor) -> list[AssetView]:
    """Return the works of a holder that are held, offered, and not the one that was licensed, in their order."""
    with walk.services.database.read() as session:
        mine = sorted(_mine(session, holder), key=lambda asset: asset.number)
        offered = [asset for asset in mine if listing_of(session, asset_id=asset.id) is not None]
        titles = {asset.id: title_of(session, asset=asset) for asset in offered}
    sold = walk.licence.asset_id if walk.licence else None
    return [
        asset
        for asset in offered
        if asset.id != sold and titles[asset.id].state == TitleState.HELD and not titles[asset.id].pledgee
    ]


def _verify(walk: Walk) -> tuple[Text, int, str]:
    checks = _check(walk, Path(walk.files["media"]))
    failed = [name for name, ok in checks if ok is False]
    if failed:
        raise RuleRefused(f"the certificate does not hold: {', '.join(failed)}")
    return Text(N_("every link holds; revocation not checked")), len(checks), walk.files["certificate"]


def _check(walk: Walk, media: Path) -> list[tuple[str, bool | None]]:
    report = verify_certificate(
        Path(walk.files["certificate"]).read_bytes(), media=media, trust=Path(walk.files["trust"]).read_bytes(),
        status=None, today=_today(),
    )  # fmt: skip
    return [(check.name, check.ok) for check in report.checks]


def _today() -> date:
    return beijing_date(clock.now())


def _refuse_second(walk: Walk, cast: Cast) -> tuple[Text, int, str]:
    if walk.licence is None:
        raise RuleRefused
    again = LicenceTerms(
        (SOLD_USE,),
        ("CN",),
        DateRange.years_from(_today(), 1),
        GrantKind.EXCLUSIVE,
        "1080",
        walk.licence.terms.segment,
    )
    try:
        _buy(walk, cast.producer, walk.licence.asset_id, again)
    except RuleRefused as refusal:
        return Text(N_("refused: {why}"), {"why": refusal.text}), 1, ""
    raise RuleRefused("a second exclusive licence was sold")


def _refuse_altered(walk: Walk) -> tuple[Text, int, str]:
    content = bytearray(Path(walk.files["media"]).read_bytes())
    content[len(content) // 2] ^= 1
    altered = walk.folder / "altered-by-one-byte"
    altered.write_bytes(content)
    failed = [name for name, ok in _check(walk, altered) if ok is False]
    if "file" not in failed or set(failed) > {"file", "SM3"}:
        raise RuleRefused("an altered file was not noticed")
    return Text(N_("the link “file” fails")), 1, str(altered)


def _bundle(walk: Walk, cast: Cast) -> tuple[Text, int, str]:
    """Write the evidence of the licence for a court, and check it as the court would."""
    if walk.licence is None:
        raise RuleRefused("nothing was licensed")
    services = walk.services
    with services.database.read() as session:
        name, content = export_bundle(
            session, services.files, services.keys, licence_id=walk.licence.id, home=services.settings.home,
            issuer=services.settings.issuer, by=cast.producer, now=clock.now(),
        )  # fmt: skip
    target = walk.folder / "delivery" / name
    replace_file(target, content)
    walk.files["evidence"] = str(target)
    trust = Path(walk.files["trust"]).read_bytes()
    report = verify_bundle(target, trust=trust, media=Path(walk.files["media"]), today=_today())
    failed = [check.name for check in report.checks if check.ok is False]
    if failed:
        raise RuleRefused(f"the evidence does not hold: {', '.join(failed)}")
    return Text(N_("every link of the bundle holds")), len(report.checks), str(target)


def _curate(walk: Walk, cast: Cast) -> tuple[Text, int, str]:
    words = ("三峡", "夔门", "巫峡", "白帝城", "川江", "峡")
    with walk.services.database.write() as session:
        shown = list_assets(session, state=AssetState.PUBLISHED, size=200, by=cast.curator, now=clock.now()).assets
        chosen = [a for a in shown if walk.media or any(word in a.title("zh") for word in words)][:24]
        try:
            catalogue_id = create_catalogue(
                session, slug=SLUG, title={"zh": "三峡记忆", "en": "Memories of the Three Gorges"},
                intro={"zh": "从夔门到巫峡，多家馆藏共写一条江。", "en": "One river, many holders."},
                by=cast.curator, now=clock.now(),
            )  # fmt: skip
        except BadSlug:
            return Text(N_("published already")), len(chosen), f"/catalogues/{SLUG}"
        set_items(
            session, catalogue_id=catalogue_id, items=[NewItem(asset.id) for asset in chosen], by=cast.curator,
            now=clock.now(),
        )  # fmt: skip
        publish_catalogue(session, catalogue_id=catalogue_id, by=cast.curator, now=clock.now())
    return Text(N_("“三峡记忆”, {count} works"), {"count": len(chosen)}), len(chosen), f"/catalogues/{SLUG}"


def _replay(walk: Walk) -> tuple[Text, int, str]:
    from ledger.replay import verify_journal  # the engine takes a second to import

    with walk.services.database.read() as session:
        replay = verify_journal(session, walk.services.keys)
    if replay.problems:
        raise RuleRefused(replay.problems[0])
    what = Text(
        N_("{transactions} transactions in {blocks} blocks executed again, all agree"),
        {"transactions": replay.transactions, "blocks": replay.blocks},
    )
    return what, replay.transactions, "/ledger"


def _mine(session: ReadSession, by: Actor) -> tuple[AssetView, ...]:
    page = list_assets(session, owner_id=by.organisation_id, size=200, by=by, now=clock.now())
    return page.assets
