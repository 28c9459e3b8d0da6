"""Royalty statements: each payee proves its own lines and sees no other's; revisions, objections, refusals."""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from asset_hub.accounts import ANONYMOUS, Actor, Role, require_organisation
from asset_hub.accounts.errors import PartyNotFound
from asset_hub.core.errors import AssetHubError, Forbidden, NotSignedIn
from asset_hub.core.ids import new_id
from ledger.acts import org_key
from ledger.case_errors import (
    BadProof,
    BadStatement,
    OtherRevision,
    StatementBusy,
    StatementNotFound,
    StatementTaken,
)
from ledger.case_models import StatementRow
from ledger.certificates import trust_file
from ledger.entries import canonical
from ledger.merkle import keccak
from ledger.models import EntryRow, JournalRow, StateRow
from ledger.royalties import NewLine, object_to_statement, publish_statement, revise_statement
from ledger.signing import Keys
from ledger.statement_proofs import verify_statement_proof
from ledger.statement_views import (
    get_statement,
    list_statements,
    objections_of,
    proof_for,
    revisions_of,
    shown_lines,
)
from ledger.types import EntryState
from ledger.verifier import signing_digest
from tests.builders import make_actor
from tests.ledger.court import Court

LABEL = "朝天门的黄昏 · 网络平台"


class Cashbook:
    """A licensor, an operator and three payees with rights desks; every statement gets a month of its own."""

    def __init__(self, folder: Path) -> None:
        self.court = Court(folder)
        self.database, self.keys = self.court.services.database, self.court.keys
        self.licensor, self.operator = self.court.respondent, self.court.operator
        self.licensor_id = require_organisation(self.licensor)
        with self.database.write() as session:
            self.payees = [make_actor(session, roles={Role.RIGHTS_DESK}) for _ in range(3)]
        self._month = 0

    def month(self) -> str:
        self._month += 1
        return f"20{10 + self._month // 12:02d}-{self._month % 12 + 1:02d}"

    def lines(self, *fens: int) -> list[NewLine]:
        return [(house(self.payees[i % 3]), f"{LABEL} {i}", fen) for i, fen in enumerate(fens)]

    def publish(self, lines: Sequence[NewLine], *, carried: bool = True, **changes: Any) -> UUID:
        given: dict[str, Any] = {"licensor_id": self.licensor_id, "by": self.operator, "period": self.month()}
        with self.database.write() as session:
            made = publish_statement(session, self.keys, lines=lines, now=self.court.now, **(given | changes))
        if carried:
            self.court.carry()
        return made

    def revise(
        self, statement: UUID, lines: Sequence[NewLine], reason: str = "漏记一笔", by: Actor | None = None
    ) -> int:
        with self.database.write() as session:
            return revise_statement(
                session, self.keys, statement_id=statement, lines=lines, reason=reason, by=by or self.operator,
                now=self.court.now,
            )  # fmt: skip

    def object(self, statement: UUID, by: Actor, *, revision: int = 1, text: str = "金额与合同不符") -> UUID:
        with self.database.write() as session:
            return object_to_statement(
                session, self.keys, statement_id=statement, revision=revision, text=text, by=by,
                now=self.court.now,
            )  # fmt: skip

    def proof(self, statement: UUID, payee: Actor, by: Actor | None = None) -> bytes:
        with self.database.read() as session:
            return proof_for(session, self.keys, statement_id=statement, payee_id=house(payee), by=by or payee)

    def events(self, name: str, contract: str = "StatementLedger") -> list[dict[str, Any]]:
        return [event for event in self.court.logs(contract) if event["name"] == name]

    def sign_again(self, proof: bytes, **changes: Any) -> bytes:
        """Return a proof that the operator itself would have falsified."""
        document = json.loads(proof) | changes
        document["signature"] = self.keys.first.operator.sign(signing_digest(document)).hex()
        return canonical(document).encode()


def house(actor: Actor) -> UUID:
    return require_organisation(actor)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Cashbook:
    return Cashbook(tmp_path_factory.mktemp("book"))


def check_refused(book: Cashbook, error: type[AssetHubError], act: Callable[[], object]) -> None:
    """Check that an act is refused for this reason and leaves nothing behind."""
    before = book.court.counts()
    with pytest.raises(error) as caught:
        act()
    assert type(caught.value) is error
    assert book.court.counts() == before


def test_every_payee_proves_its_lines_under_the_published_root(book: Cashbook) -> None:
    statement = book.publish(book.lines(120_000, 0, 345))
    event = book.events("Published")[-1]
    with book.database.read() as session:
        trust = trust_file(session, book.keys, issuer_name="测试交易所")
        view = get_statement(session, statement_id=statement, by=book.licensor)
        revision = revisions_of(session, statement=view)[0]

    proven = [verify_statement_proof(book.proof(statement, payee), trust=trust) for payee in book.payees]

    assert [one.lines for one in proven] == [
        ((f"{LABEL} 0", 120_000),), ((f"{LABEL} 1", 0),), ((f"{LABEL} 2", 345),),
    ]  # fmt: skip
    total = 120_000 + 345
    assert {(one.total_fen, one.root, one.is_pinned) for one in proven} == {(total, event["root"], True)}
    assert (revision.root, revision.total_fen, revision.state) == (event["root"].hex(), total, EntryState.CONFIRMED)
    assert (event["licensor"], f"{event['period']}") == (org_key(book.licensor_id), view.period.replace("-", ""))


def test_one_changed_byte_fails(book: Cashbook) -> None:
    proof = book.proof(book.publish(book.lines(500, 600)), book.payees[0])
    places = range(0, len(proof), max(1, len(proof) // 150))
    survivors = []
    for place in places:
        for byte in {proof[place] ^ 1, proof[place] ^ 32}:
            changed = proof[:place] + bytes([byte]) + proof[place + 1 :]
            try:
                verify_statement_proof(changed)
                survivors.append(place)
            except BadProof:
                continue
    assert survivors == []
    for hostile in (b"", b"null", b"[" * 100_000, b'{"a":' * 500, b"\xff", proof + b" ", b"9" * 9_000):
        with pytest.raises(BadProof):
            verify_statement_proof(hostile)


def test_what_the_operator_itself_falsified_fails_too(book: Cashbook) -> None:
    statement = book.publish(book.lines(500, 600, 700))
    proof, other = book.proof(statement, book.payees[0]), book.proof(statement, book.payees[1])
    document, foreign = json.loads(proof), json.loads(other)
    earlier = json.loads(book.proof(book.publish(book.lines(500, 600, 700)), book.payees[0]))
    line = document["lines"][0]
    cheats: dict[str, dict[str, Any]] = {
        "another payee's": {"lines": foreign["lines"]},
        "total": {"statement": {**document["statement"], "total_fen": 1_801}},
        "not under the root": {"lines": [{**line, "proof": {**line["proof"], "fen": "501"}}]},
        "label": {"lines": [{**line, "label": "别的作品"}]},
        "another statement": {"statement": {**document["statement"], "revision": 2}},
        "published another": {"published": earlier["published"]},
        "no line": {"lines": []},
    }
    for said, changes in cheats.items():
        with pytest.raises(BadProof, match=said):
            verify_statement_proof(book.sign_again(proof, **changes))
    with pytest.raises(BadProof, match="not the one that you know"):
        verify_statement_proof(proof, root=b"\1" * 32)
    stranger = Keys(b"s" * 32).operator
    forged = document | {"issuer": {**document["issuer"], "address": stranger.address.hex()}}
    forged["signature"] = stranger.sign(signing_digest(forged)).hex()
    with book.database.read() as session:
        trust = trust_file(session, book.keys, issuer_name="测试交易所")
    assert verify_statement_proof(canonical(forged).encode()).is_pinned is False
    with pytest.raises(BadProof, match="not in the trust file"):
        verify_statement_proof(canonical(forged).encode(), trust=trust)


def test_a_revision_names_its_reason_and_counts_up(book: Cashbook) -> None:
    statement = book.publish(book.lines(100, 200))
    assert book.revise(statement, book.lines(100, 250)) == 2
    check_refused(book, StatementBusy, lambda: book.revise(statement, book.lines(1)))
    book.court.carry()
    assert book.revise(statement, book.lines(100, 260), "再次更正") == 3
    book.court.carry()

    with book.database.read() as session:
        view = get_statement(session, statement_id=statement, by=book.operator)
        revisions = revisions_of(session, statement=view)
    assert [(one.number, one.total_fen, one.reason) for one in revisions] == [
        (3, 360, "再次更正"), (2, 350, "漏记一笔"), (1, 300, ""),
    ]  # fmt: skip
    event = book.events("Revised")[-1]
    number, root, *_ = event["next"]
    assert (number, root.hex(), event["earlier"].hex()) == (3, revisions[0].root, revisions[1].root)
    proven = verify_statement_proof(book.proof(statement, book.payees[1]))
    assert (proven.revision, proven.lines) == (3, ((f"{LABEL} 1", 260),))


def test_a_payee_reads_its_own_lines_and_a_stranger_none(book: Cashbook) -> None:
    statement = book.publish(book.lines(10, 20, 30))
    readers = [book.operator, book.licensor, *book.payees]
    with book.database.read() as session:
        shown = {}
        for reader in readers:
            view = get_statement(session, statement_id=statement, by=reader)
            shown[reader.person_id] = [line.fen for line in shown_lines(session, statement=view, by=reader)]
            assert statement in [one.id for one in list_statements(session, by=reader).statements]
        assert list(shown.values()) == [[10, 20, 30], [10, 20, 30], [10], [20], [30]]
        for reader in (book.court.stranger, book.court.clerk, book.court.regulator):
            assert statement not in [one.id for one in list_statements(session, by=reader).statements]
            with pytest.raises(StatementNotFound):
                get_statement(session, statement_id=statement, by=reader)
        with pytest.raises(NotSignedIn):
            list_statements(session, by=ANONYMOUS)
    with pytest.raises(StatementNotFound):
        book.proof(statement, book.payees[0], by=book.payees[1])
    with pytest.raises(StatementNotFound):
        book.proof(statement, book.court.stranger, by=book.operator)


def test_objections_are_counted_for_the_licensor_and_anchored_for_a_payee(book: Cashbook) -> None:
    statement = book.publish(book.lines(10, 20))
    objected, anchors = len(book.events("Objected")), len(book.events("Anchored", "AnchorRegistry"))
    book.object(statement, book.licensor)
    book.court.carry()
    book.object(statement, book.payees[0], text="少计一笔")
    book.court.carry()

    with book.database.read() as session:
        view = get_statement(session, statement_id=statement, by=book.licensor)
        seen = {
            reader.person_id: [one.text for one in objections_of(
                session, statement=get_statement(session, statement_id=statement, by=reader), by=reader
            )]
            for reader in (book.operator, book.payees[0], book.payees[1])
        }  # fmt: skip
    assert (view.objections, len(book.events("Objected")) - objected) == (1, 1)
    assert [event["kind"] for event in book.events("Anchored", "AnchorRegistry")[anchors:]] == [16]
    assert list(seen.values()) == [["金额与合同不符", "少计一笔"], ["少计一笔"], []]


def test_what_is_not_allowed_leaves_nothing_behind(book: Cashbook) -> None:
    statement, lines = book.publish(book.lines(10, 20)), book.lines(1)
    period = get_period(book, statement)
    check_refused(book, StatementTaken, lambda: book.publish(lines, period=period))
    check_refused(book, Forbidden, lambda: book.publish(lines, by=book.licensor))
    check_refused(book, NotSignedIn, lambda: book.publish(lines, by=ANONYMOUS))
    check_refused(book, PartyNotFound, lambda: book.publish([(new_id(), LABEL, 1)]))
    check_refused(book, PartyNotFound, lambda: book.publish(lines, licensor_id=new_id()))
    for bad in ([], [(book.licensor_id, " ", 1)], [(book.licensor_id, LABEL, -1)], [(book.licensor_id, LABEL, 10**16)]):
        check_refused(book, BadStatement, lambda b=bad: book.publish(b))  # type: ignore[misc]
    for month in ("2026", "2026-13", "202601", "2199-01", "１９９９-01"):
        check_refused(book, BadStatement, lambda m=month: book.publish(lines, period=m))  # type: ignore[misc]
    check_refused(book, Forbidden, lambda: book.revise(statement, lines, by=book.licensor))
    check_refused(book, BadStatement, lambda: book.revise(statement, lines, " "))
    check_refused(book, StatementNotFound, lambda: book.revise(new_id(), lines))
    check_refused(book, OtherRevision, lambda: book.object(statement, book.licensor, revision=2))
    check_refused(book, StatementNotFound, lambda: book.object(statement, book.payees[2]))
    check_refused(book, NotSignedIn, lambda: book.object(statement, ANONYMOUS))
    check_refused(book, Forbidden, lambda: book.object(statement, book.court.clerk))
    check_refused(book, BadStatement, lambda: book.object(statement, book.licensor, text=""))


def get_period(book: Cashbook, statement: UUID) -> str:
    with book.database.read() as session:
        return get_statement(session, statement_id=statement, by=book.operator).period


def test_what_the_ledger_refuses_is_taken_back(book: Cashbook) -> None:
    statement = book.publish(book.lines(10, 20))
    clean = book.court.counts()
    fresh = book.publish(book.lines(5, 6), carried=False)
    book.revise(statement, book.lines(11, 20))
    with book.database.write() as session:
        for entry in session.exec(select(EntryRow).where(EntryRow.state == EntryState.RECORDED)):
            entry.args = {**entry.args, "signers": [str(book.licensor_id)]}
    with pytest.raises(StatementBusy):
        book.proof(fresh, book.payees[0])
    book.court.carry()

    left = book.court.counts()
    for table in ("ledger_statement", "ledger_statement_revision", "ledger_statement_line"):
        assert left[table] == clean[table]
    with book.database.read() as session:
        assert session.get(StatementRow, fresh) is None
        assert session.get_one(StatementRow, statement).revision == 1
    assert verify_statement_proof(book.proof(statement, book.payees[0])).lines == ((f"{LABEL} 0", 10),)


def test_no_amount_or_label_is_on_the_chain(book: Cashbook) -> None:
    fens = [1_234_567_891, 7_654_321_987]
    statement = book.publish([(house(book.payees[0]), LABEL, fens[0]), (house(book.payees[1]), "独唱", fens[1])])
    book.object(statement, book.licensor, text="只此一句")
    book.court.carry()
    numbers = [*fens, sum(fens)]
    words = [LABEL.encode(), "独唱".encode(), "只此一句".encode(), *(str(fen).encode() for fen in numbers)]
    needles = [*words, *(fen.to_bytes(5, "big") for fen in numbers), house(book.payees[0]).bytes]
    needles += [keccak(fen.to_bytes(size, "big")) for fen in numbers for size in (8, 16, 32)]
    needles += [digest for word in words for digest in (keccak(word), hashlib.sha256(word).digest())]
    with book.database.read() as session:
        haystack = [row.value for row in session.exec(select(StateRow))]
        haystack += [row.raw + row.receipt for row in session.exec(select(JournalRow))]
    assert [needle for needle in needles if any(needle in value for value in haystack)] == []
