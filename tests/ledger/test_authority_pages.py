"""What the authority's people and the operator are told and shown of the authority's own key."""

from datetime import timedelta

from sqlmodel import select

from asset_hub.accounts import Actor
from asset_hub.catalogue import RestrictionKind, restrict
from asset_hub.messages import list_notices
from ledger.case_models import CaseStepRow
from ledger.cases import freeze_case
from ledger.health import describe_health, read_health
from ledger.models import EntryRow
from ledger.office import follow_halt
from ledger.office_keys import ChangeState, hand_over_role, rotate_key
from ledger.pending import give_signature, lapse_unsigned
from ledger.said import say
from ledger.signing import AUTHORITY, Office
from ledger.types import EntryState
from tests.ledger.houses import confirm_all
from tests.ledger.test_authority_key import NEXT, OWN, Bench, bench
from tests.web.pages import client_for

__all__ = ["bench"]
ASKED = "Something waits for the signature of the authority’s own key."


def notices(bench: Bench, who: Actor) -> list[str]:
    with bench.services.database.read() as session:
        assert who.person_id is not None
        return [one.text.message for one in list_notices(session, person_id=who.person_id)]


def test_the_authoritys_people_are_told_once_that_their_key_must_sign(bench: Bench) -> None:
    bench.hand_over()
    asked = notices(bench, bench.regulator).count(ASKED)
    case = bench.open()
    bench.do(freeze_case, case, bench.regulator)
    for _ in range(2):
        bench.pending()

    assert (asked, notices(bench, bench.regulator).count(ASKED)) == (1, 2)
    assert notices(bench, bench.desk).count(ASKED) == 0
    with bench.services.database.read() as session:
        health = read_health(session, bench.keys)
    assert (health.unsigned.count, health.unsigned.of_authority, health.unsigned.houses) == (1, 1, ())
    said = [str(text) for text in describe_health(health, now=bench.now)]
    assert said == ["What waits for the authority’s signature: 1."]
    pages = [client_for(bench.services, who, language="zh").get("/ledger").text for who in
             (bench.regulator, bench.operator)]  # fmt: skip
    assert all("等待主管部门签署的事项：1 项。" in page for page in pages)
    assert ['href="/keys"' in page.split("等待主管部门签署")[1][:80] for page in pages] == [True, False]
    assert not any("自持密钥机构签名" in page for page in pages)


def test_what_waits_for_the_key_before_is_asked_of_the_next_one(bench: Bench) -> None:
    bench.hand_over()
    case = bench.open()
    bench.record(freeze_case, case, bench.regulator)
    with bench.services.database.write() as session:
        change = hand_over_role(
            session, bench.keys, role=AUTHORITY, address=NEXT.address, reason="x", by=bench.operator, now=bench.now
        )
        confirm_all(session)
    [accept] = [one for one in bench.pending() if one.typed["primaryType"] == "AcceptRole"]
    with bench.services.database.write() as session:
        signature = NEXT.sign(accept.digest)
        give_signature(session, pending_id=accept.id, signature=signature, by=bench.regulator, now=bench.now)
    bench.carry()
    assert bench.finish(change) == ChangeState.DONE

    assert [one.address for one in bench.pending()] == [NEXT.address]


def test_the_page_of_the_authority_says_who_asks_for_the_hand_over_and_what_waits_for_it(bench: Bench) -> None:
    page = client_for(bench.services, bench.regulator).get("/keys").text

    assert "give its address to an operator" in page
    assert "Waits for a signature of the authority" in page
    assert "Waits for a signature of the house" in client_for(bench.services, bench.desk).get("/keys").text


def test_a_hand_over_says_that_it_waits_for_the_key_and_why_it_came_to_nothing(bench: Bench) -> None:
    page = client_for(bench.services, bench.regulator)
    with bench.services.database.write() as session:
        hand_over_role(
            session, bench.keys, role=AUTHORITY, address=OWN.address, reason="x", by=bench.operator, now=bench.now
        )
    words = [page.get("/api/v1/ledger/role-changes").json()["changes"][0]["waits_for"]]
    both = page.get("/ledger").text
    with bench.services.database.write() as session:
        confirm_all(session)
    words.append(page.get("/api/v1/ledger/role-changes").json()["changes"][0]["waits_for"])
    alone, of_operator = page.get("/ledger").text, client_for(bench.services, bench.operator).get("/ledger").text
    [one] = bench.pending()
    with bench.services.database.write() as session:
        lapse_unsigned(session, entry_id=one.entry_id, now=one.deadline + timedelta(seconds=1))
    told = notices(bench, bench.operator)
    after = page.get("/ledger").text

    assert words == [["second-person", "key"], ["key"]]
    assert "waits for a second person, and for the key to accept" in both
    assert "waits for the key to accept" in alone
    assert "waits for a second person" not in alone
    assert [one.count('<p><a href="/keys">') for one in (alone, of_operator)] == [1, 0]
    assert "The key did not accept in time." in after
    assert told[0] == "The change of keys or roles for {address} came to nothing. Why is on this page."


def test_the_authoritys_key_is_named_as_its_own_and_the_exchanges_key_without_its_role(bench: Bench) -> None:
    bench.hand_over()
    bench.hand_over(NEXT)
    with bench.services.database.write() as session:
        rotate_key(session, bench.keys, office=Office.OPERATOR, reason="x", by=bench.operator, now=bench.now)
        [entry] = session.exec(select(EntryRow).where(EntryRow.state == EntryState.UNSIGNED))
        said = say(session, entry)
    page, zh = (client_for(bench.services, bench.operator, language=one).get("/ledger").text for one in ("en", "zh"))

    assert page.count("the authority’s own key<br>") == 2
    assert "New key for “Registrar and notary”" in page
    assert "another key" not in page
    assert "主管部门（AUTHORITY）" in zh
    assert said.zh.startswith("更换交易所的登记与公证密钥：")
    assert "the key of its registrar and notary:" in said.en


def test_a_freeze_gives_the_reason_of_its_order(bench: Bench) -> None:
    bench.hand_over()
    with bench.services.database.write() as session:
        restrict(
            session, asset_id=bench.asset_id, kind=RestrictionKind.FREEZE, reason="法院协查", by=bench.regulator,
            now=bench.now,
        )  # fmt: skip
        follow_halt(session, asset_id=bench.asset_id, now=bench.now)
    [one] = bench.pending()
    assert one.said.zh.endswith("已停止其交易。理由：法院协查")
    assert one.said.en.endswith("its trade is halted. Why: 法院协查")


def test_the_freeze_that_follows_from_a_dispute_gives_the_words_of_the_interim_order(bench: Bench) -> None:
    bench.hand_over()
    case = bench.open()
    bench.do(freeze_case, case, bench.regulator)
    bench.sign()
    [one] = bench.pending()
    with bench.services.database.read() as session:
        [step] = session.exec(select(CaseStepRow).where(CaseStepRow.act == "freeze"))
    assert (one.typed["primaryType"], step.text in one.said.zh) == ("SetStatus", True)
