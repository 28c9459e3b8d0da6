"""Disputes and statements of houses with keys of their own: each step waits for a signature, and holds up nobody."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from asset_hub.accounts import Actor
from ledger.case_errors import CaseBusy, CaseUnsigned
from ledger.case_models import ObjectionRow
from ledger.case_steps import record_of
from ledger.case_views import UNSIGNED_WORD, CaseView, facts_of, get_case, next_steps, steps_of
from ledger.cases import accept_settlement, answer_case, freeze_case, offer_settlement, withdraw_case
from ledger.certificates import trust_file
from ledger.disputes import LEAST_TERM_SECONDS, CaseState, case_key
from ledger.entries import admit_organisation
from ledger.house_keys import add_key
from ledger.key_errors import TooLateToSign
from ledger.models import EntryRow
from ledger.pending import Pending, give_signature, lapse_unsigned, list_given_up, list_pending
from ledger.signing import Key
from ledger.statement_proofs import verify_statement_proof
from ledger.statement_views import get_statement
from ledger.types import EntryState
from tests.ledger.court import TEXT, TITLE
from tests.ledger.houses import NOW
from tests.ledger.test_cases import check_refused
from tests.ledger.test_house_keys import sign
from tests.ledger.test_royalties import LABEL, Cashbook, house

CLAIMANT, LICENSOR = Key(b"\x05" * 32), Key(b"\x06" * 32)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Cashbook:
    """The claimant and the licensor (who is the respondent too) keep their own keys."""
    made = Cashbook(tmp_path_factory.mktemp("own"))
    for who, key in ((made.court.claimant, CLAIMANT), (made.licensor, LICENSOR)):
        with made.database.write() as session:
            admit_organisation(session, made.keys, organisation_id=house(who), now=NOW)
        made.court.carry()
        with made.database.write() as session:
            add_key(session, address=key.address, by=who, now=NOW)
        assert [sign_all(made, who, key), sign_all(made, who, key)] == [1, 1]
    return made


def pending(book: Cashbook, who: Actor) -> tuple[Pending, ...]:
    with book.database.write() as session:
        return list_pending(session, by=who, now=book.court.now)


def sign_all(book: Cashbook, who: Actor, key: Key) -> int:
    """Sign what waits for a house and carry what goes on."""
    waiting = pending(book, who)
    with book.database.write() as session:
        for one in waiting:
            give_signature(session, pending_id=one.id, signature=sign(key, one), by=who, now=book.court.now)
    book.court.carry()
    return len(waiting)


def look(book: Cashbook, case: UUID) -> tuple[CaseView, EntryState | None, str | None]:
    """Return a dispute with how its newest step is on the ledger."""
    with book.database.read() as session:
        found = get_case(session, case_id=case, by=book.court.claimant)
        newest = steps_of(session, case=found)[-1]
    return found, newest.state, newest.reason


def given_up(book: Cashbook, who: Actor) -> list[tuple[str, str]]:
    with book.database.read() as session:
        return [(one.said.zh, one.reason) for one in list_given_up(session, by=who, now=book.court.now)]


def lapse(book: Cashbook, one: Pending) -> None:
    """Let the time to sign pass."""
    book.court.now = one.deadline + timedelta(seconds=1)
    with book.database.write() as session:
        lapse_unsigned(session, entry_id=one.entry_id, now=book.court.now)
    book.court.carry()


def test_a_house_with_its_own_key_proves_its_line_and_signs_its_objection(book: Cashbook) -> None:
    payee = book.court.claimant
    statement = book.publish([(house(payee), LABEL, 88_000), *book.lines(500)])
    with book.database.read() as session:
        trust = trust_file(session, book.keys, issuer_name="测试交易所")
    proven = verify_statement_proof(book.proof(statement, payee), trust=trust)
    assert (proven.lines, proven.total_fen, proven.is_pinned) == (((LABEL, 88_000),), 88_500, True)

    objection = book.object(statement, book.licensor)
    book.court.carry()
    (one,) = pending(book, book.licensor)
    assert "第 1 版提出异议：金额与合同不符" in one.said.zh
    assert counted(book, statement) == 0
    assert sign_all(book, book.licensor, LICENSOR) == 1
    assert counted(book, statement) == 1

    overtaken = book.object(statement, book.licensor)
    assert book.revise(statement, book.lines(1_000)) == 2
    book.court.carry()
    lapsed = book.object(statement, book.licensor, revision=2)
    lapse(book, pending(book, book.licensor)[0])
    assert [one[1] for one in given_up(book, book.licensor)[:2]] == ["SignatureMissing", "Overtaken"]
    with book.database.read() as session:
        kept = session.exec(select(ObjectionRow.id).where(ObjectionRow.statement_id == statement)).all()
        entries = session.exec(select(EntryRow.state).where(EntryRow.subject_id == statement)).all()
    assert (list(kept), {overtaken, lapsed} & set(kept)) == ([objection], set())
    assert sorted(entries) == ["confirmed"] * 3 + ["refused"] * 2


def test_a_dispute_is_opened_answered_and_settled_by_keys_of_the_houses(book: Cashbook) -> None:
    court = book.court
    case = court.open()
    view, state, _ = look(book, case)
    assert (view.state, view.word, view.unsigned_by) == (CaseState.NONE, UNSIGNED_WORD, (house(court.claimant),))
    assert (state, next_steps(view, now=court.now)) == (EntryState.UNSIGNED, ())
    assert facts_of(view)["unsigned_by"] == [str(house(court.claimant))]
    check_refused(court, CaseUnsigned, lambda: court.record(answer_case, case, court.respondent))
    check_refused(court, CaseUnsigned, lambda: court.record(freeze_case, case, court.regulator))

    (one,) = pending(book, court.claimant)
    assert f"提起争议“{TITLE}”" in one.said.zh
    assert TEXT in one.said.en
    assert one.typed["primaryType"] == "Open"
    assert sign_all(book, court.claimant, CLAIMANT) == 1
    assert court.state(case) == CaseState.OPEN

    court.do(answer_case, case, court.respondent)
    assert (court.state(case), look(book, case)[1]) == (CaseState.OPEN, EntryState.UNSIGNED)
    assert sign_all(book, court.respondent, LICENSOR) == 1
    assert court.state(case) == CaseState.ANSWERED

    number = court.do(offer_settlement, case, court.respondent)
    court.do(accept_settlement, case, court.claimant, offer=number)
    assert [sign_all(book, court.claimant, CLAIMANT), court.state(case)] == [1, CaseState.ANSWERED]
    assert [sign_all(book, court.respondent, LICENSOR), court.state(case)] == [1, CaseState.CLOSED]
    events = [event for event in court.logs("DisputeRegister") if event.get("id") == case_key(case)]
    assert [event["name"] for event in events] == ["CaseOpened", "Responded", "CaseClosed"]
    assert events[1]["evidence"] == court.row(case).evidence


def test_a_step_that_is_not_signed_holds_nobody_up(book: Cashbook) -> None:
    court = book.court
    case = court.open()
    sign_all(book, court.claimant, CLAIMANT)
    before = record_of(court.row(case))
    court.do(withdraw_case, case, court.claimant)
    assert record_of(court.row(case)) == before

    court.do(freeze_case, case, court.regulator)

    assert (court.row(case).is_frozen, pending(book, court.claimant)) == (True, ())
    assert given_up(book, court.claimant)[0][1] == "Overtaken"
    assert f"撤回争议“{TITLE}”" in given_up(book, court.claimant)[0][0]
    court.do(withdraw_case, case, court.claimant)
    assert sign_all(book, court.claimant, CLAIMANT) == 1
    assert (court.state(case), court.row(case).is_frozen, court.is_held_back()) == (CaseState.CLOSED, False, False)


def test_an_answer_gives_way_to_no_step_that_is_itself_unsigned_when_the_term_is_over(book: Cashbook) -> None:
    """Early in the term there is time to answer again; a step that nobody has to sign takes its place at any time."""
    court = book.court
    case = court.open(answer_days=20)
    sign_all(book, court.claimant, CLAIMANT)
    due = court.row(case).due
    court.do(answer_case, case, court.respondent)
    court.do(withdraw_case, case, court.claimant)
    assert len(pending(book, court.claimant)) == 1
    court.do(answer_case, case, court.respondent)
    court.now = NOW.fromtimestamp(due - 120, NOW.tzinfo)
    court.do(answer_case, case, court.respondent)

    check_refused(court, CaseBusy, lambda: court.record(withdraw_case, case, court.claimant))

    assert sign_all(book, court.respondent, LICENSOR) == 1
    assert court.state(case) == CaseState.ANSWERED
    court.do(withdraw_case, case, court.claimant)
    assert (sign_all(book, court.claimant, CLAIMANT), court.state(case)) == (1, CaseState.CLOSED)


def test_a_dispute_that_its_claimant_does_not_sign_is_never_opened_and_says_so(book: Cashbook) -> None:
    court = book.court
    case = court.open(answer_days=8)
    (one,) = pending(book, court.claimant)
    assert one.deadline.timestamp() == court.row(case).respond_by - LEAST_TERM_SECONDS

    lapse(book, one)

    view, state, reason = look(book, case)
    assert (view.state, view.unsigned_by, state, reason) == (CaseState.NONE, (), EntryState.REFUSED, "SignatureMissing")
    assert view.word != UNSIGNED_WORD
    assert given_up(book, court.claimant)[0][1] == "SignatureMissing"
    assert [event for event in court.logs("DisputeRegister") if event.get("id") == case_key(case)] == []


def test_an_answer_whose_term_ends_at_once_is_refused_for_no_one_could_sign_it(book: Cashbook) -> None:
    court = book.court
    case = court.open(answer_days=8)
    sign_all(book, court.claimant, CLAIMANT)
    court.now = NOW.fromtimestamp(court.row(case).due - 30, NOW.tzinfo)

    check_refused(court, TooLateToSign, lambda: court.record(answer_case, case, court.respondent))


def counted(book: Cashbook, statement: UUID) -> int:
    with book.database.read() as session:
        return get_statement(session, statement_id=statement, by=book.licensor).objections
