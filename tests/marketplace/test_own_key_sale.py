"""A house that keeps its own key sells: the licence waits for its signature, then goes the whole way."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from asset_hub.accounts import Role
from asset_hub.accounts.models import PartyRow
from asset_hub.core import clock
from asset_hub.core.files import read_blob
from asset_hub.core.jobs import JobRow, JobState
from ledger.codebook import GrantKind
from ledger.house_keys import add_key, keeps_own_keys
from ledger.pending import give_signature, list_pending
from ledger.signing import Key
from marketplace.licences import LicenceState, get_licence
from marketplace.listings import publish_listing
from tests.builders import make_actor
from tests.ledger.test_house_keys import sign
from tests.marketplace.shop import PRICES, Shop, make_shop, make_terms
from tests.marketplace.test_sublicences import offer

OWN = Key(b"\x07" * 32)


def sign_all(shop: Shop) -> list[str]:
    """Sign what waits as the seller does, and let the jobs run; return what was said of each."""
    now = clock.now() + timedelta(seconds=1)
    with shop.services.database.write() as session:
        waiting = list_pending(session, by=shop.seller, now=now)
        for one in waiting:
            give_signature(session, pending_id=one.id, signature=sign(OWN, one), by=shop.seller, now=now)
    shop.services.run_jobs(threads=1)
    return [one.said.zh for one in waiting]


@pytest.mark.timeout(120)
def test_a_sale_of_a_house_with_its_own_key_waits_for_its_signature_and_is_delivered(tmp_path: Path) -> None:
    shop = make_shop(tmp_path)
    buyer = shop.make_buyer()
    house = shop.seller.organisation_id
    assert house is not None
    with shop.services.database.write() as session:
        add_key(session, address=OWN.address, by=shop.seller, now=clock.now())
    assert [len(sign_all(shop)), len(sign_all(shop))] == [1, 1]

    bought = shop.buy(buyer, make_terms())
    with shop.services.database.read() as session:
        own, before = keeps_own_keys(session, organisation_id=house), get_licence(
            session, licence_id=bought.id, by=buyer
        )  # fmt: skip
    signed = sign_all(shop)
    with shop.services.database.read() as session:
        after = get_licence(session, licence_id=bought.id, by=buyer)
        failed = session.exec(select(JobRow.name).where(JobRow.state == JobState.FAILED)).all()

    assert (own, before.state, len(signed), after.state) == (True, LicenceState.RECORDED, 1, LicenceState.DELIVERED)
    assert list(failed) == []
    certificate = read_blob(shop.services.files, str(after.certificate_sha256)).decode()
    assert "许可方成员自管密钥；被许可方平台托管" in certificate


@pytest.mark.timeout(120)
def test_a_house_with_its_own_key_is_told_of_the_licences_that_its_act_depends_on(tmp_path: Path) -> None:
    shop = make_shop(tmp_path)
    studio, buyer, house = shop.make_buyer(), shop.make_buyer(), shop.seller.organisation_id
    prices = PRICES | {"sublicensing_bps": 15_000, "subject_to": True}
    with shop.services.database.write() as session:
        publish_listing(session, asset_id=shop.asset_id, prices=prices, by=shop.seller, now=clock.now())
        producer = make_actor(session, roles={Role.PRODUCER}, organisation=session.get_one(PartyRow, house))
    above = shop.buy(studio, make_terms(may_sublicense=True))
    with shop.services.database.write() as session:
        add_key(session, address=OWN.address, by=shop.seller, now=clock.now())
    assert [len(sign_all(shop)), len(sign_all(shop))] == [1, 1]

    back = offer(shop, above, by=studio, to=producer)
    given = shop.buy_from(producer, back)
    (said_of_sub,) = sign_all(shop)
    exclusive = shop.buy(buyer, make_terms(kind=GrantKind.EXCLUSIVE, subject_to=()))
    (said_of_exclusive,) = sign_all(shop)

    assert "；系第 1 号许可项下的转授权。" in said_of_sub
    assert "；附在先许可：第 1、2 号。" in said_of_exclusive
    with shop.services.database.read() as session:
        states = [
            get_licence(session, licence_id=one.id, by=by).state for one, by in ((given, producer), (exclusive, buyer))
        ]
    assert states == [LicenceState.DELIVERED] * 2
