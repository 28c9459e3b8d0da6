"""Opaque page tokens: a JSON list of the last row's sort values."""

import base64
import binascii
import json

from asset_hub.core.errors import BadInput
from asset_hub.core.text import N_


class BadPageToken(BadInput):
    """A page token that this system did not make."""

    slug, title = "bad-page-token", N_("This page address is not valid")


def encode_cursor(*values: str | int | None) -> str:
    """Return a URL-safe token for the sort values of the last row shown."""
    return base64.urlsafe_b64encode(json.dumps(values, ensure_ascii=False).encode()).decode().rstrip("=")


def decode_cursor(token: str, *, length: int) -> list[str | int | None]:
    """Undo `encode_cursor`. Raises BadPageToken when it is not ours or has another number of values."""
    try:
        values = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise BadPageToken from error
    if not isinstance(values, list) or len(values) != length or not all(_is_plain(value) for value in values):
        raise BadPageToken
    return values


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int)
