"""Reasons kept in the database so that they can be said in any language later, also a reason inside a reason."""

from collections.abc import Mapping
from typing import Any

from asset_hub.core.errors import AssetHubError
from asset_hub.core.text import N_, Text

_OWN_WORDS: Mapping[str, str] = {
    "It could not be read: {reason}": N_("It could not be read: it is damaged, or not what its name says."),
    "It ends too early: {reason}": N_("It ends too early: a part of the file is missing."),
    "No decoder for it: {reason}": N_("Nothing here can decode this format."),
    "The decoder's limit: {reason}": N_("It goes beyond what is decoded here."),
}


def describe_reason(error: AssetHubError) -> dict[str, object]:
    """Keep a refusal so that it can be translated later."""
    return {"slug": error.slug, "title": error.title, **_keep(error.text)}


def read_reason(kept: Mapping[str, Any]) -> Text:
    """Return what a kept reason says, still to be translated."""
    params = {key: read_reason(value) if isinstance(value, dict) else value for key, value in kept["params"].items()}
    return Text(kept["message"], params)


def split_reason(reason: Text) -> tuple[Text, str]:
    """Return our own sentence for a reason, and apart from it the raw words of the tool that failed, if any."""
    if reason.message in _OWN_WORDS and "reason" in reason.params:
        return Text(_OWN_WORDS[reason.message]), str(reason.params["reason"])
    raw, params = "", dict(reason.params)
    for key, value in reason.params.items():
        if isinstance(value, Text):
            params[key], found = split_reason(value)
            raw = raw or found
    return Text(reason.message, params), raw


def _keep(text: Text) -> dict[str, object]:
    params = {key: _keep(value) if isinstance(value, Text) else str(value) for key, value in text.params.items()}
    return {"message": text.message, "params": params}
