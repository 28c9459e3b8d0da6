"""One typical whole act for every function of every register, in an order in which each can be accepted."""

from collections.abc import Callable

from ledger.deployment import REGISTERS
from ledger.disputes import (
    Appeal,
    Claim,
    CloseCase,
    Decide,
    Interim,
    OpenCase,
    Respond,
    Settle,
    SubjectKind,
    Withdraw,
    licence_subject,
)
from ledger.merkle import keccak
from ledger.settlements import (
    NOT_PAID,
    Accept,
    AttestPaid,
    AttestRefunded,
    Close,
    CloseTogether,
    ConfirmPaid,
    Deliver,
    Expire,
    Held,
    OpenOrder,
    OrderFacts,
    Payment,
    Refund,
)
from ledger.statements import Objection, Publish, Revise
from tests.contracts.calls import (
    PRESENT,
    RESERVATION,
    SUBLICENSABLE,
    Call,
    Grant,
    Move,
    Signer,
    Terms,
    Title,
    flat,
    org_of,
    packed_head,
    rolling_head,
    work_of,
)  # fmt: skip
from tests.contracts.engine import DAY, KEYS, START, Engine

FILM, SONG, CLIP = keccak(b"film"), keccak(b"song"), keccak(b"clip")
HOUSES = ("archive", "producer", "station", "bank")
HOLD = Terms(uses=32, flags=RESERVATION, lapses=START + 10 * DAY)
ARCHIVED = Title((("archive", 1, 10_000),))
SPLIT = Title(tuple(sorted((("archive", 1, 6_000), ("producer", 1, 4_000)), key=lambda row: Title((row,)).value[0][0])))
PLEDGED = Title(SPLIT.shares, (("archive", "bank", 1),))


def _grant(number: int, licensor: str, licensee: str, terms: Terms) -> Grant:
    return Grant(number, work_of(FILM), licensor, licensee, terms)


FIRST = _grant(1, "archive", "producer", Terms())
SECOND = _grant(2, "archive", "station", Terms())
SOLE = _grant(3, "archive", "producer", Terms(uses=2, kind=2, flags=SUBLICENSABLE))
TENTH = [_grant(10 + n, "archive", "producer", Terms(uses=64 << n, kind=1)) for n in range(11)]
HELD = _grant(4, "archive", "station", HOLD)
CONFIRMED = _grant(5, "archive", "station", Terms(uses=32, kind=1))
SUBLICENCE = _grant(6, "producer", "station", Terms(uses=2, parent=3))

Step = tuple[str, Callable[[Signer], Call]]


def typical_acts() -> list[Step]:
    """Return (name in the gas report, act); a name without a dot is only a step on the way."""
    return [*_organisations(), *_works(), *_grants(), *_titles(), *_orders(), *_statements(), *_cases(), *_operations()]


def prepare(engine: Engine, signer: Signer) -> None:
    """Admit the houses."""
    for name in HOUSES:
        assert signer.admit(name).send(engine).accepted


def _organisations() -> list[Step]:
    return [
        ("OrgRegistry.admit", lambda s: s.admit("newcomer")),
        ("OrgRegistry.setStatus", lambda s: s.set_org_status("newcomer", 2)),
        ("OrgRegistry.addKey", lambda s: s.add_key("archive", "archive's next", by="archive")),
        ("OrgRegistry.retireKey", lambda s: s.on_key("retireKey", "archive", "archive's next", by="archive")),
        ("OrgRegistry.proposeRecovery", lambda s: s.on_key("proposeRecovery", "station", "lost", by="operator")),
        ("OrgRegistry.cancelRecovery", lambda s: s.on_key("cancelRecovery", "station", "lost", by="station")),
        ("propose again", lambda s: s.on_key("proposeRecovery", "station", "lost", by="operator")),
        ("wait 4 days", lambda s: s.on_key("recover", "station", "lost", by="operator")),
        ("OrgRegistry.recover", lambda s: s.on_key("recover", "station", "lost", by="operator")),
    ]  # fmt: skip


def _works() -> list[Step]:
    many = [keccak(b"work %d" % n) for n in range(100)]
    return [
        ("AnchorRegistry.anchor", lambda s: s.anchor(keccak(b"root"))),
        ("WorkRegistry.register", lambda s: s.register(FILM, "archive")),
        ("register", lambda s: s.register(SONG, "archive")),
        ("register", lambda s: s.register(CLIP, "archive")),
        ("WorkRegistry.registerMany of 100", lambda s: s.register_many(many, "archive")),
        ("WorkRegistry.amend", lambda s: s.amend(SONG, "archive", keccak(b"better"))),
        ("DerivationLedger.link", lambda s: s.link(work_of(CLIP), [(work_of(FILM), 0)], "archive")),
    ]


def _grants() -> list[Step]:
    acts: list[Step] = [
        ("GrantLedger.grantNonExclusive first", lambda s: s.grant(FIRST, [])),
        ("GrantLedger.grantNonExclusive", lambda s: s.grant(SECOND, [])),
        ("GrantLedger.grantExclusive over 0", lambda s: s.grant(SOLE, [], flat([FIRST, SECOND]), disclosed=_sold())),
        ("GrantLedger.sublicense", lambda s: s.grant(SUBLICENCE, flat([SOLE]), source=SOLE)),
        ("GrantLedger.reserve", lambda s: s.grant(HELD, flat([SOLE]))),
        ("GrantLedger.confirm", lambda s: _exclusive(s, CONFIRMED, [SOLE, HELD], source=HELD)),
    ]
    before = [SOLE, HELD, CONFIRMED]
    for position, grant in enumerate(TENTH):
        name = "GrantLedger.grantExclusive over 10" if position == 7 else "another"
        acts.append((name, _another(grant, [*before, *TENTH[:position]])))
    after = [*before, *TENTH]
    acts += [
        ("GrantLedger.terminate", lambda s: s.terminate(SOLE)),
        ("GrantLedger.terminateByAuthority", lambda s: s.terminate_by_authority(1)),
        ("GrantLedger.compact", lambda s: s.compact(work_of(FILM), True, packed_head(after), flat(after))),
    ]
    return acts


def _another(grant: Grant, held: list[Grant]) -> Callable[[Signer], Call]:
    return lambda signer: _exclusive(signer, grant, held)


def _exclusive(signer: Signer, grant: Grant, held: list[Grant], *, source: Grant | None = None) -> Call:
    sold = [FIRST, SECOND, SUBLICENCE]
    return signer.grant(grant, flat(held), flat(sold), disclosed=rolling_head(sold), source=source)


def _sold() -> bytes:
    return rolling_head([FIRST, SECOND])


def _titles() -> list[Step]:
    work = work_of(SONG)
    move = Move(work, 1, "archive", "producer", 4_000)
    return [
        ("TitleLedger.record", lambda s: s.record(work, ARCHIVED, ["archive"])),
        ("TitleLedger.transferTitle", lambda s: s.transfer(move, ARCHIVED, ["archive", "producer"])),
        (
            "TitleLedger.pledge",
            lambda s: s.pledge(Move(work, 1, "archive", "bank"), SPLIT, ["archive", "producer", "bank"]),
        ),
        ("TitleLedger.release", lambda s: s.release(work, 0, PLEDGED, "bank")),
        ("TitleLedger.courtCorrect", lambda s: s.correct(work, ARCHIVED)),
    ]


NOW = START + 4 * DAY  # when orders, statements and cases begin: four days are waited for above
FACTS = OrderFacts(
    org_of("producer"), org_of("archive"), keccak(b"terms"), keccak(b"amount"), keccak(b"ceiling"), DAY, 3
)  # fmt: skip
PAYMENT = Payment(FACTS.amount, keccak(b"receipt"), NOW - 5)
PAID = Held(PAYMENT.receipt, PAYMENT.paid_at, KEYS.cashier.address)
REFUND = Refund(keccak(b"refund"), keccak(b"refund receipt"), NOW, 1)


def _orders() -> list[Step]:
    order, dropped, lapsed = keccak(b"order"), keccak(b"dropped order"), keccak(b"lapsed order")
    why, sides = keccak(b"reason"), ("producer", "archive")
    return [
        ("SettlementLedger.open", lambda s: open_order(s, order)),
        ("open", lambda s: open_order(s, dropped)),
        ("open", lambda s: open_order(s, lapsed)),
        (
            "SettlementLedger.attestPaid",
            lambda s: s.act(AttestPaid(s.op(), order, FACTS, NOT_PAID, PAYMENT), "cashier"),
        ),
        ("SettlementLedger.confirmPaid", lambda s: s.act(ConfirmPaid(s.op(), order, FACTS, PAID, PAYMENT), "operator")),
        (
            "SettlementLedger.attestRefunded",
            lambda s: s.act(AttestRefunded(s.op(), order, FACTS, PAID, REFUND), "operator", "cashier"),
        ),
        ("SettlementLedger.deliver", lambda s: s.act(Deliver(s.op(), order, FACTS, PAID, keccak(b"file")), "archive")),
        ("SettlementLedger.accept", lambda s: s.act(Accept(s.op(), order, FACTS, PAID), "producer")),
        ("SettlementLedger.close", lambda s: s.act(Close(s.op(), order, why), "operator")),
        (
            "SettlementLedger.closeTogether",
            lambda s: s.act(CloseTogether(s.op(), dropped, FACTS, NOT_PAID, why), *sides),
        ),
        ("wait 1 day", lambda s: open_order(s, order)),
        ("SettlementLedger.expire", lambda s: s.act(Expire(s.op(), lapsed), "operator")),
    ]


def open_order(signer: Signer, order: bytes, *, pay_by: int = NOW + 3600) -> Call:
    return signer.act(OpenOrder(signer.op(), order, FACTS, pay_by), "producer", "archive")


def _statements() -> list[Step]:
    licensor, again = org_of("archive"), (keccak(b"next root"), keccak(b"next total"), keccak(b"why"))
    return [
        ("StatementLedger.publish", publish_statement),
        ("StatementLedger.revise", lambda s: s.act(Revise(s.op(), licensor, 202612, 2, *again), "operator")),
        (
            "StatementLedger.objection",
            lambda s: s.act(Objection(s.op(), licensor, 202612, 2, keccak(b"grounds")), "archive"),
        ),
    ]


def publish_statement(signer: Signer) -> Call:
    act = Publish(signer.op(), org_of("archive"), 202612, keccak(b"root"), keccak(b"total"))
    return signer.act(act, "operator")


def _cases() -> list[Step]:
    case, dropped, agreed, told = keccak(b"case"), keccak(b"dropped"), keccak(b"agreed"), keccak(b"told")
    appeal_by = NOW + 10 * DAY
    return [
        ("DisputeRegister.open", lambda s: open_case(s, case)),
        ("open", lambda s: open_case(s, dropped)),
        ("open", lambda s: open_case(s, agreed)),
        ("DisputeRegister.withdraw", lambda s: s.act(Withdraw(s.op(), dropped, told), "producer")),
        ("DisputeRegister.settle", lambda s: s.act(Settle(s.op(), agreed, told), "producer", "archive")),
        ("DisputeRegister.respond", lambda s: s.act(Respond(s.op(), case, told), "archive")),
        ("DisputeRegister.interim", lambda s: s.act(Interim(s.op(), case, True, told), "operator")),
        ("DisputeRegister.decide", lambda s: s.act(Decide(s.op(), case, told, appeal_by), "operator")),
        ("DisputeRegister.appeal", lambda s: s.act(Appeal(s.op(), case, org_of("archive"), told), "archive")),
        ("decide at last", lambda s: s.act(Decide(s.op(), case, told, 0), "operator")),
        ("DisputeRegister.close", lambda s: s.act(CloseCase(s.op(), case, told), "operator")),
    ]


def open_case(signer: Signer, case: bytes) -> Call:
    sides, respond_by = (org_of("producer"), org_of("archive")), NOW + 20 * DAY
    claim = Claim(SubjectKind.LICENCE, licence_subject(7), *sides, keccak(b"exhibits"), respond_by)
    return signer.act(OpenCase(signer.op(), case, claim), "producer")


def _operations() -> list[Step]:
    place = keccak(b"AnchorRegistry")
    acts: list[Step] = [
        ("WorkRegistry.setStatus", lambda s: s.set_work_status(work_of(FILM), 2)),
        ("Directory.propose", lambda s: s.on_name("propose", place, PRESENT)),
        ("wait 8 days", lambda s: s.on_name("activate", place, PRESENT)),
        ("Directory.activate", lambda s: s.on_name("activate", place, PRESENT)),
        ("Directory.freeze", lambda s: s.on_name("freeze", place)),
    ]
    return acts + [(f"{name}.pause", _pause(name)) for name in REGISTERS]


def _pause(contract: str) -> Callable[[Signer], Call]:
    return lambda signer: signer.pause(contract, START + 14 * DAY)
