"""The SM2 key of this home and its certificates, as files: sm2.json (sealed) and sm2-chain.pem (own first)."""

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path

from asset_hub.core.errors import BadInput
from asset_hub.core.sealed import read_passphrase, read_sealed, write_sealed
from asset_hub.core.text import N_
from ledger.certificates import Sm2Signer
from ledger.der import bits_of, read_certificate_der
from ledger.signing import HomeKeys
from ledger.sm import new_secret, public_of, secret_from

KEY_NAME, CHAIN_NAME = "sm2.json", "sm2-chain.pem"
_KIND = "sm2"
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


class ChainRefused(BadInput):
    """The certificates are not of this key."""

    slug, title = "sm2-chain-refused", N_("The first SM2 certificate is not of this home's SM2 key.")


def make_sm2_key(home: Path, *, passphrase: str) -> bytes:
    """Make the home's SM2 key and return its public half. Raises FileExistsError when there is one."""
    secret = new_secret()
    write_sealed(home / KEY_NAME, secret.to_bytes(32, "big"), kind=_KIND, passphrase=passphrase)
    return public_of(secret)


def read_sm2_signer(home: Path, *, passphrase: str) -> Sm2Signer | None:
    """Return what signs with SM2; None where the home has no such key. Raises KeyFileRefused, ChainRefused."""
    return _kept_signer(home, passphrase=passphrase) if (home / KEY_NAME).is_file() else None


def _kept_signer(home: Path, *, passphrase: str) -> Sm2Signer:
    secret = int.from_bytes(read_sealed(home / KEY_NAME, kind=_KIND, passphrase=passphrase), "big")
    chain = home / CHAIN_NAME
    certificates = read_pem(chain.read_text(encoding="ascii")) if chain.is_file() else ()
    if certificates and not _is_of(certificates[0], public_of(secret)):
        raise ChainRefused
    return Sm2Signer(secret, certificates)


def sm2_signer_of(home: Path, keys: HomeKeys, *, environ: Mapping[str, str]) -> Sm2Signer:
    """Return what signs this home's certificates: its SM2 key file, or while there is none a key of its secret (自签).

    Raises NoPassphrase, KeyFileRefused, ChainRefused.
    """
    if not (home / KEY_NAME).is_file():
        return Sm2Signer(secret_from(keys.sm2_seed()))
    return _kept_signer(home, passphrase=read_passphrase(environ))


def read_pem(text: str) -> tuple[bytes, ...]:
    """Return the certificates of a PEM file as DER, in their order. Raises ChainRefused."""
    try:
        found = tuple(base64.b64decode("".join(body.split()), validate=True) for body in _PEM.findall(text))
    except binascii.Error as error:
        raise ChainRefused from error
    if not found:
        raise ChainRefused
    return found


def _is_of(certificate: bytes, public: bytes) -> bool:
    try:
        return bits_of(read_certificate_der(certificate).key.inside()[1]) == public
    except (ValueError, LookupError):
        return False
