"""What makes an empty chain ours: the registers, who may call them, who may sign what, and the administrator's delay.

Every state-changing function of a register is the relayer's to carry; what it carries needs a signature inside.
"""

from collections.abc import Mapping
from typing import Any

import contracts
from ledger.calls import created_address, creation, encode_call, selector
from ledger.signing import Keys

MANAGER = "AccessManager"
ADMIN_ROLE = 0
RELAYER_ROLE = 1
OPERATOR_ROLES = {"REGISTRAR": 11, "NOTARY": 12, "AUTHORITY": 13, "PAYMENT_OPERATOR": 14, "PAUSER": 15}
ADMIN_DELAY_SECONDS = 2 * 86_400
# Each register with the contracts that its constructor names, in the order of deployment.
REGISTERS: Mapping[str, tuple[str, ...]] = {
    "OrgRegistry": (MANAGER,),
    "AnchorRegistry": (MANAGER,),
    "WorkRegistry": (MANAGER, "OrgRegistry", "TitleLedger"),
    "GrantLedger": (MANAGER, "OrgRegistry", "WorkRegistry", "TitleLedger"),
    "TitleLedger": (MANAGER, "OrgRegistry", "WorkRegistry"),
    "DerivationLedger": (MANAGER, "OrgRegistry", "WorkRegistry", "GrantLedger"),
    "Directory": (MANAGER,),
    "SettlementLedger": (MANAGER, "OrgRegistry"),
    "StatementLedger": (MANAGER, "OrgRegistry"),
    "DisputeRegister": (MANAGER, "OrgRegistry"),
}


def deployed_addresses(keys: Keys) -> dict[str, bytes]:
    """Return where every contract lands when the administrator's first transactions are those of `set_up`."""
    return {name: created_address(keys.admin.address, nonce) for nonce, name in enumerate((MANAGER, *REGISTERS))}


def set_up(keys: Keys) -> list[tuple[bytes, bytes]]:
    """Return every transaction of the administrator as (to, data), in order; `to` is empty for a deployment."""
    addresses = deployed_addresses(keys)
    return [*_deployments(keys, addresses), *_permissions(keys, addresses)]


def carried_functions(contract: str) -> list[str]:
    """Return the functions of a register that the relayer carries: all that change state and take a signature."""
    entries = [e for e in contracts.load(contract).abi if e["type"] == "function"]
    changing = [e for e in entries if e["stateMutability"] in {"nonpayable", "payable"}]
    return [e["name"] for e in changing if any(m["name"] == "opId" for m in e["inputs"])]


def _deployments(keys: Keys, addresses: Mapping[str, bytes]) -> list[tuple[bytes, bytes]]:
    made = [(b"", creation(MANAGER, [_hex(keys.admin.address)]))]
    for name, named in REGISTERS.items():
        made.append((b"", creation(name, [_hex(addresses[other]) for other in named])))
    return made


def _permissions(keys: Keys, addresses: Mapping[str, bytes]) -> list[tuple[bytes, bytes]]:
    calls: list[tuple[str, list[Any]]] = []
    for name in REGISTERS:
        selectors = [selector(name, function) for function in carried_functions(name)]
        calls.append(("setTargetFunctionRole", [_hex(addresses[name]), selectors, RELAYER_ROLE]))
    calls.append(("grantRole", [RELAYER_ROLE, _hex(keys.relayer.address), 0]))
    calls += [("grantRole", [role, _hex(keys.operator.address), 0]) for role in OPERATOR_ROLES.values()]
    calls.append(("grantRole", [OPERATOR_ROLES["PAYMENT_OPERATOR"], _hex(keys.cashier.address), 0]))
    calls.append(("grantRole", [ADMIN_ROLE, _hex(keys.admin.address), ADMIN_DELAY_SECONDS]))
    return [(addresses[MANAGER], encode_call(MANAGER, function, values)) for function, values in calls]


def _hex(address: bytes) -> str:
    return "0x" + address.hex()
