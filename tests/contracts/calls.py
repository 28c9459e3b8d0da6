"""Every act of the registers as a call that its parties have signed: what the service must build, told by example."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eth_abi.abi import encode

from ledger.calls import created_address
from ledger.merkle import keccak
from ledger.signed import SignedAct, digest_of
from ledger.signing import Key
from tests.contracts.engine import ADDRESSES, DAY, KEYS, START, Engine, Outcome, digest

NOTHING = b"\0" * 32
LASTING = 1000 * DAY
SUBLICENSABLE, RESERVATION = 4, 8
GRANT = (
    "Grant(bytes32 opId,bytes32 work,bytes32 licensor,bytes32 licensee,uint256 w1,uint256 w2,uint256 w3,"
    "bytes32 terms,bool subjectTo,bytes32 disclosed,uint256 deadline)"
)
CONFIRM = GRANT.replace("Grant(", "Confirm(").replace("disclosed,", "disclosed,uint256 reservation,")
SHARES, PLEDGES = "(bytes32,uint96,uint16)[]", "(bytes32,bytes32,uint96)[]"
TITLE, SIDES = f"({SHARES},{PLEDGES})", "(bytes32,bytes)[]"


def key_of(name: str) -> Key:
    return Key(keccak(b"key of " + name.encode()))


def org_of(name: str) -> bytes:
    return keccak(b"organisation " + name.encode())


def work_of(content: bytes, code_book: int = 1) -> bytes:
    return keccak(code_book.to_bytes(32, "big") + content)


def address(key: Key) -> str:
    return "0x" + key.address.hex()


@dataclass(frozen=True, slots=True)
class Terms:
    """What is granted, in plain words: small sets of bits, days counted from the first day of the tests."""

    uses: int = 1
    places: int = 1
    window: tuple[int, int] = (1, 100)
    languages: int = 1
    segment: tuple[int, int] | None = None
    kind: int = 0
    flags: int = 0
    lapses: int = 0
    parent: int = 0

    def words(self, number: int) -> tuple[int, int, int]:
        first = (START + 8 * 3600) // DAY
        start, end = self.window[0] + first, self.window[1] + first
        w1 = self.uses << 160 | self.languages << 128 | start << 104 | end << 80 | number
        low, high = self.segment or (0, 0)
        return w1, self.places, low << 192 | high << 128 | self.parent << 48 | self.lapses << 8 | self.flags | self.kind


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant with its parties by name."""

    number: int
    work: bytes
    licensor: str
    licensee: str
    terms: Terms

    @property
    def words(self) -> tuple[int, int, int]:
        return self.terms.words(self.number)

    @property
    def value(self) -> tuple[Any, ...]:
        document = keccak(b"document %d" % self.number)
        return (self.work, org_of(self.licensor), org_of(self.licensee), *self.words, document)


@dataclass(frozen=True, slots=True)
class Call:
    contract: str
    function: str
    values: Sequence[Any]

    def send(self, engine: Engine) -> Outcome:
        return engine.send(self.contract, self.function, self.values)


@dataclass
class Signer:
    """Builds calls; `forger` signs in everybody's place when it is set, and the next `op` may be chosen."""

    deadline: int = START + LASTING
    forger: Key | None = None
    chosen_op: bytes | None = None
    count: int = field(default=0)

    def op(self, number: int | None = None) -> bytes:
        self.count += 1
        made = self.chosen_op or keccak(b"act %d" % self.count)
        return made if number is None else made[:22] + number.to_bytes(10, "big")

    def sign(self, who: str, contract: str, text: str, values: Sequence[Any]) -> bytes:
        return self._key(who).sign(digest(contract, text, values))

    def _key(self, who: str) -> Key:
        offices = {"operator": KEYS.operator, "admin": KEYS.admin, "cashier": KEYS.cashier}
        return self.forger or offices.get(who) or key_of(who)

    def act(self, act: SignedAct, *who: str) -> Call:
        """An act that the product builds itself; the signers in the order of its function."""
        signed = digest_of(act, ADDRESSES[act.contract], deadline=self.deadline)
        signatures = [self._key(name).sign(signed) for name in who]
        return Call(act.contract, act.function, [act.op_id, *act.arguments(), self.deadline, *signatures])

    def plain(self, who: str, contract: str, function: str, text: str, values: Sequence[Any]) -> Call:
        """Most acts: the members as they are signed, behind them the deadline and one signature."""
        signed = [self.op(), *values, self.deadline]
        return Call(contract, function, [*signed, self.sign(who, contract, text, signed)])

    # OrgRegistry

    def admit(self, name: str, key: Key | None = None) -> Call:
        text = "Admit(bytes32 opId,bytes32 org,bytes32 credential,address key,uint256 deadline)"
        values = [org_of(name), keccak(name.encode()), address(key or key_of(name))]
        return self.plain("operator", "OrgRegistry", "admit", text, values)

    def set_org_status(self, name: str, status: int) -> Call:
        text = "SetStatus(bytes32 opId,bytes32 org,uint8 status,uint256 deadline)"
        return self.plain("operator", "OrgRegistry", "setStatus", text, [org_of(name), status])

    def add_key(self, name: str, fresh: str, *, by: str, purpose: int = 3, start: int = 0, end: int = 0) -> Call:
        text = (
            "AddKey(bytes32 opId,bytes32 org,address key,uint8 purpose,uint64 validFrom,uint64 validUntil,"
            "uint256 deadline)"
        )
        new_key = (address(key_of(fresh)), purpose, start, end)
        signed = [self.op(), org_of(name), *new_key, self.deadline]
        proofs = [self.sign(who, "OrgRegistry", text, signed) for who in (by, fresh)]
        return Call("OrgRegistry", "addKey", [signed[0], org_of(name), new_key, self.deadline, *proofs])

    def on_key(self, function: str, name: str, key: str, *, by: str) -> Call:
        """retireKey, proposeRecovery, cancelRecovery, recover."""
        text = f"{function[0].upper()}{function[1:]}(bytes32 opId,bytes32 org,address key,uint256 deadline)"
        return self.plain(by, "OrgRegistry", function, text, [org_of(name), address(key_of(key))])

    def pause(self, contract: str, until: int) -> Call:
        text = "Pause(bytes32 opId,uint64 until,uint256 deadline)"
        return self.plain("operator", contract, "pause", text, [until])

    # AnchorRegistry, Directory

    def anchor(self, root: bytes) -> Call:
        text = "Anchor(bytes32 opId,bytes32 root,uint32 count,uint8 kind,uint256 deadline)"
        return self.plain("operator", "AnchorRegistry", "anchor", text, [root, 10, 1])

    def on_name(self, function: str, name: bytes, target: str | None = None) -> Call:
        """propose, activate, freeze."""
        member = "" if target is None else "address target,"
        text = f"{function.capitalize()}(bytes32 opId,bytes32 name,{member}uint256 deadline)"
        return self.plain("admin", "Directory", function, text, [name] if target is None else [name, target])

    # WorkRegistry

    def register(self, content: bytes, by: str, *, code_book: int = 1) -> Call:
        text = (
            "Register(bytes32 opId,uint16 codeBook,bytes32 content,bytes32 registrar,bytes32 statement,"
            "uint256 deadline)"
        )
        op, claim = self.op(), (content, keccak(b"statement" + content))
        signed = [op, code_book, claim[0], org_of(by), claim[1], self.deadline]
        signature = self.sign(by, "WorkRegistry", text, signed)
        return Call("WorkRegistry", "register", [op, code_book, org_of(by), claim, self.deadline, signature])

    def register_many(self, contents: Sequence[bytes], by: str) -> Call:
        text = "RegisterMany(bytes32 opId,uint16 codeBook,bytes32 registrar,bytes32 claims,uint256 deadline)"
        op, claims = self.op(), [(content, keccak(b"statement" + content)) for content in contents]
        signed = [op, 1, org_of(by), keccak(encode(["(bytes32,bytes32)[]"], [claims])), self.deadline]
        signature = self.sign(by, "WorkRegistry", text, signed)
        return Call("WorkRegistry", "registerMany", [op, 1, org_of(by), claims, self.deadline, signature])

    def amend(self, content: bytes, by: str, statement: bytes) -> Call:
        text = "Amend(bytes32 opId,bytes32 work,bytes32 earlier,bytes32 statement,uint256 deadline)"
        values = [work_of(content), keccak(b"statement" + content), statement]
        return self.plain(by, "WorkRegistry", "amend", text, values)

    def set_work_status(self, work: bytes, status: int) -> Call:
        text = "SetStatus(bytes32 opId,bytes32 work,uint8 status,uint256 deadline)"
        return self.plain("operator", "WorkRegistry", "setStatus", text, [work, status])

    # DerivationLedger

    def link(self, work: bytes, parents: Sequence[tuple[bytes, int]], by: str) -> Call:
        text = "Link(bytes32 opId,bytes32 work,bytes32 parents,bytes32 segments,uint256 deadline)"
        op = self.op()
        signed = [op, work, keccak(encode(["(bytes32,uint256)[]"], [parents])), NOTHING, self.deadline]
        signature = self.sign(by, "DerivationLedger", text, signed)
        return Call("DerivationLedger", "link", [op, work, parents, NOTHING, self.deadline, signature])

    # GrantLedger

    def grant(
        self,
        grant: Grant,
        exclusives: Sequence[int],
        others: Sequence[int] = (),
        *,
        disclosed: bytes = NOTHING,
        subject_to: bool = False,
        consent: "Consent | None" = None,
        source: Grant | None = None,
    ) -> Call:
        """Any new grant: the function follows from its kind and flags, or from `source` (reservation or parent)."""
        op = self.op(grant.number)
        is_confirmation = source is not None and source.terms.flags & RESERVATION != 0
        number = [source.number] if is_confirmation and source else []
        text = CONFIRM if is_confirmation else GRANT
        signed = [op, *grant.value, subject_to, disclosed, *number, self.deadline]
        parties = [self.sign(who, "GrantLedger", text, signed) for who in (grant.licensor, grant.licensee)]
        extra = self._consent(consent, digest("GrantLedger", text, signed)) if consent else b""
        sides = (self.deadline, *parties, extra)
        witness = (exclusives, others)
        if source is not None:
            function = "confirm" if is_confirmation else "sublicense"
            return Call("GrantLedger", function, [op, grant.value, subject_to, disclosed, source.value, witness, sides])
        if grant.terms.flags & RESERVATION:
            return Call("GrantLedger", "reserve", [op, grant.value, exclusives, sides])
        if grant.terms.kind == 0:
            return Call("GrantLedger", "grantNonExclusive", [op, grant.value, exclusives, sides])
        return Call("GrantLedger", "grantExclusive", [op, grant.value, subject_to, disclosed, witness, sides])

    def terminate(self, grant: Grant) -> Call:
        text = "Terminate(bytes32 opId,uint256 licence,bytes32 reason,uint256 deadline)"
        op, reason = self.op(), keccak(b"reason")
        signed = [op, grant.number, reason, self.deadline]
        parties = [self.sign(who, "GrantLedger", text, signed) for who in (grant.licensor, grant.licensee)]
        return Call("GrantLedger", "terminate", [op, grant.value, reason, (self.deadline, *parties, b"")])

    def terminate_by_authority(self, number: int) -> Call:
        text = "Terminate(bytes32 opId,uint256 licence,bytes32 reason,uint256 deadline)"
        return self.plain("operator", "GrantLedger", "terminateByAuthority", text, [number, keccak(b"reason")])

    def compact(self, work: bytes, of_exclusives: bool, head: bytes, words: Sequence[int]) -> Call:
        text = "Compact(bytes32 opId,bytes32 work,bool ofExclusives,bytes32 head,uint256 deadline)"
        signed = [self.op(), work, of_exclusives, head, self.deadline]
        signature = self.sign("operator", "GrantLedger", text, signed)
        return Call("GrantLedger", "compact", [*signed[:3], words, self.deadline, signature])

    # TitleLedger

    def record(self, work: bytes, title: "Title", sides: Sequence[str]) -> Call:
        text = "RecordTitle(bytes32 opId,bytes32 work,bytes32 head,bytes32 instrument,uint256 deadline)"
        op, instrument = self.op(), keccak(b"instrument")
        signed = [op, work, title.head, instrument, self.deadline]
        return Call("TitleLedger", "record", [op, work, title.value, instrument, self._sides(text, signed, sides)])

    def transfer(self, move: "Move", title: "Title", sides: Sequence[str]) -> Call:
        text = (
            "TransferTitle(bytes32 opId,bytes32 work,bytes32 head,uint96 rights,bytes32 from,bytes32 to,uint16 bps,"
            "bytes32 instrument,uint256 deadline)"
        )
        op = self.op()
        signed = [op, move.work, title.head, *move.value[1:], self.deadline]
        return Call("TitleLedger", "transferTitle", [op, move.value, title.value, self._sides(text, signed, sides)])

    def pledge(self, move: "Move", title: "Title", sides: Sequence[str]) -> Call:
        text = (
            "PledgeTitle(bytes32 opId,bytes32 work,bytes32 head,uint96 rights,bytes32 pledgor,bytes32 pledgee,"
            "bytes32 instrument,uint256 deadline)"
        )
        op, value = self.op(), replace(move, bps=0).value
        signed = [op, move.work, title.head, *value[1:4], value[5], self.deadline]
        return Call("TitleLedger", "pledge", [op, value, title.value, self._sides(text, signed, sides)])

    def release(self, work: bytes, index: int, title: "Title", by: str) -> Call:
        text = "ReleasePledge(bytes32 opId,bytes32 work,bytes32 head,uint256 index,bytes32 instrument,uint256 deadline)"
        op, instrument = self.op(), keccak(b"instrument")
        signature = self.sign(by, "TitleLedger", text, [op, work, title.head, index, instrument, self.deadline])
        values = [op, work, index, instrument, title.value, self.deadline, signature]
        return Call("TitleLedger", "release", values)

    def correct(self, work: bytes, title: "Title") -> Call:
        text = "CorrectTitle(bytes32 opId,bytes32 work,bytes32 head,bytes32 decision,uint256 deadline)"
        op, decision = self.op(), keccak(b"decision")
        signature = self.sign("operator", "TitleLedger", text, [op, work, title.head, decision, self.deadline])
        return Call("TitleLedger", "courtCorrect", [op, work, title.value, decision, self.deadline, signature])

    def _sides(self, text: str, signed: Sequence[Any], names: Sequence[str]) -> tuple[int, list[tuple[bytes, bytes]]]:
        sides = [(org_of(name), self.sign(name, "TitleLedger", text, signed)) for name in names]
        return self.deadline, sorted(sides)

    def _consent(self, consent: "Consent", digested: bytes) -> bytes:
        sides = sorted((org_of(name), (self.forger or key_of(name)).sign(digested)) for name in consent.sides)
        return encode([TITLE, SIDES], [consent.title.value, sides])


@dataclass(frozen=True, slots=True)
class Title:
    """A title list: (holder, rights, basis points) and (pledgor, pledgee, rights), holders by name, "" is unknown."""

    shares: tuple[tuple[str, int, int], ...]
    pledges: tuple[tuple[str, str, int], ...] = ()

    @property
    def value(self) -> tuple[list[tuple[bytes, int, int]], list[tuple[bytes, bytes, int]]]:
        shares = [(org_of(holder) if holder else NOTHING, rights, bps) for holder, rights, bps in self.shares]
        return shares, [(org_of(pledgor), org_of(pledgee), rights) for pledgor, pledgee, rights in self.pledges]

    @property
    def head(self) -> bytes:
        return keccak(encode([TITLE], [self.value]))


@dataclass(frozen=True, slots=True)
class Move:
    """A transfer's or pledge's subject."""

    work: bytes
    rights: int
    giver: str
    taker: str
    bps: int = 0

    @property
    def value(self) -> tuple[Any, ...]:
        parties = org_of(self.giver), org_of(self.taker)
        return (self.work, self.rights, *parties, self.bps, keccak(b"instrument"))


@dataclass(frozen=True, slots=True)
class Consent:
    """What a licence of a work with a recorded title brings along."""

    title: Title
    sides: tuple[str, ...] = ()


def flat(grants: Sequence[Grant]) -> list[int]:
    """A list of grants as a witness."""
    return [word for grant in grants for word in grant.words]


def packed_head(grants: Sequence[Grant]) -> bytes:
    return keccak(b"".join(word.to_bytes(32, "big") for word in flat(grants))) if grants else NOTHING


def rolling_head(grants: Sequence[Grant]) -> bytes:
    head = NOTHING
    for grant in grants:
        head = keccak(head + b"".join(word.to_bytes(32, "big") for word in grant.words))
    return head


STRANGER = "0x" + created_address(KEYS.admin.address, 999).hex()
PRESENT = "0x" + ADDRESSES["AnchorRegistry"].hex()
