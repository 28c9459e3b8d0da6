"""A recovery by the API and on the page of keys: proposed, seen with its date, objected to, completed."""

from datetime import timedelta

from asset_hub.accounts import Role
from asset_hub.core import clock
from ledger.addresses import show_address
from ledger.house_keys import RECOVERY_WAIT_SECONDS, list_keys
from ledger.key_models import KeyRow
from ledger.pending import list_pending
from ledger.types import KeyState
from tests.builders import make_actor
from tests.ledger.houses import NOW, make_terms
from tests.ledger.test_deeds import Street, carry, id_of, license_to
from tests.ledger.test_house_keys import NEXT, OWN, sign_all, street, take_own_key
from tests.web.pages import client_for

__all__ = ["street"]


def test_a_recovery_is_proposed_seen_with_its_date_objected_to_and_completed(street: Street) -> None:
    services, house, address = street.house.services, id_of(street.seller), show_address(NEXT.address)
    with services.database.write() as session:
        operator = make_actor(session, roles={Role.OPERATOR})
        take_own_key(street, session, street.seller)
    desk, home = client_for(services, operator), client_for(services, street.seller)
    wanted = {"organisation": str(house), "address": address}

    def carried(*, later: timedelta = timedelta()) -> list[str]:
        with services.database.write() as session:
            return carry(street, session, later=later)

    assert home.post("/api/v1/recoveries", json=wanted).status_code == 403
    proposed = desk.post("/api/v1/recoveries", json=wanted)
    assert proposed.status_code == 201
    assert {one["address"]: one["state"] for one in proposed.json()["keys"]}[address] == "recovering"
    assert "three days after the ledger has the proposal" in home.get("/keys").text
    assert carried() == []
    with services.database.read() as reading:
        (found,) = [one for one in list_keys(reading, organisation_id=house) if one.state == KeyState.RECOVERING]
    assert found.valid_from is not None
    shown = home.get("/keys").text
    assert "It speaks for the house from" in shown
    assert found.valid_from > clock.now() + timedelta(seconds=RECOVERY_WAIT_SECONDS - 600)

    assert home.post(f"/keys/{address}/objection").status_code == 303
    assert "The objection waits for the signature of the house" in home.get("/keys").text
    with services.database.write() as session:
        assert sign_all(session, street.seller, OWN) == 1
    assert carried() == []
    assert "proposes a new key" not in home.get("/keys").text

    desk.post("/api/v1/recoveries", json=wanted)
    assert carried() == []
    objected = home.post(f"/api/v1/keys/{address}/objection")
    assert objected.status_code == 200
    completion = f"/api/v1/recoveries/{house}/{address}/completion"
    assert home.post(completion).status_code == 403
    assert desk.post(completion).status_code == 200
    assert sorted(one.split("(")[0] for one in carried()) == ["None", "NotReady"]  # the objection is not signed
    assert desk.post(completion).status_code == 200
    carried(later=timedelta(days=3, hours=1))
    keys = {one["address"]: one["state"] for one in home.get("/api/v1/keys").json()["keys"]}
    assert keys == keys | {address: "live", show_address(OWN.address): "live"}


def test_what_another_house_cannot_sign_is_counted_and_the_rest_is_signed(street: Street) -> None:
    with street.house.services.database.write() as session:
        take_own_key(street, session, street.seller)
        take_own_key(street, session, street.buyer, NEXT)
        license_to(street, session, make_terms(uses=("cinema",)))
        license_to(street, session, make_terms(), buyer=street.other)
        session.get_one(KeyRow, (id_of(street.buyer), NEXT.address)).valid_until = int(NOW.timestamp()) - 1
    home, other = (client_for(street.house.services, by) for by in (street.seller, street.buyer))

    answers = [one.get("/api/v1/signatures").json() for one in (home, other)]
    pages = [one.get("/keys") for one in (home, other)]

    assert [(len(one["pending"]), one["held_up"]) for one in answers] == [(1, 1), (0, 1)]
    assert ["has no valid key now: 1." in one.text for one in pages] == [True, True]
    with street.house.services.database.write() as session:
        assert sign_all(session, street.seller, OWN) == 1
        assert carry(street, session) == ["None"]
        assert list_pending(session, by=street.seller, now=NOW) == ()
        session.get_one(KeyRow, (id_of(street.buyer), NEXT.address)).valid_until = None
        assert (sign_all(session, street.seller, OWN), sign_all(session, street.buyer, NEXT)) == (1, 1)
        assert carry(street, session) == []
