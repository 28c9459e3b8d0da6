"""The royalty part of the walk: a statement over the demo's real sale, and the proof of each payee's line."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from asset_hub.accounts import Actor, require_organisation
from asset_hub.core import clock
from asset_hub.core.clock import beijing_date
from asset_hub.core.db import Database
from asset_hub.core.errors import RuleRefused
from asset_hub.core.text import N_, Text
from ledger.royalties import NewLine, publish_statement
from ledger.signing import HomeKeys
from ledger.statement_proofs import verify_statement_proof
from ledger.statement_views import StatementView, list_statements, proof_for, shown_lines
from marketplace.sales import Sale, list_sales

_COMMISSION_PERCENT, _RESTORER_PERCENT = 5, 10


@dataclass(frozen=True, slots=True)
class Stated:
    """What the step made: the statement, and one payee's proof as anybody may check it."""

    said: Text
    statement_id: UUID
    lines: int
    proof: bytes


def state_royalties(
    database: Database, keys: HomeKeys, run_jobs: Callable[[], int], *, licence_id: UUID, seller: Actor,
    restorer: Actor, operator: Actor, trust: bytes,
) -> Stated:  # fmt: skip
    """Publish the seller's statement for the month of a sale, then prove every line against the published root.

    A statement of an earlier walk is found again. Raises RuleRefused when a proof does not hold.
    """
    with database.read() as session:
        sale = next(one for one in list_sales(session, by=seller) if one.licence.id == licence_id)
    period = beijing_date(sale.paid_at or sale.licence.recorded_at).strftime("%Y-%m")
    statement = _published(database, seller=seller, period=period)
    if statement is None:
        with database.write() as session:
            publish_statement(
                session, keys, licensor_id=require_organisation(seller), period=period,
                lines=_lines(sale, seller, restorer, operator), by=operator, now=clock.now(),
            )  # fmt: skip
        run_jobs()
        statement = _published(database, seller=seller, period=period)
    if statement is None:
        raise RuleRefused("the ledger refused the statement")
    return _prove(database, keys, statement, restorer, operator, trust)


def _lines(sale: Sale, seller: Actor, restorer: Actor, operator: Actor) -> list[NewLine]:
    """Share the price before tax to the fen: what does not divide stays with the seller."""
    label = f"第 {sale.licence.number} 号许可 Licence {sale.licence.number}"
    commission = sale.net.fen * _COMMISSION_PERCENT // 100
    restored = sale.net.fen * _RESTORER_PERCENT // 100
    return [
        (require_organisation(seller), label, sale.net.fen - commission - restored),
        (require_organisation(restorer), f"{label}：修复 restoration", restored),
        (require_organisation(operator), f"{label}：佣金 commission", commission),
    ]


def _published(database: Database, *, seller: Actor, period: str) -> StatementView | None:
    with database.read() as session:
        mine = list_statements(session, by=seller).statements
    house = require_organisation(seller)
    return next((one for one in mine if (one.licensor_id, one.period) == (house, period)), None)


def _prove(
    database: Database, keys: HomeKeys, statement: StatementView, shown: Actor, operator: Actor, trust: bytes
) -> Stated:
    """Prove each line by what the payee is handed and the trust file alone; return the proof of `shown`'s house."""
    proofs: dict[UUID, bytes] = {}
    fen = total = 0
    with database.read() as session:
        lines = shown_lines(session, statement=statement, by=operator)
        for payee_id in {line.payee_id for line in lines}:
            proofs[payee_id] = proof_for(
                session, keys, statement_id=statement.id, payee_id=payee_id, by=operator
            )  # fmt: skip
    for proof in proofs.values():
        proven = verify_statement_proof(proof, trust=trust)
        fen, total = fen + sum(amount for _label, amount in proven.lines), proven.total_fen
    if fen != total:
        raise RuleRefused("the proven lines do not add up to the published total")
    said = Text(
        N_("{month}: {count} lines, each proven against the published root; together they are the total"),
        {"month": statement.period, "count": len(lines)},
    )
    return Stated(said, statement.id, len(lines), proofs[require_organisation(shown)])
