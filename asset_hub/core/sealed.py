"""Keeps a secret key in a file under a passphrase: scrypt stretches it, AES-256-GCM seals the key.

It protects a copied file or a lost disk, as far as the passphrase is good. It does not protect against whoever can read
this process's memory or environment, nor against the operator of the machine on which the passphrase is typed.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from asset_hub.core.errors import BadInput
from asset_hub.core.text import N_

PASSPHRASE = "ASSET_HUB_KEY_PASSPHRASE"  # noqa: S105 - the name of a variable
PASSPHRASE_FILE = "ASSET_HUB_KEY_PASSPHRASE_FILE"  # noqa: S105
SEALED_TYPE = "asset_hub/sealed-key/1"
_COST = {"n": 1 << 15, "r": 8, "p": 1}
_MIN_LENGTH = 12


class NoPassphrase(BadInput):
    """There is no passphrase, or one too short to protect anything."""

    slug = "no-passphrase"
    title = N_(
        "The key file needs its passphrase (12 characters or more) in ASSET_HUB_KEY_PASSPHRASE, "
        "or in the file that ASSET_HUB_KEY_PASSPHRASE_FILE names."
    )


class KeyFileRefused(BadInput):
    """The passphrase is another one, or the file was changed."""

    slug, title = "key-file-refused", N_("The passphrase does not open this key file, or the file was changed.")


def read_passphrase(environ: Mapping[str, str]) -> str:
    """Return the passphrase from the environment, or from the file it names. Raises NoPassphrase."""
    given = environ.get(PASSPHRASE, "")
    if not given and environ.get(PASSPHRASE_FILE):
        given = Path(environ[PASSPHRASE_FILE]).read_text(encoding="utf-8").rstrip("\r\n")
    if len(given) < _MIN_LENGTH:
        raise NoPassphrase
    return given


def write_sealed(target: Path, secret: bytes, *, kind: str, passphrase: str) -> None:
    """Write a secret of a kind, readable by its owner only. Raises FileExistsError: no key is ever overwritten."""
    salt, nonce = os.urandom(16), os.urandom(12)
    head = {"type": SEALED_TYPE, "kind": kind, "scrypt": _COST, "salt": salt.hex(), "nonce": nonce.hex()}
    sealed = AESGCM(_stretched(passphrase, salt, _COST)).encrypt(nonce, secret, _spelled(head))
    write_once(target, _spelled({**head, "sealed": sealed.hex()}))


def write_once(target: Path, content: bytes) -> None:
    """Write a file that only its owner reads, whole or not at all. Raises FileExistsError."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}.{os.urandom(4).hex()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, target)
    finally:
        fresh.unlink()


def read_sealed(source: Path, *, kind: str, passphrase: str) -> bytes:
    """Return the secret of a file. Raises KeyFileRefused."""
    try:
        document = json.loads(source.read_bytes())
        sealed = bytes.fromhex(document.pop("sealed"))
        if (document["type"], document["kind"], document["scrypt"]) != (SEALED_TYPE, kind, _COST):
            raise KeyFileRefused
        key = _stretched(passphrase, bytes.fromhex(document["salt"]), _COST)
        return AESGCM(key).decrypt(bytes.fromhex(document["nonce"]), sealed, _spelled(document))
    except (ValueError, LookupError, TypeError, AttributeError, InvalidTag) as error:
        raise KeyFileRefused from error


def _stretched(passphrase: str, salt: bytes, cost: Mapping[str, int]) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost["n"], r=cost["r"], p=cost["p"]).derive(passphrase.encode())


def _spelled(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
