"""Deeds as JSON: proposed by one house, agreed to by the other, read by the two and nobody else."""

from pathlib import Path
from uuid import UUID

import pytest

from asset_hub.accounts import Role, require_organisation
from tests.builders import make_actor
from tests.ledger.houses import House, make_house
from tests.web.pages import client_for


@pytest.fixture
def house(tmp_path: Path) -> House:
    return make_house(tmp_path)


def test_a_title_goes_its_way_by_the_api(house: House) -> None:
    with house.services.database.write() as session:
        bank = make_actor(session, roles={Role.RIGHTS_DESK})
        court = make_actor(session, roles={Role.REGULATOR})
    desk, other = (client_for(house.services, one) for one in (house.seller, bank))
    owner, taker, asset = str(require_organisation(house.seller)), str(require_organisation(bank)), str(house.asset_id)
    groups = [{"rights": ["all"], "shares": {owner: 10_000}}]

    def carried(answer: object) -> UUID:
        house.run()
        return UUID(answer.json()["id"])  # type: ignore[attr-defined]

    title = desk.post("/api/v1/deeds/titles", json={"asset": asset, "groups": groups, "instrument": "登记证"})
    carried(title)
    move = {"asset": asset, "rights": ["12"], "giver": owner, "taker": taker, "instrument": "合同"}
    pledge = carried(desk.post("/api/v1/deeds/pledges", json=move))
    own_again = desk.post(f"/api/v1/deeds/{pledge}/agreement").json()
    carried(other.post(f"/api/v1/deeds/{pledge}/agreement"))
    pledged = desk.get(f"/api/v1/assets/{asset}/title").json()
    transfer = carried(desk.post("/api/v1/deeds/transfers", json=move | {"bps": 2_500}))
    declined = other.post(f"/api/v1/deeds/{transfer}/refusal").json()
    release = other.post("/api/v1/deeds/releases", json={"asset": asset, "pledge": 1, "instrument": "清偿"})
    carried(release)
    decided = client_for(house.services, court).post(
        "/api/v1/deeds/decisions",
        json={"asset": asset, "groups": [{"rights": ["all"], "shares": {taker: 10_000}}], "instrument": "判决书"},
    )
    carried(decided)
    shown = other.get(f"/api/v1/assets/{asset}/title").json()
    kinds = [one["kind"] for one in other.get("/api/v1/deeds").json()["deeds"]]

    assert title.status_code == 201
    assert own_again["waits_for"] == [taker]
    assert [(one["pledgor"], one["pledgee"]) for one in pledged["pledges"]] == [(owner, taker)]
    assert (declined["state"], release.json()["state"]) == ("declined", "agreed")
    assert [(one["holder"], one["bps"]) for one in shown["shares"]] == [(taker, 10_000)]
    assert kinds == ["release", "transfer", "pledge"]


def test_strangers_see_nothing_and_nonsense_is_refused(house: House) -> None:
    with house.services.database.write() as session:
        other = make_actor(session, roles={Role.RIGHTS_DESK})
    stranger = client_for(house.services, other)
    desk, asset = client_for(house.services, house.seller), str(house.asset_id)
    groups = [{"rights": ["all"], "shares": {str(require_organisation(house.seller)): 9_999}}]

    short = desk.post("/api/v1/deeds/titles", json={"asset": asset, "groups": groups, "instrument": "x"})
    unknown = desk.post("/api/v1/deeds/titles", json={"asset": asset, "groups": groups, "instrument": "x", "more": 1})
    theirs = stranger.post("/api/v1/deeds/titles", json={"asset": asset, "groups": groups, "instrument": "x"})

    assert (short.status_code, unknown.status_code, theirs.status_code) == (422, 422, 403)
    assert stranger.get(f"/api/v1/assets/{asset}/title").status_code == 404
    assert desk.get("/api/v1/deeds").json() == {"deeds": []}
