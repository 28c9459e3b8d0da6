"""The secret of a home, from which its keys come: a file of its owner, plain (secret.key) or sealed (secret.sealed)."""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from asset_hub.core.errors import NotFound, RuleRefused
from asset_hub.core.sealed import KeyFileRefused, read_passphrase, read_sealed, write_once, write_sealed
from asset_hub.core.text import N_

PLAIN_NAME, SEALED_NAME = "secret.key", "secret.sealed"
_KIND = "home"
_BYTES = 32


class NoSecret(NotFound):
    """There is no secret file of this kind in the home."""

    slug, title = "no-home-secret", N_("This home has no secret to seal or unseal")


class SecretLost(RuleRefused):
    """A home that has a database has no secret: a new one would fit none of its keys."""

    slug, title = "home-secret-lost", N_("This home has a database but no secret.key: bring it back from a backup")


class SecretDamaged(RuleRefused):
    """The secret's file is empty, cut or something else."""

    slug, title = "home-secret-damaged", N_("The home's secret.key is damaged: it holds 64 hexadecimal digits")


def read_home_secret(home: Path, *, environ: Mapping[str, str]) -> bytes:
    """Return a home's secret; a home without one gets it, plain. A sealed one raises NoPassphrase, KeyFileRefused."""
    plain = home / PLAIN_NAME
    if not plain.exists():
        if (home / SEALED_NAME).exists():
            return read_sealed(home / SEALED_NAME, kind=_KIND, passphrase=read_passphrase(environ))
        if (home / "asset_hub.db").exists():
            raise SecretLost
        home.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):  # of two processes that start at once, one key wins
            write_once(plain, secrets.token_hex(_BYTES).encode())
    return _read_plain(plain)


def _read_plain(path: Path) -> bytes:
    """Return the secret of a plain file. Raises SecretDamaged: keys made of less than all of it would be guessed."""
    text = path.read_text(encoding="ascii", errors="replace").strip()
    if len(text) != 2 * _BYTES or set(text) - set("0123456789abcdef"):
        raise SecretDamaged
    return bytes.fromhex(text)


def seal_home(home: Path, *, passphrase: str) -> None:
    """Put the secret under a passphrase and remove the plain file. Safe to run again after it was interrupted.

    Raises NoSecret, KeyFileRefused where a sealed file is there that this passphrase does not open to the same secret.
    """
    plain, sealed = home / PLAIN_NAME, home / SEALED_NAME
    if not plain.exists():
        raise NoSecret
    secret = _read_plain(plain)
    if not sealed.exists():
        write_sealed(sealed, secret, kind=_KIND, passphrase=passphrase)
    if read_sealed(sealed, kind=_KIND, passphrase=passphrase) != secret:
        raise KeyFileRefused
    plain.unlink()


def unseal_home(home: Path, *, passphrase: str) -> None:
    """Write the secret plainly again and remove the sealed file. Raises NoSecret, KeyFileRefused."""
    plain, sealed = home / PLAIN_NAME, home / SEALED_NAME
    if not sealed.exists():
        raise NoSecret
    secret = read_sealed(sealed, kind=_KIND, passphrase=passphrase)
    if not plain.exists():
        write_once(plain, secret.hex().encode())
    if _read_plain(plain) != secret:
        raise KeyFileRefused
    sealed.unlink()
