"""What the exchange orders is on the ledger too: suspended houses, halted works, and trade that is paused."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from asset_hub.accounts import Actor, Role, require_organisation
from asset_hub.accounts.suspension import reinstate_party, suspend_party
from asset_hub.app import open_home
from asset_hub.catalogue import (
    AssetKind,
    ElementValue,
    RestrictionKind,
    Secrecy,
    create_draft,
    lift_restriction,
    publish_asset,
    restrict,
)
from asset_hub.core.db import WriteSession
from asset_hub.core.errors import BadInput, Forbidden
from asset_hub.core.ids import new_id
from asset_hub.core.settings import Settings
from ledger.acts import org_key, work_key
from ledger.calls import encode_call
from ledger.cases import freeze_case, lift_case, open_case
from ledger.deeds import correct_title, propose_title, title_of_rights
from ledger.entries import record_licence, reserve_number
from ledger.errors import PauseRefused, RegisterPaused
from ledger.models import EntryRow
from ledger.office import pause_registers, resume_registers
from ledger.pauses import paused_registers
from ledger.sites import find_site
from ledger.submit import open_chain
from tests.builders import make_actor
from tests.commands import Shell, shell
from tests.ledger.houses import NOW, House, make_house
from tests.ledger.houses import make_terms as grant_terms
from tests.marketplace.shop import make_shop, make_terms
from tests.web.pages import client_for

__all__ = ["shell"]
ACTIVE, HALTED = 1, 2
EVERY = ("all",)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return make_house(tmp_path)


def people(session: WriteSession) -> tuple[Actor, Actor]:
    return make_actor(session, roles={Role.OPERATOR}), make_actor(session, roles={Role.REGULATOR})


def on_chain(house: House, contract: str, function: str, subject: bytes, place: int) -> int:
    """Return a word of what a register's getter answers."""
    with house.services.database.write() as session:
        site = find_site(session)
        assert site is not None
        chain = open_chain(session, house.services.keys)
        data, time = encode_call(contract, function, [subject]), int(chain.head.timestamp) + 1
        done, called = chain.call(house.services.keys.first.relayer.address, site.addresses[contract], data, time=time)
        assert done
        return int.from_bytes(called[32 * place : 32 * (place + 1)], "big")


def license_it(house: House, session: WriteSession) -> None:
    record_licence(
        session, house.services.keys, number=reserve_number(session), licence_id=new_id(), asset_id=house.asset_id,
        licensor_id=require_organisation(house.seller), licensee_id=require_organisation(house.buyer),
        terms=grant_terms(), document={}, now=NOW,
    )  # fmt: skip


def house_status(house: House) -> int:
    return on_chain(house, "OrgRegistry", "orgs", org_key(require_organisation(house.seller)), 0)


def work_status(house: House) -> int:
    return on_chain(house, "WorkRegistry", "works", work_key(house.asset_id), 4)


def test_a_suspended_house_is_suspended_on_the_ledger_and_reinstated_there(house: House) -> None:
    seller = require_organisation(house.seller)
    with house.services.database.write() as session:
        operator, _ = people(session)
        suspend_party(session, organisation_id=seller, reason="核查", by=operator, now=NOW)
    house.run()
    suspended = house_status(house)
    with house.services.database.write() as session:
        reinstate_party(session, organisation_id=seller, reason="查清", by=operator, now=NOW)
    house.run()

    assert (suspended, house_status(house)) == (HALTED, ACTIVE)


def test_a_halt_of_trade_is_on_the_ledger_until_neither_order_nor_dispute_holds_it(house: House) -> None:
    keys, seen = house.services.keys, []
    with house.services.database.write() as session:
        _, court = people(session)
        claimant = make_actor(session, roles={Role.RIGHTS_DESK})
        case = open_case(session, keys, asset_id=house.asset_id, title="署名", text="未署名", by=claimant, now=NOW)
        order = restrict(
            session, asset_id=house.asset_id, kind=RestrictionKind.FREEZE, reason="协查", by=court, now=NOW
        )
    house.run()
    seen.append(work_status(house))
    with house.services.database.write() as session:
        freeze_case(session, keys, case_id=case, text="先行冻结", by=court, now=NOW)
    house.run()
    with house.services.database.write() as session:
        lift_restriction(session, restriction_id=order, by=court, now=NOW)
    house.run()
    seen.append(work_status(house))
    with house.services.database.write() as session:
        again = restrict(
            session, asset_id=house.asset_id, kind=RestrictionKind.FREEZE, reason="协查", by=court, now=NOW
        )
        lift_case(session, keys, case_id=case, text="解除", by=court, now=NOW)
    house.run()
    seen.append(work_status(house))
    with house.services.database.write() as session:
        lift_restriction(session, restriction_id=again, by=court, now=NOW)
    house.run()

    assert (seen, work_status(house)) == ([HALTED, HALTED, HALTED], ACTIVE)


def test_a_house_holds_its_own_back_without_a_word_on_the_ledger(house: House) -> None:
    with house.services.database.write() as session:
        restrict(
            session, asset_id=house.asset_id, kind=RestrictionKind.EMBARGO, reason="未到期", by=house.seller, now=NOW
        )
    house.run()

    assert work_status(house) == ACTIVE


def test_paused_trade_takes_nothing_new_anywhere_and_goes_on_after(house: House) -> None:
    keys, database = house.services.keys, house.services.database

    def own(session: WriteSession) -> EntryRow:
        deed = propose_title(
            session, keys, asset_id=house.asset_id, rights={EVERY: {require_organisation(house.seller): 10_000}},
            instrument="合同", by=house.seller, now=NOW,
        )  # fmt: skip
        return session.get_one(EntryRow, deed.entry_id)

    with database.write() as session:
        operator, _ = people(session)
        with pytest.raises(Forbidden):
            pause_registers(session, hours=1, reason="系统检修", by=house.seller, now=NOW)
        with pytest.raises(BadInput):
            pause_registers(session, hours=72, reason="系统检修", by=operator, now=NOW)
        with pytest.raises(BadInput):
            pause_registers(session, registers=["WorkRegistry"], hours=1, reason="系统检修", by=operator, now=NOW)
        pause_registers(session, hours=2, reason="系统检修", by=operator, now=NOW)
    with database.write() as session, pytest.raises(RegisterPaused):
        own(session)
    house.run()
    with database.write() as session:
        with pytest.raises(RegisterPaused) as refused:
            license_it(house, session)
        with pytest.raises(PauseRefused):
            pause_registers(session, hours=1, reason="再停", by=operator, now=NOW + timedelta(hours=3))
        states = [row.state for row in session.exec(select(EntryRow))]
        resumed = resume_registers(session, by=operator, now=NOW)
    house.run()
    with database.write() as session:
        entry = own(session)
    house.run()
    with database.read() as reading:
        assert reading.get_one(EntryRow, entry.id).state == "confirmed"
        assert paused_registers(reading, now=NOW) == ()
    assert set(states) == {"confirmed"}
    assert resumed == ("GrantLedger", "TitleLedger")
    assert "系统检修" in str(refused.value)


def test_trade_is_paused_by_command_and_api_and_buyers_read_why(shell: Shell, tmp_path: Path) -> None:
    opened = make_shop(tmp_path)
    buyer = opened.make_buyer()
    quoted = opened.quote(buyer, make_terms())
    with opened.services.database.write() as session:
        operator, _ = people(session)
    desk, page = client_for(opened.services, operator), client_for(opened.services, buyer)

    asked = page.post("/api/v1/ledger/pauses", json={"hours": 1, "reason": "x"})
    paused = desk.post("/api/v1/ledger/pauses", json={"hours": 1, "reason": "市场异常", "registers": ["GrantLedger"]})
    shown, told = page.get("/ledger").text, page.get("/api/v1/ledger").json()["paused"]
    with pytest.raises(RegisterPaused):
        opened.order(buyer, quoted)
    resumed = desk.delete("/api/v1/ledger/pauses").json()
    ordered = opened.order(buyer, quoted)
    opened.services.database.dispose()
    again = shell("ledger", "pause", "--hours", "5", "--reason", "检修", "--register", "TitleLedger")
    over = shell("ledger", "resume")

    assert (asked.status_code, paused.status_code) == (403, 201)
    assert "市场异常" in shown
    assert [one["register"] for one in told] == ["GrantLedger"]
    assert resumed == {"resumed": ["GrantLedger"]}
    assert ordered.gross.fen > 0
    assert again.out.startswith("TitleLedger paused until ")
    assert over.out == "resumed: TitleLedger\n"


def test_what_was_halted_or_suspended_before_it_was_on_the_ledger_is_so_there(tmp_path: Path) -> None:
    services = open_home(Settings(home=tmp_path / "home"))
    with services.database.write() as session:
        operator, court = people(session)
        seller = make_actor(session, roles={Role.ARCHIVIST, Role.RIGHTS_DESK})
        draft = create_draft(
            session, kind=AssetKind.PICTURE, owner_id=require_organisation(seller), secrecy=Secrecy.OPEN,
            values=[ElementValue("title", "朝天门的黄昏", "person:1", "zh")], by=seller, now=NOW,
        )  # fmt: skip
        restrict(session, asset_id=draft, kind=RestrictionKind.FREEZE, reason="协查", by=court, now=NOW)
        publish_asset(session, asset_id=draft, by=seller, now=NOW)
        suspend_party(session, organisation_id=require_organisation(seller), reason="核查", by=operator, now=NOW)
    house = House(services, seller, seller, draft)
    house.run()

    assert (work_status(house), house_status(house)) == (HALTED, HALTED)
    with services.database.read() as reading:
        assert {row.state for row in reading.exec(select(EntryRow))} == {"confirmed"}


def test_a_pause_stops_no_decision_and_no_release(house: House) -> None:
    keys = house.services.keys
    with house.services.database.write() as session:
        operator, court = people(session)
        pause_registers(session, hours=2, reason="系统检修", by=operator, now=NOW)
    house.run()
    with house.services.database.write() as session:
        after = title_of_rights({EVERY: {require_organisation(house.seller): 10_000}})
        deed = correct_title(session, keys, asset_id=house.asset_id, after=after, decision="判决", by=court, now=NOW)
    house.run()
    with house.services.database.read() as reading:
        assert reading.get_one(EntryRow, deed.entry_id).state == "confirmed"
