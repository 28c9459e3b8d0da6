"""Pages of the ledger: what everybody may know of an asset, and a verify page that no upload breaks."""

import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import rlp
import sqlalchemy as sa
from sqlmodel import SQLModel, select
from starlette.testclient import TestClient

from asset_hub.accounts import Role
from asset_hub.catalogue import RestrictionKind, get_asset, lift_restriction, restrict
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.period import DateRange
from ledger.certificates import issue_certificate, status_list, trust_file
from ledger.codebook import GrantKind
from ledger.entries import canonical, record_licence, reserve_number
from ledger.grants import GrantTerms
from ledger.models import EntryRow
from ledger.types import EntryState
from ledger.uploads import MAX_BYTES
from ledger.verifier import signing_digest
from tests.builders import make_actor
from tests.ledger.houses import NOW, House, anchor_delivery, grant, make_foreign_house, make_house, make_terms
from tests.web.pages import client_for

MEDIA_SHA256 = "ab" * 32


class Shop:
    """A home with one certificate that holds today and one of a licence that has ended."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.valid = self._certificate(grant(self.house, make_terms()))
        ended = GrantTerms(
            ("streaming",), ("CN",), DateRange.years_from(beijing_date(NOW) - timedelta(800), 1), GrantKind(0)
        )
        self.expired = self._certificate(grant(self.house, ended))
        keys = self.house.services.keys
        with self.house.services.database.read() as session:
            self.trust = trust_file(session, keys, issuer_name="测试交易所")
        self.number = json.loads(json.loads(self.valid)["licence"])["number"]
        self.revoking = status_list(keys.first, revoked=[self.number], now=NOW)
        self.clear = status_list(keys.first, revoked=[], now=NOW)

    def _certificate(self, licence_id: UUID) -> bytes:
        anchor_delivery(self.house, licence_id, MEDIA_SHA256)
        self.house.run()
        with self.house.services.database.read() as session:
            return issue_certificate(
                session, self.house.services.keys, licence_id=licence_id, delivered_sha256=MEDIA_SHA256,
                delivered_bytes=10, delivered_name="delivered.jpg", issuer_name="测试交易所", now=NOW,
            )  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(make_house(tmp_path_factory.mktemp("shop")))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(make_foreign_house(tmp_path_factory.mktemp("other")))


def verify(client: TestClient, certificate: bytes, *, digest: str = "", **files: bytes) -> str:
    uploads = {name: (f"{name}.json", content, "application/json") for name, content in files.items()}
    answer = client.post("/verify", data={"digest": digest}, files={"certificate": ("c.json", certificate), **uploads})
    assert answer.status_code == 200
    return str(answer.text)


def verdict(page: str) -> str:
    """Return the sentence of the result."""
    return page.split('<h2 id="result">')[1].split("</div>")[0].replace("</h2><p>", " | ").replace("</p>", "").strip()


def everything(shop: Shop) -> tuple[dict[str, int], list[str]]:
    """Return the count of every table's rows and every file of the home."""
    with shop.house.services.database.read() as session:
        counts = {
            table.name: session.exec(select(sa.func.count()).select_from(table)).one()
            for table in SQLModel.metadata.sorted_tables
            if not table.name.startswith("test_")
        }
    home = shop.house.services.settings.home
    return counts, sorted(str(path) for path in home.rglob("*") if not path.name.endswith(("-wal", "-shm")))


def test_a_true_certificate_is_valid_with_every_link_said(shop: Shop) -> None:
    client = client_for(shop.house.services)
    page = verify(client, shop.valid, digest=MEDIA_SHA256, trust=shop.trust, status=shop.clear)
    assert verdict(page).startswith("Valid | Every link that was checked holds.")
    assert page.count("✓ holds") == 9
    assert page.count("– not checked") == 4
    assert "<dd>delivered.jpg</dd>" in page


def test_without_a_trust_file_the_exchange_speaks_for_itself_and_is_said_to(shop: Shop) -> None:
    page = verify(client_for(shop.house.services), shop.valid)
    assert verdict(page).startswith("Valid | Every link that was checked holds.")
    assert "issued here, says this exchange itself" in page
    assert page.count("– not checked") == 6


def test_the_same_in_chinese_leaves_no_english(shop: Shop) -> None:
    client = client_for(shop.house.services, language="zh")
    page = verify(client, shop.valid, digest="00" * 32, status=shop.revoking)
    result = page.split('aria-labelledby="result"')[1].split("</table>")[0]
    words = {
        word
        for word in ("holds", "fails", "checked", "signed", "file", "licence", "revoked", "issue")
        if word in result
    }
    assert words == set()
    assert "无效" in verdict(page)


def test_an_altered_file_an_altered_certificate_and_a_revoked_one_are_named(shop: Shop) -> None:
    client = client_for(shop.house.services)
    swapped = shop.valid.replace(b'"delivered.jpg"', b'"delivered.tif"')
    assert verdict(verify(client, shop.valid, digest="ab" * 31 + "ac")).startswith(
        "Not valid | What fails: <strong>file<"
    )
    assert verdict(verify(client, swapped)).startswith("Not valid | What fails: <strong>signature<")
    assert verdict(verify(client, shop.valid, status=shop.revoking)).startswith(
        "Not valid | What fails: <strong>revocation<"
    )
    assert verdict(verify(client, shop.expired)).startswith("Not valid | What fails: <strong>period<")


def test_a_certificate_of_a_foreign_chain_is_not_ours_unless_its_trust_is_given(shop: Shop, other: Shop) -> None:
    client = client_for(shop.house.services)
    assert verdict(verify(client, other.valid)).startswith("Nobody vouches for its issuer")
    assert verdict(verify(client, other.valid, trust=shop.trust)).startswith("Not valid | What fails: <strong>issuer<")
    assert verdict(verify(client, other.valid, trust=other.trust)).startswith("Valid")


def signed_by_a_stranger(shop: Shop, **changes: object) -> bytes:
    """Return a certificate whose members a stranger made up and signed with a key of their own."""
    document = json.loads(shop.valid) | changes
    key = shop.house.services.keys.first.organisation(UUID(int=1))
    document["issuer"] = {**document["issuer"], "address": key.address.hex()}
    document["signature"] = key.sign(signing_digest(document)).hex()
    return canonical(document).encode()


def deep_rlp(depth: int) -> str:
    content = b""
    for _ in range(depth):
        content = rlp.codec.length_prefix(len(content), 0xC0) + content
    return content.hex()


def test_no_upload_breaks_the_page(shop: Shop) -> None:
    client = client_for(shop.house.services)
    proof = json.loads(shop.valid)["grant"]
    hostile = [
        b"\x00\xff" * 5000, b"[" * 200_000, b'{"a":' * 400 + b"1" + b"}" * 400, b"{}", b"null", b"\xef\xbb\xbf{}",
        shop.valid + b" ", shop.valid.decode().encode("utf-16"), b"9" * 10_000,
        signed_by_a_stranger(shop, licence="[" * 200 + "]" * 200), signed_by_a_stranger(shop, licence="3"),
        signed_by_a_stranger(shop, grant={**proof, "header": deep_rlp(3000)}),
        signed_by_a_stranger(shop, grant={**proof, "index": 10**400}),
        signed_by_a_stranger(shop, grant={**proof, "nodes": [deep_rlp(3000)]}),
    ]  # fmt: skip
    for content in hostile:
        assert verdict(verify(client, content)).startswith("Not valid"), content[:60]
    for name in ("trust", "status"):
        for content in hostile[:6]:
            assert verdict(verify(client, shop.valid, digest="", **{name: content})).startswith("Not valid"), (
                name,
                content[:60],
            )


def test_too_much_or_nothing_is_refused_before_it_is_read(shop: Shop) -> None:
    client = client_for(shop.house.services)
    assert client.post("/verify", files={"certificate": ("c.json", b"x" * (MAX_BYTES + 1))}).status_code == 413
    assert "longer than any certificate" in verify(client, b" " * (MAX_BYTES // 2))
    empty = client.post("/verify", data={"digest": ""})
    assert (empty.status_code, "Choose the certificate first." in empty.text) == (422, True)
    broken = client.post("/verify", content=b"--x\r\nnonsense", headers={"content-type": "multipart/form-data"})
    assert broken.status_code == 422


def test_a_digest_may_be_pasted_as_tools_print_it_and_prefilled_by_a_link(shop: Shop) -> None:
    client = client_for(shop.house.services)
    spaced = " ".join(MEDIA_SHA256.upper()[at : at + 8] for at in range(0, 64, 8))
    assert "its SHA-256 agrees" in verify(client, shop.valid, digest=f"  {spaced}\n")
    bad = client.post("/verify", data={"digest": "computing …"}, files={"certificate": ("c.json", shop.valid)})
    assert (bad.status_code, "A SHA-256 has 64 characters" in bad.text) == (422, True)
    assert f'value="{MEDIA_SHA256}"' in client.get("/verify", params={"digest": MEDIA_SHA256}).text
    assert "<script>alert" not in client.get("/verify", params={"digest": '"><script>alert(1)</script>'}).text


def test_verifying_stores_nothing(shop: Shop, other: Shop) -> None:
    client = client_for(shop.house.services)
    before = everything(shop)
    verify(client, shop.valid, digest=MEDIA_SHA256, trust=shop.trust, status=shop.clear)
    verify(client, other.valid)
    verify(client, b"\x00" * 1000)
    assert everything(shop) == before


def test_the_trail_is_public_and_names_nobody_but_the_holder(shop: Shop) -> None:
    number = asset_number(shop)
    stranger, buyer, seller = (
        client_for(shop.house.services, actor).get(f"/assets/{number}/ledger").text
        for actor in (None, shop.house.buyer, shop.house.seller)
    )
    for page in (stranger, buyer):
        assert "Work registered" in page
        assert "Holder admitted" in page
        assert "Licences of this work" not in page
        assert page.count("✓") + page.count('class="status good"') == 2
        assert "not witnessed" in page
    assert "Licence no. 1" in seller
    assert str(shop.house.buyer.organisation_id) not in seller


def asset_number(shop: Shop) -> str:
    with shop.house.services.database.read() as session:
        return get_asset(session, asset_id=shop.house.asset_id, by=shop.house.seller, now=clock.now()).number


def test_a_hidden_asset_has_no_trail(shop: Shop) -> None:
    number, client = asset_number(shop), client_for(shop.house.services)
    with shop.house.services.database.write() as session:
        restriction = restrict(
            session, asset_id=shop.house.asset_id, kind=RestrictionKind.FREEZE, reason="", authority="",
            by=shop.house.seller, now=clock.now(),
        )  # fmt: skip
    answers = [client.get(path) for path in (f"/assets/{number}/ledger", f"/api/v1/assets/{number}/provenance")]
    with shop.house.services.database.write() as session:
        lift_restriction(session, restriction_id=restriction, by=shop.house.seller, now=clock.now())
    assert [answer.status_code for answer in answers] == [404, 404]
    assert client.get("/assets/none/ledger").status_code == 404
    assert client.get(f"/assets/{number}/ledger").status_code == 200


def test_the_health_page_says_what_it_is_and_asks_who_one_is(shop: Shop) -> None:
    services = shop.house.services
    with services.database.write() as session:
        member = make_actor(session, roles={Role.MEMBER})
    page = client_for(services, member).get("/ledger").text
    assert client_for(services).get("/ledger").headers["location"] == "/sign-in?next=/ledger"
    for words in (
        "What it does not prove",
        "平台托管",
        "GrantLedger",
        "0x" + services.keys.first.operator.address.hex(),
    ):
        assert words in page
    assert "Everything is recorded" in page


def test_what_waits_too_long_is_said(tmp_path: Path) -> None:
    house = make_house(tmp_path)
    with house.services.database.write() as session:
        number = reserve_number(session)
        licence_id = UUID(int=7)
        record_licence(
            session, house.services.keys, number=number, licence_id=licence_id, asset_id=house.asset_id,
            licensor_id=house.seller.organisation_id, licensee_id=house.buyer.organisation_id,  # type: ignore[arg-type]
            terms=make_terms(), document={}, now=NOW - timedelta(hours=1),
        )  # fmt: skip
    page = client_for(house.services, house.seller).get("/ledger").text
    assert "Something waits for longer than it should" in page
    trail = client_for(house.services, house.seller).get(f"/assets/{house.asset_id}/ledger").text
    assert "waits for the ledger" in trail
    with house.services.database.read() as session:
        assert (
            session.exec(select(EntryRow.state).where(EntryRow.subject_id == licence_id)).one() == EntryState.RECORDED
        )


def test_trust_and_status_are_public_and_verify_what_they_are_for(shop: Shop) -> None:
    client = client_for(shop.house.services)
    trust, status = client.get("/ledger/trust.json"), client.get("/ledger/status.json")
    assert trust.headers["content-disposition"] == 'attachment; filename="trust.json"'
    assert status.headers["content-disposition"].startswith('attachment; filename="status-')
    page = verify(client, shop.valid, trust=trust.content, status=status.content)
    assert verdict(page).startswith("Valid | Every link that was checked holds.")
    assert page.count("– not checked") == 5


def test_a_licence_that_the_operator_revoked_is_on_the_public_list(shop: Shop) -> None:
    client = client_for(shop.house.services)
    kept = shop.house.services.settings.home / "status.json"
    kept.write_bytes(shop.revoking)
    status = client.get("/ledger/status.json")
    kept.unlink()
    assert status.json()["revoked"] == [shop.number]
    assert "What fails: <strong>revocation<" in verify(client, shop.valid, status=status.content)
