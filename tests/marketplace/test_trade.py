"""From a question to a licence: answers, quotes, orders, payment, delivery, and every refusal between."""

import hashlib
import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from asset_hub.accounts import ANONYMOUS
from asset_hub.catalogue import RestrictionKind, restrict
from asset_hub.catalogue.errors import AssetNotFound
from asset_hub.core import clock
from asset_hub.core.errors import BadInput, Forbidden
from asset_hub.core.files import read_blob
from asset_hub.core.money import Money
from asset_hub.core.period import DateRange
from asset_hub.core.rational import Span
from asset_hub.media import MediaKind, probe
from ledger.codebook import USES, GrantKind
from ledger.errors import UnknownTerm
from ledger.verifier import verify_certificate
from marketplace.availability import Answer, Availability, availability
from marketplace.delivery import fetch_delivery, open_link
from marketplace.errors import (
    BadPrice,
    BadShares,
    LicenceRevoked,
    LinkExpired,
    NotForSale,
    NotPaid,
    OrderNotFound,
    QuoteExpired,
    WindowTaken,
)
from marketplace.licences import LicenceState
from marketplace.listings import publish_listing
from marketplace.models import LicenceRow, OrderRow, QuoteRow
from marketplace.orders import mark_paid, place_order
from marketplace.pricing import check_prices, price_of
from marketplace.terms import RESOLUTIONS, LicenceTerms, read_terms
from marketplace.title import TitleState, record_title
from tests.drill import grown
from tests.marketplace.shop import NOW, PRICES, START, Shop, make_shop, make_terms


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return make_shop(tmp_path)


def ask(shop: Shop, terms: LicenceTerms, by: object = ANONYMOUS) -> Availability:
    with shop.services.database.read() as session:
        return availability(session, asset_id=shop.asset_id, terms=terms, by=by, now=clock.now())  # type: ignore[arg-type]


def test_a_licence_goes_from_recorded_to_delivered_with_its_proof(shop: Shop, tmp_path: Path) -> None:
    buyer = shop.make_buyer()

    licence = shop.buy(buyer, make_terms(resolution="original"))

    assert licence.state == LicenceState.DELIVERED
    secret = shop.services.settings.secret()
    with shop.services.database.read() as session:
        delivery = fetch_delivery(session, secret, token=open_link(secret, licence, revoked=(), by=buyer), revoked=())
        with pytest.raises(LinkExpired):
            fetch_delivery(
                session, b"another secret", token=open_link(secret, licence, revoked=(), by=buyer), revoked=()
            )
        with pytest.raises(LinkExpired):
            fetch_delivery(
                session, secret, token=open_link(secret, licence, revoked=(), by=buyer)[:-3] + "AAA", revoked=()
            )
        with pytest.raises(LicenceRevoked):
            fetch_delivery(
                session, secret, token=open_link(secret, licence, revoked=(), by=buyer), revoked=[licence.number]
            )
    with pytest.raises(LicenceRevoked):
        open_link(secret, licence, revoked=[licence.number], by=buyer)
    media = tmp_path / "got"
    media.write_bytes(read_blob(shop.services.files, delivery.sha256))
    certificate = read_blob(shop.services.files, licence.certificate_sha256 or "")
    report = verify_certificate(certificate, media=media, trust=None, status=None, today=START)
    assert report.is_valid
    assert json.loads(json.loads(certificate)["licence"])["work"]["title_zh"] == "朝天门的黄昏"
    assert read_blob(shop.services.files, licence.pdf_sha256 or "")[:5] == b"%PDF-"
    with pytest.raises(Forbidden):
        open_link(secret, licence, revoked=(), by=shop.seller)


def test_a_segment_of_a_film_is_cut_to_the_frame(tmp_path: Path) -> None:
    shop = make_shop(tmp_path, film=True)
    licence = shop.buy(shop.make_buyer(), make_terms(resolution="540", segment=Span(10, 35)))

    with shop.services.files.as_path(licence.sha256 or "") as path:
        facts = probe(path, kind=MediaKind.FILM, mime="video/mp4")
    assert facts.frames == 25
    exclusive = make_terms(kind=GrantKind.EXCLUSIVE, segment=Span(35, 75))
    assert ask(shop, exclusive).answer == Answer.FREE
    assert ask(shop, make_terms(kind=GrantKind.EXCLUSIVE, segment=Span(34, 75))).answer == Answer.CONFLICT


def test_an_exclusive_answers_conflict_until_it_ends_and_names_nobody(shop: Shop) -> None:
    shop.buy(shop.make_buyer(), make_terms(kind=GrantKind.EXCLUSIVE, years=2))

    found = ask(shop, make_terms(years=1))
    own = ask(shop, make_terms(years=1), by=shop.seller)

    assert (found.answer, found.free_from, found.with_licences) == (Answer.CONFLICT, date(2028, 12, 1), ())
    assert own.with_licences == (1,)
    assert ask(shop, make_terms(uses=("satellite_tv",))).answer == Answer.FREE
    after = LicenceTerms(("streaming",), ("CN",), DateRange(date(2028, 12, 1), date(2029, 1, 1)))
    assert ask(shop, after).answer == Answer.FREE
    with pytest.raises(WindowTaken):
        shop.quote(shop.make_buyer(), make_terms())


@pytest.mark.parametrize("state", [s for s in TitleState if s != TitleState.HELD])
def test_what_has_no_held_title_is_unknown_and_cannot_be_bought(shop: Shop, state: TitleState) -> None:
    with shop.services.database.write() as session:
        record_title(session, asset_id=shop.asset_id, state=state, by=shop.seller, now=NOW)

    assert ask(shop, make_terms()).answer == Answer.UNKNOWN
    with pytest.raises(NotForSale):
        shop.quote(shop.make_buyer(), make_terms())
    with shop.services.database.write() as session, pytest.raises(NotForSale):
        publish_listing(session, asset_id=shop.asset_id, prices=PRICES, by=shop.seller, now=NOW)


def test_a_pledged_right_is_not_licensed(shop: Shop) -> None:
    house = shop.seller.organisation_id
    assert house is not None
    with shop.services.database.write() as session:
        record_title(
            session, asset_id=shop.asset_id, state=TitleState.HELD, shares={house: 10_000}, pledgee="某银行",
            by=shop.seller, now=NOW,
        )  # fmt: skip
    assert ask(shop, make_terms()).answer == Answer.UNKNOWN
    with pytest.raises(NotForSale):
        shop.quote(shop.make_buyer(), make_terms())


def test_shares_of_a_title_are_whole(shop: Shop) -> None:
    house = shop.seller.organisation_id
    assert house is not None
    with shop.services.database.write() as session, pytest.raises(BadShares):
        record_title(
            session, asset_id=shop.asset_id, state=TitleState.HELD, shares={house: 9_999}, by=shop.seller, now=NOW
        )


def test_a_taken_down_asset_is_not_even_asked_about(shop: Shop) -> None:
    with shop.services.database.write() as session:
        restrict(
            session, asset_id=shop.asset_id, kind=RestrictionKind.TAKE_DOWN, reason="", authority="", by=shop.seller,
            now=NOW,
        )  # fmt: skip
    with pytest.raises(AssetNotFound):
        ask(shop, make_terms())
    with pytest.raises(AssetNotFound):
        shop.quote(shop.make_buyer(), make_terms())


def test_an_order_is_placed_once_paid_once_and_licensed_once(shop: Shop) -> None:
    buyer = shop.make_buyer()
    made = shop.quote(buyer, make_terms(kind=GrantKind.SOLE))
    order = shop.order(buyer, made)

    assert shop.order(buyer, made) == order
    licence = shop.pay(buyer, order)
    assert shop.pay(buyer, order) == licence
    with shop.services.database.read() as session:
        assert len(session.exec(select(LicenceRow)).all()) == len(session.exec(select(OrderRow)).all()) == 1


def test_another_amount_or_a_lapsed_order_is_no_payment(shop: Shop) -> None:
    buyer = shop.make_buyer()
    order = shop.order(buyer, shop.quote(buyer, make_terms()))
    late = clock.now() + timedelta(hours=1)
    with shop.services.database.write() as session:
        with pytest.raises(NotPaid):
            mark_paid(session, order_id=order.id, payment="x", amount=order.gross - Money(1), now=clock.now())
        with pytest.raises(NotPaid):
            mark_paid(session, order_id=order.id, payment="x", amount=order.gross, now=late)
        with pytest.raises(OrderNotFound):
            mark_paid(session, order_id=shop.asset_id, payment="x", amount=order.gross, now=late)


def test_an_open_order_holds_its_rights_and_then_lets_go(shop: Shop) -> None:
    first, second = shop.make_buyer(), shop.make_buyer()
    exclusive = make_terms(kind=GrantKind.EXCLUSIVE)
    theirs = shop.quote(second, exclusive)
    shop.order(first, shop.quote(first, exclusive))
    with pytest.raises(WindowTaken):
        shop.order(second, theirs)

    later = clock.now() + timedelta(minutes=31)
    with shop.services.database.write() as session:
        order = place_order(session, shop.services.settings.secret(), quote_id=theirs.id, by=second, now=later)
    assert order.buyer_id == second.organisation_id


def test_a_changed_or_old_quote_is_refused(shop: Shop) -> None:
    buyer = shop.make_buyer()
    cheap = shop.quote(buyer, make_terms())
    with shop.services.database.write() as session:
        row = session.get_one(QuoteRow, cheap.id)
        row.net_fen, row.tax_fen = 1, 0
    with pytest.raises(QuoteExpired):
        shop.order(buyer, cheap)
    old = shop.quote(buyer, make_terms())
    with shop.services.database.write() as session, pytest.raises(QuoteExpired):
        place_order(
            session, shop.services.settings.secret(), quote_id=old.id, by=buyer, now=clock.now() + timedelta(days=15)
        )


TERMS = st.builds(
    LicenceTerms,
    uses=st.lists(st.sampled_from(["streaming", "satellite_tv"]), min_size=1, max_size=2, unique=True).map(tuple),
    territories=st.sampled_from([("CN",), ("CQ",), ("world",), ("US", "JP"), ("CN", "FR", "DE")]),
    window=st.integers(1, 4000).map(lambda days: DateRange(START, START + timedelta(days=days))),
    kind=st.sampled_from(GrantKind),
    resolution=st.sampled_from(RESOLUTIONS),
)


@settings(deadline=None, max_examples=grown(300, 10_000))
@given(TERMS, st.integers(0, 10_000), st.integers(1, 10**9), st.integers(0, 10**9))
def test_a_price_computes_again_to_the_same_fen_and_adds_up(
    terms: LicenceTerms, seconds: int, base: int, floor: int
) -> None:
    prices = {"uses": {"streaming": base, "satellite_tv": base + 7}, "floor": floor, "exclusive": True}

    first = price_of(prices, terms, seconds=seconds)
    again = price_of(
        json.loads(json.dumps(prices)), read_terms(json.loads(json.dumps(terms.as_json()))), seconds=seconds
    )

    assert first == again
    assert first.net + first.tax == first.gross
    assert first.net == first.lines[-1].amount
    assert first.net.fen >= floor
    assert abs(first.tax.fen * 100 - first.net.fen * 6) <= 50


@pytest.mark.parametrize("prices", [{}, {"uses": {}}, {"uses": {"streaming": 0}}, {"uses": {"streaming": 1.5}}])
def test_a_price_list_must_be_computable(shop: Shop, prices: dict[str, object]) -> None:
    with shop.services.database.write() as session, pytest.raises(BadPrice):
        publish_listing(session, asset_id=shop.asset_id, prices=prices, by=shop.seller, now=NOW)


def test_terms_are_of_the_code_book() -> None:
    with pytest.raises(UnknownTerm):
        make_terms(uses=("telepathy",))
    with pytest.raises(BadInput):
        make_terms(resolution="8k")
    assert len({use.code for use in USES}) == len(USES)
    assert hashlib.sha256(",".join(use.code for use in USES).encode()).hexdigest()[:12] == "2e8f04f2c559"


def test_the_right_to_sub_license_multiplies_the_price_and_a_sub_licence_costs_what_was_agreed() -> None:
    prices = check_prices(PRICES | {"sublicensing_bps": 15_000, "subject_to": True})

    plain, with_right = (price_of(prices, make_terms(years=1, may_sublicense=may), seconds=0) for may in (False, True))
    agreed = price_of({"agreed": 12_345}, make_terms(parent=7, years=3), seconds=40)

    assert (plain.net.fen, with_right.net.fen) == (100_000, 150_000)
    assert with_right.lines[-1].label.params == {"factor": "1.5"}
    assert [(line.amount.fen, line.label.params) for line in agreed.lines] == [(12_345, {"number": 7})]
    assert (agreed.net.fen, agreed.tax.fen) == (12_345, 741)


@pytest.mark.parametrize("factor", [1, 9_999, 1_000_001, -15_000, True, 1.5, "2"])
def test_a_factor_of_the_right_to_sub_license_is_between_1_and_100(factor: object) -> None:
    with pytest.raises(BadPrice):
        check_prices(PRICES | {"sublicensing_bps": factor})


def test_terms_with_conditions_are_written_and_read_again_and_old_ones_have_none() -> None:
    terms = make_terms(kind=GrantKind.SOLE, subject_to=(3, 5), may_sublicense=True)
    old = {
        name: value
        for name, value in make_terms().as_json().items()
        if name not in ("may_sublicense", "subject_to", "parent")
    }

    assert read_terms(terms.as_json()) == terms
    assert read_terms(make_terms(parent=4).as_json()) == make_terms(parent=4)
    assert read_terms(old) == make_terms()
    with pytest.raises(BadInput):
        make_terms(subject_to=())
    with pytest.raises(BadInput):
        make_terms(parent=4, may_sublicense=True)
