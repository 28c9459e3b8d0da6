"""One typical whole act for every function of every register, in an order in which each can be accepted."""

from collections.abc import Callable

from ledger.merkle import keccak
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
    packed_head,
    rolling_head,
    work_of,
)  # fmt: skip
from tests.contracts.engine import DAY, START, Engine

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
    return [*_organisations(), *_works(), *_grants(), *_titles(), *_operations()]


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


def _operations() -> list[Step]:
    place = keccak(b"AnchorRegistry")
    acts: list[Step] = [
        ("WorkRegistry.setStatus", lambda s: s.set_work_status(work_of(FILM), 2)),
        ("Directory.propose", lambda s: s.on_name("propose", place, PRESENT)),
        ("wait 8 days", lambda s: s.on_name("activate", place, PRESENT)),
        ("Directory.activate", lambda s: s.on_name("activate", place, PRESENT)),
        ("Directory.freeze", lambda s: s.on_name("freeze", place)),
    ]
    registers = (
        "OrgRegistry", "AnchorRegistry", "WorkRegistry", "GrantLedger", "TitleLedger", "DerivationLedger", "Directory",
    )  # fmt: skip
    return acts + [(f"{name}.pause", _pause(name)) for name in registers]


def _pause(contract: str) -> Callable[[Signer], Call]:
    return lambda signer: signer.pause(contract, START + 13 * DAY)
