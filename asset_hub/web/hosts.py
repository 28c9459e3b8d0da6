"""Under which names this site may be asked: a stranger's name that leads to this machine is not one of them.

Without this, a page of another site could let its own name lead here (DNS rebinding) and would then be the same site
for the browser, demo accounts included.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import Request

from asset_hub.core.errors import AssetHubError
from asset_hub.core.settings import Settings
from asset_hub.core.text import N_

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class UnknownHost(AssetHubError):
    """A request for a name that this site was not told it has (RFC 9110, 15.5.20)."""

    slug, title, status = "unknown-host", N_("This site is not known under this address"), 421


def known_hosts(settings: Settings, listens: Iterable[str] = ()) -> frozenset[str]:
    """Return the names a request may ask for: loopback, what the server was told to listen on, what settings name."""
    told = (settings.public_url, *settings.hosts.split(","), *listens)
    return _LOOPBACK | {host for text in told if (host := _name(text.strip()))}


def require_known_host(request: Request, known: frozenset[str]) -> None:
    """Raise UnknownHost unless the request asks for a known name, or for the very address it came in on."""
    asked = request.headers.get("host", "")
    host = _name(asked)
    if not host or (host not in known and not _is_own_address(host, request)):
        raise UnknownHost(
            N_(
                "“{host}” is not a name of this site. Whoever runs it names it with ASSET_HUB_PUBLIC_URL, "
                "further names with ASSET_HUB_HOSTS."
            ),
            host=asked[:200],
        )


def _name(text: str) -> str:
    """Return the name in an address, with or without scheme and port; nothing for what is no address."""
    try:
        return (urlsplit(text if "//" in text else f"//{_bracketed(text)}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _bracketed(text: str) -> str:
    return f"[{text}]" if text.count(":") > 1 and not text.startswith("[") else text


def _is_own_address(host: str, request: Request) -> bool:
    """An address in figures needs no name service, so nobody can let it lead elsewhere."""
    server = request.scope.get("server") or ("", None)
    try:
        return ip_address(host) == ip_address(server[0])
    except ValueError:
        return False
