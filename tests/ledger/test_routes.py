"""JSON of the ledger: verdicts as data, health for members, provenance for everybody."""

import json
import sys
from pathlib import Path

import pytest

from ledger.deployment import REGISTERS
from ledger.uploads import MAX_BYTES
from tests.ledger.houses import grant, make_house, make_terms
from tests.ledger.test_pages import MEDIA_SHA256, Shop, asset_number
from tests.web.pages import client_for

VERIFY = "/api/v1/certificates/verify"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(make_house(tmp_path_factory.mktemp("shop")))


def test_a_verdict_is_data(shop: Shop) -> None:
    client = client_for(shop.house.services)
    body = {"certificate": shop.valid.decode(), "digest": MEDIA_SHA256, "trust": shop.trust.decode()}

    told = client.post(VERIFY, json=body).json()
    altered = client.post(VERIFY, json={**body, "digest": "00" * 32}).json()
    revoked = client.post(VERIFY, json={**body, "status": shop.revoking.decode()}).json()

    assert (told["valid"], told["failed"]) == (True, [])
    assert [check["name"] for check in told["checks"]] == [
        "form", "signature", "issuer", "key history", "licence recorded", "delivery anchored", "file", "SM3", "period",
        "revocation", "SM2 signature", "time stamp", "countersignatures",
    ]  # fmt: skip
    assert (told["checks"][9]["name"], told["checks"][9]["ok"]) == ("revocation", True)
    assert told["checks"][9]["detail"].startswith("not revoked as of 20")
    assert (altered["valid"], altered["failed"]) == (False, ["file"])
    assert (revoked["valid"], revoked["failed"]) == (False, ["revocation"])


def test_without_trust_the_exchange_adds_its_own_word(shop: Shop) -> None:
    told = client_for(shop.house.services).post(VERIFY, json={"certificate": shop.valid.decode()}).json()
    assert told["checks"][-1] == {
        "name": "this exchange", "ok": True, "detail": "issued here, says this exchange itself",
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"trust":""}', b'{"certificate":1}',
        b'{"certificate":"x","more":"y"}', b'{"certificate":"x","digest":"zz"}',
    ],
)  # fmt: skip
def test_malformed_bodies_are_refused(shop: Shop, body: bytes) -> None:
    answer = client_for(shop.house.services).post(VERIFY, content=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_engine_leaves_the_stack_safe_from_nested_bodies(shop: Shop) -> None:
    assert sys.getrecursionlimit() <= 3000


def test_a_certificate_that_is_none_is_a_verdict_not_an_error(shop: Shop) -> None:
    answer = client_for(shop.house.services).post(VERIFY, content=json.dumps({"certificate": "\ud800\x00 none"}))
    assert (answer.status_code, answer.json()["failed"]) == (200, ["form"])


def test_a_body_beyond_the_limit_is_refused(shop: Shop) -> None:
    body = json.dumps({"certificate": "x" * MAX_BYTES})
    assert client_for(shop.house.services).post(VERIFY, content=body).status_code == 413
    parts = (b"x" * 65_536 for _ in range(MAX_BYTES // 65_536 + 2))
    assert client_for(shop.house.services).post(VERIFY, content=parts).status_code == 413


def test_health_is_for_members(shop: Shop) -> None:
    assert client_for(shop.house.services).get("/api/v1/ledger").status_code == 401
    told = client_for(shop.house.services, shop.house.buyer).get("/api/v1/ledger").json()
    assert told["entries"] == {"waiting": 0, "confirmed": 7, "refused": 0}
    assert (told["chain_id"], told["is_stalled"], sorted(told["contracts"])) == (
        20_500, False, sorted(["AccessManager", *REGISTERS]),
    )  # fmt: skip
    assert [one["kind"] for one in told["gas"]] == ["admit", "register", "anchor", "grant"]


def test_provenance_shows_licences_only_to_the_owners_house(shop: Shop) -> None:
    url = f"/api/v1/assets/{asset_number(shop)}/provenance"
    public = client_for(shop.house.services).get(url).json()
    buyer = client_for(shop.house.services, shop.house.buyer).get(url).json()
    seller = client_for(shop.house.services, shop.house.seller).get(url).json()
    assert public == buyer
    assert [(entry["kind"], entry["state"]) for entry in public["entries"]] == [
        ("admit", "confirmed"), ("register", "confirmed"),
    ]  # fmt: skip
    assert "licences" not in public
    assert [(one["number"], [entry["kind"] for entry in one["entries"]]) for one in seller["licences"]] == [
        (1, ["grant", "anchor"]), (2, ["grant", "anchor"]),
    ]  # fmt: skip
    assert client_for(shop.house.services).get("/api/v1/assets/none/provenance").status_code == 404


def test_a_home_without_entries_says_so(tmp_path: Path) -> None:
    from asset_hub.app import open_home
    from asset_hub.core.settings import Settings
    from tests.builders import make_actor

    services = open_home(Settings(home=tmp_path / "home"))
    with services.database.write() as session:
        member = make_actor(session)
    assert client_for(services, member).get("/api/v1/ledger").json()["head"] is None
    assert "Nothing is recorded yet." in client_for(services, member).get("/ledger").text
    assert client_for(services).get("/ledger/trust.json").status_code == 404


def test_a_licence_on_its_way_is_told_as_waiting(tmp_path: Path) -> None:
    house = make_house(tmp_path)
    grant(house, make_terms())
    told = client_for(house.services, house.seller).get(f"/api/v1/assets/{house.asset_id}/provenance").json()
    assert told["licences"][0]["entries"][0]["state"] == "recorded"
