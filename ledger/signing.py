"""Keys and signatures. The home's secret yields the operator's first keys and seals later ones.

Custody is said wherever it matters.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from coincurve import PrivateKey, PublicKey
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from eth_abi.abi import encode

from asset_hub.core.errors import AssetHubError
from asset_hub.core.text import N_
from ledger.merkle import keccak
from ledger.recovery import recover_address as recover_address

_DOMAIN = "string name,string version,uint256 chainId,address verifyingContract"
_DOMAIN_TYPE = keccak(f"EIP712Domain({_DOMAIN})".encode())
_NONCE_BYTES = 12
AUTHORITY = "AUTHORITY"


class SealBroken(AssetHubError):
    """A sealed key that this home's secret does not open."""

    slug, title = "key-seal-broken", N_("A key in the database is not sealed by this home's secret")


class Signer(Protocol):
    """Whoever can sign a digest: a key at hand, a file under a passphrase, a token, a house that was asked."""

    @property
    def address(self) -> bytes: ...

    def sign(self, digest: bytes) -> bytes:
        """Return r, s (low), v (27 or 28): 65 bytes."""
        ...


class Elsewhere(Protocol):
    """The keys that the operator does not hold."""

    def speaker(self, organisation_id: UUID) -> Signer | None:
        """Return who signs for a house by its own key, None where the operator keeps its key."""
        ...

    def newcomer(self, organisation_id: UUID, address: bytes) -> Signer:
        """Return who shows that somebody holds a key which is to be added."""
        ...

    def keeper(self, role: str) -> Signer | None:
        """Return who signs acts of a role that the exchange has handed over, None where its own key does."""
        ...


@dataclass(frozen=True, slots=True)
class TypedData:
    """What a digest is the digest of (EIP-712): the contract, the type and its members."""

    contract: str
    address: bytes
    chain_id: int
    type_text: str
    values: tuple[object, ...]

    @property
    def name(self) -> str:
        """Return the name of the type: what kind of act it is."""
        return self.type_text.split("(")[0]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON that wallets and libraries sign; whole numbers are decimal strings."""
        members = [tuple(member.split()) for member in self.type_text[self.type_text.index("(") + 1 : -1].split(",")]
        return {
            "types": {
                "EIP712Domain": [dict(zip(("type", "name"), part.split(), strict=True)) for part in _DOMAIN.split(",")],
                self.name: [{"type": kind, "name": name} for kind, name in members],
            },
            "primaryType": self.name,
            "domain": {
                "name": f"asset_hub {self.contract}", "version": "1", "chainId": self.chain_id,
                "verifyingContract": "0x" + self.address.hex(),
            },
            "message": {name: _plain(value) for (_, name), value in zip(members, self.values, strict=True)},
        }  # fmt: skip


class Signable(bytes):
    """A digest that still says what it is the digest of."""

    data: TypedData

    @classmethod
    def of(cls, digest: bytes, data: TypedData) -> "Signable":
        made = cls(digest)
        made.data = data
        return made


@dataclass(frozen=True, slots=True)
class Key:
    """A secp256k1 key and its account address."""

    secret: bytes

    @property
    def address(self) -> bytes:
        return address_of(PrivateKey(self.secret).public_key)

    def sign(self, digest: bytes) -> bytes:
        """Sign a 32-byte digest; return r, s (low), v (27 or 28): 65 bytes."""
        signature = PrivateKey(self.secret).sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes([27 + signature[64]])


class Office(StrEnum):
    """What the exchange itself has keys for."""

    RELAYER = "relayer"
    OPERATOR = "operator"
    CASHIER = "cashier"
    ADMINISTRATOR = "admin"


class Drawn(Protocol):
    """The secrets of keys that were drawn at random later, in the place of those that a home begins with."""

    def office(self, office: Office) -> bytes | None:
        """Return the secret with which the exchange speaks now, None while that is the first."""
        ...

    def house(self, organisation_id: UUID, address: bytes | None) -> bytes | None:
        """Return the secret kept for a house, the one that speaks now or that of an address; None for the first."""
        ...


class HomeKeys:
    """What the home's secret yields (HKDF-SHA256, RFC 5869): salts, the first keys, and the seal of later ones.

    Nobody signs by these alone: which keys speak now, the database says (`ledger.vault.speaking`).
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @property
    def first(self) -> "Keys":
        """The keys that a home begins with: they deploy the contracts, and the genesis gives them gas."""
        return Keys(self._secret)

    def later(self, drawn: Drawn) -> "Keys":
        """Return the keys that speak where others were drawn later."""
        return Keys(self._secret, None, drawn)

    def sm2_seed(self) -> bytes:
        """Return 32 bytes that name the SM2 key with which this home signs while nobody has certified one (自签)."""
        return self._expand("key:sm2")

    def salt(self, purpose: str) -> bytes:
        """Return a secret salt of 32 bytes for a commitment."""
        return self._expand(f"salt:{purpose}")

    def seal(self, secret: bytes) -> bytes:
        """Return a key's secret so that only this home reads it: a nonce of 12 bytes, then AES-256-GCM."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self._expand("seal:keys")).encrypt(nonce, secret, None)

    def unseal(self, sealed: bytes) -> bytes:
        """Undo `seal`. Raises SealBroken: of another home, or changed."""
        try:
            return AESGCM(self._expand("seal:keys")).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except InvalidTag as error:
            raise SealBroken from error

    def _expand(self, purpose: str) -> bytes:
        return HKDF(SHA256(), 32, salt=None, info=f"asset_hub/{purpose}".encode()).derive(self._secret)


class Keys(HomeKeys):
    """The keys that speak now: of the exchange, those it keeps for houses, and who signs by another."""

    def __init__(self, secret: bytes, elsewhere: Elsewhere | None = None, drawn: Drawn | None = None) -> None:
        super().__init__(secret)
        self._elsewhere, self._drawn = elsewhere, drawn

    def with_elsewhere(self, elsewhere: Elsewhere) -> "Keys":
        """Return the same keys, where these others sign for the houses that keep their own."""
        return Keys(self._secret, elsewhere, self._drawn)

    @property
    def relayer(self) -> Key:
        """Carries transactions; its signature gives no authority."""
        return self.office(Office.RELAYER)

    @property
    def admin(self) -> Key:
        """Deployed the contracts and gives roles."""
        return self.office(Office.ADMINISTRATOR)

    @property
    def operator(self) -> Key:
        """Registrar, notary and, unless that is handed over, authority; signs certificates."""
        return self.office(Office.OPERATOR)

    @property
    def authority(self) -> Signer:
        """Freezes, decides, ends and corrects: the operator's key, until another keeps the role."""
        found = self._elsewhere.keeper(AUTHORITY) if self._elsewhere else None
        return found or self.operator

    @property
    def cashier(self) -> Key:
        """Confirms payments from the bank statement; never the key that attested them."""
        return self.office(Office.CASHIER)

    def office(self, office: Office) -> Key:
        """Return the exchange's key for an office."""
        drawn = self._drawn.office(office) if self._drawn else None
        return Key(drawn) if drawn else self._derive(str(office))

    def organisation(self, organisation_id: UUID) -> Signer:
        """Return who signs for an organisation: its own key elsewhere, or the one that the operator keeps."""
        found = self._elsewhere.speaker(organisation_id) if self._elsewhere else None
        return found or self.custody(organisation_id)

    def custody(self, organisation_id: UUID, address: bytes | None = None) -> Key:
        """Return the key that the operator keeps for an organisation (平台托管): what speaks now, or an address's."""
        drawn = self._drawn.house(organisation_id, address) if self._drawn else None
        return Key(drawn) if drawn else self._derive(f"organisation:{organisation_id}")

    def newcomer(self, organisation_id: UUID, address: bytes) -> Signer:
        """Return who shows that a key which is to be added is held. Raises LookupError for a key at nobody's hand."""
        if self._elsewhere is None:
            raise LookupError(address.hex())
        return self._elsewhere.newcomer(organisation_id, address)

    def _derive(self, purpose: str) -> Key:
        return Key(self._expand(f"key:{purpose}"))


def new_key() -> Key:
    """Draw a key at random."""
    return Key(PrivateKey().secret)


def address_of(public: PublicKey) -> bytes:
    """Return the account address of a public key: the last 20 bytes of its Keccak digest."""
    return keccak(public.format(compressed=False)[1:])[-20:]


def types_of(type_text: str) -> list[str]:
    """Return the types of an EIP-712 type's members, in their order."""
    return [member.split()[0] for member in type_text[type_text.index("(") + 1 : -1].split(",")]


def typed_digest(
    contract_name: str, address: bytes, chain_id: int, type_text: str, types: Sequence[str], values: Sequence[object]
) -> Signable:
    """Return the digest that a signer signs (EIP-712); all members are of fixed size."""
    domain = encode(
        ["bytes32", "bytes32", "bytes32", "uint256", "address"],
        [_DOMAIN_TYPE, keccak(f"asset_hub {contract_name}".encode()), keccak(b"1"), chain_id, "0x" + address.hex()],
    )
    struct = encode(["bytes32", *types], [keccak(type_text.encode()), *values])
    data = TypedData(contract_name, address, chain_id, type_text, tuple(values))
    return Signable.of(keccak(b"\x19\x01" + keccak(domain) + keccak(struct)), data)


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return value if isinstance(value, bool | str) else str(value)
