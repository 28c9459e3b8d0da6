"""Disputes from the claim to the end: on the chain as here, refused without a trace, seen by nobody else."""

import hashlib
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, select

from asset_hub.accounts import ANONYMOUS, Actor, require_organisation
from asset_hub.catalogue import AssetNotFound
from asset_hub.core.errors import AssetHubError, Forbidden, NotSignedIn
from asset_hub.core.ids import new_id
from ledger.acts import org_key, work_key
from ledger.case_errors import BadCase, CaseBusy, CaseNotFound, CaseStepRefused, NotTheirCase, OfferGone
from ledger.case_models import CaseRow, CaseStepRow
from ledger.case_steps import Exhibit, record_of
from ledger.case_views import Side, get_case, list_cases, next_steps, standing_offer, steps_of
from ledger.cases import (
    accept_settlement,
    answer_case,
    appeal_case,
    close_case,
    decide_case,
    freeze_case,
    lift_case,
    offer_settlement,
    open_case,
    open_licence_case,
    withdraw_case,
)
from ledger.disputes import CaseState, case_key, licence_subject
from ledger.errors import EntryNotFound
from ledger.merkle import keccak
from ledger.models import EntryRow, GrantRow, JournalRow, StateRow
from ledger.replay import verify_journal
from ledger.types import EntryState
from tests.ledger.court import TEXT, TITLE, Court
from tests.ledger.houses import grant, make_terms

EXHIBIT = Exhibit("合同.pdf", hashlib.sha256(b"contract").hexdigest())


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory) -> Court:
    return Court(tmp_path_factory.mktemp("court"))


def check_refused(court: Court, error: type[AssetHubError], act: Callable[[], object], *, rule: str = "") -> None:
    """Check that an act is refused for this reason and leaves nothing behind, neither here nor on its way."""
    before = court.counts()
    with pytest.raises(error) as caught:
        act()
    assert type(caught.value) is error
    assert caught.value.members.get("rule", "") == rule
    assert court.counts() == before


def test_a_dispute_is_answered_frozen_decided_appealed_and_closed(court: Court) -> None:
    earlier = len(court.statuses())
    case = court.open(exhibits=[EXHIBIT])
    assert court.state(case) == CaseState.OPEN
    court.wait(1)
    court.do(answer_case, case, court.respondent, exhibits=[EXHIBIT])
    court.do(freeze_case, case, court.regulator)
    assert court.is_held_back()
    court.do(lift_case, case, court.regulator)
    assert not court.is_held_back()
    court.do(freeze_case, case, court.regulator)
    court.do(decide_case, case, court.regulator)
    assert court.state(case) == CaseState.DECIDED
    court.wait(1)
    court.do(appeal_case, case, court.respondent, exhibits=[EXHIBIT])
    court.do(decide_case, case, court.regulator)
    assert (court.state(case), court.is_held_back()) == (CaseState.FINAL, True)

    court.do(close_case, case, court.operator)

    assert (court.state(case), court.is_held_back()) == (CaseState.CLOSED, False)
    assert court.statuses()[earlier:] == [2, 1, 2, 1]
    check_chain(court, case)
    with court.services.database.read() as session:
        assert verify_journal(session, court.keys).problems == ()


def check_chain(court: Court, case: UUID) -> None:
    """Compare what the register emitted with the rows here, field by field."""
    events = [event for event in court.logs("DisputeRegister") if event.get("id") == case_key(case)]
    with court.services.database.read() as session:
        row = session.get_one(CaseRow, case)
        steps = session.exec(select(CaseStepRow).where(CaseStepRow.case_id == case).order_by(col(CaseStepRow.number)))
        digests = [step.digest for step in steps]
    assert [event["name"] for event in events] == [
        "CaseOpened", "Responded", "InterimOrdered", "InterimOrdered", "InterimOrdered", "CaseDecided", "Appealed",
        "CaseDecided", "CaseClosed",
    ]  # fmt: skip
    sides = org_key(row.claimant_id), org_key(row.respondent_id)
    assert events[0]["claim"] == (1, work_key(court.asset_id), *sides, digests[0], row.respond_by)
    answered = keccak(digests[0] + digests[1])
    assert (events[1]["answer"], events[1]["evidence"]) == (digests[1], answered)
    orders = [(event["frozen"], event["order"]) for event in events[2:5]]
    assert orders == [(True, digests[2]), (False, digests[3]), (True, digests[4])]
    assert events[6]["org"] == org_key(require_organisation(court.respondent))
    assert events[6]["evidence"] == row.evidence == keccak(answered + digests[6])
    assert events[7]["decision"] == row.decision == digests[7]
    assert (events[8]["outcome"], events[8]["from"]) == (digests[8], CaseState.FINAL)
    assert record_of(row).claim.evidence == digests[0]


def test_what_is_frozen_is_not_sold_on_the_ledger_either(court: Court) -> None:
    case = court.open()
    court.do(freeze_case, case, court.regulator)
    licence = grant(court.house, make_terms())
    court.carry()
    court.do(withdraw_case, case, court.claimant)

    with court.services.database.read() as session:
        entry = session.exec(select(EntryRow).where(EntryRow.subject_id == licence)).one()
    assert (entry.state, (entry.reason or "").split("(")[0]) == (EntryState.REFUSED, "NotActive")
    assert (court.state(case), court.is_held_back()) == (CaseState.CLOSED, False)


def test_a_work_stays_frozen_until_the_last_dispute_lets_it_go(court: Court) -> None:
    first, second, earlier = court.open(), court.open(), len(court.statuses())
    court.do(freeze_case, first, court.regulator)
    court.do(freeze_case, second, court.regulator)
    court.do(withdraw_case, first, court.claimant)
    assert court.is_held_back()
    assert court.statuses()[earlier:] == [2, 2]

    court.do(lift_case, second, court.regulator)

    assert not court.is_held_back()
    assert court.statuses()[earlier:] == [2, 2, 1]
    court.do(withdraw_case, second, court.claimant)


def test_both_sides_settle_by_an_offer_that_the_other_accepts(court: Court) -> None:
    case = court.open()
    first = court.do(offer_settlement, case, court.respondent, text="各让一半")
    second = court.do(offer_settlement, case, court.claimant, text="署名即可")
    with court.services.database.read() as session:
        offer = standing_offer(steps_of(session, case=get_case(session, case_id=case, by=court.respondent)))
    assert offer is not None
    assert (offer.number, offer.text, offer.state) == (second, "署名即可", None)
    for who, number in ((court.claimant, second), (court.respondent, first), (court.respondent, 99)):
        check_refused(court, OfferGone, lambda w=who, n=number: court.record(accept_settlement, case, w, offer=n))  # type: ignore[misc]

    court.do(accept_settlement, case, court.respondent, offer=second)

    closed = [event for event in court.logs("DisputeRegister") if event.get("id") == case_key(case)][-1]
    assert (closed["name"], closed["from"], court.state(case)) == ("CaseClosed", CaseState.OPEN, CaseState.CLOSED)
    check_refused(
        court, CaseStepRefused, lambda: court.record(offer_settlement, case, court.claimant), rule="NotInState"
    )


def test_an_unanswered_dispute_is_decided_after_its_term_and_closed_after_the_appeal(court: Court) -> None:
    case = court.open(answer_days=8)
    check_refused(court, CaseStepRefused, lambda: court.record(decide_case, case, court.regulator), rule="TooSoon")
    court.wait(9)
    check_refused(court, CaseStepRefused, lambda: court.record(answer_case, case, court.respondent), rule="TooLate")
    court.do(decide_case, case, court.regulator, appeal_days=8)
    check_refused(court, CaseStepRefused, lambda: court.record(close_case, case, court.operator), rule="TooSoon")
    court.wait(9)
    check_refused(court, CaseStepRefused, lambda: court.record(appeal_case, case, court.claimant), rule="TooLate")

    court.do(close_case, case, court.operator)

    assert court.state(case) == CaseState.CLOSED


def test_each_step_is_one_persons_at_one_stage(court: Court) -> None:
    case = court.open()
    stages: list[tuple[Callable[..., Any], Actor]] = [
        (appeal_case, court.claimant), (close_case, court.operator), (lift_case, court.regulator),
    ]  # fmt: skip
    for act, who in stages:
        rule = "Malformed" if act is lift_case else "NotInState"
        check_refused(court, CaseStepRefused, lambda a=act, w=who: court.record(a, case, w), rule=rule)  # type: ignore[misc]
    wrong: list[tuple[Callable[..., Any], Actor]] = [
        (answer_case, court.claimant), (answer_case, court.clerk), (answer_case, court.regulator),
        (freeze_case, court.operator), (freeze_case, court.claimant), (lift_case, court.respondent),
        (decide_case, court.operator), (close_case, court.regulator), (withdraw_case, court.respondent),
        (appeal_case, court.clerk), (offer_settlement, court.regulator),
    ]  # fmt: skip
    for act, who in wrong:
        check_refused(court, Forbidden, lambda a=act, w=who: court.record(a, case, w))  # type: ignore[misc]
    court.do(answer_case, case, court.respondent)
    check_refused(court, CaseStepRefused, lambda: court.record(answer_case, case, court.respondent), rule="NotInState")
    court.do(decide_case, case, court.regulator)
    check_refused(court, CaseStepRefused, lambda: court.record(withdraw_case, case, court.claimant), rule="NotInState")
    check_refused(court, CaseStepRefused, lambda: court.record(decide_case, case, court.regulator), rule="NotInState")


def test_strangers_see_nothing_and_may_do_nothing(court: Court) -> None:
    case = court.open()
    for act in (
        answer_case, freeze_case, lift_case, decide_case, appeal_case, withdraw_case, close_case, offer_settlement,
    ):  # fmt: skip
        check_refused(court, CaseNotFound, lambda a=act: court.record(a, case, court.stranger))  # type: ignore[misc]
        check_refused(court, CaseNotFound, lambda a=act: court.record(a, case, ANONYMOUS))  # type: ignore[misc]
        check_refused(court, CaseNotFound, lambda a=act: court.record(a, new_id(), court.regulator))  # type: ignore[misc]
    with court.services.database.read() as session:
        for reader in (court.claimant, court.respondent, court.clerk, court.operator, court.regulator):
            assert get_case(session, case_id=case, by=reader).title == TITLE
            assert case in [one.id for one in list_cases(session, by=reader).cases]
        assert list_cases(session, by=court.stranger).cases == ()
        with pytest.raises(CaseNotFound):
            get_case(session, case_id=case, by=court.stranger)
        with pytest.raises(NotSignedIn):
            list_cases(session, by=ANONYMOUS)


def test_what_is_malformed_opens_nothing(court: Court) -> None:
    long_ago = Exhibit("合同.pdf", "AB" * 32)
    for changes in (
        {"title": " "}, {"title": "题" * 201}, {"text": "\n"}, {"text": "字" * 20_001}, {"answer_days": 7},
        {"answer_days": 366}, {"exhibits": [long_ago]}, {"exhibits": [Exhibit("", EXHIBIT.sha256)]},
        {"exhibits": [EXHIBIT] * 51}, {"by": court.respondent},
    ):  # fmt: skip
        check_refused(court, BadCase, lambda c=changes: court.open(**c))  # type: ignore[misc]
    check_refused(court, Forbidden, lambda: court.open(by=court.clerk))
    check_refused(court, NotSignedIn, lambda: court.open(by=ANONYMOUS))
    check_refused(court, AssetNotFound, lambda: court.open(asset_id=new_id()))
    elsewhere = require_organisation(court.stranger)
    check_refused(court, NotTheirCase, lambda: court.open(respondent_id=elsewhere))


def test_one_step_at_a_time_is_on_its_way(court: Court) -> None:
    case = court.open()
    court.record(answer_case, case, court.respondent)

    check_refused(court, CaseBusy, lambda: court.record(freeze_case, case, court.regulator))

    court.carry()
    assert court.state(case) == CaseState.ANSWERED


def test_what_the_ledger_refuses_is_taken_back(court: Court) -> None:
    case = court.open(answer_days=8)
    before = record_of(court.row(case))
    court.record(answer_case, case, court.respondent)
    court.wait(9)
    court.carry()
    assert record_of(court.row(case)) == before
    with court.services.database.read() as session:
        step = steps_of(session, case=get_case(session, case_id=case, by=court.claimant))[-1]
    assert (step.act, step.state, (step.reason or "").split("(")[0]) == ("answer", EntryState.REFUSED, "TooLate")

    court.record(freeze_case, case, court.regulator)
    assert court.is_held_back()
    with court.services.database.write() as session:
        entry = session.exec(
            select(EntryRow).where(EntryRow.subject_id == case, EntryRow.state == EntryState.RECORDED)
        ).one()
        entry.args = {**entry.args, "signers": [str(court.row(case).claimant_id)]}
    court.carry()
    assert (court.is_held_back(), court.row(case).is_frozen) == (False, False)


def test_a_dispute_that_the_ledger_never_opened_says_so(court: Court) -> None:
    with court.services.database.write() as session:
        case = open_case(
            session, court.keys, asset_id=court.asset_id, title=TITLE, text=TEXT, answer_days=8, by=court.claimant,
            now=court.now,
        )  # fmt: skip
    court.wait(3)
    court.carry()
    assert court.state(case) == CaseState.NONE
    check_refused(court, CaseStepRefused, lambda: court.record(answer_case, case, court.respondent), rule="NotInState")


def test_a_licence_is_disputed_between_its_two_sides_only(court: Court) -> None:
    licence = grant(court.house, make_terms())
    court.carry()
    with court.services.database.read() as session:
        number = session.exec(select(GrantRow.number).where(GrantRow.licence_id == licence)).one()

    def open_it(by: Actor) -> UUID:
        with court.services.database.write() as session:
            return open_licence_case(
                session, court.keys, number=number, title=TITLE, text=TEXT, by=by, now=court.now
            )  # fmt: skip

    check_refused(court, EntryNotFound, lambda: open_it(court.claimant))
    case = open_it(court.respondent)
    court.carry()

    claim = next(event for event in court.logs("DisputeRegister") if event.get("id") == case_key(case))["claim"]
    assert claim[:2] == (2, licence_subject(number))
    assert court.row(case).respondent_id == court.house.buyer.organisation_id


def test_who_may_act_next_is_said_with_the_term(court: Court) -> None:
    case = court.open()

    def said() -> list[tuple[str, Side, bool]]:
        with court.services.database.read() as session:
            found = get_case(session, case_id=case, by=court.claimant)
        return [(step.act, step.who, step.until is not None) for step in next_steps(found, now=court.now)]

    always = [("settle", Side.BOTH, False), ("freeze", Side.AUTHORITY, False)]
    withdraw = ("withdraw", Side.CLAIMANT, False)
    assert said() == [("answer", Side.RESPONDENT, True), withdraw, *always]
    court.wait(16)
    assert said() == [("decide", Side.AUTHORITY, False), withdraw, *always]
    court.do(decide_case, case, court.regulator)
    assert said() == [("appeal", Side.EITHER, True), *always]
    court.wait(16)
    assert said() == [("close", Side.OPERATOR, False), *always]
    court.do(close_case, case, court.operator)
    assert said() == []


def test_no_word_of_a_dispute_is_on_the_chain(court: Court) -> None:
    court.open(exhibits=[EXHIBIT])
    words = [TITLE.encode(), TEXT.encode(), EXHIBIT.name.encode(), "江畔影业".encode()]
    needles = [*words, bytes.fromhex(EXHIBIT.sha256), court.asset_id.bytes]
    needles += [keccak(word) for word in words] + [hashlib.sha256(word).digest() for word in words]
    with court.services.database.read() as session:
        haystack = [row.value for row in session.exec(select(StateRow))]
        haystack += [row.raw + row.receipt for row in session.exec(select(JournalRow))]
    assert [needle for needle in needles if any(needle in value for value in haystack)] == []


def test_pages_of_disputes_follow_each_other(court: Court) -> None:
    case = court.open()
    with court.services.database.write() as session:
        row = session.get_one(CaseRow, case)
        for _ in range(51):
            session.add(CaseRow(**{**row.model_dump(), "id": new_id(), "title": "副本"}))
    with court.services.database.read() as session:
        first = list_cases(session, by=court.operator)
        second = list_cases(session, after=first.after, by=court.operator)

    assert (len(first.cases), {one.title for one in first.cases}) == (50, {"副本"})
    assert [one.title for one in second.cases][:2] == ["副本", TITLE]
