"""Finding something to put into a catalogue: by its number, a pasted address, or a word of its description.

Full search lives above this package; the page links to it, and an address copied from there is understood here.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote
from uuid import UUID

from asset_hub.accounts import Actor
from asset_hub.catalogue import AssetState, AssetView, PartLevel, PartView, get_asset, list_assets
from asset_hub.core.db import ReadSession
from asset_hub.curation.errors import ItemNotFound

PAGE = 24
_LOOKED_AT, _MOST = 100, 1000
_ELEMENTS = ("title", "alternative", "date", "district", "place", "people", "creator", "subject", "theme")
_ADDRESS = re.compile(r"(?:https?://[^/\s]+)?/assets/([^/?#\s]+)[^?#\s]*(?:\?([^#\s]*))?(?:#(\S*))?")
_MOMENT = re.compile(r"(?:^|&)t=(\d{1,7}(?:\.\d{1,6})?)(?:&|$)")


@dataclass(frozen=True, slots=True)
class Picks:
    """Some published assets, and the token of where to look on; None when everything was looked at."""

    assets: tuple[AssetView, ...]
    after: str | None

    @staticmethod
    def shots(asset: AssetView) -> list[PartView]:
        return [part for part in asset.parts if part.level == PartLevel.SHOT]


def find_to_pick(session: ReadSession, *, text: str, after: str | None, by: Actor, now: datetime) -> Picks:
    """Return published assets whose number or description has every word of `text`, newest first.

    Looks at a thousand assets at most and then lets the reader go on. Raises BadPageToken.
    """
    words = text.casefold().split()
    found: list[AssetView] = []
    for _ in range(_MOST // _LOOKED_AT):
        size = _LOOKED_AT if words else PAGE
        page = list_assets(session, state=AssetState.PUBLISHED, after=after, size=size, by=by, now=now)
        found += [asset for asset in page.assets if _has(asset, words)]
        after = page.after
        if after is None or len(found) >= PAGE:
            break
    return Picks(tuple(found), after)


def read_reference(text: str) -> tuple[str, float | None]:
    """Return the asset's number and the second in the film that somebody typed or pasted."""
    pasted = _ADDRESS.fullmatch(text.strip())
    if pasted is None:
        return text.strip()[:100], None
    number, query, fragment = pasted.groups()
    moment = _MOMENT.search(fragment or "") or _MOMENT.search(query or "")
    return unquote(number)[:100], float(moment[1]) if moment else None


def shot_at(session: ReadSession, *, asset_id: UUID, seconds: float, by: Actor, now: datetime) -> UUID:
    """Return the shot that is on screen at that second. Raises AssetNotFound, ItemNotFound."""
    asset = get_asset(session, asset_id=asset_id, by=by, now=now)
    for shot in Picks.shots(asset):
        if shot.rate is not None and shot.start_ms <= round(seconds * 1000) < shot.rate.to_ms(shot.span.end):
            return shot.id
    raise ItemNotFound


def _has(asset: AssetView, words: list[str]) -> bool:
    said = " ".join([asset.number, *(value.value for value in asset.values if value.element in _ELEMENTS)]).casefold()
    return all(word in said for word in words)
