"""Reasons kept in the database so that they can be said in any language later, also a reason inside a reason."""

from collections.abc import Mapping
from typing import Any

from asset_hub.core.errors import AssetHubError
from asset_hub.core.text import Text


def describe_reason(error: AssetHubError) -> dict[str, object]:
    """Keep a refusal so that it can be translated later."""
    return {"slug": error.slug, "title": error.title, **_keep(error.text)}


def read_reason(kept: Mapping[str, Any]) -> Text:
    """Return what a kept reason says, still to be translated."""
    params = {key: read_reason(value) if isinstance(value, dict) else value for key, value in kept["params"].items()}
    return Text(kept["message"], params)


def _keep(text: Text) -> dict[str, object]:
    params = {key: _keep(value) if isinstance(value, Text) else str(value) for key, value in text.params.items()}
    return {"message": text.message, "params": params}
