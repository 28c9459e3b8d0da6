"""Fifty buyers at once for overlapping exclusives: one licence, forty-nine clear refusals, chain and database agree."""

import os
import threading
from pathlib import Path

from sqlmodel import select

from asset_hub.core.errors import AssetHubError
from ledger.acts import heads
from ledger.codebook import GrantKind
from ledger.models import EntryRow, GrantRow
from ledger.replay import verify_journal
from ledger.types import EntryKind, EntryState
from marketplace.errors import HeldByOrder, WindowTaken
from marketplace.models import LicenceRow, OrderRow
from tests.marketplace.shop import make_shop, make_terms

BUYERS = int(os.environ.get("ASSET_HUB_BUYERS", "50"))


def test_of_fifty_racing_buyers_one_wins(tmp_path: Path) -> None:
    shop = make_shop(tmp_path)
    buyers = [shop.make_buyer() for _ in range(BUYERS)]
    wanted = [make_terms(kind=GrantKind.EXCLUSIVE if n % 2 else GrantKind.SOLE, years=1 + n % 5) for n in range(BUYERS)]
    quotes = [shop.quote(buyer, terms) for buyer, terms in zip(buyers, wanted, strict=True)]
    gate = threading.Barrier(BUYERS)
    outcomes: list[object] = [None] * BUYERS

    def buy(number: int) -> None:
        gate.wait()
        try:
            outcomes[number] = shop.pay(buyers[number], shop.order(buyers[number], quotes[number]))
        except AssetHubError as error:
            outcomes[number] = error

    threads = [threading.Thread(target=buy, args=(number,)) for number in range(BUYERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shop.services.run_jobs(threads=2)

    refused = [outcome for outcome in outcomes if isinstance(outcome, AssetHubError)]
    assert len(refused) == BUYERS - 1
    assert {(type(error), error.status) for error in refused} <= {(WindowTaken, 409), (HeldByOrder, 409)}
    with shop.services.database.read() as session:
        (licence,) = session.exec(select(LicenceRow)).all()
        (grant,) = session.exec(select(GrantRow)).all()
        assert len(session.exec(select(OrderRow)).all()) == 1
        entries = session.exec(select(EntryRow).where(EntryRow.kind == EntryKind.GRANT)).all()
        assert [entry.state for entry in entries] == [EntryState.CONFIRMED]
        assert len(heads(session, asset_id=shop.asset_id)[0]) == 1
        assert verify_journal(session, shop.services.keys).problems == ()
    assert (licence.state, grant.licence_id, grant.is_in_head) == ("delivered", licence.id, True)
