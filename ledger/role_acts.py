"""The administrator's calls of AccessManager: a change of roles is announced, then carried out or withdrawn.

The administrator's own transactions carry them, for the manager asks who sends. It refuses what was not announced two
days before (`deployment.ADMIN_DELAY_SECONDS`), and what was announced more than a week ago.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asset_hub.core.db import ReadSession
from ledger.acts import Call, digest_in
from ledger.calls import encode_call
from ledger.deployment import MANAGER
from ledger.models import EntryRow
from ledger.signing import Keys, Office, types_of
from ledger.sites import Site

_ACCEPT = "AcceptRole(bytes32 opId,uint64 role,address key,uint256 deadline)"
ANNOUNCE, CARRY_OUT, WITHDRAW, ENDOW = "Announce", "CarryOut", "Withdraw", "Endow"


@dataclass(frozen=True, slots=True)
class Step:
    """A role given to an address or taken from it; `delay` (seconds) is how long what it does is announced before."""

    is_grant: bool
    role: int
    address: bytes
    delay: int = 0

    def plain(self) -> list[Any]:
        return ["grant" if self.is_grant else "revoke", self.role, self.address.hex(), self.delay]

    @classmethod
    def read(cls, plain: Sequence[Any]) -> "Step":
        """Undo `plain`."""
        word, role, address, delay = plain
        return cls(word == "grant", int(role), bytes.fromhex(address), int(delay))

    def encoded(self) -> bytes:
        """Return the calldata of AccessManager that does it."""
        account = "0x" + self.address.hex()
        if self.is_grant:
            return encode_call(MANAGER, "grantRole", [self.role, account, self.delay])
        return encode_call(MANAGER, "revokeRole", [self.role, account])


def role_call(_session: ReadSession, keys: Keys, site: Site, entry: EntryRow, deadline: int) -> Call:
    """Return the administrator's transaction: all steps in one call, so that they happen together or not at all.

    A key that is to keep a role has to accept it first: a role that nobody can use would be lost for two days. The
    contract does not ask for that signature.
    """
    args = entry.args
    if args["act"] == ENDOW:
        to = bytes.fromhex(args["address"])
        return Call(MANAGER, b"", carrier=Office.ADMINISTRATOR, to=to, value=int(args["wei"]))
    steps = [Step.read(one).encoded() for one in args["steps"]]
    manager, admin = "0x" + site.addresses[MANAGER].hex(), "0x" + keys.admin.address.hex()
    if args["act"] == ANNOUNCE and args.get("keeper"):
        _, role, address, _ = args["steps"][0]
        key = bytes.fromhex(address)
        values = [entry.op_id, int(role), "0x" + address, deadline]
        digest = digest_in(site, MANAGER, _ACCEPT, types_of(_ACCEPT), values)
        keys.newcomer(UUID(args["keeper"]), key).sign(digest)
    if args["act"] == ANNOUNCE:
        steps = [encode_call(MANAGER, "schedule", [manager, step, 0]) for step in steps]
    elif args["act"] == WITHDRAW:
        steps = [encode_call(MANAGER, "cancel", [admin, manager, step]) for step in steps]
    return Call(MANAGER, encode_call(MANAGER, "multicall", [steps]), carrier=Office.ADMINISTRATOR)
