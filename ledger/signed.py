"""From an act to the digest that its parties sign and the call that carries it.

Whoever holds a key can sign the digest: the operator by custody, a member in its browser or on its token. Pure.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from ledger.calls import encode_call
from ledger.chain import CHAIN_ID
from ledger.errors import ActRefused
from ledger.merkle import keccak
from ledger.signing import Signer, typed_digest, types_of
from ledger.sites import Site

WORD = 32
_AMOUNT_PREFIX = b"asset_hub/amount:"
_AMOUNT_BYTES = 16


class SignedAct(ABC):
    """An act of a register: what its EIP-712 type signs between `opId` and `deadline`, and what its function takes."""

    __slots__ = ()
    contract: ClassVar[str]
    function: ClassVar[str]
    type_text: ClassVar[str]
    op_id: bytes

    @abstractmethod
    def members(self) -> list[object]:
        """Return what is signed between `opId` and `deadline`, in the order of `type_text`."""

    def arguments(self) -> list[object]:
        """Return what the function takes between `opId` and `deadline`: what is signed, unless it needs more."""
        return self.members()


def digest_of(act: SignedAct, address: bytes, *, deadline: int, chain_id: int = CHAIN_ID) -> bytes:
    """Return the digest that the parties of an act sign for the contract at `address`.

    Raises ValueError for a word that has not its 32 bytes.
    """
    types = types_of(act.type_text)
    values = [act.op_id, *act.members(), deadline]
    for kind, value in zip(types, values, strict=True):
        if kind == "bytes32" and (not isinstance(value, bytes) or len(value) != WORD):
            raise ValueError(f"{act.function}: a word has {WORD} bytes")
    return typed_digest(act.contract, address, chain_id, act.type_text, types, values)


def encode_act(act: SignedAct, *, deadline: int, signatures: Sequence[bytes]) -> tuple[str, bytes]:
    """Return the register's name and the calldata of an act; `signatures` in the order of the function."""
    values = [act.op_id, *act.arguments(), deadline, *signatures]
    return act.contract, encode_call(act.contract, act.function, values)


def sign_act(act: SignedAct, site: Site, *, deadline: int, signers: Sequence[Signer]) -> tuple[str, bytes]:
    """Sign an act by keys at hand, in the order of the function; return the register's name and the calldata."""
    digest = digest_of(act, site.addresses[act.contract], deadline=deadline, chain_id=site.chain_id)
    return encode_act(act, deadline=deadline, signatures=[key.sign(digest) for key in signers])


def amount_commitment(fen: int, salt: bytes) -> bytes:
    """Commit to an amount in fen, 0 to 2**128 - 1; the salt is secret, of 32 bytes, and used once."""
    if len(salt) != WORD or not 0 <= fen < 1 << 8 * _AMOUNT_BYTES:
        raise ValueError("an amount is not negative and its salt has 32 bytes")
    return keccak(_AMOUNT_PREFIX + salt + fen.to_bytes(_AMOUNT_BYTES, "big"))


def refuse(rule: str) -> ActRefused:
    """Return the refusal that the contract gives under this name."""
    return ActRefused(members={"rule": rule})
