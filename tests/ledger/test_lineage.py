"""The chain of title on the page: who may see it, what it says, in words and as a picture."""

import pytest

from asset_hub.accounts import Role, require_organisation
from asset_hub.catalogue import get_asset
from asset_hub.core import clock
from ledger.deeds import agree, propose_pledge, propose_title, propose_transfer
from ledger.lineage import lineage_of
from tests.builders import make_actor, make_organisation
from tests.ledger.houses import NOW, House, make_house
from tests.web.pages import client_for


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, dict[str, object]]:
    """A work whose title was recorded whole, a fourth moved, and then pledged."""
    house = make_house(tmp_path_factory.mktemp("lineage"))
    keys = house.services.keys
    with house.services.database.write() as session:
        people = {
            login: make_actor(
                session, roles={Role.RIGHTS_DESK}, login=login,
                organisation=make_organisation(session, name_zh=name, name_en=login),
            )
            for login, name in (("films", "江声影业"), ("bank", "山城银行"), ("stranger", "路人"))
        } | {"court": make_actor(session, roles={Role.REGULATOR})}  # fmt: skip
        seller, films = require_organisation(house.seller), require_organisation(people["films"])
        propose_title(
            session, keys, asset_id=house.asset_id, rights={("all",): {seller: 10_000}}, instrument="登记",
            by=house.seller, now=NOW,
        )  # fmt: skip
    house.run()
    with house.services.database.write() as session:
        moved = propose_transfer(
            session, keys, asset_id=house.asset_id, rights=("all",), giver=seller, taker=films, bps=2_500,
            instrument="转让", by=house.seller, now=NOW,
        )  # fmt: skip
        agree(session, keys, deed_id=moved.id, by=people["films"], now=NOW)
    house.run()
    with house.services.database.write() as session:
        pledge = propose_pledge(
            session, keys, asset_id=house.asset_id, rights=("12",), pledgor=films,
            pledgee=require_organisation(people["bank"]), instrument="质押", by=people["films"], now=NOW,
        )  # fmt: skip
        for side in (people["bank"], house.seller):
            agree(session, keys, deed_id=pledge.id, by=side, now=NOW)
    house.run()
    return house, dict(people)


def test_every_act_is_told_with_what_stood_after_it(told: tuple[House, dict[str, object]]) -> None:
    house, _ = told
    with house.services.database.read() as session:
        first, second, third = lineage_of(session, asset_id=house.asset_id, language="zh")

    assert [one.kind for one in (first, second, third)] == ["record", "transfer", "pledge"]
    assert (first.giver, second.giver, second.taker) == ("", "山城档案馆", "江声影业")
    assert sorted((part.holder, part.percent) for part in second.groups[0].parts) == [
        ("山城档案馆", 75.0), ("江声影业", 25.0),
    ]  # fmt: skip
    assert sum(part.percent for part in third.groups[0].parts) == 100
    assert third.pledges == (("江声影业", "山城银行"),)


@pytest.mark.parametrize(("who", "sees"), [("films", True), ("bank", True), ("court", True), ("stranger", False)])
def test_shares_are_for_the_houses_concerned(told: tuple[House, dict[str, object]], who: str, sees: bool) -> None:
    house, people = told
    with house.services.database.read() as session:
        number = get_asset(session, asset_id=house.asset_id, by=house.seller, now=clock.now()).number

    page = client_for(house.services, people[who], language="zh").get(f"/assets/{number}/ledger").text  # type: ignore[arg-type]
    anonymous = client_for(house.services, language="zh").get(f"/assets/{number}/ledger").text

    assert ("权属链" in page, "江声影业 25 %" in page, 'class="shares"' in page) == (sees, sees, sees)
    assert "权属链" not in anonymous
