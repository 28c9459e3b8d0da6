"""A house that keeps its own key sells: the licence waits for its signature, then goes the whole way."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from asset_hub.core import clock
from asset_hub.core.files import read_blob
from asset_hub.core.jobs import JobRow, JobState
from ledger.house_keys import add_key, keeps_own_keys
from ledger.pending import give_signature, list_pending
from ledger.signing import Key
from marketplace.licences import LicenceState, get_licence
from tests.ledger.houses import carry_out
from tests.ledger.test_house_keys import sign
from tests.marketplace.shop import Shop, make_shop, make_terms

OWN = Key(b"\x07" * 32)


def sign_all(shop: Shop) -> int:
    """Sign what waits as the seller does, and let the jobs run."""
    now = clock.now() + timedelta(seconds=1)
    with shop.services.database.write() as session:
        waiting = list_pending(session, by=shop.seller, now=now)
        for one in waiting:
            give_signature(session, pending_id=one.id, signature=sign(OWN, one), by=shop.seller, now=now)
    carry_out(shop.services)
    return len(waiting)


@pytest.mark.timeout(120)
def test_a_sale_of_a_house_with_its_own_key_waits_for_its_signature_and_is_delivered(tmp_path: Path) -> None:
    shop = make_shop(tmp_path)
    buyer = shop.make_buyer()
    house = shop.seller.organisation_id
    assert house is not None
    with shop.services.database.write() as session:
        add_key(session, address=OWN.address, by=shop.seller, now=clock.now())
    assert [sign_all(shop), sign_all(shop)] == [1, 1]

    bought = shop.buy(buyer, make_terms())
    with shop.services.database.read() as session:
        own, before = keeps_own_keys(session, organisation_id=house), get_licence(
            session, licence_id=bought.id, by=buyer
        )  # fmt: skip
    signed = sign_all(shop)
    with shop.services.database.read() as session:
        after = get_licence(session, licence_id=bought.id, by=buyer)
        failed = session.exec(select(JobRow.name).where(JobRow.state == JobState.FAILED)).all()

    assert (own, before.state, signed, after.state) == (True, LicenceState.RECORDED, 1, LicenceState.DELIVERED)
    assert list(failed) == []
    certificate = read_blob(shop.services.files, str(after.certificate_sha256)).decode()
    assert "许可方成员自管密钥；被许可方平台托管" in certificate
