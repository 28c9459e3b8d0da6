"""Who signs where a house keeps its key: a keystore file under a passphrase, or a token (PKCS#11).

The file is Web3 Secret Storage version 3 (scrypt or PBKDF2, AES-128-CTR), as wallets read and write it. The pages of
this exchange make the same file in the browser. Neither needs a home, a network or a node.
"""

import json
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from coincurve import PublicKey

from ledger.key_errors import BadSignature, KeystoreRefused, TokenRefused
from ledger.merkle import keccak
from ledger.recovery import recover_address
from ledger.signing import Key, address_of

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_SECP256K1 = bytes.fromhex("06052b8104000a")
"""The name of the curve as PKCS#11 takes it (DER of OID 1.3.132.0.10)."""
DOMAIN_PREFIX = "asset_hub "
USUAL_WORK = 1 << 18
_HARDEST_FILE = 1 << 20
_MOST_WORK = 1 << 22


def make_keystore(target: Path, *, passphrase: str, work: int = USUAL_WORK) -> bytes:
    """Make a new key in a file that only its owner reads; return its address. Raises FileExistsError.

    `work` is n of scrypt: what each guess of the passphrase costs.
    """
    from eth_keyfile.keyfile import create_keyfile_json  # ciphers that no other command needs

    key = Key(secrets.token_bytes(32))
    document = create_keyfile_json(key.secret, passphrase.encode(), version=3, kdf="scrypt", iterations=work)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(document, file)
    return key.address


def read_keystore(source: Path, *, passphrase: str) -> Key:
    """Return the key of a keystore file. Raises KeystoreRefused, also for one that asks for absurd work."""
    from eth_keyfile.keyfile import decode_keyfile_json

    try:
        if source.stat().st_size > _HARDEST_FILE:
            raise KeystoreRefused
        document = json.loads(source.read_bytes())
        _check_work(document["crypto"]["kdfparams"])
        key = Key(bytes(decode_keyfile_json(document, passphrase.encode())))
        stated = str(document.get("address", "")).lower().removeprefix("0x")
        if stated and stated != key.address.hex():
            raise KeystoreRefused
    except (ValueError, LookupError, TypeError, AttributeError, RuntimeError, OverflowError) as error:
        raise KeystoreRefused from error
    return key


def digest_to_sign(typed: dict[str, Any]) -> bytes:
    """Return the digest of typed data (EIP-712), computed from the data alone. Raises BadSignature for what is none.

    Nothing but an act of this software's registers is signed: a wallet's money moves under other domains.
    """
    from eth_account.messages import encode_typed_data  # takes a moment to import
    from eth_utils.exceptions import ValidationError

    try:
        if not str(typed["domain"]["name"]).startswith(DOMAIN_PREFIX):
            raise BadSignature
        message = encode_typed_data(full_message=typed)
    except (ValueError, LookupError, TypeError, AttributeError, ValidationError) as error:
        raise BadSignature from error
    return keccak(b"\x19" + message.version + message.header + message.body)


class TokenSigner:
    """A secp256k1 key in a PKCS#11 token: the secret never leaves it. Close it, or use it in a with statement."""

    def __init__(self, module: str, token_label: str, *, pin: str, key_label: str, make: bool = False) -> None:
        """Open the token and find its key by label, or make one there. Raises TokenRefused."""
        import pkcs11  # an extra of its own: asset-hub[pkcs11]
        from pkcs11.exceptions import PKCS11Error

        try:
            token = pkcs11.lib(module).get_token(token_label=token_label)
            self._session = token.open(rw=make, user_pin=pin)
        except (PKCS11Error, RuntimeError, OSError) as error:
            raise TokenRefused from error
        try:
            self._private, self._public = _make(self._session, key_label) if make else _find(self._session, key_label)
        except (PKCS11Error, ValueError) as error:
            self._session.close()
            raise TokenRefused from error

    @property
    def address(self) -> bytes:
        return address_of(self._public)

    def sign(self, digest: bytes) -> bytes:
        """Sign in the token; it returns r and s, so s is made low and the recovery id is found by trial."""
        import pkcs11

        raw = bytes(self._private.sign(digest, mechanism=pkcs11.Mechanism.ECDSA))
        r, s = raw[:32], int.from_bytes(raw[32:64], "big")
        low = min(s, ORDER - s).to_bytes(32, "big")
        for v in (27, 28):
            signature = r + low + bytes([v])
            if _is_by(self.address, digest, signature):
                return signature
        raise TokenRefused

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _is_by(address: bytes, digest: bytes, signature: bytes) -> bool:
    try:
        return recover_address(digest, signature) == address
    except ValueError:
        return False


def _make(session: Any, label: str) -> tuple[Any, PublicKey]:
    """Make a pair in the token under a label that is free. Raises ValueError for one that is not."""
    import pkcs11

    if list(session.get_objects({pkcs11.Attribute.LABEL: label})):
        raise ValueError(label)
    parameters = session.create_domain_parameters(
        pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: _SECP256K1}, local=True
    )
    template = {pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False}
    public, private = parameters.generate_keypair(store=True, label=label, private_template=template)
    return private, _point(public)


def _find(session: Any, label: str) -> tuple[Any, PublicKey]:
    import pkcs11

    found = {"key_type": pkcs11.KeyType.EC, "label": label}
    private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, **found)
    public = session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, **found)
    return private, _point(public)


def _point(public: Any) -> PublicKey:
    """Return a token's public key; EC_POINT is an octet string around the uncompressed point."""
    import pkcs11

    return PublicKey(bytes(public[pkcs11.Attribute.EC_POINT])[-65:])


def _check_work(parameters: dict[str, Any]) -> None:
    """Refuse a file that would keep this machine busy or take its memory. Raises KeystoreRefused."""
    n, r, p = (int(parameters.get(name, 1)) for name in ("n", "r", "p"))
    if n * r * p > _MOST_WORK * 2 or int(parameters.get("c", 1)) > _MOST_WORK:
        raise KeystoreRefused
