"""Parties are admitted by two checkers, with their papers and a code whose check character is right."""

import pytest
from sqlmodel import select

from asset_hub.accounts import (
    OrganisationAdmitted,
    PartyKind,
    PartyState,
    Role,
    apply_for_admission,
    check_application,
    find_party,
)
from asset_hub.accounts.errors import (
    AlreadyDecided,
    BadCreditCode,
    DuplicateParty,
    LongName,
    MissingPaper,
    SameChecker,
)
from asset_hub.accounts.identifiers import check_credit_code
from asset_hub.accounts.models import PartyCheckRow, PartyRow
from asset_hub.accounts.parties import refuse_application
from asset_hub.core import clock
from asset_hub.core.db import Database, WriteSession
from asset_hub.core.jobs import JobRow
from tests.builders import make_actor

NOW = clock.now()
CODE = "91500112MA5U5KUD2B"
PAPERS = {
    "licence_scan_sha256": "a" * 64,
    "legal_representative": "陈",
    "agent_name": "周",
    "authorisation_sha256": "b" * 64,
}


@pytest.mark.parametrize(
    "code",
    ["91500112MA5U5KUD2B", "91110000600037341L", "91371082775260043P", "9144030071526726XG", "91340600ma2perlj2d"],
)
def test_real_credit_codes_are_accepted(code: str) -> None:
    assert check_credit_code(f" {code} ") == code.upper()


@pytest.mark.parametrize("code", ["91110000710934657Q", "9150011IMA5U5KUD2B", "", "91", "９１５００１１２MA5U5KUD2B"])
def test_wrong_credit_codes_are_refused(code: str) -> None:
    with pytest.raises(BadCreditCode):
        check_credit_code(code)


def _apply(session: WriteSession, **changes: object) -> tuple[object, object]:
    applicant = make_actor(session, roles={Role.MEMBER})
    arguments: dict[str, object] = {
        "kind": PartyKind.ORGANISATION, "name_zh": "山城影像", "credit_code": CODE, "papers": PAPERS, **changes,
    }  # fmt: skip
    return applicant, apply_for_admission(session, by=applicant, now=NOW, **arguments)  # type: ignore[arg-type]


def test_two_different_checkers_admit(database: Database) -> None:
    database.subscriptions = {OrganisationAdmitted: ("test.admitted",)}
    with database.write() as session:
        _, party = _apply(session)
        first, second = make_actor(session, roles={Role.OPERATOR}), make_actor(session, roles={Role.OPERATOR})

        once = check_application(session, organisation_id=party, by=first, now=NOW)  # type: ignore[arg-type]
        twice = check_application(session, organisation_id=party, by=second, now=NOW)  # type: ignore[arg-type]

        assert (once, twice) == (PartyState.APPLIED, PartyState.ADMITTED)
        assert session.exec(select(JobRow.name)).all() == ["test.admitted"]
        with pytest.raises(AlreadyDecided):
            check_application(session, organisation_id=party, by=second, now=NOW)  # type: ignore[arg-type]


def test_the_same_checker_does_not_count_twice(database: Database) -> None:
    with database.write() as session:
        _, party = _apply(session)
        checker = make_actor(session, roles={Role.OPERATOR})
        check_application(session, organisation_id=party, by=checker, now=NOW)  # type: ignore[arg-type]

        with pytest.raises(SameChecker):
            check_application(session, organisation_id=party, by=checker, now=NOW)  # type: ignore[arg-type]

        assert len(session.exec(select(PartyCheckRow)).all()) == 1
        assert session.get_one(PartyRow, party).state == PartyState.APPLIED


def test_nobody_checks_their_own_application(database: Database) -> None:
    with database.write() as session:
        operator = make_actor(session, roles={Role.OPERATOR})
        party = apply_for_admission(
            session, kind=PartyKind.ORGANISATION, name_zh="自家", credit_code=CODE, papers=PAPERS, by=operator, now=NOW
        )

        with pytest.raises(SameChecker):
            check_application(session, organisation_id=party, by=operator, now=NOW)


@pytest.mark.parametrize("paper", sorted(PAPERS))
def test_every_paper_is_needed(database: Database, paper: str) -> None:
    with database.write() as session:
        with pytest.raises(MissingPaper):
            _apply(session, papers={**PAPERS, paper: " "})

        assert session.exec(select(PartyRow).where(PartyRow.state == PartyState.APPLIED)).all() == []


def test_a_refused_application_keeps_nobody_from_its_code(any_database: Database) -> None:
    with any_database.write() as session:
        _, squatter = _apply(session, name_zh="冒名者")
        operator = make_actor(session, roles={Role.OPERATOR})
        refuse_application(session, organisation_id=squatter, reason="冒名", by=operator)  # type: ignore[arg-type]

        _, again = _apply(session)

        assert find_party(session, text=CODE).id == again
        with pytest.raises(DuplicateParty):
            _apply(session)


@pytest.mark.parametrize("field", ["name_zh", "name_en"])
def test_a_name_has_at_most_200_characters(database: Database, field: str) -> None:
    with database.write() as session:
        with pytest.raises(LongName):
            _apply(session, **{field: "长" * 201})

        assert session.exec(select(PartyRow).where(PartyRow.state == PartyState.APPLIED)).all() == []
        _apply(session, **{field: "长" * 200})


def test_a_code_is_registered_once(database: Database) -> None:
    with database.write() as session:
        _apply(session)

        with pytest.raises(DuplicateParty):
            _apply(session)


def test_natural_persons_and_foreign_bodies_apply_without_a_code(database: Database) -> None:
    with database.write() as session:
        _apply(session, kind=PartyKind.NATURAL_PERSON, papers={"identity_document_sha256": "c" * 64})
        foreign = {
            "country": "FR", "registration_number": "1", "registration_scan_sha256": "d" * 64,
            "authorisation_sha256": "e" * 64,
        }  # fmt: skip
        _apply(session, kind=PartyKind.FOREIGN_BODY, papers=foreign)

        codes = session.exec(select(PartyRow.credit_code).where(PartyRow.state == PartyState.APPLIED)).all()
    assert codes == [None, None]
